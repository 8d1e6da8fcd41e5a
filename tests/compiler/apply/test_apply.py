"""Apply carries out the plan it was given, once, and goes on where it was stopped."""

from __future__ import annotations

import pytest

from mlsystem.apply.events import StepEnds
from mlsystem.apply.memory import MemoryEngine
from mlsystem.errors import MlsystemError
from mlsystem.state.journal import CarriedOver, StepFinished, StepStarted
from mlsystem.state.store import MemoryStore
from mlsystem.system.snapshot import Kind


@pytest.fixture
def memory(project, data, small, compiled):
    made = compiled(small)
    parts = {part for step in made.config.steps for read in step.reads for part in read.parts}
    return project(data, made, MemoryEngine(parts=tuple(sorted(parts))), MemoryStore())


@pytest.fixture
def variant(memory, small, compiled, changed):
    """The same project with one value of the spec changed."""

    def build(path, value):
        return memory.become(compiled(changed(small, path, value)))

    return build


def ran(engine: MemoryEngine) -> list[str]:
    return [one.removeprefix("run ") for one in engine.done if one.startswith("run ")]


LEARNING_RATE = ("models", "main", "training", "parameters", "learning_rate")


def test_a_first_apply_runs_every_step_in_order_then_starts_the_processes(memory):
    memory.apply()

    assert ran(memory.engine) == [step.name for step in memory.compiled.config.steps]
    assert memory.engine.done[0] == "write 1 files"
    assert memory.engine.done[-2:] == ["start processes", "done"]


def test_plan_after_apply_is_empty_and_a_second_apply_does_nothing(memory):
    memory.apply()
    memory.engine.done.clear()
    outcome = memory.apply()

    assert memory.plan().empty
    assert outcome.run_id is None
    assert memory.engine.done == []


def test_a_learning_rate_runs_training_and_what_follows(memory, variant):
    memory.apply()
    memory.engine.done.clear()
    variant(LEARNING_RATE, "0.5").apply()

    assert ran(memory.engine) == ["train.main", "evaluate.main", "register.main"]


def test_a_severity_runs_nothing_and_still_reaches_the_state(memory, variant):
    memory.apply()
    memory.engine.done.clear()
    milder = variant(("sources", "flights", "checks", 0, "severity"), "warn")
    milder.apply()

    assert ran(memory.engine) == []
    assert milder.plan().empty


def test_new_rows_ingest_again(memory, data):
    memory.apply()
    memory.engine.done.clear()
    (data / "data" / "weather.csv").write_text("time_hour\n2\n")
    memory.apply()

    assert ran(memory.engine)[0] == "ingest.weather"
    assert memory.plan().empty


def test_a_failed_step_leaves_the_state_as_it_was(memory):
    memory.engine.failing = {"train.main": "no memory"}

    with pytest.raises(MlsystemError, match="no memory"):
        memory.apply()
    assert memory.store.read() is None
    assert memory.engine.done[-1] == "failed"


def test_the_next_apply_goes_on_with_the_same_run_after_the_last_finished_step(memory):
    memory.engine.failing = {"train.main": "no memory"}
    with pytest.raises(MlsystemError):
        memory.apply()
    run_id = memory.store.journal.read().run_id
    memory.engine.failing = {}
    memory.engine.done.clear()
    outcome = memory.apply()

    assert outcome.run_id == run_id
    assert ran(memory.engine) == ["train.main", "evaluate.main", "register.main"]
    assert memory.store.journal.read() is None


def test_a_changed_file_starts_another_run(memory, variant):
    memory.engine.failing = {"train.main": "no memory"}
    with pytest.raises(MlsystemError):
        memory.apply()
    run_id = memory.store.journal.read().run_id
    memory.engine.failing = {}

    assert variant(LEARNING_RATE, "0.5").apply().run_id != run_id


def test_an_apply_after_a_kill_waits_for_the_step_that_was_running(memory):
    memory.store.journal.begin(memory.plan().course, "run")
    memory.store.journal.write(StepStarted(step="ingest.flights", pid=77))
    memory.apply()

    assert memory.engine.done[0] == "settle 77"


def test_a_step_that_the_journal_calls_finished_runs_again_when_its_record_is_gone(memory):
    memory.store.journal.begin(memory.plan().course, "run")
    memory.store.journal.write(StepFinished(step="ingest.flights"))
    memory.apply()

    assert ran(memory.engine)[0] == "ingest.flights"


def test_a_gate_that_says_no_commits_and_is_told(memory):
    memory.engine.blocking = frozenset({"register.main"})
    outcome = memory.apply()

    assert outcome.blocked == (("register.main", "register.main in memory"),)
    assert memory.store.read().blocked == ("register.main",)
    assert "start processes" in memory.engine.done
    assert memory.engine.done[-1] == "blocked"


def test_nothing_reruns_after_a_gate_said_no(memory):
    memory.engine.blocking = frozenset({"register.main"})
    memory.apply()
    memory.engine.done.clear()
    memory.apply()

    assert memory.engine.done == []


