"""From what is seen to state, alerts and proposals."""

from __future__ import annotations

import time

import msgspec
import pytest
from channels import Heard

from mlsystem_runtime.contract.bucket import UnreachableError
from mlsystem_runtime.contract.counts import HOUR_US, ServedHour
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import (
    FileLedger,
    ProposalDecided,
    ProposalOpened,
    RunFinished,
    RunStarted,
    open_proposals,
)
from mlsystem_runtime.contract.proposals import approve, reject
from mlsystem_runtime.contract.workspace import write_atomically
from mlsystem_runtime.monitor.jobs import Jobs
from mlsystem_runtime.monitor.proposals import open_retraining
from mlsystem_runtime.monitor.watching import Watched

DAY_US = 24 * HOUR_US
START_US = 1_388_188_800_000_000


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def watch(scene, heard):
    return lambda: Watched(scene.config, scene.model, scene.workspace, Jobs(scene.workspace, lambda *_: ()), (heard,))


def events(scene, kind):
    return [entry.body for entry in scene.ledger.entries() if isinstance(entry.body, kind)]


def test_drift_is_said_once_and_opens_one_proposal_bound_to_its_evidence(scene, watch, heard):
    scene.serve(800, 3, shift=0.8)
    watched = watch()
    for _ in range(3):
        watched.look(START_US + DAY_US, ())

    assert heard.said == [("drift", "firing")]
    assert "past.delay" in heard.notifications[0].message
    [proposal] = events(scene, ProposalOpened)
    assert (proposal.kind, proposal.model) == ("retrain", "main")
    assert scene.state().evidence == proposal.evidence


def test_the_state_on_disk_is_what_a_new_monitor_goes_on_from(scene, watch, heard):
    scene.serve(800, 3, shift=0.8)
    watch().look(START_US + DAY_US, ())
    watch().look(START_US + DAY_US, ())

    assert heard.said == [("drift", "firing")]
    assert len(events(scene, ProposalOpened)) == 1


def test_drift_that_is_over_is_said_to_be(scene, watch, heard):
    scene.serve(800, 3, shift=0.8)
    watched = watch()
    watched.look(START_US + DAY_US, ())
    scene.serve(800, 27)
    watched.look(START_US + 2 * DAY_US, ())

    assert heard.said == [("drift", "firing"), ("drift", "resolved")]


def test_lasting_drift_is_said_again_after_the_cooldown_and_only_one_proposal_waits(scene, watch, heard):
    watched = watch()
    for day in range(5):
        scene.serve(400, 24 * day, shift=0.8)
        watched.look(START_US + (day + 1) * DAY_US, ())

    assert heard.said == [("drift", "firing")] * 2
    assert len(events(scene, ProposalOpened)) == 1


def test_after_a_rejection_new_evidence_proposes_again_once_the_cooldown_is_over(scene, watch):
    watched = watch()
    for day in range(6):
        scene.serve(400, 24 * day, shift=0.8)
        watched.look(START_US + (day + 1) * DAY_US, ())
        for name, proposal in open_proposals(scene.ledger).items():
            reject(scene.ledger, name, proposal.evidence, "ada")

    assert len(events(scene, ProposalOpened)) == 2


def test_without_retraining_on_drift_nothing_is_proposed(scene, watch):
    scene.retrain_on = ()
    scene.serve(800, 3, shift=0.8)
    watch().look(START_US + DAY_US, ())

    assert events(scene, ProposalOpened) == []


def test_where_nobody_has_to_approve_the_monitor_does_and_starts_the_run(scene, watch):
    scene.approve = ()
    scene.serve(800, 3, shift=0.8)
    watch().look(START_US + DAY_US, ())

    [proposal], [decision], [run] = (events(scene, kind) for kind in (ProposalOpened, ProposalDecided, RunStarted))
    assert (decision.proposal, decision.decision, decision.by) == (proposal.proposal, "approved", "monitor")
    assert decision.evidence == proposal.evidence
    assert proposal.proposal in run.reason


