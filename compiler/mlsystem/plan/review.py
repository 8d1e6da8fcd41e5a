"""What a review shows beside the plan itself: the text of generated files before and after, and what was warned of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """What a policy or a check has to say; `place` is where it was written, as `file:line`."""

    code: str
    message: str
    place: str | None = None
    help: str | None = None


@dataclass(frozen=True)
class Review:
    """`before` and `after` are the texts of files that differ, by path: one that is not at hand is left out. `meant`
    are those of the same spec as it was, from this version of the tool. `saved` names the file that holds the whole
    plan, `link` leads to where it can be had."""

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    meant: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    saved: str | None = None
    link: str | None = None
