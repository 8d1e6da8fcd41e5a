"""A plan says of every endpoint in a cluster how many replicas it has, what they cost and what is proven of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from solved import SETTINGS, solve

from mlsystem.apply.target import desired_of
from mlsystem.capacity import lock
from mlsystem.compile import compile_system
from mlsystem.diagnostics.render import render_text as render_report
from mlsystem.diagnostics.report import Report
from mlsystem.plan.plan import Inventory, Plan, make_plan
from mlsystem.plan.render import RENDERERS
from mlsystem.state.manifest import Manifest

EXAMPLES = Path(__file__).parents[3] / "examples"
PRICES = "at the prices of AWS Fargate, us-east-1, Linux on x86, of 2026-03-31"


class Project:
    """The flights example, of which staging is planned against what was applied before."""

    def __init__(self, folder: Path, applied: Callable[..., Manifest]) -> None:
        self.spec = folder / "mlsystem.yaml"
        self.spec.write_text((EXAMPLES / "flights" / "mlsystem.yaml").read_text())
        self.applied = applied
        self.manifest: Manifest | None = None

    def solve(self, **facts: Any) -> None:
        solve(self.spec, "staging", **facts)

    def change(self, old: str, new: str) -> None:
        assert old in self.spec.read_text()
        self.spec.write_text(self.spec.read_text().replace(old, new))

    def plan(self, environment: str = "staging") -> Plan:
        report = Report()
        compiled = compile_system(self.spec, environment, {}, report)
        assert compiled is not None, render_report(report)
        self.desired = desired_of(compiled)
        return make_plan(self.manifest, self.desired, (), Inventory(), "0.1.0")

    def apply(self) -> None:
        self.plan()
        self.manifest = replace(self.applied(self.desired.snapshot, ()), files=self.desired.files)

    def said(self) -> list[str]:
        """What the plan says of the endpoint."""
        lines = RENDERERS["text"](self.plan()).splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("Endpoint main: "))
        return [lines[first].removeprefix("Endpoint main: "), lines[first + 1].strip()]


@pytest.fixture
def project(tmp_path: Path, applied: Callable[..., Manifest]) -> Project:
    return Project(tmp_path, applied)


def test_what_is_not_certified_is_said_to_be_so_with_the_command_and_between_which_costs_it_is(
    project: Project,
) -> None:
    assert project.said() == [
        f"replicas 2 to 10 by cpu at 70%, $72 to $360 a month {PRICES}.",
        "not certified: mlsystem capacity solve -e staging",
    ]


def test_what_is_certified_is_told_with_its_promise_cost_and_margin(project: Project) -> None:
    project.solve()

    assert project.said() == [
        f"replicas 3 to 8 by cpu at 55%, $112 a month {PRICES}.",
        "certified: p95 43.8ms, available 99.97%, margin 48%; the worst case is peak",
    ]


def test_it_is_told_where_nothing_is_to_be_done_too(project: Project) -> None:
    project.solve()
    project.apply()

    assert project.plan().empty
    assert project.said()[1].startswith("certified: ")


def test_another_answer_is_told_beside_the_old_one_with_what_more_it_costs(project: Project) -> None:
    project.solve()
    project.apply()
    project.change("peak: 1200rps", "peak: 1300rps")
    project.solve(settings=replace(SETTINGS, min_replicas=3, max_replicas=10, target=0.5), cost=150.5)

    assert project.said()[0] == f"replicas 3 to 8 → 3 to 10 by cpu at 55% → 50%, $112 → $151 (+$38) a month {PRICES}."


def test_what_was_not_certified_before_cost_between_two_bounds(project: Project) -> None:
    project.apply()
    project.solve()

    assert project.said()[0] == f"replicas 2 to 10 → 3 to 8 by cpu at 70% → 55%, $72 to $360 → $112 a month {PRICES}."


def test_what_other_hardware_cost_is_not_guessed(project: Project) -> None:
    project.apply()
    project.change("hardware: {cpu: 1, memory: 2Gi}", "hardware: {cpu: 2, memory: 2Gi}")

    assert project.said()[0].startswith("replicas 2 to 10 by cpu at 70%, $131 to $656 a month")


def test_a_certificate_alone_that_changes_reconfigures_and_restarts_nothing(project: Project) -> None:
    project.solve()
    project.apply()
    project.solve(margin=0.5, binding="something else")

    (change,) = [one for one in project.plan().changes if "node" in one.__struct_fields__]
    assert (change.node, str(change.consequence)) == ("endpoint.main", "reconfigure")


def test_markdown_has_a_row_for_each_endpoint(project: Project) -> None:
    project.solve()

    assert "| `main` | 3 to 8 by cpu at 55% | \\$112 | certified: p95" in RENDERERS["markdown"](project.plan())


def test_json_has_the_numbers(project: Project) -> None:
    project.solve()

    (found,) = json.loads(RENDERERS["json"](project.plan()))["plan"]["capacity"]

    assert (found["now"]["min_replicas"], found["now"]["max_replicas"], found["now"]["least_cost"]) == (3, 8, 112.4)
    assert found["now"]["proof"]["margin"] == "48%"


def test_one_machine_has_no_replicas_to_tell_of(project: Project) -> None:
    project.solve()

    assert project.plan("dev").capacity == ()


def test_what_was_promised_without_a_latency_is_told_without_one(project: Project) -> None:
    project.change("slo: {latency: {p95: 50ms}, availability", "slo: {availability")
    project.solve()

    assert project.said()[1] == "certified: available 99.97%, margin 48%; the worst case is peak"


def test_the_lock_file_of_another_question_stops_the_plan(project: Project) -> None:
    project.solve()
    project.change("p95: 50ms", "p95: 20ms")
    report = Report()

    assert compile_system(project.spec, "staging", {}, report) is None
    assert f"{lock.LOCK} was solved for 'main' before the SLO moved" in render_report(report)
