"""Measure a server of a model: how long requests take, alone and together, how soon it starts, and how much memory it
has. What is found is written to capacity.profile.json beside the file, to be committed.

It runs the released version of an environment of this machine, with the processor share that the environment declares.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlsystem.cli.common import compiled_from, spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.capacity.profile import Cell, Profile

SECONDS, LEAST_SECONDS, MOST_SECONDS = 40.0, 1.0, 600.0


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="default: the only one")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ENV",
        help="an environment of this machine whose released version is measured; default: the same",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="N",
        help=f"of load, beside some starts of the server; default: {SECONDS:g}",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.apply.environment import environment_of  # lazy: --help needs no engine
    from mlsystem.capacity.profile import key, write_profile
    from mlsystem.capacity.profiling.measure import profile_of
    from mlsystem.capacity.profiling.subject import subject_of

    check_seconds(args.seconds)
    compiled = compiled_from(args, console, warn=False, certified=False)  # what is measured is solved afterwards
    if compiled is None:
        return REFUSED
    name = compiled.system.environment
    here = compiled
    if args.source is not None:
        there = argparse.Namespace(file=args.file, environment=args.source)
        found = compiled_from(there, console, warn=False, certified=False)
        if found is None:
            return REFUSED
        here = found
    elif compiled.cluster is not None:
        raise MlsystemError(
            f"{name} runs in a cluster, and what is measured is a server of this machine",
            f"name an environment with `target: local` that has a released version: "
            f"mlsystem capacity profile -e {name} --from ENV",
        )
    environment = environment_of(here, args.file, os.environ)
    subject = subject_of(compiled.system, args.model, here.system, here.config, environment.workspace)
    profile = profile_of(subject, args.seconds, console.say)
    path = write_profile(args.file.absolute().parent, key(name, subject.model.name), profile)
    console.answer("\n".join(described(subject.model.name, name, profile)))
    console.say(f"written to {path.name}; commit it")
    return DONE


def check_seconds(seconds: float) -> None:
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise MlsystemError(
            f"--seconds {seconds:g} is not between {LEAST_SECONDS:g} and {MOST_SECONDS:g}", f"default: {SECONDS:g}"
        )


def described(model: str, environment: str, profile: Profile) -> Iterator[str]:
    limit = {"quota": "by quota", "affinity": "by affinity, in whole processors"}[profile.machine.limit]
    yield f"{model} in {environment}, version {profile.version}, {profile.machine.share:g} CPU {limit}"
    yield f"  {'requests together':<18}{'workers':>8}{'samples':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
    yield from (row(cell) for cell in profile.cells)
    starts = profile.cold_starts
    yield f"  cold start {starts[0]:.2f} to {starts[-1]:.2f} s, memory {profile.memory_bytes / 2**20:.0f} MiB"
    yield f"  requests were sent {profile.lag_us / 1e3:.2f} ms late (99 of 100)"


def row(cell: Cell) -> str:
    times = cell.quantiles_us
    shown = "".join(f"{times[min(len(times) - 1, int(share * len(times)))] / 1e3:>9.2f}" for share in (0.5, 0.95, 0.99))
    return f"  {cell.requests:<18}{cell.workers:>8}{cell.samples:>9}{shown}"
