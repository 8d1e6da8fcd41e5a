"""Manifests, and stores of the state in a bucket, as machines that apply have them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

from mlsystem.state.journal import StepFinished, StepStarted
from mlsystem.state.manifest import FORMAT, Manifest, Outputs
from mlsystem.state.s3 import S3Store
from mlsystem.state.s3_lease import TERMS, Terms
from mlsystem.system.snapshot import SystemSnapshot
from mlsystem_runtime.contract.bucket import Patience

SHORT = Terms(renewed_s=0.3, gives_up_s=5.0, ends_s=6.0)
"""A lease that ends while a test waits; a busy machine renews it all the same."""
CALM = Terms(renewed_s=0.3, gives_up_s=600.0, ends_s=6.0)
"""The same, of a holder that never gives up by itself."""


def manifest(serial: int = 1, lineage: str = "lineage", closure: str = "c") -> Manifest:
    snapshot = SystemSnapshot(name="s", environment="dev", nodes=())
    return Manifest(
        format=FORMAT, serial=serial, lineage=lineage, tool="0.1.0", closure=closure, snapshot=snapshot, files={},
        observations=(), run_id="run", proofs={}, blocked=(), outputs=Outputs(workspace="/w", port=8080),
    )  # fmt: skip


def bucket_store(uri: str, folder: Path, terms: Terms = TERMS) -> S3Store:
    """A store that soon gives up; `folder` is that of the spec, of one machine or another."""
    return S3Store(
        uri, folder / ".mlsystem" / "dev", terms=terms, patience=Patience(1, 2, 4), hasty=Patience(0.5, 1, 2)
    )


def next_of(stored: Manifest | None, closure: str = "c") -> Manifest:
    return manifest(1 if stored is None else stored.serial + 1, closure=closure)


def apply_forever(uri: str, folder: Path, environ: Mapping[str, str], said: Path) -> None:
    """One apply after the other, until somebody ends this process; each serial is written to `said` once committed."""
    os.environ.update(environ)
    store = bucket_store(uri, folder, SHORT)
    for number in itertools.count():
        with store.lease(f"apply {number}"):
            found = next_of(store.read(), closure=f"{os.getpid()} {number}")
            store.journal.begin(f"plan {found.serial}", "run")
            store.journal.write(StepStarted(step="a", pid=1))
            store.journal.write(StepFinished(step="a"))
            store.commit(found)
            with open(said, "ab") as file:
                file.write(b"%d\n" % found.serial)
            store.journal.close()
