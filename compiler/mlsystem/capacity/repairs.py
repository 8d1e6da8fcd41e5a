"""What would have to be written, or be otherwise, so that a configuration is certified: each repair was searched for
and simulated, none is guessed."""

from __future__ import annotations

import math
import os
import signal
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final

from msgspec import structs

from mlsystem.capacity.certificate import Certificate, Settings
from mlsystem.capacity.search import Search, always, beyond
from mlsystem.capacity.solve import Case, solve
from mlsystem.capacity.trials import REPLICATIONS, Runner, Trial, promises
from mlsystem.capacity.witness import Nearest, nearest, witness
from mlsystem.capacity.words import described, percent

FREE: Final = ("min_replicas", "metric", "target")
LESS: Final = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
MORE: Final = (1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
QUICK: Final = (1, 4)  # replications while the least change is looked for
MOST_REPLICAS: Final = 1000
ROOM: Final = 1.01  # for a limit of money, beyond what was found


@dataclass(frozen=True)
class Repair:
    """`edits`: keys below `serving` and what to write there; none where it is the model that has to change. `cost`:
    dollars a month. `change`: by which share something else is given up, 0 where it is only money."""

    says: str
    edits: tuple[tuple[str, str], ...]
    cost: float
    change: float
    case: Case


@dataclass(frozen=True)
class Refusal:
    """`promise` is the key in `slo` that was missed by most; `witness` says when, and why."""

    promise: str
    witness: str
    repairs: tuple[Repair, ...]


def refusal(case: Case, search: Search) -> Refusal:
    """Repairs that take only money first, the cheapest before others; then those that change least."""
    found = nearest(search)
    each = {repair.says: repair for repair in side_by_side(case, found)}
    ordered = sorted(each.values(), key=lambda repair: (repair.change, repair.cost))
    return Refusal(found.promise, witness(search.question, found), tuple(ordered))


def side_by_side(case: Case, found: Nearest) -> Iterator[Repair]:
    """What each kind finds, in their order: every one searches for minutes, and none waits for another. Their processes
    are forked, with all that is compiled in them, and end with this one's interest in them."""
    kinds = (
        partial(limits, case), partial(kept, case, found), partial(slower_answers, case), partial(sooner, case),
        partial(faster, case),
    )  # fmt: skip
    processors = min(len(os.sched_getaffinity(0)), len(kinds))
    if processors == 1:
        yield from (one for kind in kinds for one in kind())
        return
    with get_context("fork").Pool(processors, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for repairs in pool.map(found_by, kinds, chunksize=1):
            yield from repairs


def found_by(kind: Callable[[], Iterator[Repair]]) -> list[Repair]:
    return list(kind())


def limits(case: Case) -> Iterator[Repair]:
    """What `scaling` fixes, one by one and all of it; then more replicas; then more money."""
    wanted = case.inputs.scaling
    fixed = [name for name in FREE if getattr(wanted, name) is not None]
    tried = [scaled(case, **dict.fromkeys({name, "target"} if name == "metric" else {name})) for name in fixed]
    if len(fixed) > 1:
        tried.append(scaled(case, **dict.fromkeys(fixed)))
    if (more := more_replicas(case)) is not None:
        yield from islice(filter(None, (rewritten(case, one) for one in a_little_more(more))), 1)
    elif wanted.max_cost is not None:
        tried.append(scaled(case, max_cost=None))
    yield from filter(None, (rewritten(case, asked) for asked in tried))


def more_replicas(case: Case) -> Case | None:
    """With the least `max_replicas` that hold if they are all there all the time; None where those that there may be
    hold already, or too many would not."""
    question = scaled(case, min_replicas=None, max_cost=None).question()
    runner = Runner(question.endpoint, question.scenarios, question.seed)
    least = bisect_left(range(MOST_REPLICAS + 1), True, key=lambda replicas: not beyond(question, replicas))

    def stands(replicas: int, replications: int = QUICK[-1]) -> bool:
        return runner.advance(Trial(always(question.wanted, replicas)), replications)

    low = high = question.wanted.max_replicas
    while high < least or not stands(high):
        low, high = max(high, least - 1), max(math.ceil(high * 1.5), least)
        if high > MOST_REPLICAS:
            return None
    if high == low:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stands(middle) else (middle, high)
    while not stands(high, REPLICATIONS):
        high += 1
        if high > MOST_REPLICAS:
            return None
    return scaled(case, max_replicas=high, max_cost=None)


def a_little_more(case: Case) -> Iterator[Case]:
    """As many, and some more where the few replications were too kind."""
    replicas = case.inputs.scaling.max_replicas
    for added in (0, 1, max(2, replicas // 10)):
        yield scaled(case, max_replicas=replicas + added)


def rewritten(case: Case, asked: Case) -> Repair | None:
    """What of `scaling` has to be written otherwise for what is certified of `asked`."""
    certificate = solve(asked, front=False).certificate
    if certificate is None:
        return None
    before, settings = case.inputs.scaling, certificate.settings
    edits: dict[str, Any] = {
        name: getattr(settings, name) for name in FREE if getattr(before, name) not in (None, getattr(settings, name))
    }
    if "metric" in edits:
        edits["target"] = settings.target  # a number of the one means nothing of the other
    if settings.max_replicas != before.max_replicas:
        edits["max_replicas"] = settings.max_replicas
    if before.max_cost is not None and certificate.cost > before.max_cost:
        edits["max_cost"] = float(math.ceil(certificate.cost * ROOM))
    written = tuple((f"scaling.{name}", as_written(name, value, settings)) for name, value in edits.items())
    return repair(scaled(case, **edits), written, certificate) if edits else None


def as_written(name: str, value: Any, settings: Settings) -> str:
    if name == "max_cost":
        return f"${value:.0f}/month"
    if name == "target":
        return {"cpu": percent(value), "requests": f"{value:g}rps", "concurrency": f"{value:g}"}[settings.metric]
    return f"{value}"


def repair(asked: Case, edits: Sequence[tuple[str, str]], certificate: Certificate, change: float = 0.0) -> Repair:
    written = " and ".join(f"`{name}: {text}`" for name, text in edits)
    says = f"write {written}: {described(certificate.settings)}, {dollars(certificate)} a month"
    return Repair(says, tuple(edits), certificate.cost, change, asked)


def kept(case: Case, found: Nearest) -> Iterator[Repair]:
    """The shares that the nearest configuration holds anyway, in tenths of a percent."""
    slo = case.inputs.slo
    shares = {name: min(share, math.floor(found.lowest(name) * 1000) / 1000) for name, share in promises(slo).items()}
    lowered = {name: share for name, share in shares.items() if share < promises(slo)[name]}
    if min(shares.values()) < 0.5 or not lowered:
        return
    asked = changed(
        case, slo=structs.replace(slo, objective=shares.get("latency"), availability=shares.get("availability"))
    )
    certificate = solve(asked, front=False).certificate
    if certificate is not None:
        edits = [(f"slo.{name}", share_written(case, name, share)) for name, share in lowered.items()]
        change = max(promises(slo)[name] - share for name, share in lowered.items())
        yield repair(asked, edits, certificate, change)


def share_written(case: Case, name: str, share: float) -> str:
    if name == "availability":
        return percent(share)
    return f"{{p{percent(share).rstrip('%')}: {milliseconds(case)}}}"


def milliseconds(case: Case, factor: float = 1.0) -> str:
    return f"{round(factor * (case.inputs.slo.latency_us or 0)) / 1000:g}ms"


def slower_answers(case: Case) -> Iterator[Repair]:
    """A longer time in which the share is kept."""
    slo = case.inputs.slo
    if slo.latency_us is None or slo.objective is None:
        return
    latency_us = slo.latency_us

    def at(factor: float) -> Case:
        return changed(case, slo=structs.replace(slo, latency_us=round(latency_us * factor)))

    for factor, certificate in least(MORE, at):
        edits = [("slo.latency", f"{{p{percent(slo.objective).rstrip('%')}: {milliseconds(case, factor)}}}")]
        yield repair(at(factor), edits, certificate, factor - 1.0)


def sooner(case: Case) -> Iterator[Repair]:
    """Replicas that start faster."""
    longest = max(case.cold_starts)
    for factor, certificate in least(LESS, lambda factor: replace(case, later=case.later * factor)):
        says = f"start in {longest * factor:.3g} s instead of {longest:.3g} s (a smaller image or model)"
        yield elsewhere(says, replace(case, later=case.later * factor), certificate, 1.0 - factor)


def faster(case: Case) -> Iterator[Repair]:
    """A model that takes less time."""
    alone = sum(case.service.line)
    for factor, certificate in least(LESS, lambda factor: replace(case, slower=case.slower * factor)):
        says = f"answer a request in {1e3 * alone * factor:.3g} ms instead of {1e3 * alone:.3g} ms (a faster model)"
        yield elsewhere(says, replace(case, slower=case.slower * factor), certificate, 1.0 - factor)


def elsewhere(says: str, asked: Case, certificate: Certificate, change: float) -> Repair:
    """One that nothing below `serving` brings about."""
    found = f"{says}: {described(certificate.settings)}, {dollars(certificate)} a month"
    return Repair(found, (), certificate.cost, change, asked)


def least(factors: Sequence[float], at: Callable[[float], Case]) -> Iterator[tuple[float, Certificate]]:
    """The first factor that is certified, if the last one might be: what holds with one holds with all after it."""

    def stands(place: int) -> bool:
        return next(Search(at(factors[place]).question(), QUICK).found(), None) is not None

    if not stands(len(factors) - 1):
        return
    first = bisect_left(range(len(factors) - 1), True, key=stands)
    for factor in factors[first:]:
        certificate = solve(at(factor), front=False).certificate
        if certificate is not None:
            yield factor, certificate
            return


def scaled(case: Case, **changes: Any) -> Case:
    return changed(case, scaling=structs.replace(case.inputs.scaling, **changes))


def changed(case: Case, **parts: Any) -> Case:
    return replace(case, inputs=structs.replace(case.inputs, **parts))


def dollars(certificate: Certificate) -> str:
    return f"${certificate.cost:,.0f}"
