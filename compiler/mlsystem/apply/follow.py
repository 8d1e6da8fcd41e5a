"""A log as it is written."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from mlsystem.errors import MlsystemError

PAUSE_SECONDS = 0.2


def follow(find: Callable[[], Path], lines: int) -> Iterator[str]:
    """The last `lines` lines of the log at `find()`, then every line when it is whole, without end: also where the log
    is rotated or cut off, and where `find` names another one by then. Raises what `find` raises the first time."""
    file, rest = _opened(find()), b""
    try:
        kept = deque(file, maxlen=lines)
        if kept and not kept[-1].endswith(b"\n"):
            rest = kept.pop()
        yield from (_text(line.removesuffix(b"\n")) for line in kept)
        while True:
            successor = _successor(file, find)  # before the last look: nothing comes to the old one after it
            *whole, rest = (rest + file.read()).split(b"\n")
            yield from map(_text, whole)
            if successor is not None:
                if rest:
                    yield _text(rest)
                file.close()
                file, rest = successor, b""
            elif os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
                rest = b""
            else:
                time.sleep(PAUSE_SECONDS)
    finally:
        file.close()


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb")


def _successor(file: BinaryIO, find: Callable[[], Path]) -> BinaryIO | None:
    """The log that is written now, if that is another file; amid a rotation there may be none for a moment."""
    try:
        path = find()
        if os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return None
        return _opened(path)
    except (FileNotFoundError, MlsystemError):
        return None


def _text(line: bytes) -> str:
    return line.decode(errors="replace")
