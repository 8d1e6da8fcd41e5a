"""A ScaledObject of the real KEDA and our function, told the same, decide the same at every poll and every sync.

Compared after each of them: replicas, failures as the object counts them, when it was last active, the conditions of
the autoscaler that KEDA made, and whether Prometheus was asked at all.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from engines.controllers import keda_operator
from engines.kubectl import Cluster
from engines.metrics_api import MetricsApi, metrics_api
from engines.processes import free_port
from engines.prometheus_api import Answer, Fault, PrometheusApi, prometheus_api
from engines.recipes import is_built
from engines.rest import rest
from engines.scaled import POLLING, SYNC, Outcome, Replay, Series, Told
from engines.simulated import simulated_cluster

from mlsystem.capacity.controllers.hpa_types import (
    Behaviour,
    Flags,
    Metric,
    Policy,
    PolicyKind,
    Rules,
    Source,
    Utilisation,
)
from mlsystem.capacity.controllers.keda_types import (
    Fallback,
    FallbackBehaviour,
    KedaConfig,
    MetricKind,
    QueryTrigger,
    ResourceTrigger,
    Trigger,
)

CONTROLLER = {
    "controllers": "*,-deployment-controller,-replicaset-controller",
    "horizontal-pod-autoscaler-sync-period": f"{SYNC:g}s",
    "horizontal-pod-autoscaler-downscale-stabilization": "0s",
    "concurrent-horizontal-pod-autoscaler-syncs": "60",
    "kube-api-qps": "1000",
    "kube-api-burst": "1000",
}
TOGETHER = 12
"""So many are side by side: what two cores can do in time."""
APART = 0.4
"""Seconds from the beginning of a series to that of the next, so that not all do everything at once."""
DOWN = Fault.DOWN
LOAD = QueryTrigger(threshold=10.0)
STRICT = replace(LOAD, ignore_nulls=False)
WHOLE = replace(LOAD, kind=MetricKind.VALUE)
CACHED = replace(LOAD, cached=True)
CPU = ResourceTrigger(Metric(Source.RESOURCE, Utilisation(50), "cpu"))
HIGHER, LOWER = FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER, FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER


def scaled(*triggers: Trigger, **more: Any) -> KedaConfig:
    """The cooldown ends two seconds away from any poll."""
    flags = Flags(downscale_stabilisation=0.0)
    settings: dict[str, Any] = {"max_replicas": 20, "cooldown": 6.0, "polling": POLLING, "flags": flags}
    return KedaConfig(triggers or (LOAD,), **(settings | more))


def told(*answers: Answer) -> tuple[Told, ...]:
    """The same to a poll and the sync after it."""
    return tuple(Told((answer,), (answer,)) for answer in answers)


def apart(*pairs: tuple[Answer, Answer]) -> tuple[Told, ...]:
    """One to a poll, another to the sync after it."""
    return tuple(Told((poll,), (sync,)) for poll, sync in pairs)


def both(*pairs: tuple[Answer, Answer]) -> tuple[Told, ...]:
    """Of two triggers."""
    return tuple(Told(pair, pair) for pair in pairs)


def noise(seed: int, least: float, most: float) -> tuple[Told, ...]:
    chance = random.Random(seed)
    return told(*(round(chance.uniform(least, most), 3) for _ in range(24)))


def outage(config: KedaConfig, name: str, **more: Any) -> Series:
    """Six steps without Prometheus, and back."""
    return Series(name, config, told(42, 64, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, 58, 58, 20, 20), **more)


UP_AND_DOWN = told(40, 40, 90, 160, 150, 150, 60, 20, 20, 35, 5, 70)
RAMP = told(*(25 + 21 * step for step in range(6)), *(110 - 18 * step for step in range(6)))
MOSTLY_NOTHING = told(40, 0, 0, 0, 0, 12, 70, 0, 30, 0, 0, 0)
WITHOUT_SERIES = told(52, None, None, 35, math.nan, math.nan, math.inf, -math.inf, 61, None, None, None)

SERIES = (
    Series("steps", scaled(), UP_AND_DOWN),
    Series("ramp", scaled(), RAMP),
    Series("noise", scaled(), noise(1, 5, 190)),
    Series("noise above a minimum", scaled(min_replicas=2), noise(2, 5, 190)),
    Series("polls and syncs told apart", scaled(), apart((40, 80), (0, 30), (0, 90), (50, 0), (0, 0), (0, 60), (0, 5))),
    Series("by policies",
           scaled(behaviour=Behaviour(Rules((Policy(PolicyKind.PODS, 3, 900),)),
                                      Rules((Policy(PolicyKind.PERCENT, 30, 900),), window=0))),
           told(50, 150, 150, 150, 60, 10, 10, 10, 90)),
    Series("to zero and back", scaled(), MOSTLY_NOTHING),
    Series("to zero after a long cooldown", scaled(cooldown=14.0), told(40, 0, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0)),
    Series("from zero to the minimum", scaled(min_replicas=3, idle_replicas=0), MOSTLY_NOTHING, start=0),
    Series("below the activation", scaled(replace(LOAD, activation=15.0)),
           told(10, 15, 15.001, 40, 12, 12, 12, 16, 15, 15, 15, 90), start=0),
    Series("never active", scaled(initial_cooldown=6.0), told(0, 0, 0, 0, 25, 0), start=2),
    Series("below the minimum", scaled(min_replicas=3), told(0, 35, 5, 62, 0, 0, 31, 20, 45, 0, 70, 10), start=1),
    Series("above the maximum", scaled(max_replicas=6), noise(4, 20, 90)),
    Series("nulls ignored", scaled(), WITHOUT_SERIES),
    Series("nulls ignored with a fallback", scaled(min_replicas=1, fallback=Fallback(1, 7)), WITHOUT_SERIES),
    Series("nulls refused", scaled(STRICT), WITHOUT_SERIES),
    Series("nulls refused with a fallback", scaled(STRICT, min_replicas=1, fallback=Fallback(1, 7)), WITHOUT_SERIES),
    Series("no answers that can be read", scaled(fallback=Fallback(1, 3)),
           told(42, Fault.TWO_SERIES, Fault.GARBAGE, Fault.TWO_SERIES, 42, Fault.GARBAGE, 42, -3.0, 0.0004)),
    outage(scaled(), "outage"),
    outage(scaled(min_replicas=1), "outage above a minimum"),
    outage(scaled(fallback=Fallback(3, 9)), "outage with a fallback"),
    outage(scaled(min_replicas=2, fallback=Fallback(3, 9)), "outage above a minimum with a fallback"),
    outage(scaled(min_replicas=1, fallback=Fallback(0, 3)), "outage with a fallback at once"),
    outage(scaled(fallback=Fallback(2, 0)), "outage with a fallback of zero"),
    Series("outage while there is nothing", scaled(fallback=Fallback(2, 2)),
           told(0, 0, DOWN, DOWN, DOWN, DOWN, DOWN, 0, 0, 0, 0, 0), start=0),
    outage(scaled(fallback=Fallback(2, 3, FallbackBehaviour.CURRENT_REPLICAS)), "outage that keeps replicas"),
    outage(scaled(fallback=Fallback(2, 9, HIGHER)), "outage that keeps more replicas"),
    outage(scaled(min_replicas=1, fallback=Fallback(2, 3, LOWER)), "outage that keeps fewer replicas"),
    Series("outage that polls see end", scaled(fallback=Fallback(2, 8)),
           apart((42, 42), (DOWN, DOWN), (DOWN, DOWN), (DOWN, DOWN), (50, DOWN), (50, DOWN), (DOWN, 50), (DOWN, 50),
                 (50, DOWN), (DOWN, DOWN))),
    Series("outage that syncs see end", scaled(fallback=Fallback(2, 8)),
           apart((42, 42), (DOWN, DOWN), (DOWN, DOWN), (DOWN, 50), (DOWN, 50), (50, 50), (DOWN, DOWN), (DOWN, DOWN))),
    Series("two queries", scaled(LOAD, replace(LOAD, threshold=25.0)),
           both((40, 10), (40, 150), (90, 150), (0, 60), (0, 0), (0, 0), (5, 0), (0, 300), (70, 20))),
    Series("one of two queries fails", scaled(LOAD, LOAD),
           both((40, 60), (40, DOWN), (90, DOWN), (30, DOWN), (30, 30), (0, DOWN), (0, DOWN), (0, 0), (0, 0))),
    Series("one of two queries falls back", scaled(LOAD, replace(LOAD, threshold=7.0), fallback=Fallback(1, 8)),
           both((40, 20), (40, DOWN), (90, DOWN), (30, DOWN), (0, DOWN), (0, DOWN), (0, 3), (0, 0), (DOWN, 0))),
    Series("a query beside cpu", scaled(CPU, LOAD), both((80, 20), (40, 60), (10, 0), (10, 0), (10, 0), (60, 30))),
    Series("both a query and cpu fail", scaled(CPU, LOAD, min_replicas=1, fallback=Fallback(2, 6)),
           both((80, 20), (40, 60), (60, DOWN), (60, DOWN), (10, DOWN), (70, 20))),
    Series("the whole", scaled(WHOLE), told(12, 15, 22, 5, 9.5, 14, 0, 0, 0, 8, 25, 2)),
    outage(scaled(WHOLE, min_replicas=1, fallback=Fallback(2, 7)), "outage of the whole"),
    Series("cached", scaled(CACHED), apart((40, 90), (60, 10), (20, 0), (0, 80), (0, 0), (0, 50), (70, 0), (30, 30))),
    outage(scaled(CACHED, fallback=Fallback(0, 6)), "outage of what is cached"),
    Series("paused", scaled(), noise(5, 20, 150), changes={3: {"paused": True}, 6: {"paused": False}}),
    Series("paused at a number", scaled(), noise(6, 20, 150),
           changes={3: {"paused_replicas": 5}, 5: {"paused_replicas": 2}, 7: {"paused_replicas": None}}),
    Series("paused at zero", scaled(min_replicas=2), noise(7, 20, 150),
           changes={3: {"paused_replicas": 0}, 6: {"paused_replicas": None}}),
    Series("paused with a memory", scaled(behaviour=Behaviour(down=Rules(window=600))),
           told(150, 90, 20, 20, 20, 60, 15),
           changes={4: {"paused": True}, 6: {"paused": False}}),
    Series("paused in an outage", scaled(fallback=Fallback(2, 8)),
           told(42, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, 60, DOWN, DOWN, 42),
           changes={3: {"paused": True}, 5: {"paused": False}}),
    Series("scaling in paused", scaled(), MOSTLY_NOTHING,
           changes={1: {"paused_scale_in": True}, 6: {"paused_scale_in": False}}),
    Series("scaling out paused", scaled(), told(0, 0, 0, 40, 40, 90, 150, 20, 0, 0, 60, 60), start=1,
           changes={2: {"paused_scale_out": True}, 5: {"paused_scale_out": False}, 6: {"paused_scale_out": True}}),
    Series("activation forced", scaled(), told(0, 0, 0, 0, 20, 0, 0, 0), start=0,
           changes={1: {"force_activation": True}, 6: {"force_activation": False}}),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """Of all series. The autoscalers' questions come to the test, which passes them on to KEDA's adapter."""
    for engine in ("kube", "kwok", "keda"):
        if not is_built(engine):
            pytest.skip(f"engine '{engine}' is not built: make engines")
    port, place = free_port(), tmp_path_factory.mktemp("metrics")
    with (
        simulated_cluster(controller_flags=CONTROLLER) as cluster,
        keda_operator(cluster, port),
        metrics_api(cluster, place) as metrics,
        prometheus_api() as prometheus,
    ):
        return replayed(SERIES, cluster, port, metrics, prometheus)


def replayed(
    all_of_them: Sequence[Series], cluster: Cluster, port: int, metrics: MetricsApi, prometheus: PrometheusApi
) -> dict[str, list[Outcome]]:
    """Some side by side, and then the next; once more, as many as can be at once, where a busy machine was late."""
    outcomes: dict[str, list[Outcome]] = {}

    def replay(chosen: Sequence[Series], attempt: int) -> None:
        replays = [
            Replay(series, rest(cluster), rest(cluster, port), metrics, prometheus, attempt) for series in chosen
        ]
        for one in replays:
            one.prepare()
        with ThreadPoolExecutor(len(replays)) as pool:
            start = time.time()
            runs = [pool.submit(one.run, start + APART * place) for place, one in enumerate(replays)]
        found = zip(replays, runs, strict=True)
        outcomes.update({one.series.name: run.result() for one, run in found if one.in_time})

    for first in range(0, len(all_of_them), TOGETHER):
        replay(all_of_them[first : first + TOGETHER], 0)
    if late := [series for series in all_of_them if series.name not in outcomes][:TOGETHER]:
        replay(late, 1)
    return outcomes


@pytest.mark.slow
@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_the_real_keda_and_ours_decide_the_same_at_every_poll_and_sync(
    series: Series, outcomes: dict[str, list[Outcome]]
) -> None:
    if series.name not in outcomes:
        pytest.skip("this machine is too busy: polls and syncs did not take turns")
    found = outcomes[series.name]

    assert len(found) >= 2 * series.steps - 2
    assert [one for one in found if not one.agreed] == []
