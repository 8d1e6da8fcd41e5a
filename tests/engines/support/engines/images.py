"""Images built for real: a base of Debian packages, storage of the tests' own, wheels of what is installed here."""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from engines.recipes import cache_folder

BASE = "localhost/python:3.11-bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STORAGE_CONF = '[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'


@dataclass(frozen=True)
class Storage:
    """Where buildah keeps images: a folder of the tests' own. `environ` makes any of its commands use it."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("STORAGE_", "BUILDAH_"))},
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }

    def buildah(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            ["buildah", *map(str, arguments)], env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, image: str, *command: str) -> str:
        """Standard output of a command in a container of `image`, as the image's user and with its environment."""
        container = self.buildah("from", "--pull-never", image)
        try:
            return self.buildah("run", container, "--", *command)
        finally:
            self.buildah("rm", container)


def new_storage(folder: Path) -> Storage:
    """Empty but for the base."""
    folder.mkdir(parents=True)
    storage = Storage(folder)
    (folder / "storage.conf").write_text(STORAGE_CONF.format(driver=driver(folder), folder=folder))
    storage.buildah("pull", f"oci-archive:{base_archive()}")
    return storage


def cached_storage() -> Storage:
    """Kept from one run of the tests to the next, for images whose libraries are gigabytes."""
    folder = cache_folder() / "image-storage"
    with alone(folder.parent):
        return Storage(folder) if (folder / "storage.conf").exists() else new_storage(folder)


def driver(folder: Path) -> str:
    """An overlay does not lie on an overlay."""
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder], capture_output=True, text=True, check=True
    ).stdout.strip()
    return "vfs" if kind == "overlayfs" else "overlay"


def base_archive() -> Path:
    """The image BASE: Debian's Python, as a stand-in for the one of a registry. Made once, in one or two minutes."""
    made = cache_folder() / "base-image" / "python-3.11-bookworm.tar"
    with alone(made.parent):
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=made.parent) as place:
                make_base(Path(place), made)
    return made


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process of this machine at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_base(place: Path, made: Path) -> None:
    storage = Storage(place)
    (place / "storage.conf").write_text(STORAGE_CONF.format(driver="vfs", folder=place))
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", place / "root"],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    shutil.rmtree(place / "root" / "var" / "cache" / "apt")
    container = storage.buildah("from", "scratch")
    storage.buildah("add", container, place / "root", "/")
    storage.buildah("config", "--env", f"PATH={PATH}", container)
    storage.buildah("commit", "--rm", container, f"oci-archive:{place}/image.tar:{BASE}")
    (place / "image.tar").rename(made)


def pack_wheel(name: str, folder: Path) -> str:
    """Makes a wheel in `folder` of a library that is installed here; returns its line in a lock file."""
    installed = distribution(name)
    plain = name.replace("-", "_")
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    path = folder / f"{plain}-{installed.version}-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in members(name).items():
            wheel.writestr(member, content)
            rows.writerow([member, f"sha256={encoded(content)}", len(content)])
        rows.writerow([f"{plain}-{installed.version}.dist-info/RECORD", "", ""])
        wheel.writestr(f"{plain}-{installed.version}.dist-info/RECORD", record.getvalue())
    return f"{name}=={installed.version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def members(name: str) -> Mapping[str, bytes]:
    files = distribution(name).files or []
    paths = [file for file in files if file.parts[0] != ".." and "__pycache__" not in file.parts]
    return {
        str(file): Path(str(file.locate())).read_bytes()
        for file in paths
        if file.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
    }


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
