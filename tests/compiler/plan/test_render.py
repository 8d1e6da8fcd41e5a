"""What people read of a plan."""

from __future__ import annotations

import json

import pytest

from mlsystem.plan.plan import Inventory
from mlsystem.plan.render.json import render_json
from mlsystem.plan.render.markdown import render_markdown
from mlsystem.plan.render.text import render_text
from mlsystem.plan.render.words import headline


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("model.main.fit.parameters.learning_rate", 1, "retrains main, then releases it; nothing is deleted."),
        ("evaluation.main.evaluate.gates", [], "re-evaluates main, then releases it; nothing is deleted."),
        ("monitor.main.operate.drift", False, "restarts the monitor; nothing is deleted."),
        ("model.main.operate.threads", 8, "records what changed, redoes nothing; nothing is deleted."),
    ],
)
def test_the_headline_says_it_in_words(system, plan_for, path, value, expected):
    assert headline(plan_for(system(), system({path: value}))) == f"dev of flights: {expected}"


def test_a_first_plan_tells_the_whole_way(system, plan_for):
    assert headline(plan_for(None, system())) == (
        "dev of flights: ingests flights, then computes feature group history, then trains main, then releases it, "
        "then starts the server and the monitor; nothing is deleted."
    )


def test_an_empty_plan_says_so(system, plan_for):
    assert render_text(plan_for(system(), system())) == "Nothing to do: dev of flights is as the file says.\n"


def test_text_shows_old_and_new_with_the_reason(system, plan_for):
    text = render_text(plan_for(system(), system({"model.main.fit.parameters.learning_rate": 0.002})))

    assert "  ~ model.main       retrain\n      fit.parameters.learning_rate: 0.001 → 0.002\n" in text
    assert "  > evaluation.main  re-evaluate\n      because model.main is retrained\n" in text
    assert "Steps that will probably run: train.main, evaluate.main, register.main.\n" in text
    assert text.endswith("Unchanged: 5 nodes.\n")


def test_what_is_lost_stands_before_everything_else(system, plan_for):
    plan = plan_for(system(), system(model="late"), inventory=Inventory(versions={"main": 3}))

    assert render_text(plan).splitlines()[2] == "  ! model 'main' of dev and 3 versions of it will be deleted"
    assert render_markdown(plan).index("will be deleted") < render_markdown(plan).index("| node |")


def test_json_carries_headline_and_digest(system, plan_for):
    plan = plan_for(None, system())
    decoded = json.loads(render_json(plan))

    assert (decoded["headline"], decoded["digest"]) == (headline(plan), plan.digest)
    assert decoded["plan"]["changes"][0]["change"] == "added"
