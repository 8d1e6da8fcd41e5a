"""Where the value of a secret is found, and that a file that is replaced is noticed."""

from __future__ import annotations

import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import SECRET_FOLDER
from mlsystem_runtime.contract.secrets import FollowedSecret, has_value, secret


def test_a_secret_is_read_from_its_folder_first_then_from_the_environment(tmp_path):
    (tmp_path / "ALERT_URL").write_text("http://folder\n")

    assert secret("ALERT_URL", {"ALERT_URL": "http://environment", SECRET_FOLDER: str(tmp_path)}) == "http://folder"
    assert secret("ALERT_URL", {"ALERT_URL": "http://environment"}) == "http://environment"
    with pytest.raises(MlsystemError, match="ALERT_URL"):
        secret("ALERT_URL", {})


def test_a_secret_has_a_value_where_its_file_is_or_its_variable(tmp_path):
    (tmp_path / "FILED").write_text("value")
    environ = {"GIVEN": "value", "EMPTY": "", SECRET_FOLDER: str(tmp_path)}

    assert [has_value(name, environ) for name in ("FILED", "GIVEN", "EMPTY", "ABSENT")] == [True, True, False, False]


def test_a_replaced_file_is_noticed_and_read_once(tmp_path):
    (tmp_path / "TOKENS").write_text("first")
    followed = FollowedSecret("TOKENS", {SECRET_FOLDER: str(tmp_path)})
    followed.read()
    before = followed.changed()
    (tmp_path / "new").write_text("other")
    (tmp_path / "new").rename(tmp_path / "TOKENS")

    assert (before, followed.changed(), followed.read(), followed.changed()) == (False, True, "other", False)


def test_the_link_that_a_cluster_turns_is_followed(tmp_path):
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "TOKENS").write_text(version)
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "TOKENS").symlink_to("data/TOKENS")
    followed = FollowedSecret("TOKENS", {SECRET_FOLDER: str(tmp_path)})
    followed.read()
    (tmp_path / "turned").symlink_to("2")
    (tmp_path / "turned").rename(tmp_path / "data")

    assert followed.changed()
    assert followed.read() == "2"


def test_what_came_from_the_environment_never_changes():
    followed = FollowedSecret("TOKENS", {"TOKENS": "first"})

    assert followed.read() == "first"
    assert not followed.changed()


def test_a_file_that_is_no_text_is_refused_without_its_content(tmp_path):
    (tmp_path / "TOKENS").write_bytes(b"hunter2 \xff")

    with pytest.raises(MlsystemError, match="'TOKENS' cannot be read: UnicodeDecodeError") as refused:
        FollowedSecret("TOKENS", {SECRET_FOLDER: str(tmp_path)}).read()

    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__
