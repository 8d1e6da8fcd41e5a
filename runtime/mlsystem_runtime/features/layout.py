"""How the state of one entity is laid out in an online store: by the group, and by which columns are known when."""

from __future__ import annotations

import msgspec

from mlsystem_runtime.contract.base import Struct, canonical_json
from mlsystem_runtime.contract.columns import ColumnType, Source
from mlsystem_runtime.contract.features import Aggregate, AggregateGroup, LatestGroup, StoredGroup

FORMAT = 1


class ReadColumn(Struct):
    """A column that a group reads; `at_time`: it is known from its row's `time` on, not only from `available`."""

    name: str
    type: ColumnType
    at_time: bool


class Knowledge(Struct):
    """What a group's source adds to its definition; stored beside a generation, for readers have only the group.

    `row_at_time` says when a row itself is known, as `count: "*"` counts it.
    """

    format: int
    columns: tuple[ReadColumn, ...]
    row_at_time: bool

    def of(self, column: str | None) -> ReadColumn:
        """The column, or for None the row itself, which counts as 1."""
        if column is None:
            return ReadColumn("", ColumnType.INT, self.row_at_time)
        return next(one for one in self.columns if one.name == column)


def value_columns(group: StoredGroup) -> list[str]:
    """The source's columns whose values the group needs, sorted."""
    if isinstance(group, LatestGroup):
        return sorted(feature.name for feature in group.columns)
    return sorted({aggregate.column for aggregate in group.aggregates if aggregate.column is not None})


def known_at_time(source: Source, column: str | None) -> bool:
    """Whether `column` (None: the row itself, as `count: "*"` counts it) is known as soon as its time has come."""
    return source.available is None or (column is not None and column in source.known_at_time)


def knowledge_of(group: StoredGroup, source: Source) -> Knowledge:
    columns = tuple(
        ReadColumn(name, source.column(name).type, known_at_time(source, name)) for name in value_columns(group)
    )
    return Knowledge(FORMAT, columns, known_at_time(source, None))


def knowledge_text(knowledge: Knowledge) -> str:
    return canonical_json(knowledge).decode()


def read_knowledge(text: str) -> Knowledge:
    return msgspec.json.decode(text, type=Knowledge)


class Part(Struct):
    """Columns of a latest group that become known together."""

    at_time: bool
    names: tuple[str, ...]


def parts_of(group: LatestGroup, knowledge: Knowledge) -> tuple[Part, ...]:
    names = [feature.name for feature in group.columns]
    split = [
        Part(known, tuple(name for name in names if knowledge.of(name).at_time is known)) for known in (True, False)
    ]
    return tuple(part for part in split if part.names)


class Measure(Struct):
    """What a lane keeps of one column (None: of the rows themselves): always a count, and what is asked for."""

    column: str | None
    type: ColumnType
    summed: bool
    smallest: bool
    largest: bool


class Lane(Struct):
    """Aggregates that share tiles: the same tail, and columns that become known together."""

    at_time: bool
    tail_us: int
    horizon_us: int
    measures: tuple[Measure, ...]


class Place(Struct):
    """Where an aggregate is answered from."""

    lane: int
    measure: int
    aggregate: Aggregate


class AggregateLayout(Struct):
    """Lanes in the order of their states, and the place of every aggregate in the order of the group."""

    lanes: tuple[Lane, ...]
    places: tuple[Place, ...]


def layout_of(group: AggregateGroup, knowledge: Knowledge) -> AggregateLayout:
    keys = [(knowledge.of(aggregate.column).at_time, aggregate.tail_us) for aggregate in group.aggregates]
    shared = sorted(set(keys))
    lanes = []
    for at_time, tail_us in shared:
        members = [one for one, key in zip(group.aggregates, keys, strict=True) if key == (at_time, tail_us)]
        horizon_us = max(one.window_us for one in members)
        lanes.append(Lane(at_time, tail_us, horizon_us, measures_of(members, knowledge)))
    places = [
        place_of(one, shared.index(key), lanes[shared.index(key)])
        for one, key in zip(group.aggregates, keys, strict=True)
    ]
    return AggregateLayout(tuple(lanes), tuple(places))


def measures_of(members: list[Aggregate], knowledge: Knowledge) -> tuple[Measure, ...]:
    columns = sorted({one.column for one in members}, key=lambda column: (column is not None, column))
    return tuple(measure_of(column, members, knowledge) for column in columns)


def measure_of(column: str | None, members: list[Aggregate], knowledge: Knowledge) -> Measure:
    wanted = {one.function for one in members if one.column == column}
    kind = knowledge.of(column).type
    return Measure(column, kind, not wanted.isdisjoint({"sum", "mean"}), "min" in wanted, "max" in wanted)


def place_of(aggregate: Aggregate, lane: int, layout: Lane) -> Place:
    columns = [measure.column for measure in layout.measures]
    return Place(lane, columns.index(aggregate.column), aggregate)
