"""The HorizontalPodAutoscaler of a real controller manager and our function, given the same, decide the same.

Both see the same series in lockstep; replicas and conditions are compared after each sync. Where it matters when a sync
is, there is one every four seconds, and windows and periods end two seconds away from any.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from engines.autoscaled import STEP, Outcome, Replay, Seen, Series
from engines.kubectl import Cluster
from engines.metrics_api import MetricsApi, metrics_api
from engines.recipes import is_built
from engines.rest import rest
from engines.simulated import simulated_cluster

from mlsystem.capacity.controllers.hpa_types import (
    AverageValue,
    Behaviour,
    Flags,
    HpaConfig,
    Metric,
    Phase,
    Pod,
    PodSamples,
    PodUsages,
    Policy,
    PolicyKind,
    Readiness,
    Rules,
    Sample,
    Select,
    Source,
    Unavailable,
    Usage,
    Utilisation,
    Value,
    Values,
)

WINDOW = 6.0
"""Seconds that the timed series' controller holds recommendations for scaling down; that of the others holds none."""
CONTROLLER = {
    "controllers": "*,-deployment-controller,-replicaset-controller",
    "horizontal-pod-autoscaler-sync-period": "1s",
    "horizontal-pod-autoscaler-cpu-initialization-period": "7s",
    "horizontal-pod-autoscaler-initial-readiness-delay": "3s",
    "concurrent-horizontal-pod-autoscaler-syncs": "60",
    "kube-api-qps": "1000",
    "kube-api-burst": "1000",
}
ATTEMPTS = 2
LOAD = Metric(Source.EXTERNAL, AverageValue(10_000), "load")
WHOLE = Metric(Source.EXTERNAL, Value(60_000), "load")
CPU = Metric(Source.RESOURCE, Utilisation(50), "cpu")
MEMORY = Metric(Source.RESOURCE, AverageValue(100_000_000), "memory")
ONE_OF_TWO = Metric(Source.CONTAINER_RESOURCE, Utilisation(50), "cpu", "server")
QUEUE = Metric(Source.PODS, AverageValue(5_000), "queue")
PODS, PERCENT = PolicyKind.PODS, PolicyKind.PERCENT
FREE = Rules((Policy(PERCENT, 900, 1800),), window=0)


def config(*metrics: Metric, up: Rules | None = None, down: Rules | None = None, **more: int) -> HpaConfig:
    behaviour = None if up is None and down is None else Behaviour(up or FREE, down or Rules())
    flags = Flags(downscale_stabilisation=0.0, cpu_initialisation=7.0, initial_readiness_delay=3.0)
    return HpaConfig(metrics, more.get("most", 40), more.get("least", 1), behaviour, flags)


def timed(name: str, config: HpaConfig, see: Callable[[int, int, float], Seen], start: int = 4) -> Series:
    flags = replace(config.flags, downscale_stabilisation=WINDOW)
    return Series(name, replace(config, flags=flags), see, start, timed=True)


def totals(*values: float) -> Callable[[int, int, float], Seen]:
    """A series of what one query says, in whole units; it is read on from its start when it ends."""
    return lambda step, replicas, now: Seen((Values((round(values[step % len(values)] * 1000),)),))


def noise(seed: int, least: float, most: float) -> Callable[[int, int, float], Seen]:
    chance = random.Random(seed)
    return totals(*(round(chance.uniform(least, most), 3) for _ in range(40)))


def server(place: int, **more: object) -> Pod:
    pod = Pod(f"server-{place}", {"server": {"cpu": 1000}})
    return replace(pod, **more)  # type: ignore[arg-type]


def of_cpu(
    percents: tuple[float, ...], change: Callable[[int, list[Pod], float], list[Pod]] | None = None, lost: int = 0
) -> Callable[[int, int, float], Seen]:
    """Pods as many as replicas, each using that percent of its core; `change` makes some of them other pods, and the
    last `lost` of them have no sample."""

    def see(step: int, replicas: int, now: float) -> Seen:
        pods = [server(place) for place in range(replicas)]
        pods = change(step, pods, now) if change else pods
        used = round(percents[step % len(percents)] * 10)
        measured = pods[: max(0, len(pods) - lost)]
        at = math.floor(now)
        usages = {pod.name: Usage({"server": used + 7 * place}, at, 1) for place, pod in enumerate(measured)}
        return Seen((PodUsages(usages) if usages else Unavailable(),), tuple(pods))

    return see


