"""Which tool builds images here, and with which command lines."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mlsystem.apply.events import nobody
from mlsystem.apply.image_tool import Build, CommandTool, ToolName, find_tool, index_secrets
from mlsystem.errors import MlsystemError


def install(folder: Path, name: str, script: str = "exit 0") -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)


def recording(folder: Path, name: ToolName) -> CommandTool:
    """A tool whose program writes down what it is asked."""
    install(folder, name, f'echo "$@" >> {folder}/asked')
    return CommandTool(name, str(folder / name), folder / "logs", {"PATH": "/bin:/usr/bin"})


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def found(folder: Path) -> CommandTool:
    return find_tool(folder / "logs", {"PATH": str(folder)})


def test_the_first_tool_that_is_installed_is_used(tmp_path: Path) -> None:
    install(tmp_path, "docker")
    install(tmp_path, "podman")
    assert found(tmp_path).name == "podman"

    install(tmp_path, "buildah")
    assert found(tmp_path).name == "buildah"


def test_docker_is_used_only_where_its_daemon_answers(tmp_path: Path) -> None:
    install(tmp_path, "docker", "exit 1")
    with pytest.raises(MlsystemError, match="its daemon does not answer"):
        found(tmp_path)

    install(tmp_path, "docker")
    assert found(tmp_path).name == "docker"


def test_where_nothing_builds_images_the_message_names_what_would(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match="buildah is not installed, podman is not") as caught:
        found(tmp_path)

    assert "install buildah" in (caught.value.hint or "")


@pytest.mark.parametrize(("name", "pull"), [("buildah", "--pull-never "), ("podman", "--pull=never "), ("docker", "")])
def test_a_build_names_its_dockerfile_its_secrets_and_its_wheels(tmp_path: Path, name: ToolName, pull: str) -> None:
    build = Build(
        name="server", reference="registry.example.com/server:1", context=Path("/tree/images"),
        dockerfile="server/Dockerfile", arguments={"CONTEXT_DIGEST": "sha256:1"},
        secrets={"pip.conf": Path("/pip.conf")}, wheelhouse=Path("/wheels"),
    )  # fmt: skip
    recording(tmp_path, name).build(build, nobody)

    assert asked(tmp_path) == [
        f"build {pull}--file /tree/images/server/Dockerfile --tag registry.example.com/server:1 "
        "--build-arg CONTEXT_DIGEST=sha256:1 --secret id=pip.conf,src=/pip.conf "
        "--build-context wheelhouse=/wheels /tree/images"
    ]


@pytest.mark.parametrize(
    ("name", "reference", "command"),
    [
        ("buildah", "registry.example.com/server:1", "push registry.example.com/server:1"),
        ("buildah", "127.0.0.1:5000/server:1", "push --tls-verify=false 127.0.0.1:5000/server:1"),
        ("docker", "127.0.0.1:5000/server:1", "push 127.0.0.1:5000/server:1"),
    ],
)
def test_only_a_registry_on_this_machine_is_pushed_to_without_tls(
    tmp_path: Path, name: ToolName, reference: str, command: str
) -> None:
    recording(tmp_path, name).push(reference, nobody)

    assert asked(tmp_path) == [command]


def test_a_failed_build_says_what_the_tool_said(tmp_path: Path) -> None:
    install(tmp_path, "buildah", "echo no space left; exit 3")
    build = Build(name="server", reference="r/server:1", context=tmp_path, dockerfile="server/Dockerfile")

    with pytest.raises(MlsystemError, match=r"(?s)build server.*no space left"):
        CommandTool("buildah", str(tmp_path / "buildah"), tmp_path / "logs", {}).build(build, nobody)


def test_a_long_build_is_watched_to_its_end(tmp_path: Path) -> None:
    """Whoever watches hears from it as long as the pipe is open."""
    install(tmp_path, "buildah", "echo said; [ -p /proc/self/fd/3 ] || exit 1")
    CommandTool("buildah", str(tmp_path / "buildah"), tmp_path / "logs", {"PATH": "/bin:/usr/bin"}).pull("a", nobody)

    assert (tmp_path / "logs" / "pull-a.log").read_text() == "said\n"


def test_an_image_is_there_when_the_tool_says_so(tmp_path: Path) -> None:
    install(tmp_path, "buildah", '[ "$4" = here ]')
    tool = CommandTool("buildah", str(tmp_path / "buildah"), tmp_path / "logs", {})

    assert tool.has("here")
    assert not tool.has("elsewhere")


def test_pip_reaches_the_index_of_this_machine_inside_a_build(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.touch()
    environ = {"PIP_INDEX_URL": "https://index.example.com", "PIP_CERT": "/absent", "SSL_CERT_FILE": str(bundle)}
    secrets = index_secrets(environ, tmp_path)

    assert secrets == {"pip.conf": tmp_path / "pip.conf", "certificates": bundle}
    assert secrets["pip.conf"].read_text() == (
        "[global]\nindex-url = https://index.example.com\ncert = /run/secrets/certificates\n"
    )
    assert stat.S_IMODE(secrets["pip.conf"].stat().st_mode) == 0o600
