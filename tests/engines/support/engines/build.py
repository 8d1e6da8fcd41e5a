"""`python -m engines.build [NAME...]`: builds the engines that are named, or all, and keeps what is built already.

Ends with 1 when an engine could not be built; the others are built all the same.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.recipes import (
    RECIPES,
    SOURCES,
    Manifests,
    Program,
    Recipe,
    cache_folder,
    folder,
    is_built,
    missing,
    recipe,
)
from engines.scratch_image import write_image

PAUSE = "registry.local/pause:1"
GO_IS_ABSENT = "Go is not here: it is on PATH as `go` where the engines can be built (1.26 or newer)"


class BuildError(Exception):
    """An engine cannot be built here; the message says why."""


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - {one.name for one in RECIPES})
    if unknown:
        say(f"no such engine: {', '.join(unknown)}; there are {', '.join(one.name for one in RECIPES)}")
        return 2
    wanted = [recipe(name) for name in names] or list(RECIPES)
    return 1 if sum(not built(one) for one in wanted) else 0


def built(one: Recipe) -> bool:
    """False, with the reason told, when `one` could not be built."""
    if is_built(one.name):
        say(f"{one.name}: up to date")
        return True
    try:
        with alone():
            say(f"{one.name}: building {one.title}")
            start = time.monotonic()
            build(one)
    except BuildError as error:
        say(f"{one.name}: not built: {error}")
        return False
    say(f"{one.name}: built in {time.monotonic() - start:.0f} s")
    return True


@contextmanager
def alone() -> Iterator[None]:
    """One build at a time on a machine: each of them takes all cores."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(one: Recipe) -> None:
    """Complete in its place, or not there at all."""
    install(missing(one))
    if is_built(one.name):
        return
    for killed in cache_folder().glob(f"{one.name}.*"):
        shutil.rmtree(killed)
    partial = Path(tempfile.mkdtemp(prefix=f"{one.name}.", dir=cache_folder()))
    try:
        for package in one.unpacked:
            unpack(package, partial)
        flags = restored(one, partial / "source")
        for program in one.programs:
            compile_program(one, program, partial / "bin", flags)
        shutil.rmtree(partial / "source", ignore_errors=True)
        for manifests in one.manifests:
            copy_manifests(one, manifests, partial / "manifests" / manifests.name)
        if one.name == "node":
            write_image(partial / "pause.tar", PAUSE, partial / "bin" / "pause", "65535:65535")
        partial.chmod(0o755)
        partial.rename(folder(one.name))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def restored(one: Recipe, place: Path) -> list[str]:
    """Flags with which its modules have the links that they lost: they are built from copies below `place`."""
    if not one.links:
        return []
    replacements = ""
    for number, link in enumerate(one.links):
        copy = place / str(number)
        shutil.copytree(module_folder(one, link.module), copy, copy_function=shutil.copyfile)
        for inner in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
            inner.chmod(0o755)  # those of the module cache are read-only
        (copy / link.path).symlink_to(link.target)
        replacements += f"replace {link.module} => {copy}\n"
    (place / "go.mod").write_text(f"{(SOURCES / one.name / 'go.mod').read_text()}\n{replacements}")
    shutil.copy(SOURCES / one.name / "go.sum", place / "go.sum")
    return [f"-modfile={place / 'go.mod'}"]


def compile_program(one: Recipe, program: Program, programs: Path, flags: list[str]) -> None:
    programs.mkdir(exist_ok=True)
    stamps = " ".join(f"-X {name}={value}" for name, value in program.stamps)
    linker = f"-s -w {stamps}".strip()
    go("build", *flags, "-ldflags", linker, "-o", str(programs / program.name), program.package, of=one)
    for link in program.links:
        (programs / link).symlink_to(program.name)


def copy_manifests(one: Recipe, manifests: Manifests, target: Path) -> None:
    """Only objects: what Kustomize reads stays behind."""
    target.mkdir(parents=True)
    for path in sorted((module_folder(one, manifests.module) / manifests.folder).glob("*.yaml")):
        if path.name != "kustomization.yaml":
            (target / path.name).write_text(path.read_text())


def module_folder(one: Recipe, module: str) -> Path:
    go("mod", "download", module, of=one)
    return Path(json.loads(go("list", "-m", "-json", module, of=one))["Dir"])


def go(*arguments: str, of: Recipe) -> str:
    """Modules come from the proxy only, never from where their sources live, and are those of go.sum."""
    if shutil.which("go") is None:
        raise BuildError(GO_IS_ABSENT)
    proxy = run(["go", "env", "GOPROXY"]).strip().removesuffix(",direct")
    environment = {"GOPROXY": proxy, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    return run(["go", *arguments], cwd=SOURCES / of.name, environment=environment)


def install(packages: list[str]) -> None:
    if not packages:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise BuildError(f"install {' '.join(packages)} first: that takes root and apt-get")
    say(f"  installing {' '.join(packages)}")
    run(["apt-get", "update", "-qq"])
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: no service is started
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment=quiet)


def unpack(package: str, target: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise BuildError(f"the Debian package {package} is unpacked with apt-get and dpkg, which are not here")
    if "Candidate: (none)" in (policy := run(["apt-cache", "policy", package])) or not policy:
        run(["apt-get", "update", "-qq"])
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)  # apt fetches as a user of its own
        run(["apt-get", "download", "-qq", package], cwd=Path(place))
        run(["dpkg", "-x", str(next(Path(place).glob("*.deb"))), str(target)])
    (target / "bin").mkdir(exist_ok=True)
    for program in (target / "usr" / "bin").iterdir():
        (target / "bin" / program.name).symlink_to(f"../usr/bin/{program.name}")


def run(command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    finished = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode:
        last = "\n".join(finished.stderr.splitlines()[-15:])
        raise BuildError(f"`{' '.join(command)}` ended with {finished.returncode}:\n{last}")
    return finished.stdout


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