def last_ones(count: int, **more: object) -> Callable[[int, list[Pod], float], list[Pod]]:
    return lambda step, pods, now: [*pods[:-count], *(replace(pod, **more) for pod in pods[-count:])]  # type: ignore[arg-type]


def young(step: int, pods: list[Pod], now: float) -> list[Pod]:
    """The newest pod started at the first step and became ready at the second; its CPU counts from then on."""
    born = math.floor(now - STEP * step)
    became = born + 4 if step else born
    ready = Readiness.TRUE if step else Readiness.FALSE
    return [*pods[:-1], server(99, name="young", started=born, transitioned=became, ready=ready)]


def sampled(step: int, replicas: int, now: float) -> Seen:
    """The sample of a young pod is of a second before the window since it became ready has passed, or after it."""
    born = math.floor(now) - 4
    newest = server(99, name="young", started=born, transitioned=born)
    pods = (*(server(place) for place in range(replicas - 1)), newest)
    stale = Usage({"server": 900}, born + (8 if step % 3 else 11), 10)
    usages = {pod.name: Usage({"server": 700}) for pod in pods} | {"young": stale}
    return Seen((PodUsages(usages),), pods)


def of_memory(step: int, replicas: int, now: float) -> Seen:
    pods = [server(place) for place in range(replicas)]
    pods[-1] = replace(pods[-1], phase=Phase.PENDING) if step % 4 == 1 else pods[-1]
    used = 60_000_000 + 15_000_000 * (step % 7)
    usages = {pod.name: Usage({"server": used}) for pod in pods if pod.phase is Phase.RUNNING}
    return Seen((PodUsages(usages) if usages else Unavailable(),), tuple(pods))


def of_one_of_two(step: int, replicas: int, now: float) -> Seen:
    pods = tuple(Pod(f"pair-{place}", {"server": {"cpu": 400}, "proxy": {"cpu": 3000}}) for place in range(replicas))
    usages = {pod.name: Usage({"proxy": 2900, "server": 90 + 40 * (step % 8)}) for pod in pods}
    return Seen((PodUsages(usages),), pods)


def of_queue(step: int, replicas: int, now: float) -> Seen:
    pods = tuple(server(place, ready=Readiness.FALSE if place == 1 else Readiness.TRUE) for place in range(replicas))
    samples = {pod.name: Sample(2000 + 1500 * (step % 5) + place) for place, pod in enumerate(pods)}
    if step % 3 == 2:
        del samples[pods[-1].name]
    return Seen((PodSamples(samples) if samples else Unavailable(),), pods)


def of_whole(step: int, replicas: int, now: float) -> Seen:
    pods = tuple(server(place, ready=Readiness.FALSE if place == 0 else Readiness.TRUE) for place in range(replicas))
    return Seen((Values((round((30 + 12 * (step % 7)) * 1000), 5000)),), pods)


def one_value(step: int, replicas: int, now: float) -> Seen:
    seen = of_whole(step, replicas, now)
    return Seen((Values((40_000 + 9_000 * (step % 6),)),), seen.pods)


def both(first: Callable[[int, int, float], Seen], second: Callable[[int, int, float], Seen]) -> Callable[..., Seen]:
    def see(step: int, replicas: int, now: float) -> Seen:
        one, other = first(step, replicas, now), second(step, replicas, now)
        return Seen(one.readings + other.readings, one.pods + other.pods)

    return see


def at_times(steps: set[int], inner: Callable[[int, int, float], Seen]) -> Callable[[int, int, float], Seen]:
    """What cannot be read at these steps."""

    def see(step: int, replicas: int, now: float) -> Seen:
        seen = inner(step, replicas, now)
        return replace(seen, readings=(Unavailable(),)) if step in steps else seen

    return see


