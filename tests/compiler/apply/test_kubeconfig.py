"""Which API server a kubeconfig means, and who asks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml

from mlsystem.apply.kubeconfig import access
from mlsystem.errors import MlsystemError


def kubeconfig(place: Path, user: dict[str, Any], **more: Any) -> dict[str, str]:
    """Written to `place`; the environment that names it."""
    contexts = [{"name": name, "context": {"cluster": name, "user": "me"}} for name in ("staging", "live")]
    clusters = [
        {"name": name, "cluster": {"server": f"https://{name}.example.com:6443/"}} for name in ("staging", "live")
    ]
    written = {"current-context": "staging", "contexts": contexts, "clusters": clusters,
               "users": [{"name": "me", "user": user}], **more}  # fmt: skip
    place.write_text(yaml.safe_dump(written))
    return {"KUBECONFIG": str(place), "PATH": "/usr/bin:/bin"}


def test_the_current_context_is_meant_where_none_is_named(tmp_path: Path) -> None:
    environ = kubeconfig(tmp_path / "config", {"token": "secret"})

    current, named = access(None, environ), access("live", environ)

    assert (current.server, named.server) == ("https://staging.example.com:6443", "https://live.example.com:6443")
    assert current.headers == {"Authorization": "Bearer secret"}


def test_a_context_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    environ = kubeconfig(tmp_path / "config", {"token": "secret"})

    with pytest.raises(MlsystemError, match="no context 'lives'") as refused:
        access("lives", environ)

    assert refused.value.hint == "it has: live, staging"


def test_of_several_files_the_first_that_has_it_counts(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", {"token": "one"}, contexts=[], clusters=[])["KUBECONFIG"]
    second = kubeconfig(tmp_path / "second", {"token": "two"})["KUBECONFIG"]

    found = access(None, {"KUBECONFIG": f"{first}:{second}"})

    assert found.headers == {"Authorization": "Bearer one"}
    assert found.server == "https://staging.example.com:6443"


def test_a_token_may_stand_in_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")

    found = access(None, kubeconfig(tmp_path / "config", {"tokenFile": "token"}))

    assert found.headers == {"Authorization": "Bearer secret"}


def test_a_program_logs_in(tmp_path: Path) -> None:
    answer = '{"status": {"token": "from a program"}}'
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "echo", "args": [answer]}

    found = access(None, kubeconfig(tmp_path / "config", {"exec": command}))

    assert found.headers == {"Authorization": "Bearer from a program"}


def test_a_program_that_cannot_log_in_says_why(tmp_path: Path) -> None:
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "echo no >&2; exit 1"]}

    with pytest.raises(MlsystemError, match="says: no"):
        access(None, kubeconfig(tmp_path / "config", {"exec": command}))


def test_without_a_kubeconfig_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="there is no kubeconfig"):
        access(None, {"HOME": str(tmp_path)})


def test_without_a_kubeconfig_a_pod_asks_its_own_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "ca.crt").write_text(Path(certifi.where()).read_text())
    (account / "token").write_text("secret\n")
    monkeypatch.setattr("mlsystem.apply.kubeconfig.ACCOUNT", account)

    found = access(None, {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "fd00::1"})

    assert found.server == "https://[fd00::1]:443"
    assert found.headers == {"authorization": "Bearer secret"}
