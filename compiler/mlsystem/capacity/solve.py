"""From the inputs of one endpoint to its certificate; the search is `search.py`, what to do where it finds nothing is
`repairs.py`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from msgspec.structs import replace

from mlsystem.capacity import certificate as record
from mlsystem.capacity.candidates import Replica
from mlsystem.capacity.certificate import Certificate, Choice, Settings
from mlsystem.capacity.inputs import Inputs
from mlsystem.capacity.profile import Profile
from mlsystem.capacity.scenarios import RISE, UNNOTICED, Scenario, day_of, scenarios
from mlsystem.capacity.search import RUNGS, Question, Search, always, fewest
from mlsystem.capacity.simulation.service_times import Linear, ServiceTimes
from mlsystem.capacity.simulation.setting import Routing
from mlsystem.capacity.traffic import Trace
from mlsystem.capacity.trials import REPLICATIONS, Endpoint, Outcome, Runner, Trial, promises
from mlsystem.capacity.words import described, missed
from mlsystem.cost.estimate import replicas_month
from mlsystem.cost.prices import Prices

SEED = 1
SPREAD = 0.5  # standard deviation over mean of declared service times
REACTION = 30  # seconds from more traffic to a decision: a scrape, and a period of the controller
MOST_STATIC = 4  # times the most replicas that may be, up to which a static number is looked for
DIGITS = 6


@dataclass(frozen=True)
class Case:
    """One endpoint and what was recorded of it.

    `slower` and `later`: factors of all service times and cold starts, to ask what would be if they were others.
    """

    inputs: Inputs
    profile: Profile | None = None
    recorded: Trace | None = None
    routing: Routing = Routing.RANDOM
    seed: int = SEED
    slower: float = 1.0
    later: float = 1.0

    @property
    def service(self) -> ServiceTimes:
        if self.profile is not None:
            return self.profile.service_times().slowed(self.slower)
        assert self.inputs.profile.service_time_us is not None, "the caller has made sure"
        return declared(self.slower * self.inputs.profile.service_time_us / 1e6)

    @property
    def cold_starts(self) -> tuple[float, ...]:
        """Seconds from being asked for to answering: a pod starts no sooner than its process."""
        declared = (self.inputs.profile.cold_start_us or 0) / 1e6
        measured = (0.0,) if self.profile is None else self.profile.cold_starts
        starts = tuple(max(declared, one) for one in measured)
        assert min(starts) > 0.0, "the caller has made sure"
        return tuple(self.later * one for one in starts)

    @property
    def replica_month(self) -> float:
        """Dollars for a replica that is there all the time."""
        price = self.inputs.price
        prices = Prices(Decimal(price.cpu), Decimal(price.memory), price.of, None)
        return float(replicas_month(1, self.inputs.hardware.hardware, prices))

    def question(self) -> Question:
        inputs, service = self.inputs, self.service
        machine = inputs.hardware
        replica = Replica(sum(service.line), machine.workers, machine.hardware.cpu)
        endpoint = Endpoint(inputs.slo, service, replica, self.cold_starts, self.routing)
        lead = round(max(self.cold_starts)) + REACTION
        return Question(
            endpoint, inputs.scaling, day_of(inputs.traffic, self.recorded),
            scenarios(inputs.traffic, self.recorded, lead), self.replica_month, self.seed,
        )  # fmt: skip


def declared(seconds: float) -> Linear:
    """As declared on average, each row as long as the other; log-normal, since it is never always the same."""
    sigma = math.sqrt(math.log1p(SPREAD**2))
    drawn = np.random.Generator(np.random.Philox(SEED)).standard_normal(1000)
    factors = np.exp(sigma * drawn)
    return Linear(seconds, 0.0, tuple(float(factor) for factor in np.round(factors / factors.mean(), DIGITS)))


@dataclass(frozen=True)
class Answer:
    """`certificate` None: nothing holds, and `search` has what was tried."""

    certificate: Certificate | None
    search: Search


def solve(case: Case, *, front: bool = True) -> Answer:
    """`front`: with a comparison to as many replicas all the time, and with what costs more and holds more."""
    question = case.question()
    search = Search(question)
    for trial in search.found():
        whole = all_of_it(question, trial.settings)
        if within(question, whole) and question.affordable(cents(whole.replicas * question.replica_month)):
            return Answer(certified(case, search, trial, whole, front=front), search)
    return Answer(None, search)


def all_of_it(question: Question, settings: Settings) -> Outcome:
    """One replication of all the traffic."""
    return question.endpoint.run(settings, whole_day(question), question.seed, 0)


def whole_day(question: Question) -> Scenario:
    hours = question.day.seconds / 3600
    return Scenario("all traffic", f"{hours:.4g} hours, {question.day.mean:.4g} rps on average", question.day, 0)


def within(question: Question, outcome: Outcome) -> bool:
    return all(outcome.share(promise) >= share for promise, share in promises(question.endpoint.slo).items())


def certified(case: Case, search: Search, trial: Trial, whole: Outcome, *, front: bool) -> Certificate:
    question = search.question
    static = cheapest_static(question) if front else None
    return Certificate(
        inputs=case.inputs.hashes(), seed=case.seed, replications=REPLICATIONS, settings=trial.settings,
        scenarios=tuple(recorded(trial, scenario) for scenario in question.scenarios),
        whole=entry(whole_day(question), [whole]),
        cost=cents(whole.replicas * question.replica_month),
        static_cost=None if static is None else cents(static.settings.min_replicas * question.replica_month),
        prices=case.inputs.price.of, margin=digits(margin(question, trial)), binding=binding(search, trial),
        assumptions=tuple(assumptions(case)),
        front=pareto(question, [*search.refuted, trial, *([static] if static else [])]),
    )  # fmt: skip


def recorded(trial: Trial, scenario: Scenario) -> record.Scenario:
    outcomes = trial.outcomes[scenario.name]
    asked = sum(one.came for one in outcomes)
    attainment, availability = (
        rounded(shown(trial.interval(scenario, name), asked)) for name in ("latency", "availability")
    )
    return replace(entry(scenario, outcomes), attainment=attainment, availability=availability)


def shown(interval: record.Interval, asked: int) -> record.Interval:
    """That none of so many requests failed shows with 95% confidence that no more than 3 in so many do: Hanley and
    Lippman-Hand's rule of three (1983). Replications that are all alike would show more than they know."""
    return replace(interval, low=min(interval.low, max(0.0, 1.0 - 3.0 / asked) if asked else 0.0))