def test_retry_evaluates_once_more(memory):
    memory.engine.blocking = frozenset({"register.main"})
    memory.apply()
    memory.engine.blocking = frozenset()
    memory.engine.done.clear()
    outcome = memory.apply(retry=True)

    assert ran(memory.engine) == ["evaluate.main", "register.main"]
    assert outcome.blocked == ()
    assert memory.store.read().blocked == ()


def test_what_reads_a_blocked_step_is_left_out_and_the_rest_goes_on(memory):
    memory.engine.blocking = frozenset({"ingest.weather"})
    memory.apply()

    assert "ingest.flights" in ran(memory.engine)
    assert "features.main" not in ran(memory.engine)


def test_a_stale_plan_is_refused_before_anything_is_done(memory, data):
    plan = memory.plan()
    (data / "data" / "weather.csv").write_text("time_hour\n3\n")

    with pytest.raises(MlsystemError, match="the data of source 'weather' has changed"):
        memory.apply(plan)
    assert memory.engine.done == []


def test_a_plan_is_carried_out_once(memory):
    plan = memory.plan()
    memory.apply(plan)

    with pytest.raises(MlsystemError, match="stale"):
        memory.apply(plan)


def test_a_removed_model_is_deleted_after_its_successor_is_up(memory, small, compiled):
    memory.apply()
    memory.engine.done.clear()
    small["models"]["late"] = small["models"].pop("main")
    memory.become(compiled(small)).apply()

    assert memory.engine.done.index("delete model main") > memory.engine.done.index("start processes")


def test_a_renamed_model_is_carried_over_first(memory, small, compiled):
    memory.apply()
    memory.engine.done.clear()
    small["models"]["late"] = {**small["models"].pop("main"), "renamed_from": "main"}
    memory.become(compiled(small)).apply()

    assert "carry over model.main to late" in memory.engine.done[:6]
    assert not any(one.startswith("delete") for one in memory.engine.done)


@pytest.fixture
def renamed(memory, small, compiled, changed):
    """What is applied, and the same project with its model renamed and trained anew."""
    applied = memory.become(compiled(small))
    small = changed(small, ("models", "main", "training", "seed"), "8")
    small["models"]["late"] = {**small["models"].pop("main"), "renamed_from": "main"}
    applied.apply()
    applied.engine.done.clear()
    return applied, applied.become(compiled(small))


def carried(engine: MemoryEngine) -> list[str]:
    return [one.removeprefix("carry over ") for one in engine.done if one.startswith("carry over model.")]


def test_a_step_that_fails_after_a_rename_gives_the_old_name_back(renamed):
    applied, project = renamed
    project.engine.failing = {"train.late": "no memory"}
    with pytest.raises(MlsystemError, match="no memory"):
        project.apply()

    assert carried(project.engine) == ["model.main to late", "model.late to main"]
    assert project.store.journal.read().carried == ()
    assert applied.plan().empty


def test_a_rename_that_a_failed_step_took_back_is_done_again_by_the_next_apply(renamed):
    _, project = renamed
    project.engine.failing = {"train.late": "no memory"}
    with pytest.raises(MlsystemError):
        project.apply()
    project.engine.failing = {}
    project.engine.done.clear()
    project.apply()

    assert carried(project.engine) == ["model.main to late"]
    assert project.plan().empty


@pytest.fixture
def killed(renamed):
    """As `renamed`, after an apply of the second was killed amid its steps."""
    applied, project = renamed
    project.store.journal.begin(project.plan().course, "run")
    project.store.journal.write(CarriedOver(kind=Kind.MODEL, old="main", new="late"))
    project.store.journal.write(StepStarted(step="train.late", pid=77))
    return applied, project


def test_a_rename_that_was_killed_is_taken_back_when_the_file_says_the_old_name_again(killed):
    applied, _ = killed
    outcome = applied.apply()

    assert outcome.run_id is None
    assert applied.engine.done == ["settle 77", "carry over model.late to main", "write 1 files", "start processes"]
    assert applied.store.journal.read() is None


def test_a_rename_that_was_killed_is_gone_on_with_when_the_file_says_the_new_name(killed):
    _, project = killed

    assert project.apply().run_id == "run"
    assert carried(project.engine) == ["model.main to late"]
    assert project.plan().empty


def test_a_rename_that_was_killed_is_taken_back_before_another_one_is_begun(killed, small, compiled):
    applied, _ = killed
    small["models"]["tardy"] = {**small["models"].pop("main"), "renamed_from": "main"}
    applied.become(compiled(small)).apply()

    assert carried(applied.engine) == ["model.late to main", "model.main to tardy"]


def test_every_step_is_told_with_what_became_of_it(memory, variant):
    memory.apply()
    memory.events.clear()
    variant(LEARNING_RATE, "0.5").apply()
    ends = {one.step: one.status for one in memory.events if isinstance(one, StepEnds)}

    assert (ends["ingest.flights"], ends["train.main"]) == ("unchanged", "done")
    assert len(ends) == len(memory.compiled.config.steps)
