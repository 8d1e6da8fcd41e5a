"""What keeps its identity through which change: facets, edges and fingerprints, seen through plans."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mlsystem.compile import Compiled
from mlsystem.plan.diff import diff_nodes
from mlsystem.system.snapshot import Facet, fingerprint

Compile = Callable[[Any], Compiled]
Change = Callable[[Any, Any, Any], Any]


def touched(before: Compiled, after: Compiled) -> set[str]:
    return {change.node for change in diff_nodes(before.snapshot, after.snapshot)}


def fingerprints(compiled: Compiled) -> dict[str, str]:
    return {step.name: step.fingerprint for step in compiled.config.steps}


def differing(before: Compiled, after: Compiled) -> set[str]:
    old, new = fingerprints(before), fingerprints(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_an_unused_column_changes_its_source_and_nothing_else(spec: Any, compiled: Compile, changed: Change) -> None:
    before = compiled(spec)
    after = compiled(changed(spec, ("sources", "flights", "columns", "unused"), "float?"))

    assert touched(before, after) == {"source.flights"}
    assert differing(before, after) == {"ingest.flights"}


def test_a_learning_rate_touches_the_model_and_what_judges_and_serves_it(
    spec: Any, compiled: Compile, changed: Change
) -> None:
    before = compiled(spec)
    after = compiled(changed(spec, ("models", "main", "training", "parameters", "learning_rate"), "0.01"))

    assert touched(before, after) == {"model.main", "evaluation.main", "endpoint.main"}
    assert differing(before, after) == {"train.main", "evaluate.main"}
    assert after.config.server == before.config.server
    assert after.config.monitor == before.config.monitor


def test_a_feature_that_no_model_uses_retrains_nothing(spec: Any, compiled: Compile, changed: Change) -> None:
    used = [f"carrier_history.{name}" for name in ("delay_1d", "late_7d")]
    spec = changed(spec, ("models", "main", "model", "features"), [*used, "trip.*"])
    before = compiled(spec)
    after = compiled(changed(spec, ("features", "carrier_history", "aggregate", "total_1d", "over"), "2d"))

    assert touched(before, after) == {"feature_group.carrier_history"}
    assert differing(before, after) == set()


def test_a_model_at_the_top_and_one_called_main_are_the_same_system(spec: Any, compiled: Compile) -> None:
    before = compiled(spec)
    section = spec.pop("models")["main"]
    section.pop("description"), section.pop("owners")
    after = compiled({**spec, **section})

    assert after.tree == before.tree
    assert touched(before, after) == set()


def test_a_comment_and_the_order_of_keys_change_no_byte(spec: Any, compiled: Compile) -> None:
    reversed_spec = {key: spec[key] for key in reversed(spec)}

    assert compiled(reversed_spec).tree.digest == compiled(spec).tree.digest


def test_the_path_of_the_file_changes_no_byte(
    spec: Any, compiled: Compile, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = compiled(spec)
    monkeypatch.chdir(tmp_path)

    assert compiled(spec).tree.digest == before.tree.digest
    assert str(tmp_path) not in before.tree.content("contract/run.json")


def test_a_renamed_model_keeps_the_fingerprints_of_its_steps(spec: Any, compiled: Compile) -> None:
    before = compiled(spec)
    section = spec["models"].pop("main")
    spec["models"]["delay"] = {**section, "renamed_from": "main"}
    after = compiled(spec)

    old, new = fingerprints(before), fingerprints(after)
    assert all(new[f"{step}.delay"] == old[f"{step}.main"] for step in ("features", "train", "evaluate"))


def test_a_renamed_source_keeps_the_identity_of_what_reads_it(spec: Any, compiled: Compile) -> None:
    before = compiled(spec)
    spec["sources"]["observations"] = {**spec["sources"].pop("weather"), "renamed_from": "weather"}
    spec["features"]["airport_weather"]["source"] = "observations"
    after = compiled(spec)

    assert fingerprint(after.snapshot, "dataset.main", Facet.FEATURES) == fingerprint(
        before.snapshot, "dataset.main", Facet.FEATURES
    )


def test_the_seed_reaches_the_baseline_of_the_evaluation(spec: Any, compiled: Compile, changed: Change) -> None:
    after = compiled(changed(spec, ("models", "main", "training", "seed"), "9"))

    payload = after.config.step("evaluate.main").payload
    assert payload.seed == 9


def test_two_models_with_the_same_part_of_a_group_share_its_online_rows(spec: Any, compiled: Compile) -> None:
    spec["models"]["again"] = spec["models"]["main"]
    steps = [step.name for step in compiled(spec).config.steps if step.name.startswith("materialize.")]

    assert steps == ["materialize.airport_weather", "materialize.carrier_history"]


def test_two_models_with_different_parts_of_a_group_have_rows_of_their_own(
    spec: Any, compiled: Compile, changed: Change
) -> None:
    spec["models"]["other"] = copy.deepcopy(spec["models"]["main"])
    spec = changed(spec, ("models", "other", "model", "features", 0), "carrier_history.delay_1d")
    steps = [step.name for step in compiled(spec).config.steps if step.name.startswith("materialize.carrier")]

    assert steps == ["materialize.carrier_history.main", "materialize.carrier_history.other"]


def test_steps_stand_after_what_they_read(spec: Any, compiled: Compile) -> None:
    done: set[str] = set()
    for step in compiled(spec).config.steps:
        assert {read.step for read in step.reads} <= done
        done.add(step.name)
    assert {"ingest.flights", "train.main", "register.main"} <= done


def test_what_derived_columns_read_is_read_by_their_readers(spec: Any, compiled: Compile, changed: Change) -> None:
    before = compiled(spec)
    after = compiled(changed(spec, ("sources", "flights", "columns", "arr_delay"), "int?"))

    assert "features.main" in differing(before, after)
    assert "materialize.carrier_history" in differing(before, after)
    assert "materialize.airport_weather" not in differing(before, after)
