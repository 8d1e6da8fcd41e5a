"""What an engine would do to the objects of a system, as it says itself: added to a plan, not mixed into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from mlsystem.plan.change import FieldChange
from mlsystem_runtime.contract.base import Struct

Operation = Literal["create", "update", "replace", "delete", "forget"]
"""`forget`: it stays where it is, and is nobody's any more."""
LONGEST_VALUE = 200
PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[]+)')


class ObjectChange(Struct, omit_defaults=True):
    """`fields` of an update or a replacement; `because` names those that cannot be changed in place; `origin` is the
    node that the object carries out; `stack` is the one of the account that a resource is in, None for an object in
    the cluster."""

    operation: Operation
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    because: tuple[str, ...] = ()
    origin: str | None = None
    stack: str | None = None

    def __str__(self) -> str:
        return f"{self.operation} {self.kind} {self.name}"


class Preview(Struct):
    """`unchanged` counts objects in the cluster, `unchanged_below` resources of the account. `drift` is what differs
    from what was last applied though nobody applied it; None where nobody looked."""

    changes: tuple[ObjectChange, ...]
    unchanged: int
    drift: tuple[ObjectChange, ...] | None = None
    unchanged_below: int = 0


def together(previews: Sequence[tuple[str | None, Preview]]) -> Preview:
    """Of several stacks, each with its name (None: what is in the cluster), as one."""
    looked = [one for _, one in previews if one.drift is not None]
    drift = tuple(change for name, one in previews for change in in_stack(name, one.drift or ()))
    return Preview(
        changes=tuple(change for name, one in previews for change in in_stack(name, one.changes)),
        unchanged=sum(one.unchanged for name, one in previews if name is None),
        drift=drift if looked else None,
        unchanged_below=sum(one.unchanged for name, one in previews if name is not None),
    )


def in_stack(name: str | None, changes: Iterable[ObjectChange]) -> Iterator[ObjectChange]:
    return (msgspec.structs.replace(one, stack=name) for one in changes)


def surprises(planned: Preview | None, fresh: Preview) -> tuple[str, ...]:
    """What `fresh` does that `planned` did not show. Less than was planned is none: it was interrupted and goes on."""
    shown = set() if planned is None else {identity(one) for one in planned.changes}
    return tuple(str(one) for one in fresh.changes if identity(one) not in shown)


def identity(one: ObjectChange) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(one, origin=None))


def field_changes(paths: Iterable[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Each path with its value on both sides, as far as it is there; long texts are cut."""
    for path in sorted(paths):
        sides = {
            side: shortened(found)
            for side, values in (("old", old), ("new", new))
            if (found := value_at(values, path)) is not msgspec.UNSET
        }
        yield FieldChange(path=path, **sides)


def value_at(values: Any, path: str) -> Any:
    """By a property path of Pulumi's (`spec.containers[0].image`, `metadata.labels["a.b/c"]`); UNSET where it leads
    nowhere."""
    for quoted, index, name in PART.findall(path):
        try:
            values = values[int(index)] if index else values[quoted or name]
        except (KeyError, IndexError, TypeError):
            return msgspec.UNSET
    return values


def shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}…"
    return value
