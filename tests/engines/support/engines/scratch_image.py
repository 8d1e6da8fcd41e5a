"""An OCI archive that holds programs and nothing else: an image without a base and without a builder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

MEDIA = "application/vnd.oci.image."
PLATFORM = {"architecture": "amd64", "os": "linux"}


def write_image(archive: Path, name: str, program: Path, user: str = "", *more: Path) -> None:
    """`name` is NAME:TAG; the program lies at the root, under its own name, and is the entry point; beside it lie
    `more` programs, and in their own places the libraries that they need. `user` is UID:GID."""
    programs = (program, *more)
    files = {one.name: one.read_bytes() for one in programs}
    files |= {str(path).lstrip("/"): path.read_bytes() for one in programs for path in libraries(one)}
    layer = tar_of(files, 0o755, ("tmp",))
    packed = gzip.compress(layer, 1, mtime=0)
    settings = {"User": user, "Entrypoint": [f"/{program.name}"], "Env": ["PATH=/"]}
    config = {**PLATFORM, "config": settings, "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}
    blobs = {digest(packed): packed}

    def describe(kind: str, data: bytes, **more: object) -> dict[str, object]:
        blobs[digest(data)] = data
        return {"mediaType": MEDIA + kind, "digest": digest(data), "size": len(data), **more}

    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}manifest.v1+json",
        "config": describe("config.v1+json", as_json(config)),
        "layers": [describe("layer.v1.tar+gzip", packed)],
    }
    names = {"io.containerd.image.name": name}
    entry = describe("manifest.v1+json", as_json(manifest), platform=PLATFORM, annotations=names)
    index = {"schemaVersion": 2, "mediaType": f"{MEDIA}index.v1+json", "manifests": [entry]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": as_json(index)}
    files |= {f"blobs/sha256/{key.removeprefix('sha256:')}": data for key, data in blobs.items()}
    archive.write_bytes(tar_of(files, 0o644))


def libraries(program: Path) -> list[Path]:
    """Of a program that is linked dynamically, its loader too; of a static one, none."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(word) for line in said.splitlines() for word in line.split() if word.startswith("/")]


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def tar_of(files: dict[str, bytes], mode: int, folders: tuple[str, ...] = ()) -> bytes:
    """Everybody may write in `folders`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
