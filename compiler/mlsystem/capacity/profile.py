"""`capacity.profile.json`: what a server of each model was measured to take, and what that was measured of.

`mlsystem capacity profile` writes it beside the spec, and it is committed. It belongs to a model's structure, engine
and hardware, not to its weights: a retraining keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, structs

from mlsystem.errors import MlsystemError
from mlsystem.system.cluster_values import size
from mlsystem.system.nodes import CodeNode, ModelNode
from mlsystem_runtime.contract.base import Struct, digest, pretty_json
from mlsystem_runtime.contract.code import code_digest
from mlsystem_runtime.contract.files import write_atomically
from mlsystem_runtime.contract.identity import group_values

if TYPE_CHECKING:
    from mlsystem.capacity.simulation.service_times import Measured

FILE = "capacity.profile.json"
VERSION: Literal[1] = 1
QUANTILES = 200  # kept of each cell: the last one is the 99.75th percentile
NUMBERS = re.compile(r"\[\s+([-\d.eE+,\s]+?)\s+\]")

Positive = Annotated[int, Meta(ge=1)]


class Fingerprint(Struct):
    """What a profile was measured of, part by part; a profile is stale where one of them is another one now."""

    structure: str
    engine: str
    cpu: str
    memory: str
    workers: str


class Cell(Struct):
    """`requests` of one row each that waited together, while so many workers computed as many: from when the one before
    them was answered until all of them were. A request alone counts from when it was sent.

    `quantiles_us`: microseconds, ascending, each as likely as another. `samples` is how many they stand for.
    """

    workers: Positive
    requests: Positive
    samples: Positive
    quantiles_us: Annotated[tuple[Positive, ...], Meta(min_length=1)]


class Machine(Struct):
    """Where it was measured. `share`: the processors that the server had, by a control group's quota or by affinity,
    which gives whole ones only. `store` is the online store that it read."""

    processor: str
    processors: int
    limit: Literal["quota", "affinity"]
    share: float
    store: Literal["sqlite", "redis", "dynamodb"]


class Profile(Struct):
    """`cold_starts_us`: from the start of the process until it is ready, of several starts. `memory_bytes`: the most
    that the server had. `lag_us`: how late the generator sent, 99 of 100 times. `version` is the one that answered."""

    fingerprint: Fingerprint
    machine: Machine
    version: int
    cells: Annotated[tuple[Cell, ...], Meta(min_length=1)]
    cold_starts_us: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    memory_bytes: Positive
    lag_us: int

    @property
    def cold_starts(self) -> tuple[float, ...]:
        """Seconds."""
        return tuple(one / 1e6 for one in self.cold_starts_us)

    def service_times(self) -> Measured:
        """For the simulation: a row is a request of one row. The import is lazy: planning needs no numpy."""
        from mlsystem.capacity.simulation.service_times import Measured

        return Measured({
            (cell.workers, cell.requests): tuple(one / 1e6 for one in cell.quantiles_us) for cell in self.cells
        })  # fmt: skip

    def stale(self, now: Fingerprint) -> tuple[str, ...]:
        """The names of the parts that are not what was measured any more."""
        measured = structs.asdict(self.fingerprint)
        return tuple(name for name, value in structs.asdict(now).items() if measured[name] != value)

    def assumptions(self) -> Iterator[str]:
        """In sentences, what is taken for granted where this profile is used for another machine."""
        yield f"a replica computes as fast as this machine ({self.machine.processor}) did"
        if f"{self.machine.share:g}" != self.fingerprint.cpu:
            yield (
                f"measured with {self.machine.share:g} processors, by affinity, where {self.fingerprint.cpu} are "
                "declared: no control group could be written"
            )
        if self.machine.store == "sqlite":
            yield "features are read as fast as from the embedded store"


class Profiles(Struct):
    """The file. Profiles are named ENVIRONMENT/MODEL."""

    profiles: dict[str, Profile]
    version: Literal[1] = VERSION


def key(environment: str, model: str) -> str:
    return f"{environment}/{model}"


def fingerprint_of(model: ModelNode, code: CodeNode | None) -> Fingerprint:
    """`code`: the system's, which only a network of the user's own is built from."""
    serving = model.serving
    return Fingerprint(
        structure=structure_of(model, code),
        engine=serving.engine,
        cpu=f"{serving.hardware.cpu:g}",
        memory=size(serving.hardware.memory_bytes),
        workers=f"{serving.workers}",
    )


def structure_of(model: ModelNode, code: CodeNode | None) -> str:
    """Hashes what decides how much there is to compute: features, how they are looked up, and layers. How long it is
    trained, from what data and towards which label decides the weights only."""
    training, contract = model.training, model.contract
    parameters = training.parameters
    own = training.type == "custom"
    return digest({
        "task": model.task,
        "type": training.type,
        "layers": [parameters.hidden, parameters.numeric_embedding, parameters.embedding_size],
        "code": code_digest(code.files) if own and code is not None else None,
        "entrypoint": training.entrypoint,
        "request": contract.request,
        "groups": {group.name: group_values(group) for group in contract.groups},
        "uses": contract.uses,
        "inputs": contract.inputs,
    })  # fmt: skip


def read_profiles(folder: Path) -> Mapping[str, Profile]:
    """By ENVIRONMENT/MODEL, of the file beside the spec in `folder`; empty where there is none.

    Raises MlsystemError where it is damaged, or of another version.
    """
    path = folder / FILE
    try:
        return decode(path.read_bytes()).profiles
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MlsystemError(
            f"{FILE} cannot be read: {error}",
            "restore it from version control, or delete it and measure again: mlsystem capacity profile -e ENV",
        ) from error


def decode(data: bytes) -> Profiles:
    """Raises msgspec.ValidationError, also where quantiles do not ascend or a fingerprint has no request alone."""
    profiles = msgspec.json.decode(data, type=Profiles)
    for name, profile in profiles.profiles.items():
        if any(list(cell.quantiles_us) != sorted(cell.quantiles_us) for cell in profile.cells):
            raise msgspec.ValidationError(f"the quantiles of {name} do not ascend")
        cells = [(cell.workers, cell.requests) for cell in profile.cells]
        if len(set(cells)) < len(cells) or (1, 1) not in cells:
            raise msgspec.ValidationError(f"{name} has a cell twice, or none of a request alone")
    return profiles


def encode(profiles: Profiles) -> str:
    """The same profiles, the same text; the numbers of a cell stand in one line."""
    return NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", pretty_json(profiles))


def write_profile(folder: Path, name: str, profile: Profile) -> Path:
    """Into the file beside the spec, in the place of the one of that name; the others stay."""
    path = folder / FILE
    write_atomically(path, encode(Profiles({**read_profiles(folder), name: profile})))
    return path


def quantiles_us(seconds: list[float]) -> tuple[int, ...]:
    """At most QUANTILES of them: sample by sample, each as likely as another."""
    ordered = sorted(seconds)
    kept = min(len(ordered), QUANTILES)
    return tuple(max(1, round(1e6 * ordered[int((place + 0.5) / kept * len(ordered))])) for place in range(kept))


def missing_profile(environment: str, model: str) -> MlsystemError:
    """What stops an answer that needs to know how fast a server is."""
    return MlsystemError(
        f"how long '{model}' takes for a request was not measured in {environment}, and is not declared",
        f"measure it: mlsystem capacity profile -e {environment} --model {model}; or declare `serving.profile`",
    )
