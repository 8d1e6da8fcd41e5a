"""When and why nothing holds, by the configuration that comes nearest to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlsystem.capacity.scenarios import CROWD, Scenario, ends_of_rise
from mlsystem.capacity.search import Question, Search, always
from mlsystem.capacity.trials import Trial, promises
from mlsystem.capacity.words import described, missed

LEAD = 60  # seconds over which growth is told
ENOUGH = 5  # replications to see where it fails


@dataclass(frozen=True)
class Nearest:
    """A few replications of every scenario of one configuration, though some refuted it."""

    question: Question
    trial: Trial

    def left(self) -> Iterator[tuple[float, Scenario, str]]:
        """Of the error budget what is left on average (below 0: overspent), where, of which promise."""
        for scenario in self.question.scenarios:
            for promise, share in promises(self.question.endpoint.slo).items():
                yield (self.trial.interval(scenario, promise).mean - share) / (1.0 - share), scenario, promise

    def worst(self) -> tuple[float, Scenario, str]:
        return min(self.left(), key=lambda one: one[0])

    @property
    def promise(self) -> str:
        return self.worst()[2]

    def lowest(self, promise: str) -> float:
        """The least lower bound."""
        return min(self.trial.interval(scenario, promise).low for scenario in self.question.scenarios)


def nearest(search: Search) -> Nearest:
    """As many as there may be all the time, if that may be; else what was refuted last, which costs most."""
    question, wanted = search.question, search.question.wanted
    if wanted.min_replicas is None and question.affordable(wanted.max_replicas * question.replica_month):
        return complete(question, Trial(always(wanted, wanted.max_replicas)))
    tried = search.refuted[-3:] or [Trial(always(wanted, wanted.min_replicas or 1))]
    return max((complete(question, trial) for trial in tried), key=lambda one: one.worst()[0])


def complete(question: Question, trial: Trial) -> Nearest:
    outcomes = {
        scenario.name: [question.endpoint.run(trial.settings, scenario, question.seed, n) for n in range(ENOUGH)]
        for scenario in question.scenarios
    }
    return Nearest(question, Trial(trial.settings, outcomes))


def witness(question: Question, found: Nearest) -> str:
    _, scenario, _ = found.worst()
    result = f"{described(found.trial.settings)} {missed(question, found.trial)}"
    if scenario.name != CROWD:
        rates = scenario.trace.rates[scenario.since :]
        busiest = clock(scenario, scenario.since + int(np.argmax(rates)))
        return f"at {busiest} come {rates.max():.4g} rps, and {result}{limit(question, float(rates.max()))}"
    before, after = ends_of_rise(scenario.trace, LEAD)
    at = rise_at(scenario)
    growth = f"grows {after / max(before, 1e-9):.2g}x in {LEAD} s"
    cold = max(question.endpoint.cold_starts)
    return (
        f"between {clock(scenario, at)} and {clock(scenario, at + LEAD)} traffic {growth}; a new replica needs"
        f" {cold:.3g} s, and {result}"
    )


def limit(question: Question, rate: float) -> str:
    """What no replica can do more, where that is less than comes."""
    replicas = question.wanted.max_replicas
    most = question.endpoint.most * replicas
    return f"; {replicas} replicas cannot answer more than {most:.4g} rps" if rate > most else ""


def rise_at(scenario: Scenario) -> int:
    means = np.convolve(scenario.trace.rates, np.ones(10) / 10, "valid")
    return int(np.argmax(means[LEAD:] - means[:-LEAD]))


def clock(scenario: Scenario, second: float) -> str:
    """Hours and minutes from the first second of the traffic, with the day where there are several."""
    days, rest = divmod(int(scenario.trace.start + second), 86_400)
    return f"{f'day {days + 1}, ' if days else ''}{rest // 3600:02d}:{rest % 3600 // 60:02d}"
