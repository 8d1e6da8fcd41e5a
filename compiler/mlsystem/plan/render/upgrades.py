"""What another version of this tool changes by itself, in a comment: apart from what the author changed."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.plan.change import node_changes
from mlsystem.plan.plan import Plan
from mlsystem.plan.render.budget import Listing, Section
from mlsystem.plan.render.escape import code
from mlsystem.plan.render.files import file_section
from mlsystem.plan.render.nodes import left_out, rows
from mlsystem.plan.render.words import counted
from mlsystem.plan.review import Review
from mlsystem.plan.upgrade import Upgrade, file_changes


def upgrade_sections(plan: Plan, review: Review, where: str) -> Iterator[Section]:
    upgrade = plan.upgrade
    if upgrade is None:
        return
    found = rows(node_changes(upgrade.changes))
    table = "\n| node | consequence | why |\n| --- | --- | --- |" if found else ""
    yield Listing(
        items=[str(row) for row in found],
        more=lambda shown: f"{left_out(found, shown)}\n\n{where}",
        share=5_000,
        rank=5,
        head=f"#### {_versions(upgrade)}\n\n{_summary(upgrade, len(found))}\n{table}".rstrip("\n"),
    )
    after = {**review.after, **review.meant}
    changes = file_changes(upgrade.changes)
    title = "Generated files, as this version writes them by itself"
    yield from file_section(changes, review.before, after, where, new=False, title=title, rank=10)


def _versions(upgrade: Upgrade) -> str:
    if upgrade.before == upgrade.now:
        return f"What another build of mlsystem {code(upgrade.now)} changes by itself"
    return f"What mlsystem {code(upgrade.before)} → {code(upgrade.now)} changes by itself"


def _summary(upgrade: Upgrade, nodes: int) -> str:
    total = len(file_changes(upgrade.changes))
    files = counted(total, "generated file")
    if not upgrade.exact:
        surely = f"Surely {files}. The rest cannot be told apart" if upgrade.changes else "That cannot be told apart"
        return (
            f"{surely} from what the author changed, for the spec as it was is not at hand: show it with"
            " `mlsystem plan --base FOLDER`."
        )
    if not upgrade.changes:
        return "Nothing: all that this plan does follows from what the author changed."
    what = "and what stands in the table" if nodes else "and nothing is redone for it"
    return f"No change of the spec does this: {files} {'is' if total == 1 else 'are'} written otherwise, {what}."
