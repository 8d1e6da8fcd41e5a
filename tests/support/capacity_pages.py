"""A certificate and simulations, made by hand, that a page is written of."""

from __future__ import annotations

from mlsystem.capacity import traffic
from mlsystem.capacity.certificate import Certificate, Choice, Interval, Scenario, Settings, Stretch
from mlsystem.capacity.controllers.hpa_types import (
    Behaviour,
    HpaConfig,
    Metric,
    Policy,
    PolicyKind,
    Rules,
    Source,
    Utilisation,
)
from mlsystem.capacity.report.page import Endpoint, Picture
from mlsystem.capacity.report.timeline import timeline, window_for
from mlsystem.capacity.simulation.autoscalers import Hpa
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate
from mlsystem_runtime.contract.run import Slo

SETTINGS = Settings("hpa", "cpu", 0.5, 3, 12)
SLO = Slo(latency_us=250_000, objective=0.99, availability=0.999, window_us=30 * 86_400_000_000)
RULES = Behaviour(down=Rules((Policy(PolicyKind.PERCENT, 50, 60.0),), window=300.0))
SCALER = Hpa(HpaConfig((Metric(Source.RESOURCE, Utilisation(50)),), 12, 3, RULES))
NAMES = (
    ("expected", "15 minutes of about the mean, 40 rps"), ("peak", "the busiest 15 minutes, up to 118 rps"),
    ("flash crowd", "within 60 s from 40 to 120 rps"), ("one pod lost", "the busiest 15 minutes; a replica dies"),
    ("rolling update", "the busiest 15 minutes; every replica is replaced"),
)  # fmt: skip


def scenario(name: str, says: str, attainment: float = 0.9972) -> Scenario:
    spread = Interval(attainment, attainment - 0.0011, min(1.0, attainment + 0.0011))
    answered = Interval(0.99995, 0.9999, 1.0)
    return Scenario(name, says, 43_200.0, 900.0, spread, answered, 0.187, 6.4, 9, Stretch(43_500.0, 0.9931))


def choice(minimum: int, target: float, cost: float, attainment: float) -> Choice:
    settings = Settings("hpa", "cpu", target, minimum, 12)
    return Choice(settings, cost, attainment, 0.9999, attainment >= 0.99)


def certificate() -> Certificate:
    return Certificate(
        inputs={"slo": "5e" * 32, "traffic": "a1" * 32, "scaling": "7c" * 32, "profile": "03" * 32},
        seed=7, replications=20, settings=SETTINGS,
        scenarios=tuple(
            scenario(name, says, 0.9943 if name == "flash crowd" else 0.9972) for name, says in NAMES
        ),
        whole=scenario("all traffic", "24 hours, 40 rps on average", 0.9986),
        cost=151.2, static_cost=268.9, prices="AWS Fargate, us-east-1, Linux on x86, of 2026-03-31",
        margin=0.32, binding="with cpu at 55% the flash crowd has 98.7% in time, and 99% is promised",
        assumptions=(
            "service times are those of the profile, also while other processes run on the node",
            "a new replica is ready 5 s after it is asked for", "requests are spread at random over ready replicas",
        ),
        front=(
            choice(2, 0.7, 98.0, 0.93), choice(2, 0.6, 117.0, 0.981), choice(3, 0.5, 151.2, 0.9932),
            choice(4, 0.4, 196.0, 0.9978), choice(6, 0.3, 268.0, 0.9995),
        ),
    )  # fmt: skip


def picture(trace: traffic.Trace, title: str, says: str, since: float = 0.0) -> Picture:
    """50 ms a request, two at once in a pod that is there 5 s after it is asked for."""
    server = Server(Linear(0.0, 0.05, (0.5, 0.8, 1.0, 1.2, 2.0)), timeout=5.0)
    objective = Objective(0.25, window_for(trace.seconds), since)
    setting = Setting(server, objective, Pods(4, (5.0,)), scaler=SCALER)
    return Picture(title, says, timeline(simulate(setting, trace, seed=7, detailed=True), float(trace.start)))


def endpoint(seconds: int = traffic.DAY) -> Endpoint:
    day = traffic.diurnal(40.0, 120.0, seconds, seed=1, noise=0.05, period=seconds, peak_at=int(seconds * 0.58))
    crowd = traffic.flash_crowd(40.0, 120.0, 1200, at=360, rise=60, hold=450)
    pictures = (
        picture(day, "all the traffic", "One simulation of it."),
        picture(crowd, "flash crowd", "The scenario with the least to spare: within 60 s from 40 to 120 rps.", 300.0),
    )
    return Endpoint("delay", SLO, certificate(), (), pictures)
