"""Feature groups, how a model uses them, and the feature contract that a model version carries."""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived


class KeyPart(Struct):
    """One part of an entity's key: its name, and the column of the group's source that holds it."""

    name: str
    column: str
    type: ColumnType


class Feature(Struct):
    name: str
    type: ColumnType


class Group(Struct, tag_field="kind"):
    """`fingerprint` hashes the definition and what it reads of its source; it is part of every online key."""

    name: str
    fingerprint: str


class LatestGroup(Group, tag="latest"):
    """The latest known value: `time <= q`, `available <= q`, `time >= q - ttl_us`.

    Ties go to the greater (time, available, content hash of the row). Columns in the source's
    `known_at_time` are chosen by time alone, the others by availability too, so the two kinds of columns
    may come from different rows.
    """

    source: str
    key: tuple[KeyPart, ...]
    columns: tuple[Feature, ...]
    ttl_us: int | None


AggregateFunction = Literal["count", "sum", "mean", "min", "max"]


class Aggregate(Struct):
    """Over rows with `time` in [floor(q - window_us, tail_us), q) that are available at q.

    `column` is None for `count: "*"`; with a column, nulls do not count. Empty: count 0, others null.
    """

    name: str
    function: AggregateFunction
    column: str | None
    window_us: int
    tail_us: int
    type: ColumnType


class AggregateGroup(Group, tag="aggregate"):
    source: str
    key: tuple[KeyPart, ...]
    aggregates: tuple[Aggregate, ...]


class RequestGroup(Group, tag="request"):
    """Computed from the request alone, by the same expressions offline and online."""

    fields: tuple[Column, ...]
    compute: tuple[Derived, ...]


StoredGroup = LatestGroup | AggregateGroup
AnyGroup = LatestGroup | AggregateGroup | RequestGroup


class Lookup(Struct):
    """The entity's key part `key` is read from the request column `field`."""

    key: str
    field: str


class FeatureUse(Struct):
    """`columns` of `group` for one key; each becomes the feature `ALIAS.COLUMN`."""

    group: str
    alias: str
    columns: tuple[str, ...]
    lookup: tuple[Lookup, ...]


class ModelInput(Struct):
    """One input of the model. Strings and booleans are categorical, the rest numeric."""

    name: str
    type: ColumnType

    @property
    def categorical(self) -> bool:
        return self.type in (ColumnType.STRING, ColumnType.BOOL)


class FeatureContract(Struct):
    """What turns a request into a row of model inputs; travels inside the model version.

    `request` is every column that a request carries, in order: request fields, lookup columns and entity
    keys, typed as in the examples' source. `inputs` is the row of the model, in order.
    """

    request: tuple[Column, ...]
    groups: tuple[AnyGroup, ...]
    uses: tuple[FeatureUse, ...]
    inputs: tuple[ModelInput, ...]

    def group(self, name: str) -> AnyGroup:
        return next(group for group in self.groups if group.name == name)
