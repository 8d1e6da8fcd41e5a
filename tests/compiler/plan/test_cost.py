"""A plan says what the environment costs, how that moves, and what its trainings cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mlsystem.apply.target import desired_of
from mlsystem.compile import compile_system
from mlsystem.cost.bill import Range
from mlsystem.diagnostics.render import render_text as render_report
from mlsystem.diagnostics.report import Report
from mlsystem.plan.plan import Inventory, Plan, load_plan, make_plan, save_plan
from mlsystem.plan.render import RENDERERS
from mlsystem.plan.render.cost import cost_lines
from mlsystem.plan.render.words import headline
from mlsystem.state.manifest import Manifest, decode_manifest, encode_manifest

EXAMPLES = Path(__file__).parents[3] / "examples"
REPLICAS = "scaling: {max_replicas: 10, max_cost: $400/month}"
PRICES = "at the prices of AWS Fargate, us-east-1, Linux on x86, of 2026-03-31"


class Project:
    """The flights example, of which staging is planned against what was applied before."""

    def __init__(self, folder: Path, applied: Callable[..., Manifest]) -> None:
        self.spec = folder / "mlsystem.yaml"
        self.spec.write_text((EXAMPLES / "flights" / "mlsystem.yaml").read_text())
        self.applied = applied
        self.manifest: Manifest | None = None

    def change(self, old: str, new: str) -> None:
        assert old in self.spec.read_text()
        self.spec.write_text(self.spec.read_text().replace(old, new))

    def plan(self, environment: str = "staging", durations: Mapping[str, float] | None = None) -> Plan:
        report = Report()
        compiled = compile_system(self.spec, environment, {}, report)
        assert compiled is not None, render_report(report)
        self.desired = desired_of(compiled)
        return make_plan(self.manifest, self.desired, (), Inventory(durations=durations or {}), "0.1.0")

    def apply(self) -> None:
        self.plan()
        costs = self.desired.costs
        assert costs is not None
        applied = self.applied(self.desired.snapshot, ())
        self.manifest = replace(applied, files=self.desired.files, consumption=costs.used)

    def said(self, **facts: Any) -> list[str]:
        """The section of the plan."""
        lines = RENDERERS["text"](self.plan(**facts)).splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("Cost: "))
        rest = [line for line in lines[first + 1 :] if line.startswith(("  ", "Training"))]
        return [lines[first], *rest]


@pytest.fixture
def project(tmp_path: Path, applied: Callable[..., Manifest]) -> Project:
    return Project(tmp_path, applied)


def test_the_first_plan_says_the_sum_its_largest_lines_whose_they_are_and_what_nobody_knows(project: Project) -> None:
    said = project.said()

    assert said[0].startswith("Cost: at least $")
    assert said[0].endswith(f" a month, {PRICES}.")
    assert "  servers of main (1 CPU, 2 GiB): $72 to $360, from 2 to 10 replicas all month" in said
    assert any(line.startswith("  by model: main $72 to $360; shared $") for line in said)
    assert any(
        line.startswith("  not known: refresh of features every 15m (no run of it has been seen") for line in said
    )
    assert any(
        line.startswith("  not counted: the cluster itself, the registry registry.example.com/ml") for line in said
    )


def test_what_changed_stands_first_with_the_difference_and_moves_the_headline(project: Project) -> None:
    project.apply()
    project.change(REPLICAS, "scaling: {min_replicas: 3, max_replicas: 12}")
    said = project.said()

    assert "(+$36 to +$72)" in said[0]
    assert said[1] == "  servers of main (1 CPU, 2 GiB): $108 to $432 (+$36 to +$72), from 3 to 12 replicas all month"
    assert "; +$36 to +$72 a month; nothing is deleted." in headline(project.plan())


def test_what_is_not_used_any_more_is_told_with_what_it_cost(project: Project) -> None:
    project.apply()
    project.change("    context: staging\n", "    context: staging\n    tracking: {uri: https://mlflow.example.com}\n")
    said = project.said()

    assert any(line.startswith("  not used any more: Deployment flight-delay-tracking, -$") for line in said)


def test_nothing_that_changed_moves_nothing(project: Project) -> None:
    project.apply()
    plan = project.plan()

    assert plan.cost is not None
    assert plan.cost.difference is not None
    assert (plan.cost.difference.low, plan.cost.difference.high) == (0, 0)
    assert "(+" not in project.said()[0]


def test_other_prices_are_those_of_both_sides(project: Project) -> None:
    project.apply()
    prices = "prices: {cpu_hour: $0.08, memory_gib_hour: $0.01}"
    project.change("    context: staging\n", f"    context: staging\n    {prices}\n")
    plan = project.plan()

    assert plan.cost is not None
    assert plan.cost.difference is not None
    assert plan.cost.difference.high == 0


def test_a_training_costs_what_its_machines_cost_for_as_long_as_the_last_one_took(project: Project) -> None:
    said = project.said(durations={"train.main": 1440.0})

    assert "Training of main: about 0.4 h of 1 CPU, 4 GiB, $0.02, from the last run." in said


def test_how_long_the_first_training_takes_nobody_knows(project: Project) -> None:
    assert "Training of main: not known yet how long it takes on 1 CPU, 4 GiB." in project.said()


def test_a_plan_that_trains_nothing_says_nothing_of_trainings(project: Project) -> None:
    project.apply()
    plan = project.plan(durations={"train.main": 1440.0})

    assert plan.cost is not None
    assert "train.main" not in plan.steps or plan.cost.trainings


def test_a_schedule_costs_something_once_its_steps_have_been_seen(project: Project) -> None:
    steps = [task.step for run in self_runs(project) for task in run.tasks]
    plan = project.plan(durations=dict.fromkeys(steps, 36.0))
    assert plan.cost is not None
    refresh = next(one.line for one in plan.cost.lines if one.line.use.what.startswith("refresh of features"))
    each = Decimal("0.04048") + 4 * Decimal("0.004445")

    assert refresh.amount is not None
    assert refresh.amount.low == len(steps) * each * Decimal("0.01") * 2922


def self_runs(project: Project) -> Any:
    project.plan()
    assert project.desired.costs is not None
    return project.desired.costs.used.runs


def test_one_machine_costs_nobody_anything(project: Project) -> None:
    plan = project.plan("dev")

    assert plan.cost is None
    assert "Cost: " not in RENDERERS["text"](plan)


def test_a_plan_and_a_manifest_keep_amounts_exactly(project: Project, tmp_path: Path) -> None:
    project.apply()
    plan = project.plan()
    (tmp_path / "plan.json").write_text(save_plan(plan))
    assert project.manifest is not None
    again, migrated = decode_manifest(encode_manifest(project.manifest).encode(), "manifest.json")

    assert load_plan(tmp_path / "plan.json") == plan
    assert (again.consumption, migrated) == (project.manifest.consumption, False)


def test_a_manifest_of_before_says_nothing_of_costs_and_moves_none(project: Project) -> None:
    project.apply()
    assert project.manifest is not None
    project.manifest = replace(project.manifest, consumption=None)
    plan = project.plan()

    assert plan.cost is not None
    assert plan.cost.difference is None


def test_programs_get_amounts_as_exact_text(project: Project) -> None:
    found = msgspec.json.decode(RENDERERS["json"](project.plan()))["plan"]["cost"]

    assert found["total"]["low"].count(".") == 1
    assert found["models"]["main"]["high"] == "360.40"


def test_a_review_sees_the_sum_and_the_lines_under_a_fold(project: Project) -> None:
    project.apply()
    project.change(REPLICAS, "scaling: {min_replicas: 3, max_replicas: 12}")
    page = RENDERERS["markdown"](project.plan())

    assert "**Cost: at least \\$" in page
    assert "| servers of main (1 CPU, 2 GiB) | $108 to $432 | +$36 to +$72 | from 3 to 12" in page.replace("\\$", "$")


def test_many_models_take_no_more_lines_than_a_few(project: Project) -> None:
    plan = project.plan()
    assert plan.cost is not None
    many = {f"model{number}": Range(Decimal(number), Decimal(number)) for number in range(40)}
    training = plan.cost.trainings[0]
    cost = replace(plan.cost, models=many, trainings=(training,) * 40)
    said = list(cost_lines(replace(plan, cost=cost)))

    owners = next(line for line in said if line.startswith("  by model: "))
    assert owners.startswith("  by model: model39 $39, model38 $38, ")
    assert "model33" not in owners
    assert "and 34 more; shared $" in owners
    assert said[-1] == "Trainings of 34 more models: --format json."
