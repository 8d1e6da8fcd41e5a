"""One model under watch: what is seen becomes state, alerts and, where drift asks for it, a proposal to retrain."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from mlsystem_runtime.contract.api_server import api_server
from mlsystem_runtime.contract.bucket import UnreachableError
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import ProposalOpened, RunFinished, RunStarted, open_among, open_ledger
from mlsystem_runtime.contract.monitor_state import FORMAT, AlertState, MonitorState, RefreshState, WindowState
from mlsystem_runtime.contract.proposals import approve
from mlsystem_runtime.contract.run import MonitoredModel, RunConfig, Submission, retrains_by_itself
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.monitor.alerts import Channel, Notification, follow
from mlsystem_runtime.monitor.health import freshness, service_level
from mlsystem_runtime.monitor.jobs import Job, Jobs, new_run_id
from mlsystem_runtime.monitor.proposals import MONITOR, evidence_of, not_begun, open_retraining, reason_of
from mlsystem_runtime.monitor.submitting import is_recorded, run_name, submit
from mlsystem_runtime.monitor.windows import CountFiles, Grids, judge_windows, prune, prune_level

EPOCH, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
NAMED_COLUMNS = 5        # in a message; the state has all

logger = logging.getLogger(__name__)


class Watched:
    """Looks at one model each time `look` is called. Its state is on disk after every look, and is taken up again."""

    def __init__(
        self, config: RunConfig, model: MonitoredModel, workspace: Workspace, jobs: Jobs, channels: tuple[Channel, ...],
    ) -> None:
        self.model = model
        self._config = config
        self._workspace = workspace
        self._jobs = jobs
        self._channels = channels
        self._files = CountFiles(workspace, model.model)
        self._grids = Grids(workspace, model.model)
        self._ledger = open_ledger(workspace)
        self._ended: dict[str, str | None] = {}  # retrainings by run, and how they failed, until the ledger has them
        self._by_itself = retrains_by_itself(model.retrain_on, model.approve)
        self._in_doubt = self._by_itself  # whether a retraining that nobody has to approve may wait
        self._not_submitted = ""  # what is wrong with one that waits
        self._sources = [step.removeprefix("ingest.") for step in model.retrain_steps if step.startswith("ingest.")]
        self.state = self._read()

    def look(self, clock_us: int | None, refreshes: tuple[RefreshState, ...]) -> MonitorState:
        """Judges what has come in since the last look, says what is wrong, and writes the state."""
        self._record_ended()
        self._begin_waiting()
        self._files.refresh()
        prune_level(self._files)
        state = msgspec.structs.replace(
            self.state, clock_us=clock_us, written_us=time.time_ns() // 1000, refreshes=refreshes,
            sli=service_level(self._files.sli().values()),
            freshness=tuple(
                freshness(self._workspace, source, self.model.freshness_us, clock_us) for source in self._sources
            ) if self.model.freshness_us is not None else (),
        )
        if clock_us is not None:
            state = self._judge(state, clock_us)
            state = self._tell(state, clock_us)
        self.state = state
        self._workspace.write(state, "monitor", f"{self.model.model}.json")
        return state

    def _judge(self, state: MonitorState, clock_us: int) -> MonitorState:
        if self.model.drift is None:
            return state
        files = list(self._files.drift().values())
        judged = judge_windows(self.model, self.model.drift, files, self._grids, clock_us, state)
        state = judged.state
        for window in judged.drifted:
            state = self._propose(state, window)
        prune(self._files, self.model.drift, state)
        return state

    def _propose(self, state: MonitorState, window: WindowState) -> MonitorState:
        """At most one proposal per cooldown, counted on the clock from window to window."""
        now_us = window.end_us
        cooling = state.proposed_us is not None and now_us - state.proposed_us < self.model.cooldown_us
        if "drift" not in self.model.retrain_on or cooling:
            return state
        evidence = evidence_of(self.model.model, window)
        proposal = open_retraining(self._ledger, self.model.model, describe(window), evidence)
        if proposal is not None:
            logger.info("proposal %s is open: %s", proposal.proposal, proposal.reason)
            self._in_doubt = self._by_itself
            self._begin_waiting()
        elif not self._opened(evidence):
            return state
        return msgspec.structs.replace(state, proposed_us=now_us, evidence=evidence)

    def _opened(self, evidence: str) -> bool:
        """On this evidence: by a look that then failed, or by a monitor whose state was lost."""
        opened = (entry.body for entry in self._ledger.entries() if isinstance(entry.body, ProposalOpened))
        return any((one.model, one.evidence) == (self.model.model, evidence) for one in opened)

    def _begin_waiting(self) -> None:
        """Where nobody has to approve, the monitor does, and begins the run.

        Also of what was opened, or approved, before the ledger failed or the monitor ended.
        """
        if not self._in_doubt:
            return
        for waiting in open_among(entry.body for entry in self._ledger.entries()).values():
            if (waiting.kind, waiting.model) == ("retrain", self.model.model):
                approve(self._ledger, waiting.proposal, waiting.evidence, MONITOR)
        events = [entry.body for entry in self._ledger.entries()]
        self._not_submitted = ""
        for proposal in not_begun(events, self.model.model):
            if self.model.submission is None:
                self._retrain(proposal.proposal)
            elif not is_recorded(events, run_name(self.model.submission, proposal)):
                self._submit(self.model.submission, proposal)
        self._in_doubt = bool(self._not_submitted)

    def _submit(self, submission: Submission, proposal: ProposalOpened) -> None:
        """The run itself records that it begins, and how it ends. Who cannot be asked now is asked by the next look."""
        try:
            logger.info("%s is submitted", submit(api_server(os.environ), submission, proposal))
        except MlsystemError as error:
            self._not_submitted = f"{proposal.proposal} does not begin: {error}"

    def _retrain(self, proposal: str) -> None:
        run_id = new_run_id("retrain")

        def finished(failure: str | None) -> None:
            self._ended[run_id] = failure
            try:
                self._record_ended()
            except (OSError, MlsystemError):
                logger.exception("that %s ended is not recorded; it is tried again", run_id)

        self._ledger.append(RunStarted(run_id=run_id, reason=reason_of(proposal)))
        self._jobs.add(Job(run_id, self.model.retrain_steps, finished))

    def _record_ended(self) -> None:
        """In the ledger. What it does not take now waits for the next time."""
        for run_id, failure in list(self._ended.items()):
            outcome: Literal["done", "failed", "blocked"]
            outcome = "failed" if failure is not None else "blocked" if self._blocked(run_id) else "done"
            self._ledger.append(RunFinished(run_id=run_id, outcome=outcome, detail=failure or ""))
            del self._ended[run_id]
            logger.log(logging.INFO if failure is None else logging.ERROR, "%s %s %s", run_id, outcome, failure or "")

    def _blocked(self, run_id: str) -> bool:
        """Whether a gate said no: the run went through, and released nothing."""
        for step in self.model.retrain_steps:
            with contextlib.suppress(FileNotFoundError):
                if self._workspace.read(StepRecord, "runs", run_id, f"{step}.json").status == "blocked":
                    return True
        return False

    def _tell(self, state: MonitorState, clock_us: int) -> MonitorState:
        waiting = {"retraining": self._not_submitted} if self._not_submitted else {}
        now, said, over = follow(state.alerts, wrong(state) | waiting, clock_us, self.model.cooldown_us)
        for alert in said:
            self._send(alert, "firing", clock_us)
        for alert in over:
            self._send(alert, "resolved", clock_us)
        return msgspec.structs.replace(state, alerts=now)

    def _send(self, alert: AlertState, status: str, clock_us: int) -> None:
        for channel in self._channels:
            channel.send(Notification(
                system=self._config.system, environment=self._config.environment, model=self.model.model,
                key=alert.key, status="firing" if status == "firing" else "resolved", message=alert.message,
                at_us=clock_us,
            ))

    def _read(self) -> MonitorState:
        empty = MonitorState(format=FORMAT, model=self.model.model, clock_us=None, written_us=0)
        try:
            state = self._workspace.read(MonitorState, "monitor", f"{self.model.model}.json")
        except FileNotFoundError:
            return empty
        except UnreachableError:
            raise
        except MlsystemError:
            logger.exception("the monitor starts anew")
            return empty
        return msgspec.structs.replace(state, model=self.model.model) if state.format == FORMAT else empty


def wrong(state: MonitorState) -> dict[str, str]:
    """What is wrong now, by the key under which it is said once."""
    found = {}
    window = state.window if state.window is not None and state.window.verdict == "drift" else state.last
    if window is not None and window.verdict == "drift":
        found["drift"] = describe(window)
    for source in state.freshness:
        if not source.fresh:
            age = "nothing was ingested" if source.age_us is None else f"the newest row is {hours(source.age_us)} old"
            allowed = hours(source.limit_us)
            found[f"freshness:{source.source}"] = f"source '{source.source}': {age}, {allowed} are allowed"
    if state.sli is not None and not state.sli.met:
        found["service_level"] = (
            f"of {state.sli.valid} requests {share(state.sli.availability)} were answered "
            f"(objective {share(state.sli.availability_objective)}), {share(state.sli.fast)} in time "
            f"(objective {share(state.sli.fast_objective)})"
        )
    for refresh in state.refreshes:
        if refresh.failure is not None:
            last = refresh.failure.splitlines()[-1] if refresh.failure else ""
            found[f"refresh:{','.join(refresh.steps)}"] = f"the online store is not refreshed: {last}"
    return found


def describe(window: WindowState) -> str:
    """Which columns moved, the ones that moved most first."""
    drifting = sorted((test for test in window.tests if test.verdict == "drift"), key=lambda test: -test.effect)
    columns = list(dict.fromkeys(f"{test.column} ({test.effect:.0%}{WORDS[test.test]})" for test in drifting))
    more = f" and {len(columns) - NAMED_COLUMNS} more" if len(columns) > NAMED_COLUMNS else ""
    return (
        f"drift in version {window.version} from {instant(window.start_us)} to {instant(window.end_us)}, "
        f"{window.rows} rows: {', '.join(columns[:NAMED_COLUMNS])}{more}"
    )


WORDS = {"ks": " moved", "chi_square": " moved", "missing": " change of missing values"}


def instant(at_us: int) -> str:
    """To the minute; the end of the calendar stands for what lies beyond it."""
    return f"{EPOCH + min(timedelta(microseconds=at_us), LAST - EPOCH):%Y-%m-%d %H:%M}"


def hours(span_us: int) -> str:
    return f"{span_us / 3_600_000_000:.1f} h"


def share(value: float | None) -> str:
    return "no share" if value is None else f"{value:.2%}"
