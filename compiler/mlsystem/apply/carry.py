"""A rename changes the workspace before the steps run, and the manifest after: what is between can be taken back."""

from __future__ import annotations

from mlsystem.apply.engine import Engine
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.stages import CarryOver
from mlsystem.state.journal import CarriedBack, CarriedOver, Journal, Progress


def carry_over(stage: CarryOver, engine: Engine, journal: Journal) -> None:
    """Written down before it is begun, so that whatever was done of it can be taken back."""
    journal.write(CarriedOver(kind=stage.kind, old=stage.old, new=stage.new))
    engine.carry_over(stage.kind, stage.old, stage.new)


def carry_back(engine: Engine, journal: Journal, watch: Watch) -> bool:
    """Give what an apply renamed and did not commit the names that the manifest knows; whether there was any."""
    progress = journal.read()
    if progress is None or not progress.carried:
        return False
    if progress.running is not None:
        engine.settle(progress.running)
    for one in reversed(progress.carried):
        engine.carry_over(one.kind, one.new, one.old)
    journal.write(CarriedBack())
    watch(Says(f"takes back what was not finished: {_again(progress)}"))
    return True


def note_of(progress: Progress | None) -> str | None:
    """What a plan says about renames that were begun and neither finished nor taken back."""
    if progress is None or not progress.carried:
        return None
    return f"An apply was stopped amid renames; the next one goes on, or takes them back: {_again(progress)}."


def _again(progress: Progress) -> str:
    return ", ".join(f"{one.kind}.{one.new} is {one.kind}.{one.old} again" for one in progress.carried)