def entry(scenario: Scenario, outcomes: Sequence[Outcome]) -> record.Scenario:
    """Of one replication its shares are all that is known."""
    first, count = outcomes[0], len(outcomes)
    worst = min((one.worst for one in outcomes), key=lambda one: one.attainment)
    return record.Scenario(
        scenario.name, scenario.says, float(scenario.trace.start + scenario.since), float(scenario.seconds),
        alone(first.attainment), alone(first.availability),
        digits(sum(one.latency for one in outcomes) / count), digits(sum(one.replicas for one in outcomes) / count),
        max(one.most for one in outcomes),
        record.Stretch(scenario.trace.start + worst.start, digits(worst.attainment)),
    )  # fmt: skip


def alone(share: float) -> record.Interval:
    return record.Interval(digits(share), digits(share), digits(share))


def rounded(interval: record.Interval) -> record.Interval:
    """Bounds outwards, so that nothing is promised by rounding."""
    scale = 10**DIGITS
    low, high = math.floor(interval.low * scale) / scale, math.ceil(interval.high * scale) / scale
    return record.Interval(digits(interval.mean), low, min(1.0, high))


def digits(value: float) -> float:
    return round(float(value), DIGITS)


def cents(amount: float) -> float:
    return round(float(amount), 2)


def margin(question: Question, trial: Trial) -> float:
    """The share of the error budget that is left by the worst lower bound; negative where it is not held."""
    return min(
        (low(trial, scenario, promise) - share) / (1.0 - share)
        for scenario in question.scenarios if scenario.name in trial.outcomes
        for promise, share in promises(question.endpoint.slo).items()
    )  # fmt: skip