UP_AND_DOWN = (40, 40, 90, 160, 150, 150, 60, 20, 20, 20, 20, 35)
RAMP = tuple(25 + 14 * step for step in range(7)) + tuple(110 - 18 * step for step in range(6))
BUSY = (45, 52, 54, 56, 75, 98, 30, 22, 70, 49.9, 55.4, 20)

SERIES = (
    Series("steps", config(LOAD), totals(*UP_AND_DOWN)),
    Series("ramp", config(LOAD), totals(*RAMP)),
    Series("noise", config(LOAD), noise(1, 20, 120)),
    Series("noise in long windows", config(LOAD, up=Rules(FREE.policies, window=600), down=Rules(window=600)),
           noise(2, 20, 120)),
    Series("noise in a long window", config(LOAD, down=Rules(window=600)), noise(3, 10, 200)),
    Series("zero and back", config(LOAD), totals(40, 0, 0, 12, 70, 0, 0, 30)),
    Series("pods by policy", config(LOAD, up=Rules((Policy(PODS, 5, 900),)), down=Rules((Policy(PODS, 3, 900),))),
           totals(50, 80, 150, 150, 60, 20, 20, 90)),
    Series("percents by policy",
           config(LOAD, up=Rules((Policy(PERCENT, 60, 900),)), down=Rules((Policy(PERCENT, 20, 900),))),
           totals(50, 60, 300, 300, 60, 10, 10, 90), start=7),
    Series("most of two policies", config(LOAD, up=Rules((Policy(PODS, 3, 900), Policy(PERCENT, 50, 900)))),
           noise(9, 20, 300)),
    Series("least of two policies",
           config(LOAD, up=Rules((Policy(PODS, 3, 900), Policy(PERCENT, 50, 900)), Select.MIN),
                  down=Rules((Policy(PODS, 3, 900), Policy(PERCENT, 50, 900)), Select.MIN)),
           totals(200, 200, 200, 5, 5, 5, 90), start=9),
    Series("down disabled", config(LOAD, down=Rules(select=Select.DISABLED)), noise(4, 10, 100)),
    Series("up disabled", config(LOAD, up=Rules(select=Select.DISABLED)), noise(5, 10, 100), start=9),
    Series("tolerances", config(LOAD, up=replace(FREE, tolerance=0.5), down=Rules(tolerance=0.02)),
           totals(43, 55, 61, 66, 60, 59.5, 58, 45, 44, 40, 39)),
    Series("surge", config(LOAD), noise(6, 30, 70), surge=2),
    Series("above the maximum", config(LOAD, most=6), noise(7, 30, 70), start=9),
    Series("below the minimum", config(LOAD, least=3), noise(8, 5, 70), start=1),
    Series("the whole", config(WHOLE), of_whole),
    Series("an object", config(Metric(Source.OBJECT, Value(60_000), "load")), one_value),
    Series("an object by replica", config(Metric(Source.OBJECT, AverageValue(12_500), "load")), one_value),
    Series("cpu", config(CPU), of_cpu(BUSY)),
    Series("cpu while a pod is pending", config(CPU), of_cpu(BUSY, last_ones(1, phase=Phase.PENDING))),
    Series("cpu while a sample is missing", config(CPU), of_cpu(BUSY, lost=1)),
    Series("cpu of two without samples", config(Metric(Source.RESOURCE, Utilisation(120))),
           of_cpu((120, 115, 60, 200, 40, 140), lost=2)),
    Series("cpu of a pod that was never ready", config(CPU), of_cpu(BUSY, last_ones(1, ready=Readiness.FALSE))),
    Series("cpu of a pod without the condition", config(CPU), of_cpu(BUSY, last_ones(1, ready=Readiness.ABSENT))),
    Series("cpu of failed pods", config(CPU), of_cpu(BUSY, last_ones(1, phase=Phase.FAILED))),
    Series("cpu of a pod that goes", config(CPU, most=5),
           of_cpu(BUSY, lambda step, pods, now: [*pods, server(77, deleted=True)])),
    Series("memory", config(MEMORY), of_memory),
    Series("one container of two", config(ONE_OF_TWO), of_one_of_two),
    Series("a metric of pods", config(QUEUE), of_queue),
    Series("two metrics", config(LOAD, replace(CPU, target=Utilisation(60))), both(totals(*UP_AND_DOWN), of_cpu(BUSY))),
    Series("one of two fails", config(LOAD, CPU), both(at_times({2, 3, 7, 8, 9}, totals(*UP_AND_DOWN)), of_cpu(BUSY))),
    Series("all fail", config(LOAD), at_times({1, 2, 3, 8}, noise(9, 10, 100))),
)  # fmt: skip
TIMED = (
    timed("timed steps", config(LOAD), totals(*UP_AND_DOWN)),
    timed("timed steps of a behaviour", config(LOAD, up=Rules()), totals(*UP_AND_DOWN)),
    timed("timed noise", config(LOAD, up=Rules(window=6), down=Rules(window=14)), noise(2, 20, 120)),
    timed("timed noise with a late window", config(LOAD, up=Rules(window=18), down=Rules(window=0)), noise(3, 10, 200)),
    timed("timed pods by policy",
          config(LOAD, up=Rules((Policy(PODS, 2, 10),)), down=Rules((Policy(PODS, 1, 6),), window=0)),
          totals(150, 150, 150, 150, 150, 150, 20, 20, 20, 20, 20, 20)),
    timed("timed least of two policies",
          config(LOAD, up=Rules((Policy(PODS, 3, 10), Policy(PERCENT, 50, 18)), Select.MIN),
                 down=Rules((Policy(PODS, 3, 10), Policy(PERCENT, 50, 18)), Select.MIN, window=2)),
          totals(200, 200, 200, 200, 200, 200, 200, 5)),
    timed("timed cpu of a young pod", config(CPU, down=Rules(window=0)), of_cpu((80, 60, 70, 80, 55, 65), young)),
    timed("timed cpu of a young sample", config(CPU, down=Rules(window=0), most=9), sampled),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """Of all series: the timed ones by themselves, in a cluster whose controller holds back scaling down."""
    for engine in ("kube", "kwok"):
        if not is_built(engine):
            pytest.skip(f"engine '{engine}' is not built: make engines")
    found: dict[str, list[Outcome]] = {}
    for series, window in ((SERIES, 0), (TIMED, WINDOW)):
        flags = {**CONTROLLER, "horizontal-pod-autoscaler-downscale-stabilization": f"{window:g}s"}
        place = tmp_path_factory.mktemp("metrics")
        with simulated_cluster(controller_flags=flags) as cluster, metrics_api(cluster, place) as metrics:
            found |= replayed(series, cluster, metrics)
    return found


def replayed(all_of_them: Sequence[Series], cluster: Cluster, metrics: MetricsApi) -> dict[str, list[Outcome]]:
    """Side by side; once more where a busy machine was late."""
    outcomes: dict[str, list[Outcome]] = {}
    for attempt in range(ATTEMPTS):
        missing = [series for series in all_of_them if series.name not in outcomes]
        replays = [Replay(series, rest(cluster), metrics, attempt) for series in missing]
        for replay in replays:
            replay.prepare()
        start = math.ceil(time.time()) + 5.5
        with ThreadPoolExecutor(len(missing)) as pool:
            runs = [pool.submit(replay.run, start) for replay in replays]
        found = zip(replays, runs, strict=True)
        outcomes |= {replay.series.name: run.result() for replay, run in found if replay.in_time}
        if len(outcomes) == len(all_of_them):
            break
    return outcomes


@pytest.mark.slow
@pytest.mark.parametrize("series", SERIES + TIMED, ids=lambda series: series.name)
def test_a_real_autoscaler_and_ours_decide_the_same_at_every_sync(
    series: Series, outcomes: dict[str, list[Outcome]]
) -> None:
    if series.name not in outcomes:
        pytest.skip("this machine is too busy: syncs came more than two seconds late")
    found = outcomes[series.name]

    assert len(found) == series.steps
    assert [one for one in found if not one.agreed] == []
    assert any(one.their_conditions for one in found)
