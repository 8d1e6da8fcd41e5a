"""Model versions that answer: what the server needs of a loaded one, and which of them are released.

The trained model and the feature store stand behind two small protocols; `serve.fakes` holds stand-ins for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from operator import itemgetter
from typing import Any, Protocol

from mlsystem_runtime.contract.features import ModelInput, RequestGroup
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release import ModelRelease
from mlsystem_runtime.registry.recorded import NOTHING, Recorded
from mlsystem_runtime.serve.cells import Grid, grid_of
from mlsystem_runtime.serve.service_time import ServiceTime
from mlsystem_runtime.serve.signature import SignatureDecoder
from mlsystem_runtime.serve.values import Row

WARM_BATCHES, WARM_TIMES = (1, 8, 1), 3


class Scorer(Protocol):
    """A trained model. `predict` takes rows in the order of `card.contract.inputs` and gives, for each, one number per
    name in `card.outputs`."""

    @property
    def card(self) -> ModelCard: ...

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]: ...


class Assembled(Protocol):
    """Model inputs by name, and for those that are null, why (`names.NULL_CAUSES`)."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...

    @property
    def causes(self) -> Mapping[str, str]: ...


class Assembler(Protocol):
    """Turns typed requests into model inputs, each as known at its instant, UTC microseconds. A store out of reach is a
    cause, not an error. `waits`: it may be as slow as a network."""

    @property
    def waits(self) -> bool: ...

    def assemble_all(self, asked: Sequence[tuple[Row, int]]) -> Sequence[Assembled]: ...


@dataclass(frozen=True)
class LoadedVersion:
    """`groups` maps an input's alias to its stored feature group; request groups are not in it. `service_time` goes on
    learning while the version answers; `warmed` stays what the model took alone, before its first request."""

    number: int
    scorer: Scorer
    assembler: Assembler
    grid: Grid
    groups: Mapping[str, str]
    decoder: SignatureDecoder
    inputs_of: Callable[[Mapping[str, Any]], Sequence[Any]]
    service_time: ServiceTime
    warmed: ServiceTime
    recorded: Recorded = NOTHING

    @classmethod
    def of(
        cls, number: int, scorer: Scorer, assembler: Assembler, recorded: Recorded = NOTHING,
    ) -> LoadedVersion:
        contract = scorer.card.contract
        stored = {group.name for group in contract.groups if not isinstance(group, RequestGroup)}
        groups = {use.alias: use.group for use in contract.uses if use.group in stored}
        grid, decoder = grid_of(scorer.card.reference), SignatureDecoder(contract.request)
        inputs_of = in_order(contract.inputs)
        service_time, warmed = ServiceTime(), ServiceTime()
        return cls(number, scorer, assembler, grid, groups, decoder, inputs_of, service_time, warmed, recorded)

    @cached_property
    def card(self) -> ModelCard:
        return self.scorer.card

    @cached_property
    def model(self) -> str:
        return self.card.model

    def warm(self) -> None:
        """Predictions of the rows recorded with it, or of nulls: whatever is built on first use is built before a
        request waits for it, and how long a batch takes is known."""
        known: Sequence[Sequence[Any]] = self.recorded.rows or [[None] * len(self.card.contract.inputs)]
        self.scorer.predict(known)
        for rows in WARM_BATCHES:
            batch = list(islice(cycle(known), rows))
            seconds = min(self._seconds(batch) for _ in range(WARM_TIMES))
            self.service_time.observe(rows, seconds)
            self.warmed.observe(rows, seconds)

    def _seconds(self, rows: Sequence[Sequence[Any]]) -> float:
        started = time.perf_counter()
        self.scorer.predict(rows)
        return time.perf_counter() - started


def in_order(inputs: Sequence[ModelInput]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Takes the values of `inputs`, in their order, out of a mapping by name."""
    if len(inputs) == 1:
        return lambda values, name=inputs[0].name: (values[name],)  # type: ignore[misc]
    return itemgetter(*(one.name for one in inputs))


LoadVersion = Callable[[str, int], LoadedVersion]


@dataclass(frozen=True)
class Released:
    """What answers for one model. `versions` holds those of the release, and those of the one before it.

    `serial` is that of the release which says so; `shadow` answers nobody.
    """

    release: ModelRelease
    versions: Mapping[int, LoadedVersion]
    serial: int = 0
    shadow: LoadedVersion | None = None

    @cached_property
    def champion(self) -> LoadedVersion:
        return self.versions[self.release.champion]

    @cached_property
    def shares_text(self) -> str:
        """`VERSION:SHARE`, joined by commas: the arms of the experiment that the release is."""
        return ",".join(f"{one.version}:{one.share!r}" for one in self.release.shares)


@dataclass
class Board:
    """Which released models are loaded. The watcher replaces an entry whole, so a request sees one state throughout."""

    serial: int = 0
    models: dict[str, Released] = field(default_factory=dict)
