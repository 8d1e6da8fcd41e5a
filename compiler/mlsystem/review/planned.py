"""A plan on its way from job to job: which one, where it came from, and what reviewers were shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Plan, load_plan, save_plan
from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.workspace import write_atomically


class Planned(Struct):
    """What stands beside a saved plan. `reviewed`: it is the one that stood in the pull request, byte for byte.
    `reasons` say why it is not; none where there was none to compare it with."""

    system: str
    environment: str
    digest: str
    headline: str
    empty: bool
    drifted: bool
    reviewed: bool = False
    reasons: tuple[str, ...] = ()
    pull_request: int | None = None


class Shown(Struct):
    """One environment of a review; `planned` and `markdown` None where its job failed."""

    environment: str
    planned: Planned | None = None
    markdown: str = ""


def write_planned(file: Path, plan: Plan, planned: Planned, markdown: str) -> None:
    """`ENV.json` is what `mlsystem apply` takes; what stands beside it, for people and for later jobs, is named like
    it."""
    write_atomically(file, save_plan(plan))
    write_atomically(beside(file, "review.json"), pretty_json(planned))
    write_atomically(beside(file, "md"), markdown)


def read_planned(file: Path) -> tuple[Plan, Planned]:
    """Raises MlsystemError where they do not belong together."""
    plan = load_plan(file)
    try:
        planned = msgspec.json.decode(beside(file, "review.json").read_bytes(), type=Planned)
    except (OSError, msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MlsystemError(f"what {file} came from cannot be read: {error}", "run all jobs again") from error
    if planned.digest != plan.digest:
        raise MlsystemError(f"{file} is not the plan {planned.digest}", "run all jobs again")
    return plan, planned


def read_shown(files: Iterable[Path]) -> Iterator[Shown]:
    """An environment whose plan is not there has none: its job failed."""
    for file in files:
        if file.exists():
            yield Shown(file.stem, read_planned(file)[1], beside(file, "md").read_text(encoding="utf-8"))
        else:
            yield Shown(file.stem)


def beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.stem}.{ending}")
