"""Writes `capacity.lock.json` as a search would for the file as it is, with what a test says that it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlsystem.capacity import lock
from mlsystem.capacity.certificate import Certificate, Interval, Scenario, Settings, Stretch
from mlsystem.capacity.gather import inputs_of
from mlsystem.capacity.inputs import Inputs
from mlsystem.capacity.profile import read_profiles
from mlsystem.compile import resolve_system
from mlsystem.cost.prices import prices_of
from mlsystem.diagnostics.render import render_text
from mlsystem.diagnostics.report import Report
from mlsystem.system.target import KubernetesTarget

SURE = Interval(0.9998, 0.9996, 1.0)
EXPECTED = Scenario("expected", "40 rps", 0.0, 3600.0, SURE, SURE, 0.021, 2.1, 3, Stretch(600.0, 0.999))
PEAK = Scenario(
    "peak", "120 rps", 7200.0, 900.0, Interval(0.9762, 0.9741, 0.9783), Interval(0.9997, 0.9995, 0.9999), 0.0438, 4.6,
    6, Stretch(11580.0, 0.9614),
)  # fmt: skip
SETTINGS = Settings("hpa", "cpu", 0.55, 3, 8)


def certificate(inputs: Inputs, settings: Settings = SETTINGS, **facts: Any) -> Certificate:
    found: dict[str, Any] = {
        "scenarios": (EXPECTED, PEAK), "whole": EXPECTED, "cost": 112.4, "static_cost": 216.0, "margin": 0.48,
        "binding": "with a target of 60% the peak is in time for 94.1% of the requests",
        "assumptions": ("a request goes to the replica that has fewest",), "prices": inputs.price.of,
    }  # fmt: skip
    return Certificate(inputs=inputs.hashes(), seed=1, replications=20, settings=settings, **{**found, **facts})


def solve(spec: Path, environment: str, settings: Settings = SETTINGS, **facts: Any) -> Path:
    """The lock file with a certificate for every endpoint of `environment`."""
    report = Report()
    system = resolve_system(spec, environment, {}, report, certified=False)
    assert system is not None, render_text(report)
    assert isinstance(system.target, KubernetesTarget)
    prices, profiles = prices_of(system.target.prices), read_profiles(spec.parent)
    found = lock.read(spec.parent)
    for model in system.models:
        name = lock.key(environment, model.name)
        found[name] = certificate(inputs_of(model, prices, profiles.get(name), spec.parent), settings, **facts)
    lock.write(spec.parent, found)
    return spec.parent / lock.LOCK
