"""A certificate is the scaling of its endpoint as long as it was made for what the file says; else it is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from solved import SETTINGS, solve

from mlsystem.capacity import lock
from mlsystem.capacity import profile as profiles
from mlsystem.capacity.certificate import Behaviour, Direction, ScalingPolicy
from mlsystem.capacity.profile import Cell, Machine, Profile, fingerprint_of
from mlsystem.cli.main import main
from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Diagnostic, Report
from mlsystem.system.nodes import Serving, System

BASE = (Path(__file__).parents[2] / "diagnostics" / "warn_one_replica.yaml").read_text()
SERVING = """serving:
  slo: {latency: {p95: 50ms}, availability: 99.9%}
  traffic: {mean: 40rps, peak: 120rps, trace: week.csv}
  hardware: {cpu: 2, memory: 4Gi}
  profile: {service_time: 20ms}
  scaling:
    controller: keda
    max_replicas: 10
    max_cost: $400/month
monitoring:
"""
ENVIRONMENTS = """environments:
  prod:
    target: kubernetes
    registry: registry.example.com/ml
    prices: {cpu_hour: $0.05, memory_gib_hour: $0.005}
    platform: {argo_workflows: true, keda: true, prometheus: true}
    images: {base: "python@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
"""
SPEC = BASE[: BASE.index("serving:\n")] + SERVING + BASE[BASE.index("monitoring:\n") + len("monitoring:\n") :]
SPEC = SPEC[: SPEC.index("environments:\n")] + ENVIRONMENTS
KEDA = replace(SETTINGS, controller="keda")


@dataclass
class Project:
    """A folder with a spec, which tests change and compile again."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "mlsystem.yaml"

    def solve(self, **facts: Any) -> None:
        solve(self.spec, "prod", **{"settings": KEDA, **facts})

    def change(self, old: str, new: str) -> None:
        assert old in self.spec.read_text()
        self.spec.write_text(self.spec.read_text().replace(old, new))

    def compile(self) -> tuple[System | None, Report]:
        report = Report()
        return resolve_system(self.spec, None, {}, report), report

    def serving(self) -> Serving:
        system, report = self.compile()
        assert system is not None, report.diagnostics
        return system.models[0].serving

    def said(self) -> Diagnostic:
        (found,) = self.compile()[1].diagnostics
        return found

    def line(self, found: Diagnostic) -> str:
        """That the diagnostic points at."""
        assert found.span is not None
        return self.spec.read_text().splitlines()[found.span.line - 1].strip()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mlsystem.yaml").write_text(SPEC)
    (tmp_path / "week.csv").write_text("time,rps\n0,40\n1,50\n2,60\n")
    return Project(tmp_path)


def measured(project: Project) -> Profile:
    system, _ = project.compile()
    assert system is not None
    return Profile(
        fingerprint=fingerprint_of(system.models[0], None), machine=Machine("a processor", 2, "quota", 2.0, "redis"),
        version=1, cells=(Cell(1, 1, 3, (900, 1000, 1400)),), cold_starts_us=(3_000_000,), memory_bytes=1, lag_us=10,
    )  # fmt: skip


def test_without_a_lock_file_scaling_is_what_the_file_says_and_its_price_is_known(project: Project) -> None:
    serving = project.serving()

    assert (serving.scaling.min_replicas, serving.scaling.max_replicas, serving.scaling.target) == (2, 10, 0.7)
    assert serving.capacity is not None
    assert serving.capacity.certified is None
    assert serving.capacity.replica == pytest.approx(730 * (2 * 0.05 + 4 * 0.005))


def test_what_is_certified_is_the_scaling_of_the_endpoint(project: Project) -> None:
    slow = Behaviour(Direction(30, (ScalingPolicy("pods", 2, 60),)), Direction(600, (ScalingPolicy("pods", 1, 60),)))
    project.solve(settings=replace(KEDA, behaviour=slow))

    scaling = project.serving().scaling

    assert (scaling.min_replicas, scaling.max_replicas, scaling.metric, scaling.target) == (3, 8, "cpu", 0.55)
    assert scaling.behaviour == slow
    assert scaling.max_cost == 400.0


def test_the_worst_scenario_is_kept_with_what_it_was_derived_from(project: Project) -> None:
    project.solve()

    capacity = project.serving().capacity

    assert capacity is not None
    assert (found := capacity.certified) is not None
    assert (found.scenario, found.latency, found.worst) == ("peak", 0.0438, 0.9614)
    assert found.inputs.keys() == {"slo", "traffic", "scaling", "hardware", "profile", "price", "solver"}


@pytest.mark.parametrize(("old", "new", "words", "line"), [
    ("p95: 50ms", "p95: 30ms", "the SLO", "slo: {latency: {p95: 30ms}, availability: 99.9%}"),
    ("peak: 120rps", "peak: 130rps", "the traffic", "traffic: {mean: 40rps, peak: 130rps, trace: week.csv}"),
    ("service_time: 20ms", "service_time: 30ms", "the profile", "profile: {service_time: 30ms}"),
    ("cpu: 2,", "cpu: 3,", "the hardware", "hardware: {cpu: 3, memory: 4Gi}"),
    ("max_replicas: 10", "max_replicas: 9", "the scaling limits", "scaling:"),
    ("max_cost: $400/month", "max_cost: $500/month", "the scaling limits", "scaling:"),
    ("    max_replicas: 10", "    max_replicas: 10\n    min_replicas: 4", "the scaling limits", "min_replicas: 4"),
    ("    max_replicas: 10", "    max_replicas: 10\n    target: 60%", "the scaling limits", "target: 60%"),
    ("cpu_hour: $0.05", "cpu_hour: $0.06", "the price", "prices: {cpu_hour: $0.06, memory_gib_hour: $0.005}"),
])  # fmt: skip
def test_what_moved_is_named_at_its_line_with_the_command(
    old: str, new: str, words: str, line: str, project: Project
) -> None:
    project.solve()
    project.change(old, new)

    found = project.said()

    assert (found.code, found.severity) == ("MLS606", "error")
    assert found.message == f"capacity.lock.json was solved for 'main' before {words} moved"
    assert found.help == "solve again, and commit the file: mlsystem capacity solve -e prod"
    assert project.line(found) == line


def test_a_number_that_contradicts_what_was_certified_is_the_one_pointed_at(project: Project) -> None:
    project.change("    max_replicas: 10", "    max_replicas: 10\n    min_replicas: 3\n    target: 55%")
    project.solve()
    project.change("target: 55%", "target: 60%")

    assert project.line(project.said()) == "target: 60%"


def test_several_that_moved_are_told_together_and_each_has_its_place(project: Project) -> None:
    project.solve()
    project.change("p95: 50ms", "p95: 30ms")
    project.change("mean: 40rps", "mean: 50rps")
    project.change("cpu: 2,", "cpu: 1,")

    found = project.said()

    assert "before the SLO, the traffic and the hardware moved" in found.message
    assert [note.span and note.span.line - (found.span.line if found.span else 0) for note in found.notes] == [1, 2]


def test_other_recorded_traffic_in_the_same_file_is_other_traffic(project: Project) -> None:
    project.solve()
    (project.folder / "week.csv").write_text("time,rps\n0,40\n1,50\n2,61\n")

    assert "before the traffic moved" in project.said().message


def test_a_trace_that_is_gone_is_told_once(project: Project) -> None:
    project.solve()
    (project.folder / "week.csv").unlink()

    assert project.said().code == "MLS217"


def test_a_certificate_of_another_environment_or_model_is_none_of_this_one(project: Project) -> None:
    project.solve()
    certificates = lock.read(project.folder)
    lock.write(project.folder, {"staging/main": certificates["prod/main"]})

    capacity = project.serving().capacity

    assert capacity is not None
    assert capacity.certified is None


def test_a_certificate_of_a_model_that_is_not_there_is_a_warning_for_it_may_have_been_renamed(project: Project) -> None:
    project.solve()
    lock.write(project.folder, {"prod/other": lock.read(project.folder)["prod/main"]})

    found = project.said()

    assert (found.code, found.severity, project.line(found)) == ("MLS610", "warning", "prod:")
    assert "'prod/other'" in found.message


@pytest.mark.parametrize("name", [lock.LOCK, profiles.FILE])
@pytest.mark.parametrize("content", [b'{"version": 1, <<<<<<< HEAD', b"\xff\xfe"])
def test_a_damaged_file_is_refused_with_what_to_do(name: str, content: bytes, project: Project) -> None:
    (project.folder / name).write_bytes(content)

    found = project.said()

    assert (found.code, project.line(found)) == ("MLS607", "prod:")
    assert name in found.message
    assert "mlsystem capacity" in (found.help or "")


@pytest.mark.parametrize(("facts", "what"), [
    ({"settings": replace(KEDA, max_replicas=100)}, "max_replicas"),
    ({"settings": replace(KEDA, min_replicas=9)}, "min_replicas"),
    ({"cost": 1000.0}, "max_cost"),
])  # fmt: skip
def test_an_answer_that_was_changed_by_hand_or_merged_is_refused(
    facts: dict[str, Any], what: str, project: Project
) -> None:
    project.solve(**facts)

    found = project.said()

    assert (found.code, f"another `{what}` than is written" in found.message) == ("MLS607", True)


def test_a_profile_that_was_measured_of_something_else_is_a_warning(project: Project) -> None:
    profiles.write_profile(project.folder, "prod/main", measured(project))
    project.solve()
    assert project.compile()[1].diagnostics == ()
    project.change("training:\n", "training:\n  parameters: {hidden: [512]}\n")

    found = project.said()

    assert (found.code, found.severity) == ("MLS608", "warning")
    assert found.message == "what was measured of 'main' was measured with another structure"
    assert project.line(found) == "profile: {service_time: 20ms}"


def test_a_profile_that_was_measured_again_is_another_input(project: Project) -> None:
    profile = measured(project)
    profiles.write_profile(project.folder, "prod/main", profile)
    project.solve()
    profiles.write_profile(project.folder, "prod/main", replace(profile, cold_starts_us=(4_000_000,)))

    assert "before the profile moved" in project.said().message


def test_least_replicas_that_cost_more_than_they_may_are_refused_without_a_certificate(project: Project) -> None:
    project.change("max_cost: $400/month", "max_cost: $150/month")

    found = project.said()

    assert (found.code, project.line(found)) == ("MLS609", "max_cost: $150/month")
    assert found.message == "2 replicas cost $175 a month, more than `max_cost` allows: $150"


def test_scaling_by_requests_needs_who_counts_them(project: Project) -> None:
    project.solve(settings=replace(KEDA, metric="requests", target=20.0))
    project.change(", prometheus: true", "")

    said = {one.code: one for one in project.compile()[1].diagnostics}

    assert said.keys() == {"MLS505", "MLS606"}
    assert project.line(said["MLS505"]) == "platform: {argo_workflows: true, keda: true}"


@pytest.mark.parametrize(("written", "free"), [
    ("min_replicas: 3", ("metric", "target")), ("metric: cpu", ("min_replicas", "target")),
    ("target: 60%", ("min_replicas",)),
])  # fmt: skip
def test_what_is_written_is_no_choice_and_a_target_says_its_metric(
    written: str, free: tuple[str, ...], project: Project
) -> None:
    project.change("    max_replicas: 10", f"    max_replicas: 10\n    {written}")

    assert project.serving().scaling.free == free


@pytest.mark.parametrize(("platform", "free"), [(", prometheus: true", True), ("", False)])
def test_a_search_chooses_only_what_the_platform_counts(platform: str, free: bool, project: Project) -> None:
    project.change(", prometheus: true", platform)

    assert ("metric" in project.serving().scaling.free) is free


def test_one_machine_reads_no_lock_file(project: Project) -> None:
    project.change("environments:\n", "environments:\n  dev: {target: local}\n")
    (project.folder / lock.LOCK).write_text("damaged")

    report = Report()
    system = resolve_system(project.spec, "dev", {}, report)

    assert system is not None
    assert system.models[0].serving.capacity is None


@pytest.mark.parametrize("command", ["validate", "compile", "plan"])
def test_what_has_to_be_solved_again_ends_with_exit_code_1(
    command: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.solve()
    monkeypatch.chdir(project.folder)
    assert main([command, "-e", "prod"]) == 0
    project.change("p95: 50ms", "p95: 30ms")

    assert main([command, "-e", "prod"]) == 1
    said = capsys.readouterr()
    assert "MLS606" in said.out + said.err


@pytest.mark.parametrize("command", [["status"], ["rollback"], ["destroy", "--yes"], ["logs"]])
def test_what_runs_is_operated_whatever_has_to_be_solved_again(
    command: list[str], project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.solve()
    project.change("p95: 50ms", "p95: 30ms")
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("KUBECONFIG", str(project.folder / "none"))

    main([*command, "-e", "prod"])

    said = capsys.readouterr()
    assert "MLS606" not in said.out + said.err


def test_a_measurement_does_not_wait_for_a_search(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.solve()
    project.change("cpu: 2,", "cpu: 3,")
    monkeypatch.chdir(project.folder)

    assert main(["capacity", "profile", "-e", "prod"]) == 1
    said = capsys.readouterr()
    assert "MLS606" not in said.out + said.err
    assert "capacity profile -e prod --from ENV" in said.err


def test_compiling_what_is_certified_loads_nothing_that_simulates(project: Project) -> None:
    project.solve()
    code = (
        "import sys; from pathlib import Path; from mlsystem.compile import resolve_system;"
        "from mlsystem.diagnostics.report import Report;"
        f"assert resolve_system(Path({str(project.spec)!r}), None, {{}}, Report());"
        "assert not {'numpy', 'numba', 'scipy'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
