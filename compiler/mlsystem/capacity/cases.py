"""The case of one endpoint, from its system and the files beside the spec; and what is said where it has no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsystem.capacity.gather import inputs_of
from mlsystem.capacity.profile import fingerprint_of, key, missing_profile, read_profiles
from mlsystem.capacity.repairs import Refusal
from mlsystem.capacity.solve import Case
from mlsystem.capacity.trace_file import read_trace
from mlsystem.capacity.traffic import Trace
from mlsystem.capacity.trials import promises
from mlsystem.cost.prices import prices_of
from mlsystem.diagnostics.report import Note, Report
from mlsystem.errors import MlsystemError
from mlsystem.spec.parse import Loaded, load
from mlsystem.system.nodes import ModelNode, System
from mlsystem.system.target import KubernetesTarget

SHOWN = 6  # repairs


@dataclass(frozen=True)
class Asked:
    """A case, and where it was written."""

    case: Case
    loaded: Loaded
    model: str

    def refuse(self, refusal: Refusal, report: Report) -> None:
        """At the promise that is missed by most."""
        span = self.loaded.span("models", self.model, "serving", "slo", refusal.promise)
        first, *others = refusal.repairs[:SHOWN] or (None,)
        report.error(
            "MLS620", f"no configuration of '{self.model}' holds this within its limits: {refusal.witness}", span,
            "make fewer promises, or allow more" if first is None else first.says,
            [Note(f"or {other.says}") for other in others if other is not None],
        )  # fmt: skip


def case_of(system: System, model: ModelNode, file: Path, environ: Mapping[str, str], report: Report) -> Asked | None:
    """None after reporting that there is nothing to solve. Raises MlsystemError where nobody knows how fast a server
    is, or the trace cannot be read."""
    loaded = load(file, system.environment, Report(), environ)
    assert loaded is not None, "it was resolved"
    serving, path = model.serving, ("models", model.name, "serving")
    if not promises(serving.slo):
        report.error("MLS621", f"'{model.name}' promises nothing", loaded.span(*path, "slo"),
                     "write for example `slo: {latency: {p95: 50ms}, availability: 99.9%}`")  # fmt: skip
        return None
    if serving.traffic.mean_rps is None and serving.traffic.peak_rps is None and serving.traffic.trace is None:
        report.error("MLS621", f"nobody knows what traffic '{model.name}' will have", loaded.span(*path, "traffic"),
                     "write for example `traffic: {mean: 40rps, peak: 120rps}`, or a trace")  # fmt: skip
        return None
    case = read_case(system, model, file.absolute().parent)
    if case.profile is not None and (moved := case.profile.stale(fingerprint_of(model, system.code))):
        message = f"what was measured of '{model.name}' was measured with another {' and '.join(moved)}"
        again = f"measure again: mlsystem capacity profile -e {system.environment}"
        report.warning("MLS608", message, loaded.span(*path), again)
    return Asked(case, loaded, model.name)


def read_case(system: System, model: ModelNode, folder: Path) -> Case:
    """With the profile that was measured, else with what is declared."""
    target = system.target
    assert isinstance(target, KubernetesTarget), "the caller has made sure"
    profile = read_profiles(folder).get(key(system.environment, model.name))
    declared = model.serving.profile
    if profile is None and (declared is None or declared.service_time_us is None):
        raise missing_profile(system.environment, model.name)
    inputs = inputs_of(model, prices_of(target.prices), profile, folder)
    return Case(inputs, profile, recorded(model.serving.traffic.trace, folder))


def recorded(trace: str | None, folder: Path) -> Trace | None:
    if trace is None:
        return None
    found, problems = read_trace((folder / trace).read_text("utf-8-sig", "replace"))
    if found is None:
        raise MlsystemError(f"line {problems[0].line} of '{trace}': {problems[0].message}", problems[0].help)
    return found