class Refusing(FileLedger):
    """Takes no event of one kind, like a bucket that is out of reach just then."""

    def __init__(self, path, kind):
        super().__init__(path)
        self.kind = kind

    def _append(self, event, known):
        if isinstance(event, self.kind):
            raise UnreachableError("the bucket does not answer")
        return super()._append(event, known)


@pytest.mark.parametrize("kind", [ProposalDecided, RunStarted])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_retraining_that_the_ledger_did_not_let_begin_begins_with_the_next_look(scene, watch, kind, restarted):
    scene.approve = ()
    scene.serve(800, 3, shift=0.8)
    watched = watch()
    watched._ledger = Refusing(scene.ledger.path, kind)
    for _ in range(2):
        with pytest.raises(UnreachableError):
            watched.look(START_US + DAY_US, ())
    assert events(scene, RunStarted) == []

    watched._ledger = scene.ledger
    watched = watch() if restarted else watched
    for _ in range(2):
        watched.look(START_US + DAY_US, ())

    [proposal], [decision], [run] = (events(scene, kind) for kind in (ProposalOpened, ProposalDecided, RunStarted))
    assert (decision.proposal, decision.decision, decision.by) == (proposal.proposal, "approved", "monitor")
    assert proposal.proposal in run.reason
    assert scene.state().evidence == proposal.evidence
    assert not watched._jobs.idle


def test_what_a_person_approved_or_has_to_approve_is_not_begun_by_the_monitor(scene, watch):
    opened = open_retraining(scene.ledger, "main", "why", "e" * 32)
    watch().look(START_US, ())
    approve(scene.ledger, opened.proposal, opened.evidence, "ada")
    scene.approve = ()
    watch().look(START_US, ())

    assert events(scene, RunStarted) == []


def test_a_run_that_began_is_not_begun_again_by_a_new_monitor(scene, watch):
    scene.approve = ()
    scene.serve(800, 3, shift=0.8)
    for _ in range(3):
        watch().look(START_US + DAY_US, ())

    assert len(events(scene, RunStarted)) == 1


def test_stale_and_missing_data_are_alerts(scene, watch, heard):
    scene.freshness_us = 2 * DAY_US
    watched = watch()
    watched.look(START_US, ())
    assert "nothing was ingested" in heard.notifications[0].message

    scene.ingested("a", START_US - DAY_US)
    watched.look(START_US, ())
    assert heard.said == [("freshness:flights", "firing"), ("freshness:flights", "resolved")]

    watched.look(START_US + 2 * DAY_US, ())
    assert "72.0 h old, 48.0 h are allowed" in heard.notifications[-1].message
    [source] = scene.state().freshness
    assert (source.fresh, source.age_us) == (False, 3 * DAY_US)


def test_the_newest_run_says_how_fresh_the_data_is(scene, watch):
    scene.freshness_us = DAY_US
    scene.ingested("b", START_US - 5 * DAY_US)
    time.sleep(0.02)
    scene.ingested("a", START_US)

    [source] = watch().look(START_US, ()).freshness
    assert source.fresh


def test_a_missed_service_level_is_an_alert_over_its_window_only(scene, watch, heard):
    now = time.time_ns() // 1000 // HOUR_US * HOUR_US
    scene.serve_level({now: ServedHour(1000, 995, 900), now - 3 * DAY_US: ServedHour(1000, 0, 0)})

    sli = watch().look(START_US, ()).sli
    assert (sli.valid, sli.availability, sli.fast, sli.met) == (1000, 0.995, 0.9, False)
    assert heard.said == [("service_level", "firing")]
    assert "90.00% in time (objective 95.00%)" in heard.notifications[0].message


def test_before_the_first_ingest_the_monitor_writes_a_state_and_judges_nothing(scene, watch):
    scene.serve(800, 3, shift=0.8)

    state = watch().look(None, ())
    assert (state.clock_us, state.last) == (None, None)
    assert scene.state() == state