def low(trial: Trial, scenario: Scenario, promise: str) -> float:
    """The lower bound; of one replication, which has none, its share."""
    found = trial.interval(scenario, promise)
    return found.mean if math.isinf(found.low) else found.low


def binding(search: Search, trial: Trial) -> str:
    """What the dearest of the cheaper ones would have missed."""
    question = search.question
    cost = question.cost(trial.settings)
    cheaper = [one for one in search.refuted if question.cost(one.settings) < cost]
    if not cheaper:
        free = question.wanted.min_replicas is None and trial.settings.min_replicas > 2
        return "nothing cheaper could hold by arithmetic alone" if free else (
            "there is nothing cheaper among what may be chosen"
        )  # fmt: skip
    nearest = max(cheaper, key=lambda one: question.cost(one.settings))
    return f"{described(nearest.settings)} would cost less, and {missed(question, nearest)}"


def cheapest_static(question: Question) -> Trial | None:
    """The least number of replicas that holds everything if they are there all the time."""
    most = MOST_STATIC * question.wanted.max_replicas
    runner = Runner(question.endpoint, question.scenarios, question.seed)
    for count in range(max(1, fewest(question, replace(always(question.wanted, most), min_replicas=1))), most + 1):
        trial = Trial(always(question.wanted, count))
        if all(runner.advance(trial, rung) for rung in RUNGS):
            return trial
    return None


def pareto(question: Question, trials: Sequence[Trial]) -> tuple[Choice, ...]:
    """Of what was simulated in every scenario: each holds more than all that cost less."""
    known = [trial for trial in trials if len(trial.outcomes) == len(question.scenarios)]
    found: list[Choice] = []
    best = -math.inf
    for trial in sorted(known, key=lambda one: (question.cost(one.settings), -margin(question, one))):
        if margin(question, trial) > best:
            best = margin(question, trial)
            found.append(choice(question, trial))
    return tuple(found)


def choice(question: Question, trial: Trial) -> Choice:
    attainment, availability = (
        digits(min(low(trial, scenario, promise) for scenario in question.scenarios))
        for promise in ("latency", "availability")
    )
    sure = trial.replications == REPLICATIONS and trial.holds(question.endpoint.slo, question.scenarios)
    return Choice(trial.settings, cents(question.cost(trial.settings)), attainment, availability, sure)


def assumptions(case: Case) -> Iterator[str]:
    """In sentences, what is taken for granted."""
    traffic = case.inputs.traffic
    if case.profile is not None:
        yield from case.profile.assumptions()
    else:
        yield "a request takes as long as declared, give or take a half, and a batch as long as its requests one by one"
    if case.recorded is None:
        missing = [name for name, rate in (("mean", traffic.mean_rps), ("peak", traffic.peak_rps)) if rate is None]
        yield "traffic is a day between the mean and the peak" + (
            f", of which the {missing[0]} is a guess" if missing else ""
        )
        yield f"at worst it grows from the mean to the peak within {RISE} s"
    elif traffic.mean_rps is not None:
        yield f"traffic is that of the trace, {case.recorded.mean:.4g} rps on average, whatever `mean` says"
    yield (
        "requests go to any replica, as a Service spreads connections"
        if case.routing is Routing.RANDOM else "the balancer knows how many requests each replica has"
    )  # fmt: skip
    yield f"a replica that dies is still asked for {UNNOTICED:g} s, and one is lost in an hour of the peak"
    if case.inputs.profile.cold_start_us is None:
        yield "a new replica is there as soon as its process: it finds a node with its image at once"
    yield "metrics are 15 s apart, and of Knative 1 s"
