"""Generated files by what they are about, whichever of the printers wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mlsystem.plan.change import AnyFileChange, FileAdded, FileRemoved

VENDORED = "images/runtime/"
HASHED = re.compile(r"-[0-9a-f]{8}(?=\.[a-z]+$)")
"""At the end of the name of what is never changed, only replaced by another."""


class Moved(NamedTuple):
    """A file that differs; `old` or `new` is None where there is none. Two paths: the same under another hash."""

    old: str | None
    new: str | None

    @property
    def path(self) -> str:
        return self.new or self.old or ""

    @property
    def sign(self) -> str:
        return "+" if self.old is None else "−" if self.new is None else "~"  # noqa: RUF001


def moved(changes: Iterable[AnyFileChange]) -> Iterator[Moved]:
    """Sorted by path; a file that goes and one that comes under the same name but its hash are one."""
    listed = tuple(changes)
    gone = {HASHED.sub("", one.path): one.path for one in listed if isinstance(one, FileRemoved)}
    come = {HASHED.sub("", one.path): one.path for one in listed if isinstance(one, FileAdded)}
    pairs = {come[stem]: path for stem, path in gone.items() if stem in come}
    paired = set(pairs.values())
    for one in sorted(listed, key=lambda change: change.path):
        if isinstance(one, FileAdded):
            yield Moved(pairs.get(one.path), one.path)
        elif not isinstance(one, FileRemoved):
            yield Moved(one.path, one.path)
        elif one.path not in paired:
            yield Moved(one.path, None)


def concern(path: str) -> str:
    """`manifests/server/…` and `pulumi/system/server.py` are both about the server."""
    first, *rest = path.split("/")
    if path.startswith(VENDORED):
        return "the runtime's source in images"
    if first == "manifests" and len(rest) > 1:
        return _words(rest[0])
    if first == "pulumi" and len(rest) > 1:
        name = rest[1].removesuffix(".py").strip("_")
        return _words(name if rest[0] == "system" else f"{rest[0]}: {name}")
    return {"contract": "what processes are told", "pipelines": "pipeline", "pulumi": "program"}.get(first, first)


def _words(name: str) -> str:
    return name.replace("_", " ")
