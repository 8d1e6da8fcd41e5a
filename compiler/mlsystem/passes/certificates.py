"""What is certified of the replicas of a cluster: `capacity.lock.json`, which `mlsystem capacity solve` writes.

Its settings become those of the endpoint. It is only read, and refused where what it was made from has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as File
from typing import TypeVar

from msgspec.structs import asdict, replace

from mlsystem.capacity import lock
from mlsystem.capacity.certificate import Certificate, Settings, stale
from mlsystem.capacity.gather import inputs_of
from mlsystem.capacity.profile import Profile, fingerprint_of, read_profiles
from mlsystem.cost.estimate import dollars, replicas_month
from mlsystem.cost.prices import Prices, prices_of
from mlsystem.diagnostics.report import Note
from mlsystem.errors import MlsystemError
from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.passes.target import declared_prices
from mlsystem.system.certified import Capacity, Certified
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import Scaling
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.run import Slo

PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "slo": ("the SLO", ("slo",)),
    "traffic": ("the traffic", ("traffic",)),
    "scaling": ("the scaling limits", ("scaling",)),
    "hardware": ("the hardware", ("hardware",)),
    "profile": ("the profile", ("profile",)),
}
"""Inputs of a certificate in words, and where below `serving` each is written."""

OTHERS = {"price": "the price", "solver": "the search"}
SHOWN_DIGITS = 8

Read = TypeVar("Read")


class Known(Struct):
    """What stands beside the spec, by ENVIRONMENT/MODEL, and what an hour costs."""

    certificates: Mapping[str, Certificate]
    profiles: Mapping[str, Profile]
    prices: Prices


def with_certificates(draft: Draft, problems: Problems) -> Draft:
    """Of an environment in a cluster: the scaling of an endpoint that is certified is what was certified."""
    environment = draft.spec.environments[draft.environment]
    place: Path = ("environments", draft.environment)
    certificates = read(lock.read, problems, place)
    profiles = read(read_profiles, problems, place)
    if certificates is None or profiles is None:
        return draft
    check_names(certificates, draft, problems)
    known = Known(certificates, profiles, prices_of(declared_prices(environment.prices)))
    models = {name: endpoint(model, known, draft, problems) for name, model in draft.models.items()}
    return replace(draft, models=models)


def read(reader: Callable[[File], Read], problems: Problems, place: Path) -> Read | None:
    """None after saying why a file beside the spec cannot be used."""
    try:
        return reader(problems.loaded.root)
    except MlsystemError as error:
        problems.error("MLS607", error.message, place, error.hint, key=True)
        return None


def check_names(certificates: Mapping[str, Certificate], draft: Draft, problems: Problems) -> None:
    """An endpoint that was renamed has lost its certificate, and with it the scaling that was proven."""
    there = {lock.key(draft.environment, name) for name in draft.spec.models}
    for name in sorted(certificates):
        if name.partition("/")[0] == draft.environment and name not in there:
            problems.warning(
                "MLS610", f"{lock.LOCK} certifies '{name}', and there is no such model",
                ("environments", draft.environment),
                f"solve again, which removes it: mlsystem capacity solve -e {draft.environment}", key=True,
            )  # fmt: skip


def endpoint(model: ModelNode, known: Known, draft: Draft, problems: Problems) -> ModelNode:
    name, serving, prices = lock.key(draft.environment, model.name), model.serving, known.prices
    replica = float(replicas_month(1, serving.hardware, prices))
    check_profile(model, known.profiles.get(name), draft, problems)
    certificate = known.certificates.get(name)
    if certificate is None:
        capacity = Capacity(replica=replica, prices=str(prices), certified=None)
        check_cost(model, capacity, problems)
        return replace(model, serving=replace(serving, capacity=capacity))
    check_inputs(model, certificate, known, draft, problems)
    check_platform(model, certificate.settings, draft, problems)
    proven = summary(certificate, serving.slo)
    scaling = chosen(serving.scaling, certificate.settings)
    return replace(model, serving=replace(serving, scaling=scaling, capacity=Capacity(replica, str(prices), proven)))


def chosen(scaling: Scaling, settings: Settings) -> Scaling:
    return replace(scaling, **asdict(settings), free=())


def check_profile(model: ModelNode, profile: Profile | None, draft: Draft, problems: Problems) -> None:
    if profile is not None and (moved := profile.stale(fingerprint_of(model, draft.code))):
        problems.warning(
            "MLS608", f"what was measured of '{model.name}' was measured with another {listed(moved)}",
            (*serving_of(model), "profile"),
            f"measure again: mlsystem capacity profile -e {draft.environment}", key=True,
        )  # fmt: skip


def check_inputs(model: ModelNode, certificate: Certificate, known: Known, draft: Draft, problems: Problems) -> None:
    profile = known.profiles.get(lock.key(draft.environment, model.name))
    try:
        moved = stale(certificate, inputs_of(model, known.prices, profile, problems.loaded.root))
    except OSError:
        return  # a trace that cannot be read, which has been reported
    if not moved:
        check_settings(model, certificate, draft, problems)
        return
    first, *others = (place_of(part, model, certificate, draft) for part in moved)
    words = listed(PARTS[part][0] if part in PARTS else OTHERS.get(part, f"`{part}`") for part in moved)
    report, loaded = problems.report, problems.loaded
    report.error(
        "MLS606", f"{lock.LOCK} was solved for '{model.name}' before {words} moved", loaded.span(*first, key=True),
        f"solve again, and commit the file: mlsystem capacity solve -e {draft.environment}",
        [Note("this moved too", loaded.span(*other, key=True)) for other in others],
    )  # fmt: skip


def check_settings(model: ModelNode, certificate: Certificate, draft: Draft, problems: Problems) -> None:
    """No solution breaks what is written: such a file was changed by hand, or merged."""
    settings, scaling = certificate.settings, model.serving.scaling
    wrong = [*contradictions(scaling, settings)]
    wrong += ["max_replicas"] if settings.max_replicas > scaling.max_replicas else []
    wrong += ["min_replicas"] if not 1 <= settings.min_replicas <= settings.max_replicas else []
    wrong += ["max_cost"] if scaling.max_cost is not None and certificate.cost > scaling.max_cost else []
    if wrong:
        problems.error(
            "MLS607", f"{lock.LOCK} certifies '{model.name}' with another `{wrong[0]}` than is written: it was changed"
            " after it was solved", (*serving_of(model), "scaling"),
            f"restore it, or solve again: mlsystem capacity solve -e {draft.environment}", key=True,
        )  # fmt: skip


def place_of(part: str, model: ModelNode, certificate: Certificate, draft: Draft) -> Path:
    """Where what moved is written; of limits, the one that contradicts what was certified."""
    if part not in PARTS:
        return ("environments", draft.environment, *(("prices",) if part == "price" else ()))
    below = PARTS[part][1]
    contradicting = contradictions(model.serving.scaling, certificate.settings) if part == "scaling" else ()
    return (*serving_of(model), *below, *list(contradicting)[:1])


def contradictions(scaling: Scaling, settings: Settings) -> Iterator[str]:
    for name in ("controller", "min_replicas", "metric", "target"):
        if name not in scaling.free and getattr(scaling, name) != getattr(settings, name):
            yield name


def check_platform(model: ModelNode, settings: Settings, draft: Draft, problems: Problems) -> None:
    platform = draft.spec.environments[draft.environment].platform
    if settings.controller == "keda" and settings.metric != "cpu" and not platform.prometheus:
        problems.error(
            "MLS505", f"'{model.name}' is certified to scale by {settings.metric}, which Prometheus counts, and the"
            f" platform of '{draft.environment}' does not declare it", ("environments", draft.environment, "platform"),
            "if the cluster has it: `platform: {prometheus: true}`", key=True,
        )  # fmt: skip


def check_cost(model: ModelNode, capacity: Capacity, problems: Problems) -> None:
    scaling = model.serving.scaling
    least = scaling.min_replicas * capacity.replica
    if scaling.max_cost is not None and least > scaling.max_cost:
        many = f"{scaling.min_replicas} replicas cost" if scaling.min_replicas > 1 else "one replica costs"
        problems.error(
            "MLS609", f"{many} {dollars(least)} a month, more than `max_cost` allows: {dollars(scaling.max_cost)}",
            (*serving_of(model), "scaling", "max_cost"),
            f"one replica costs {dollars(capacity.replica)} at the prices of {capacity.prices}: allow more, or write"
            " less `hardware` or `min_replicas`",
        )  # fmt: skip


def summary(certificate: Certificate, slo: Slo) -> Certified:
    worst = min(certificate.scenarios, key=lambda scenario: scenario.left(slo))
    return Certified(
        scenario=worst.name,
        attainment=worst.attainment,
        availability=worst.availability,
        latency=max(scenario.latency for scenario in certificate.scenarios),
        worst=worst.worst.attainment,
        worst_start=worst.worst.start,
        cost=certificate.cost,
        margin=certificate.margin,
        binding=certificate.binding,
        seed=certificate.seed,
        replications=certificate.replications,
        inputs={name: value[:SHOWN_DIGITS] for name, value in sorted(certificate.inputs.items())},
    )


def serving_of(model: ModelNode) -> Path:
    return ("models", model.name, "serving")


def listed(words: Iterator[str] | tuple[str, ...]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last
