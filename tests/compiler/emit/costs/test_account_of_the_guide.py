"""The account that docs/guides/aws.md describes: nothing in it is without a price or a reason, and the page says what
the tool says, to the cent."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled, compile_system
from mlsystem.cost.bill import Estimate
from mlsystem.cost.consumption import estimated
from mlsystem.diagnostics.render import render_text
from mlsystem.diagnostics.report import Report
from mlsystem.emit.aws.resource import Resource
from mlsystem.emit.costs.aws import CHARGED, FREE
from mlsystem.plan.plan import Inventory, make_plan
from mlsystem.plan.render.cost import cost_lines

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "guides" / "aws.md").read_text()
COMMAND = "$ mlsystem plan -e production"


REGION = "    region: us-east-1\n"
NETWORK = "network: {"
VARIATIONS = {
    "a table": (REGION, "    online_store: {type: dynamodb}\n"),
    "flow logs": (NETWORK, "flow_logs: true, "),
}


def compiled_in(folder: Path, after: str = REGION, more: str = "") -> Compiled:
    """The flights example with the environment that the page adds, and `more` in it, `after` what it says there."""
    added = re.search(r"```yaml prod.yaml\n(.*?)```", PAGE, re.DOTALL)
    assert added is not None
    assert added[1].count(after) == 1
    spec, report = folder / "mlsystem.yaml", Report()
    environment = added[1].replace(after, after + more)
    spec.write_text((ROOT / "examples" / "flights" / "mlsystem.yaml").read_text() + environment)
    found = compile_system(spec, "production", {}, report)
    assert found is not None, render_text(report)
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled_in(tmp_path_factory.mktemp("guide"))


def resources_of(compiled: Compiled) -> list[Resource]:
    assert compiled.cluster is not None
    return [one for stack in compiled.cluster.stacks for one in stack.resources]


@pytest.fixture
def resources(compiled: Compiled) -> list[Resource]:
    return resources_of(compiled)


@pytest.fixture
def estimate(compiled: Compiled) -> Estimate:
    assert compiled.costs is not None
    return estimated(compiled.costs.used, compiled.costs.prices, {})


def test_every_kind_of_the_account_has_a_price_or_a_reason_to_have_none(resources: list[Resource]) -> None:
    assert resources
    assert {one.kind for one in resources} - set(CHARGED) - set(FREE) == set()


@pytest.mark.parametrize("name", VARIATIONS)
def test_what_else_an_account_may_have_has_a_price_or_a_reason_too(name: str, tmp_path: Path) -> None:
    found = {one.kind for one in resources_of(compiled_in(tmp_path, *VARIATIONS[name]))}

    assert found - set(CHARGED) - set(FREE) == set()


def test_every_price_that_is_asked_for_is_known_where_the_page_lives(estimate: Estimate) -> None:
    assert [line.use.what for line in estimate.lines if line.unknown] == []


def test_no_two_lines_have_one_name(estimate: Estimate) -> None:
    names = [(line.use.node, line.use.what) for line in estimate.lines]

    assert len(names) == len(set(names))


def test_the_sum_is_that_of_every_quantity_times_every_price(compiled: Compiled, estimate: Estimate) -> None:
    assert compiled.costs is not None
    quotes, low, high = compiled.costs.prices.quotes, Decimal(0), Decimal(0)
    for use in compiled.costs.used.uses:
        for name, amount in use.rate.items():
            if use.quantity is not None:
                low += use.quantity.low * amount * quotes[name].dollars
                high += use.quantity.high * amount * quotes[name].dollars

    assert (estimate.total.low, estimate.total.high) == (round(low, 2), round(high, 2))


def test_the_budget_of_the_account_is_the_limit_of_the_environment(resources: list[Resource]) -> None:
    (budget,) = (one for one in resources if one.kind == "aws.budgets.Budget")

    assert Decimal(budget.inputs["limit_amount"]) == 1300


def test_the_page_shows_what_the_plan_says(compiled: Compiled) -> None:
    """With MLSYSTEM_GOLDEN set it is written again."""
    plan = make_plan(None, desired_of(compiled), (), Inventory(), "0.1.0")
    shown = next(block for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if block.startswith(COMMAND))
    command, said = shown.splitlines()[0], list(cost_lines(plan))
    if os.environ.get("MLSYSTEM_GOLDEN"):
        (ROOT / "docs" / "guides" / "aws.md").write_text(PAGE.replace(shown, "\n".join([command, *said, ""])))

    assert shown.splitlines()[1:] == said
