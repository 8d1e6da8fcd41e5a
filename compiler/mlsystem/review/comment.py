"""What is written into a pull request: one comment, found again by a line that nobody sees, and written anew in place.

The hidden line holds the digest of each plan that people could read there, and the run that keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.review.github import Comment, GitHub
from mlsystem.review.planned import Planned, Shown
from mlsystem.review.run import Run
from mlsystem_runtime.contract.base import Struct, canonical_json

LIMIT = 64_000
"""GitHub takes 65,536 characters; bytes are never fewer."""

PLAN, MERGE, DRIFT = "plan", "merge", "drift"
"""What a comment or an issue of ours is about."""


class Kept(Struct):
    """Where the plan of an environment is."""

    digest: str
    run: str


def marker(about: str, system: str, kept: Mapping[str, Kept] | None = None) -> str:
    data = canonical_json(kept or {}).decode()
    return f"<!-- mlsystem {about} of {system}: {data} -->"


def kept_in(text: str, about: str, system: str) -> Mapping[str, Kept]:
    """What a comment of ours says of plans; nothing where it says nothing that can be read."""
    found = re.match(rf"<!-- mlsystem {about} of {re.escape(system)}: (.*) -->", text)
    try:
        return {} if found is None else msgspec.json.decode(found[1], type=dict[str, Kept])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def find(comments: Iterable[Comment], about: str, system: str) -> Comment | None:
    """The oldest of ours, which begin with our line. What others write is not, even with our line in it; nor is what a
    run writes of a file that has it."""
    begins = f"<!-- mlsystem {about} of {system}: "
    return next((one for one in comments if one.ours and one.text.startswith(begins)), None)


def put_comment(github: GitHub, number: int, about: str, system: str, body: str) -> bool:
    """Whether it is a new one; a comment that says this already is left alone."""
    before = find(github.comments(number), about, system)
    if before is None:
        github.write_comment(number, body)
    elif before.text != body:
        github.edit_comment(before.id, body)
    return before is None


def plan_comment(shown: Sequence[Shown], system: str, run: Run) -> str:
    """Of every environment, those first that lose something or could not be planned."""
    kept = {one.environment: Kept(one.planned.digest, run.run_id) for one in shown if one.planned is not None}
    parts = [part(one, run) for one in sorted(shown, key=weight)]
    text = marker(PLAN, system, kept) + "\n" + "\n".join(parts)
    return shortened(text, run)


def weight(one: Shown) -> int:
    if one.planned is None:
        return 0
    return 1 if "[!CAUTION]" in one.markdown else 2


def part(one: Shown, run: Run) -> str:
    if one.planned is None:
        return f"### `{one.environment}` could not be planned\n\n[The run]({run.url}) says why.\n"
    kept = f"<sub>`{one.environment}`: plan `{one.planned.digest}`, kept as `plan-{one.environment}` by"
    return f"{one.markdown.rstrip()}\n\n{kept} [this run]({run.url}). A merge carries out this plan, or none.</sub>\n"


def merge_comment(shown: Sequence[Shown], system: str, run: Run) -> str | None:
    """What is said after a merge; None where everything is as it was reviewed, or there is nothing to do."""
    parts = list(anew(shown, run))
    return shortened(marker(MERGE, system) + "\n" + "\n".join(parts), run) if parts else None


def anew(shown: Sequence[Shown], run: Run) -> Iterator[str]:
    for one in shown:
        if one.planned is None:
            yield part(one, run)
        elif not one.planned.empty and not one.planned.reviewed:
            why = "; ".join(one.planned.reasons)
            yield f"### `{one.environment}`: what was reviewed is not carried out\n\nThe plan is stale: {why}.\n"
            yield f"This one is made anew, and is carried out when somebody approves [this run]({run.url}):\n"
            yield f"{one.markdown.rstrip()}\n\n<sub>Plan `{one.planned.digest}`.</sub>\n"


def refused_comment(planned: Planned, error: MlsystemError, run: Run) -> str:
    """`error` is about the plan: nothing of what the world said stands in it."""
    name = f"{planned.system}/{planned.environment}"
    again = f"To plan anew: run the workflow on the branch again, as a new run ([this one]({run.url}) stays as it is)."
    said = f"{error.message}.\n\n{error.hint or ''}\n\n{again}"
    return f"{marker(MERGE, name)}\n### `{planned.environment}`: nothing was carried out\n\n{said}\n"


def shortened(text: str, run: Run) -> str:
    """Rather cut than refused: what is at the end is the least."""
    data = text.encode()
    if len(data) <= LIMIT:
        return text
    tail = f"\n\n…\n\nCut here: [the run]({run.url}) shows all of it.\n"
    return data[: LIMIT - len(tail.encode())].decode(errors="ignore") + tail
