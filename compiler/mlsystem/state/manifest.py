"""The manifest: what was last applied to one environment."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mlsystem.cost.consumption import Consumption
from mlsystem.errors import MlsystemError
from mlsystem.system.snapshot import Facet, Kind, SystemSnapshot
from mlsystem_runtime.contract.base import Struct, pretty_json

FORMAT = 1

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: Mapping[int, Migration] = {}
"""From a format to the next one; each takes and returns the decoded JSON object. None is needed yet."""


class Observation(Struct):
    """What a source's data was. `digest` is the SHA-256 of its content, or None where it was not observed (remote)."""

    source: str
    uri: str
    digest: str | None


class StepProof(Struct):
    """What decided a step's output: it need not be started again while all of this is the same.

    `reads` maps each input step to the digests of the parts that were read.
    """

    fingerprint: str
    observed: str | None
    reads: dict[str, dict[str, str]]


class Outputs(Struct):
    """Where the environment is: the workspace, relative to the spec where it is below it, and the server's port."""

    workspace: str
    port: int


class Port(Struct):
    """Where the server answers, and what the file declared when that was chosen."""

    chosen: int
    declared: int | None


class Manifest(Struct):
    """`serial` rises by one with every apply that commits; `lineage` is drawn once and tells twins apart. `consumption`
    None: nobody charges for it. `inputs` hashes what the author gave, without the version of this tool. Either is None
    of what was applied before it was written down.
    """

    format: int
    serial: int
    lineage: str
    tool: str
    closure: str
    snapshot: SystemSnapshot
    files: dict[str, str]
    observations: tuple[Observation, ...]
    run_id: str
    proofs: dict[str, StepProof]
    blocked: tuple[str, ...]
    outputs: Outputs
    consumption: Consumption | None = None
    inputs: str | None = None

    @property
    def port(self) -> Port:
        return Port(chosen=self.outputs.port, declared=declared_port(self.snapshot))


def declared_port(snapshot: SystemSnapshot) -> int | None:
    facets = next((node.facets for node in snapshot.nodes if node.kind is Kind.INFRASTRUCTURE), {})
    return facets.get(Facet.OPERATE, {}).get("port")


def encode_manifest(manifest: Manifest) -> str:
    return pretty_json(manifest)


def decode_manifest(
    data: bytes, name: str, migrations: Mapping[int, Migration] = MIGRATIONS, hint: str | None = None
) -> tuple[Manifest, bool]:
    """The manifest, and whether it had to be migrated from an older format. `hint`: what to do where it is damaged.

    Raises MlsystemError for a newer format, for an older one that no migration leads out of, and for damage.
    """
    hint = hint or way_on(name)
    raw = _decode(data, name, dict[str, Any], hint)
    written = raw.get("format")
    if not isinstance(written, int):
        raise MlsystemError(f"{name} is not a manifest: it has no format", hint)
    if written > FORMAT:
        raise MlsystemError(
            f"{name} was written by a newer mlsystem: format {written}, this one reads up to {FORMAT}",
            "install the newer version: pip install --upgrade mlsystem",
        )
    for step in range(written, FORMAT):
        if step not in migrations:
            raise MlsystemError(
                f"{name} has format {step}, which cannot be migrated any more", "migrate with an older mlsystem first"
            )
        raw = {**migrations[step](raw), "format": step + 1}
    return _decode(msgspec.json.encode(raw), name, Manifest, hint), written < FORMAT


def _decode(data: bytes, name: str, kind: type[Any], hint: str) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{name} cannot be read: {error}", hint) from error


def way_on(name: str) -> str:
    """What to do about the damaged manifest `name` (`.mlsystem/ENV/manifest.json`) where there is no backup of it."""
    environment = Path(name).absolute().parent.name
    return (
        "the workspace with its data and models is kept; move the file away and apply again, and steps whose outputs "
        f"stand are not run again: mv {shlex.quote(name)} {shlex.quote(name + '.damaged')} "
        f"&& mlsystem apply -e {shlex.quote(environment)}"
    )
