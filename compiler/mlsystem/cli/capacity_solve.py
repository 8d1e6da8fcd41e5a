"""Find the cheapest replicas and autoscaler settings that hold what is promised, prove it by simulation, and write both
to capacity.lock.json beside the file, to be committed. Where there are none it says why, and what would help.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlsystem.cli.common import spec_arguments
from mlsystem.cli.console import DONE, REFUSED, Console
from mlsystem.errors import MlsystemError

if TYPE_CHECKING:
    from mlsystem.capacity.certificate import Certificate, Scenario
    from mlsystem.diagnostics.report import Report
    from mlsystem.system.nodes import ModelNode, System


def arguments(parser: argparse.ArgumentParser) -> None:
    spec_arguments(parser)
    parser.add_argument("--model", metavar="NAME", help="default: every one")


def run(args: argparse.Namespace, console: Console) -> int:
    from mlsystem.capacity import lock  # lazy: --help needs no compiler
    from mlsystem.compile import resolve_system
    from mlsystem.diagnostics.render import render_text
    from mlsystem.diagnostics.report import Report

    check_installed()
    report = Report()
    system = resolve_system(args.file, args.environment, os.environ, report, certified=False)
    folder = args.file.absolute().parent
    lock.read(folder)  # one that is damaged is said before minutes are spent
    found: dict[str, Certificate] = {}
    for model in [] if system is None else chosen(system, args.model):
        assert system is not None
        certificate = solved(system, model, args.file, report, console)
        if certificate is not None:
            found[lock.key(system.environment, model.name)] = certificate
    console.say(render_text(report, color=console.color))
    if report.has_errors or system is None:
        return REFUSED
    changed = lock.write(folder, {**still_there(lock.read(folder), system), **found})  # others may have written since
    console.say(f"written to {lock.LOCK}; commit it" if changed else f"{lock.LOCK} says so already")
    return DONE


def check_installed() -> None:
    if find_spec("numpy") is None or find_spec("numba") is None:
        raise MlsystemError(
            "a search simulates requests, and needs numpy and numba", "pip install 'mlsystem[capacity]'"
        )


def still_there(certificates: Mapping[str, Certificate], system: System) -> dict[str, Certificate]:
    """Without those of models that this environment has no more."""
    from mlsystem.capacity import lock  # lazy: --help needs no compiler

    names = {lock.key(system.environment, model.name) for model in system.models}
    here = lock.key(system.environment, "")
    return {name: one for name, one in certificates.items() if name in names or not name.startswith(here)}


def chosen(system: System, name: str | None) -> list[ModelNode]:
    """Raises MlsystemError where there is no such model, or no replicas to derive."""
    from mlsystem.diagnostics.suggest import help_among  # lazy: --help needs no compiler
    from mlsystem.system.target import KubernetesTarget

    if not isinstance(system.target, KubernetesTarget):
        raise MlsystemError(
            f"{system.environment} runs on one machine, where there are no replicas", "name one of a cluster with -e"
        )
    found = [model for model in system.models if name in (None, model.name)]
    if not found:
        raise MlsystemError(f"there is no model '{name}'", help_among(name or "", [one.name for one in system.models]))
    return found


def solved(system: System, model: ModelNode, file: Path, report: Report, console: Console) -> Certificate | None:
    """None after reporting why there is none."""
    from mlsystem.capacity.cases import case_of  # lazy: --help simulates nothing
    from mlsystem.capacity.repairs import refusal
    from mlsystem.capacity.solve import solve

    asked = case_of(system, model, file, os.environ, report)
    if asked is None:
        return None
    console.say(f"{model.name}: looking for the cheapest configuration that holds in every scenario …")
    answer = solve(asked.case)
    if answer.certificate is None:
        console.say(f"{model.name}: there is none; looking for what would help …")
        asked.refuse(refusal(asked.case, answer.search), report)
        return None
    console.answer("\n".join(shown(system.environment, model, answer.certificate)))
    return answer.certificate


def shown(environment: str, model: ModelNode, certificate: Certificate) -> Iterator[str]:
    from mlsystem.capacity.words import described, percent  # lazy: --help needs no words

    slo = model.serving.slo
    yield f"{model.name} in {environment}: {described(certificate.settings)}"
    static = (
        "" if certificate.static_cost is None else f"; as many as hold it all the time: ${certificate.static_cost:,.0f}"
    )
    yield f"  ${certificate.cost:,.0f} a month at the prices of {certificate.prices}{static}"
    promised = [] if slo.objective is None else [f"{percent(slo.objective)} in {(slo.latency_us or 0) / 1000:g} ms"]
    promised += [] if slo.availability is None else [f"{percent(slo.availability)} answered"]
    yield f"  promised: {', '.join(promised)}; {percent(max(0.0, certificate.margin), 3)} of what may fail is left"
    at = f"p{100 * (slo.objective or 0.95):g} ms"
    yield f"  {'scenario':<16}{'in time, at least':>18}{'answered':>11}{at:>10}{'replicas':>11}"
    yield from (row(scenario) for scenario in certificate.scenarios)
    yield f"  binding: {certificate.binding}"
    yield f"  {certificate.replications} replications of each scenario, seed {certificate.seed}; 95% confidence"
    yield from (f"  assumed: {sentence}" for sentence in certificate.assumptions)


def row(scenario: Scenario) -> str:
    from mlsystem.capacity.words import percent  # lazy: --help needs no words

    replicas = f"{scenario.replicas_mean:.1f}≤{scenario.replicas_max}"
    return (
        f"  {scenario.name:<16}{percent(scenario.attainment.low):>18}{percent(scenario.availability.low):>11}"
        f"{1e3 * scenario.latency:>10.1f}{replicas:>11}"
    )
