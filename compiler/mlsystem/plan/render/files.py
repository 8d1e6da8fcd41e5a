"""Generated files that differ, folded by what they are about: small ones are shown, what does not fit is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from mlsystem.plan.change import AnyFileChange
from mlsystem.plan.render.budget import size
from mlsystem.plan.render.concerns import VENDORED, Moved, concern, moved
from mlsystem.plan.render.differences import difference
from mlsystem.plan.render.escape import code, fenced, html
from mlsystem.plan.render.words import counted

MOST_COMPARED = 300
MOST_NEW_LINES = 60


class File(NamedTuple):
    """`line` names it, `block` shows how it differs: empty where there is nothing to show."""

    concern: str
    path: str
    line: str
    block: str


def compared(
    changes: Iterable[AnyFileChange], before: Mapping[str, str], after: Mapping[str, str], *, first: bool
) -> list[File]:
    """By concern, then by path. `first`: all is new, and none of it is shown."""
    listed = sorted(moved(changes), key=lambda one: (concern(one.path), one.path.startswith("pulumi/"), one.path))
    said: set[str] = set()
    found = []
    for at, one in enumerate(listed):
        line, block = f"- {one.sign} {code(one.path)}", ""
        if at < MOST_COMPARED and not first:
            line, block = _shown(one, before, after, said)
        found.append(File(concern(one.path), one.path, line, block))
    return found


def _shown(
    one: Moved, before: Mapping[str, str], after: Mapping[str, str], said: set[str]
) -> tuple[str, str]:
    """The line and the block of a file. `said` has what was shown, and where: the same is not shown twice."""
    name = f"- {one.sign} {code(one.path)}"
    if one.new is None:
        return f"{name}: not generated any more", ""
    new = after.get(one.new)
    if new is None:
        return name, ""
    if one.old is None:
        lines = new.splitlines()
        text = "\n".join(f"+{line}" for line in lines)
        return f"{name}: new, {counted(len(lines), 'line')}", _block(one, text) if len(lines) <= MOST_NEW_LINES else ""
    old = before.get(one.old)
    if old is None:
        return f"{name}: what was applied is not at hand", ""
    found = difference(old, new, said)
    counts = f"{name}: +{found.added} −{found.removed}"  # noqa: RUF001
    if one.path.startswith(VENDORED) or not found.lines:
        why = "the same as above" if found.again else "only digests of what stands elsewhere"
        return f"{counts}{f', {why}' if found.again or found.digests else ''}", ""
    return counts, _block(one, "\n".join(found.lines))


def _block(one: Moved, text: str) -> str:
    was = "" if one.old in (None, one.new) else ", under a new hash"
    return f"{one.sign} {code(one.path)}{was}\n\n{fenced(text, 'diff')}\n"


@dataclass(frozen=True)
class Files:
    """The section of a page; see `budget.Section`."""

    title: str
    files: Sequence[File]
    where: str
    share: int
    rank: int

    @cached_property
    def _whole(self) -> str:
        return self._text({one.path for one in self.files if one.block}, len(self.files))

    def size(self) -> int:
        return size(self._whole) if self.files else 0

    def least(self) -> int:
        return min(self.size(), size(self._text(set(), 0)))

    def cut(self, budget: int) -> str:
        """Names first, then the smallest differences, so that one that is long hides no other."""
        if size(self._whole) <= budget:
            return self._whole
        named = self._named(budget)
        shown: set[str] = set()
        left = budget - size(self._text(shown, named)) - 200  # for what is said of those that are not shown
        for one in sorted(self.files[:named], key=lambda one: (len(one.block), one.path)):
            cost = size(one.block) - size(one.line)
            if one.block and cost <= left:
                shown.add(one.path)
                left -= max(cost, 0)
        return self._text(shown, named)

    def _named(self, budget: int) -> int:
        """How many can be named at all; each concern has lines of its own."""
        least, most = 0, len(self.files)
        while least < most:
            middle = (least + most + 1) // 2
            least, most = (middle, most) if size(self._text(set(), middle)) <= budget - 200 else (least, middle - 1)
        return least

    def _text(self, shown: set[str], named: int) -> str:
        return "\n".join([f"#### {self.title}", "", *self._folded(shown, named), *self._rest(shown, named)]) + "\n"

    def _folded(self, shown: set[str], named: int) -> Iterator[str]:
        for about, group in groupby(self.files[:named], key=lambda one: one.concern):
            files = list(group)
            yield f"<details><summary>{html(about)}: {counted(len(files), 'file')}</summary>"
            yield ""
            yield from (one.block for one in files if one.path in shown)
            lines = [one.line for one in files if one.path not in shown]
            yield from (*lines, "") if lines else ()
            yield "</details>"

    def _rest(self, shown: set[str], named: int) -> Iterator[str]:
        hidden = sum(bool(one.block) for one in self.files[:named]) - len(shown)
        left = len(self.files) - named
        said = [f"{counted(hidden, 'difference')} too long to stand here"] if hidden else []
        said += [f"{counted(left, 'file')} not even named"] if left else []
        if said:
            yield from ("", f"Left out: {' and '.join(said)}. The files are in the change itself. {self.where}")


def file_section(
    changes: Sequence[AnyFileChange],
    before: Mapping[str, str],
    after: Mapping[str, str],
    where: str,
    *,
    new: bool,
    title: str = "Generated files",
    rank: int = 9,
) -> Iterator[Files]:
    """`new`: all of them are, and none of it is shown."""
    if changes:
        yield Files(title, compared(changes, before, after, first=new), where, share=6_000, rank=rank)
