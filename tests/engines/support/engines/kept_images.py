"""Images that are kept below the cache from one run of the tests to the next, while their libraries stay the same."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from engines.recipes import cache_folder

REQUIREMENTS = Path(__file__).resolve().parents[4] / "templates" / "images"
KEPT = ("image-storage", "node-images", "node-registry")


def forget_outdated() -> None:
    """Other libraries lie beside those of before, not in their place: three times 7 GB more at each change."""
    mark, made_of = cache_folder() / "images-made-of", digest_of_requirements()
    if mark.exists() and mark.read_text() == made_of:
        return
    for name in KEPT:
        shutil.rmtree(cache_folder() / name, ignore_errors=True)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(made_of)


def digest_of_requirements() -> str:
    return hashlib.sha256(b"".join(one.read_bytes() for one in sorted(REQUIREMENTS.glob("*.txt")))).hexdigest()
