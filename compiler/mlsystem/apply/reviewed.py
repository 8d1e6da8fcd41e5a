"""What a review needs beside the plan: files as they were applied, and the spec as it was before the change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlsystem.apply.committed import committed_folder, read_record
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Diagnostic, Report
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Plan
from mlsystem.plan.review import Finding, Review
from mlsystem.plan.upgrade import Base, file_changes
from mlsystem.state.manifest import Manifest


class Before:
    """A spec as it was, in another checkout; `compiled` None where this version refuses it, or the environment is
    new."""

    def __init__(self, spec: Path, environment: str, environ: Mapping[str, str]) -> None:
        if not spec.is_file():
            raise MlsystemError(f"there is no {spec}", "name the folder that the file was in: --base FOLDER")
        self.folder = committed_folder(spec, environment)
        self.compiled = compile_system(spec, environment, environ, Report())

    @property
    def base(self) -> Base | None:
        if self.compiled is None:
            return None
        record = read_record(self.folder)
        return Base(desired_of(self.compiled), {} if record is None else record.files)


def review_of(
    plan: Plan,
    compiled: Compiled,
    manifest: Manifest | None,
    folders: Sequence[Path],
    before: Before | None = None,
    saved: str | None = None,
    link: str | None = None,
) -> Review:
    """`folders` are where files may lie as they were applied; each is believed by its digest alone."""
    changed = {change.path for change in file_changes(plan.changes)}
    applied = {} if manifest is None else manifest.files
    places = [*folders, *([] if before is None else [before.folder])]
    both = set() if plan.upgrade is None else set(plan.upgrade.both)
    known = None if before is None else before.compiled
    return Review(
        before=dict(_applied(sorted(changed & applied.keys()), applied, places)),
        after={one.path: one.content for one in compiled.tree if one.path in changed},
        meant={} if known is None else {one.path: one.content for one in known.tree if one.path in both},
        findings=tuple(_finding(one) for one in compiled.warnings),
        saved=saved,
        link=link,
    )


def _applied(paths: Sequence[str], digests: Mapping[str, str], folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for folder in folders:
            try:
                data = (folder / path).read_bytes()
            except OSError:
                continue
            if hashlib.sha256(data).hexdigest() == digests[path]:
                yield path, data.decode()
                break


def _finding(one: Diagnostic) -> Finding:
    place = None if one.span is None else f"{Path(one.span.file).name}:{one.span.line}"
    return Finding(one.code, one.message, place, one.help)
