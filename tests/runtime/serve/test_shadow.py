"""A shadow version is given what others answered, and answers nobody."""

from __future__ import annotations

import math
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families


def logistic(x):
    return 1 / (1 + math.exp(-x))


def numbers(client, family):
    """Label values (without model) → value, of the samples of a family."""
    text = client.get("/metrics").body.decode()
    return {
        tuple(value for name, value in sample.labels.items() if name != "model"): sample.value
        for found in text_string_to_metric_families(text) for sample in found.samples if sample.name == family
    }


def until(client, outcome, rows):
    """Waits until so many rows of the shadow ended in this way."""
    for _ in range(500):
        told = numbers(client, "mlsystem_shadow_rows_total")
        if sum(value for labels, value in told.items() if outcome in labels) >= rows:
            return
        time.sleep(0.01)
    raise AssertionError(told)


@pytest.fixture
def trying(world, start):
    world.shadow_cpu = 1.0
    world.release((1, 1.0), shadow=2)
    client = start(world)
    yield client
    client.app.service.predictors[0].shadow.stop()


def test_it_answers_nobody_and_how_far_it_is_from_what_was_answered_is_counted(trying, good_row):
    answers = [trying.predict(good_row).json for _ in range(3)]
    until(trying, "compared", 3)

    assert {answer["version"] for answer in answers} == {1}
    total = numbers(trying, "mlsystem_shadow_difference_sum")
    assert total == {("2",): pytest.approx(3 * abs(logistic(2.5) - logistic(1.5)))}
    assert numbers(trying, "mlsystem_predictions_total") == {("1",): 3.0}


def test_rows_of_which_it_says_something_else_are_counted(world, start, good_row):
    world.shadow_cpu = 1.0
    world.release((1, 1.0), shadow=-3)
    client = start(world)
    client.predict({"rows": [good_row] * 4})
    until(client, "compared", 4)

    assert numbers(client, "mlsystem_shadow_disagreements_total") == {("-3",): 4.0}


def test_one_that_fails_hurts_nobody(world, start, good_row):
    world.shadow_cpu = 1.0
    world.failing_versions = frozenset({2})
    world.release((1, 1.0), shadow=2)
    client = start(world)

    assert client.predict(good_row).status == 200
    until(client, "failed", 1)
    assert client.predict(good_row).status == 200


def test_one_that_cannot_be_loaded_stops_no_release(world, start, good_row):
    world.shadow_cpu = 1.0
    world.damaged = {2}
    world.release((1, 1.0), shadow=2)
    client = start(world)

    assert client.predict(good_row).json["version"] == 1
    assert numbers(client, "mlsystem_shadow_rows_total") == {}


def test_while_the_slo_is_in_danger_it_stands_still(trying, good_row):
    scheduler = trying.app.service.predictors[0].scheduler
    scheduler._pressed_at = time.monotonic()
    trying.predict(good_row)
    until(trying, "paused", 1)

    assert all("compared" not in labels for labels in numbers(trying, "mlsystem_shadow_rows_total"))


def test_what_comes_while_much_waits_is_dropped_and_no_request_waits(world, start, good_row):
    world.shadow_cpu = 0.0001
    world.release((1, 1.0), shadow=2)
    client = start(world)
    for _ in range(120):
        assert client.predict(good_row).status == 200
    until(client, "dropped", 1)


def test_a_shadow_is_part_of_the_release_only_where_the_contract_allows_it(world, start, good_row):
    world.release((1, 1.0), shadow=2)
    client = start(world)
    client.predict(good_row)

    assert world.loads == [1]


def test_once_it_is_released_it_answers_without_being_loaded_again(world, trying, good_row):
    world.release((2, 1.0), serial=2)
    trying.settle()

    assert trying.predict(good_row).json["version"] == 2
    assert world.loads == [1, 2]