def test_a_damaged_state_is_replaced(scene, watch, caplog):
    write_atomically(scene.workspace.path("monitor", "main.json"), "{")
    watch().look(START_US, ())

    assert scene.state().model == "main"
    assert "starts anew" in caplog.text


def test_the_end_of_a_retraining_waits_for_a_ledger_that_cannot_be_written(scene, heard, caplog):
    scene.approve = ()
    scene.serve(800, 3, shift=0.8)
    jobs = Jobs(scene.workspace, lambda *_: ("true",))
    watched = Watched(scene.config, scene.model, scene.workspace, jobs, (heard,))
    watched.look(START_US + DAY_US, ())
    ledger, away = scene.ledger.path, scene.root / "away"
    ledger.rename(away)
    ledger.mkdir()
    deadline = time.monotonic() + 10
    while not jobs.idle and time.monotonic() < deadline:
        jobs.poll()
    assert "is not recorded" in caplog.text
    ledger.rmdir()
    away.rename(ledger)
    watched.look(START_US + DAY_US, ())

    [started], [finished] = events(scene, RunStarted), events(scene, RunFinished)
    assert (finished.run_id, finished.outcome) == (started.run_id, "done")


def test_a_proposal_is_not_opened_twice_on_the_same_evidence(scene):
    opened = open_retraining(scene.ledger, "main", "why", "e" * 32)
    assert open_retraining(scene.ledger, "main", "why", "f" * 32) is None
    reject(scene.ledger, opened.proposal, opened.evidence, "ada")

    assert open_retraining(scene.ledger, "main", "why", "e" * 32) is None
    assert open_retraining(scene.ledger, "main", "why", "f" * 32) is not None


def test_a_decision_is_bound_to_the_evidence_that_was_seen(scene):
    opened = open_retraining(scene.ledger, "main", "why", "e" * 32)

    with pytest.raises(MlsystemError, match="rests on evidence"):
        approve(scene.ledger, opened.proposal, "f" * 32, "ada")
    assert approve(scene.ledger, opened.proposal, "e" * 32, "ada") == opened
    with pytest.raises(MlsystemError, match="no open proposal"):
        approve(scene.ledger, opened.proposal, "e" * 32, "ada")
    assert events(scene, ProposalDecided)[0].by == "ada"


def test_data_that_is_available_at_the_end_of_the_calendar_stops_no_monitor(scene, watch, heard):
    scene.serve(800, (253_402_214_400_000_000 - START_US) // HOUR_US, shift=0.8)  # 9999-12-31
    watch().look(253_402_214_400_000_000 + DAY_US, ())

    assert "to 9999-12-31" in heard.notifications[0].message


def test_the_state_survives_a_round_trip(scene, watch):
    scene.freshness_us = DAY_US
    scene.serve(800, 3, shift=0.8)
    state = watch().look(START_US + DAY_US, ())

    assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


class Overtaken(FileLedger):
    """Somebody else appends `first` just before each event."""

    def __init__(self, path, first):
        super().__init__(path)
        self.first = first

    def _append(self, event, known):
        FileLedger(self.path).append(self.first)
        return super()._append(event, known)


def test_of_two_who_propose_a_retraining_at_once_one_does(scene):
    first = ProposalOpened("retrain-main-1", "retrain", "main", "by schedule", "e" * 32)

    assert open_retraining(Overtaken(scene.ledger.path, first), "main", "drift", "f" * 32) is None
    assert list(open_proposals(scene.ledger)) == ["retrain-main-1"]


def test_of_two_who_decide_at_once_the_first_has(scene):
    opened = open_retraining(scene.ledger, "main", "why", "e" * 32)
    first = ProposalDecided(opened.proposal, "rejected", opened.evidence, "ben")

    with pytest.raises(MlsystemError, match="just decided"):
        approve(Overtaken(scene.ledger.path, first), opened.proposal, opened.evidence, "ada")

    assert events(scene, ProposalDecided) == [first]
