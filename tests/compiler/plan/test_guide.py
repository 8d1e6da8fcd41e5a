"""The comment that the guide of reviews shows is one that was made. MLSYSTEM_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from msgspec.structs import replace

from mlsystem.apply.committed import committed_folder, write_committed
from mlsystem.apply.reviewed import Before, review_of
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.plan.plan import Inventory, make_plan
from mlsystem.plan.render.markdown import render_markdown
from mlsystem.state.manifest import StepProof

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs/guides/review.md"
BLOCK = re.compile(r"(?<=<!-- comment -->\n)(?:>.*\n)+(?=<!-- end of comment -->)")
MADE_ANEW = "#### Generated files"
"""From here on digests and prices stand in it, which change with each version."""


def compiled(spec: Path) -> Compiled:
    found = compile_system(spec, "staging", {}, Report())
    assert found is not None
    return found


def comment(folder: Path, applied) -> str:
    """Of another learning rate in the flights example."""
    spec, base = folder / "mlsystem.yaml", folder / "before"
    shutil.copytree(ROOT / "examples/flights", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected"))
    shutil.copytree(folder, base)
    before = compiled(spec)
    write_committed(before, committed_folder(base / "mlsystem.yaml", "staging"), "0.1.0")
    was = desired_of(before)
    proofs = {step: StepProof(fingerprint=known, observed=None, reads={}) for step, known in was.steps.items()}
    manifest = replace(applied(was.snapshot, ()), files=dict(was.files), inputs=was.inputs, proofs=proofs,
                       consumption=None if was.costs is None else was.costs.used)  # fmt: skip
    spec.write_text(spec.read_text().replace("learning_rate: 1e-3", "learning_rate: 2e-3"))
    after, old = compiled(spec), Before(base / "mlsystem.yaml", "staging", {})
    plan = make_plan(manifest, desired_of(after), (), Inventory(keeps_data=True), "0.1.0", base=old.base)
    link = "https://github.com/acme/flight-delay/actions/runs/1004"
    return render_markdown(plan, review_of(plan, after, manifest, (), old, "staging.json", link))


def quoted(text: str) -> str:
    seen = re.sub(r"<!--.*-->\n", "", text).rstrip()
    return "".join(f"> {line}".rstrip() + "\n" for line in seen.splitlines())


def test_the_guide_shows_a_comment_that_was_made(tmp_path, applied):
    made = quoted(comment(tmp_path / "project", applied))
    page = GUIDE.read_text(encoding="utf-8")
    if os.environ.get("MLSYSTEM_GOLDEN"):
        GUIDE.write_text(BLOCK.sub(lambda _: made, page), encoding="utf-8")
    found = BLOCK.search(GUIDE.read_text(encoding="utf-8"))

    assert found is not None
    assert found[0].partition(MADE_ANEW)[0] == made.partition(MADE_ANEW)[0]
    assert '-              "learning_rate": 0.001,\n>' in made, "files are compared with the branch beside it"
