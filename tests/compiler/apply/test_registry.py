"""What a registry is asked, and with which login."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from oci_registry import PASSWORD, USER, StoredRegistry, login_file, oci_registry

from mlsystem.apply.registry import Reference, RemoteRegistry
from mlsystem.errors import MlsystemError

Start = Callable[[StoredRegistry], StoredRegistry]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda registry: stack.enter_context(oci_registry(registry))


def asking(home: Path, **environ: str) -> RemoteRegistry:
    return RemoteRegistry({"HOME": str(home), "PATH": str(home), **environ})


def logged_in(home: Path, host: str) -> RemoteRegistry:
    place = home / "auth.json"
    place.write_text(login_file(host))
    return asking(home, REGISTRY_AUTH_FILE=str(place))


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("python:3.11", ("docker.io", "library/python", "3.11")),
        ("docker.io/library/python", ("docker.io", "library/python", "latest")),
        ("bitnami/redis:7", ("docker.io", "bitnami/redis", "7")),
        ("localhost/python:3.11", ("localhost", "python", "3.11")),
        ("registry.example.com:5000/ml/a/server:sha256-1", ("registry.example.com:5000", "ml/a/server", "sha256-1")),
        ("registry.example.com/a:1@sha256:ab", ("registry.example.com", "a", "sha256:ab")),
    ],
)
def test_a_reference_is_read_as_container_tools_read_it(written: str, parts: tuple[str, str, str]) -> None:
    assert Reference.of(written) == Reference(*parts)


def test_only_registries_on_this_machine_are_spoken_to_without_tls() -> None:
    assert Reference.of("localhost:5000/a").manifest.startswith("http://localhost:5000/v2/")
    assert Reference.of("registry.example.com/a").manifest.startswith("https://registry.example.com/v2/")
    assert Reference.of("python:3").manifest.startswith("https://registry-1.docker.io/v2/library/python/")


def test_an_image_that_is_there_has_a_digest_and_one_that_is_not_has_none(start: Start, tmp_path: Path) -> None:
    stored = start(StoredRegistry())
    digest = stored.put("ml/server", "one", b"{}")
    registry = asking(tmp_path)

    assert registry.digest(f"{stored.host}/ml/server:one") == digest
    assert registry.digest(f"{stored.host}/ml/server@{digest}") == digest
    assert registry.digest(f"{stored.host}/ml/server:two") is None


def test_a_registry_may_leave_the_digest_out_of_its_headers(start: Start, tmp_path: Path) -> None:
    stored = start(StoredRegistry(tells_digest=False))
    digest = stored.put("ml/server", "one", b"{}")

    assert asking(tmp_path).digest(f"{stored.host}/ml/server:one") == digest


@pytest.mark.parametrize("login", ["basic", "token"])
def test_a_login_of_the_tools_is_used(start: Start, tmp_path: Path, login: str) -> None:
    stored = start(StoredRegistry(login="basic" if login == "basic" else "token"))
    digest = stored.put("ml/server", "one", b"{}")

    assert logged_in(tmp_path, stored.host).digest(f"{stored.host}/ml/server:one") == digest


def test_a_login_may_come_from_a_helper(start: Start, tmp_path: Path) -> None:
    stored = start(StoredRegistry(login="basic"))
    digest = stored.put("ml/server", "one", b"{}")
    helper = tmp_path / "docker-credential-cloud"
    helper.write_text(f"#!/bin/sh\necho '{{\"Username\": \"{USER}\", \"Secret\": \"{PASSWORD}\"}}'\n")
    helper.chmod(helper.stat().st_mode | stat.S_IEXEC)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(f'{{"credHelpers": {{"{stored.host}": "cloud"}}}}')

    assert asking(tmp_path).digest(f"{stored.host}/ml/server:one") == digest


@pytest.mark.parametrize("login", ["basic", "token"])
def test_without_a_login_the_message_says_how_to_get_one(start: Start, tmp_path: Path, login: str) -> None:
    stored = start(StoredRegistry(login="basic" if login == "basic" else "token"))

    with pytest.raises(MlsystemError) as caught:
        asking(tmp_path).digest(f"{stored.host}/ml/server:one")

    assert f"buildah login {stored.host}" in (caught.value.hint or "")


def test_a_registry_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match=r"registry 127\.0\.0\.1:1 does not answer"):
        asking(tmp_path).digest("127.0.0.1:1/ml/server:one")


def test_a_login_file_that_is_damaged_is_named(start: Start, tmp_path: Path) -> None:
    stored = start(StoredRegistry())
    place = tmp_path / "auth.json"
    place.write_text("{")

    with pytest.raises(MlsystemError, match=r"auth\.json is not JSON"):
        asking(tmp_path, REGISTRY_AUTH_FILE=str(place)).digest(f"{stored.host}/ml/server:one")
