"""What Pulumi's engine reports while it works, as values of ours."""

from __future__ import annotations

import re
import time
from typing import Any

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata

from mlsystem.apply.events import Says, StepBegins, StepEnds, StepProgresses, Watch
from mlsystem.apply.stack import StackPlace
from mlsystem.plan.preview import ObjectChange, Operation, Preview, field_changes

OPERATIONS: dict[OpType, Operation] = {
    OpType.CREATE: "create", OpType.UPDATE: "update", OpType.REPLACE: "replace", OpType.DELETE: "delete",
    OpType.DISCARD: "forget", OpType.IMPORT: "create",
}  # fmt: skip
OWN = ("pulumi:pulumi:Stack", "pulumi:providers:")
STEP = "stack"
PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "forget": "left there"}
COLOR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")


class Failures:
    """What went wrong, by object."""

    def __init__(self, place: StackPlace) -> None:
        self._place = place
        self._found: dict[str, list[str]] = {}

    def __call__(self, event: EngineEvent) -> None:
        said = event.diagnostic_event
        if said is None or said.severity != "error":
            return
        message = COLOR.sub("", said.message).strip()
        self._found.setdefault(said.urn or "", []).append(message)

    @property
    def of_objects(self) -> dict[str, list[str]]:
        """Without what is wrong with the engine itself: a plugin that is missing, a program that does not run."""
        return {urn: texts for urn, texts in self._found.items() if urn and "pulumi:pulumi:Stack" not in urn}

    def told(self, otherwise: str) -> tuple[str, str | None]:
        """(message, hint). Objects are named with the line of the spec that they come from."""
        mine = self.of_objects
        if not mine:
            texts = [text for found in self._found.values() for text in found]
            return (f"Pulumi could not do it: {'; '.join(texts) or otherwise}", None)
        message = "\n  ".join(self._line(urn, texts) for urn, texts in mine.items())
        return (
            f"{len(mine)} object{'s' if len(mine) > 1 else ''} could not be changed:\n  {message}",
            "what was changed stays; mend it and run `mlsystem apply` again, which goes on from there",
        )

    def _line(self, urn: str, texts: list[str]) -> str:
        kind, name = kind_and_name(urn)
        place = self._place.place(kind, name)
        return f"{f'{place}: ' if place else ''}{kind} {name}: {'; '.join(texts)}"


class PreviewCollector:
    """Gathers a preview from the events of one. `drift`: of a refresh."""

    def __init__(self, place: StackPlace, *, drift: bool = False) -> None:
        self.failures = Failures(place)
        self._place = place
        self._drift = drift
        self._changes: dict[tuple[str, str, str], ObjectChange] = {}
        self._unchanged = 0

    @property
    def preview(self) -> Preview:
        return Preview(tuple(one for _, one in sorted(self._changes.items())), self._unchanged)

    def __call__(self, event: EngineEvent) -> None:
        self.failures(event)
        reported = event.res_outputs_event if self._drift else event.resource_pre_event
        if reported is None or reported.metadata.type.startswith(OWN):
            return
        step = reported.metadata
        if step.op is OpType.SAME:
            self._unchanged += 1
        elif (change := object_change(step, self._place, drift=self._drift)) is not None:
            self._changes[change.kind, change.name, change.operation] = change


def object_change(step: StepEventMetadata, place: StackPlace, *, drift: bool) -> ObjectChange | None:
    operation = operation_of(step)
    if operation is None:
        return None
    kind, name = kind_and_name(step.urn)
    old: Any = step.old.inputs if step.old and step.old.inputs else {}
    new: Any = step.new.inputs if step.new and step.new.inputs else {}
    if drift:
        old = step.old.outputs if step.old and step.old.outputs else old
        new = step.new.outputs if step.new and step.new.outputs else new
    paths = set(step.detailed_diff or {}) or set(step.diffs or ())
    fields = tuple(field_changes(paths, old, new)) if operation in ("update", "replace") else ()
    because = tuple(sorted(step.keys or ())) if operation == "replace" else ()
    return ObjectChange(operation, kind, name, fields, because, place.origins.get((kind, name)))


class Progress:
    """Tells what is being done while it is."""

    def __init__(self, place: StackPlace, watch: Watch) -> None:
        self.failures = Failures(place)
        self._watch = watch
        self._began = time.monotonic()
        self._counts: dict[str, int] = {}
        self._done = self._started = 0
        watch(StepBegins(STEP, 1, 1))

    def __call__(self, event: EngineEvent) -> None:
        self.failures(event)
        if (begun := event.resource_pre_event) is not None and (told := told_of(begun.metadata)) is not None:
            self._started += 1
            self._watch(StepProgresses(STEP, self._done, max(self._started, 1), f"{told[0]} {told[1]}"))
        if (ended := event.res_outputs_event) is not None and (told := told_of(ended.metadata)) is not None:
            self._done += 1
            self._counts[told[0]] = self._counts.get(told[0], 0) + 1
            self._watch(Says(f"{told[1]}: {PAST[told[0]]}"))

    def finish(self) -> None:
        """It went well."""
        counted = ", ".join(f"{count} {PAST[name]}" for name, count in self._counts.items())
        seconds = time.monotonic() - self._began
        self._watch(StepEnds(STEP, "done" if counted else "unchanged", counted or "as it was", seconds))


def told_of(step: StepEventMetadata) -> tuple[Operation, str] | None:
    operation = operation_of(step)
    if operation is None or step.type.startswith(OWN):
        return None
    return operation, " ".join(kind_and_name(step.urn))


def operation_of(step: StepEventMetadata) -> Operation | None:
    """None for what changes nothing, and for the halves of a replacement."""
    if step.op is OpType.DELETE and step.old is not None and step.old.retain_on_delete:
        return "forget"
    return OPERATIONS.get(step.op)


def kind_and_name(urn: str) -> tuple[str, str]:
    """Of `urn:pulumi:STACK::PROJECT::PARENT$kubernetes:apps/v1:Deployment::NAME`."""
    _, _, kind, name = (urn.split("::", 3) + [""] * 4)[:4]
    return kind.rpartition("$")[2].rpartition(":")[2], name


