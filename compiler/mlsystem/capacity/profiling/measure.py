"""From a released version to its profile: starts, calibration, load, and what it was worth."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from mlsystem.capacity.profile import Cell, Machine, Profile, quantiles_us
from mlsystem.capacity.profiling.batches import burst_of, samples_of
from mlsystem.capacity.profiling.open_loop import Load, Offer, Outcome, latest, uncollected
from mlsystem.capacity.profiling.requests import requests_of
from mlsystem.capacity.profiling.server import RUNTIME, Running, make_workspace, measured_config, running
from mlsystem.capacity.profiling.share import Share, share_of
from mlsystem.capacity.profiling.subject import Subject
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.release import read_release

SIZES = (1, 2, 4, 8, 16, 32)
STARTS = 3
MOST_LAG = 0.005
LEAST_ROUNDS = 15  # of bursts of every size; larger ones are left out where time is short
MOST_REQUESTS = 50_000
MOST_FAILED = 0.01
PAUSE = 0.004  # at least, between bursts

Says = Callable[[str], None]


def profile_of(subject: Subject, seconds: float, says: Says) -> Profile:
    """Takes about `seconds`, and a few starts of a server. Raises MlsystemError where nothing is released, the machine
    is too small, the server does not answer, or requests could not be sent when they were due."""
    model, serving, workspace = subject.model, subject.model.serving, subject.workspace
    version = released(subject)
    config = measured_config(subject.config, model.name, serving)
    requests = requests_of(model, workspace, config.server.endpoints[0].routes[0])
    with tempfile.TemporaryDirectory(prefix="mlsystem-") as folder, share_of(serving.hardware.cpu) as share:
        root = Path(folder)
        make_workspace(root, config, workspace, model.name, version)
        starts = [start_seconds(root, share) for _ in range(STARTS)]
        says(f"ready {min(starts):.2f} to {max(starts):.2f} s after the start of the process")
        loads, memory = loads_of(root, share, serving.workers, requests, seconds)
    return Profile(
        fingerprint=subject.fingerprint,
        machine=machine(share, config.server.online_store.type),
        version=version,
        cells=tuple(cells(loads)),
        cold_starts_us=tuple(sorted(max(1, round(1e6 * one)) for one in starts)),
        memory_bytes=memory,
        lag_us=round(1e6 * checked(loads)),
    )


def loads_of(
    root: Path,
    share: Share,
    workers: int,
    requests: Sequence[bytes],
    seconds: float,
    runtime: Sequence[str] = RUNTIME,
) -> tuple[dict[int, list[Outcome]], int]:
    """What became of bursts, by how many workers were asked at once; and the most memory in bytes. Each worker is a
    server of its own here, so that it is known who computes what; they have one share between them."""
    levels = sorted({1, workers})
    with ExitStack() as stack:
        servers = [stack.enter_context(running(root, share, 1, runtime)) for _ in range(workers)]
        accepted = accepted_by(servers[0], requests)
        loads = {busy: loaded(servers[:busy], accepted, seconds / len(levels)) for busy in levels}
        return loads, sum(server.memory_bytes for server in servers)


def released(subject: Subject) -> int:
    """The version that answers most requests."""
    release = read_release(subject.workspace.release).models.get(subject.model.name)
    if release is None:
        name = subject.config.environment
        raise MlsystemError(
            f"no version of '{subject.model.name}' is released in {name}, so there is nothing to measure",
            f"make one: mlsystem apply -e {name}",
        )
    return release.champion


def start_seconds(root: Path, share: Share) -> float:
    with running(root, share) as server:
        return server.started


def accepted_by(server: Running, requests: Sequence[bytes]) -> list[bytes]:
    """Those that are answered with a prediction: a row of the data need not be a request that anybody could make."""
    outcomes = asyncio.run(Load(server.port, requests, [Offer(0.0) for _ in requests]).run())
    accepted = [request for request, outcome in zip(requests, outcomes, strict=True) if outcome.good]
    if not accepted:
        statuses = sorted({answer.status for outcome in outcomes for answer in outcome.answers})
        raise MlsystemError(
            f"none of {len(requests)} requests was answered with a prediction, but with {statuses}",
            "mlsystem status says whether the released version answers",
        )
    return accepted


def loaded(servers: Sequence[Running], requests: Sequence[bytes], seconds: float) -> list[Outcome]:
    """What became of the same bursts, sent to each of the servers at the same instants for about `seconds`."""
    offers = list(schedule(calibrated(servers[0], requests, seconds), seconds))

    async def all_of_them() -> list[list[Outcome]]:
        began = time.monotonic() + 0.5
        return await asyncio.gather(*(Load(one.port, requests, offers).run(began) for one in servers))

    with uncollected():
        return list(itertools.chain.from_iterable(asyncio.run(all_of_them())))


def calibrated(server: Running, requests: Sequence[bytes], seconds: float) -> dict[int, float]:
    """About how long a burst takes, by the size of the batch that is wanted of it: those that there is time for."""
    taken = {1: burst_seconds(server, requests, 1, seconds)}
    for size in SIZES[1:]:
        taken[size] = burst_seconds(server, requests, size + 1, seconds)
        if round_seconds(taken) * LEAST_ROUNDS > seconds:
            del taken[size]
            break
    return taken


def burst_seconds(server: Running, requests: Sequence[bytes], size: int, patience: float) -> float:
    """What so many requests at once take, the second time."""
    for _ in range(2):
        (outcome,) = asyncio.run(Load(server.port, requests, [Offer(0.0, size)], patience).run())
    return outcome.ended - outcome.sent if outcome.answers else patience


def gap(taken: float) -> float:
    """Twice what a burst takes, so that the server is idle half of the time and the next burst finds it so."""
    return 2.0 * taken + PAUSE


def round_seconds(taken: Mapping[int, float]) -> float:
    return sum(gap(taken[1]) + gap(taken[size]) for size in taken) * 1.25


def schedule(taken: Mapping[int, float], seconds: float) -> Iterator[Offer]:
    """Round after round a request alone, then one more than a batch of each size: the first is computed while the
    others arrive. Gaps vary, so that what the server does every second does not meet the same burst each time."""
    chance, due, requests = random.Random(0), 0.0, 0
    for size in itertools.cycle(itertools.chain.from_iterable((1, size) for size in sorted(taken))):
        count = size + (size > 1)
        if due > seconds or requests > MOST_REQUESTS:
            return
        yield Offer(due, count)
        requests += count
        due += gap(taken[size]) * chance.uniform(1.0, 1.5)


def checked(loads: Mapping[int, Sequence[Outcome]]) -> float:
    """The lag that 99 of 100 offers kept. Raises MlsystemError where it, or what failed, is too much."""
    outcomes = [outcome for load in loads.values() for outcome in load]
    lag = latest([outcome.lag for outcome in outcomes])
    if lag > MOST_LAG:
        raise MlsystemError(
            f"requests were sent up to {1e3 * lag:.1f} ms after they were due (99 of 100 times), where "
            f"{1e3 * MOST_LAG:g} ms is allowed: what was measured is this machine, not the server",
            "measure again when nothing else runs here, or on a machine with more processors",
        )
    failed = sum(not outcome.good for outcome in outcomes)
    if failed > MOST_FAILED * len(outcomes):
        raise MlsystemError(
            f"{failed} of {len(outcomes)} times the server did not answer all requests with a prediction",
            "mlsystem status says whether the released version answers",
        )
    return lag


def cells(loads: Mapping[int, Sequence[Outcome]]) -> Iterator[Cell]:
    for busy, outcomes in loads.items():
        bursts = [burst for outcome in outcomes if (burst := burst_of(outcome)) is not None]
        for size, seconds in samples_of(bursts).items():
            yield Cell(workers=busy, requests=size, samples=len(seconds), quantiles_us=quantiles_us(seconds))


def machine(share: Share, store: Literal["sqlite", "redis", "dynamodb"]) -> Machine:
    return Machine(
        processor=processor_name(Path("/proc/cpuinfo")),
        processors=os.cpu_count() or len(share.processors),
        limit=share.limit,
        share=share.given,
        store=store,
    )


def processor_name(cpuinfo: Path) -> str:
    """As the kernel has it; on some machines it has none."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, os.uname().machine)
