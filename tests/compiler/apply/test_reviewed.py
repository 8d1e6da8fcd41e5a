"""What a review shows of files is what was applied, by its digest, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from mlsystem.apply.committed import committed_folder, write_committed
from mlsystem.apply.reviewed import Before, review_of
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory, make_plan
from mlsystem.state.manifest import FORMAT, Manifest, Outputs

PROJECT = Path(__file__).parents[2] / "cli" / "project"
CONTRACT = "contract/run.json"


class Project:
    """A spec that was applied as it is in `base`, and changed since."""

    def __init__(self, folder: Path) -> None:
        self.spec, self.base = folder / "mlsystem.yaml", folder / "base" / "mlsystem.yaml"
        self.base.parent.mkdir()
        for path in (self.spec, self.base):
            path.write_text((PROJECT / "mlsystem.yaml").read_text())
        self.was = self.compiled()
        write_committed(self.was, committed_folder(self.base, "dev"), "0.1.0")
        self.spec.write_text(self.spec.read_text().replace("learning_rate: 0.001", "learning_rate: 0.5"))

    def compiled(self) -> Compiled:
        found = compile_system(self.spec, "dev", {}, Report())
        assert found is not None
        return found

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            format=FORMAT, serial=1, lineage="l", tool="0.1.0", closure="c", snapshot=self.was.snapshot,
            files=dict(self.was.tree.digests), observations=(), run_id="r", proofs={}, blocked=(),
            outputs=Outputs(workspace="w", port=1), inputs=self.was.inputs,
        )  # fmt: skip

    def review(self, manifest: Manifest, *folders: Path, before: Before | None = None):
        after = self.compiled()
        base = None if before is None else before.base
        plan = make_plan(manifest, desired_of(after), (), Inventory(), "0.1.0", base=base)
        return review_of(plan, after, manifest, folders, before, "plan.json")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_file_is_found_in_the_branch_beside_it(project: Project) -> None:
    review = project.review(project.manifest, before=Before(project.base, "dev", {}))

    assert review.before == {CONTRACT: project.was.tree.content(CONTRACT)}
    assert review.after == {CONTRACT: project.compiled().tree.content(CONTRACT)}


def test_a_file_that_is_not_what_was_applied_is_not_believed(project: Project) -> None:
    other = replace(project.manifest, files={CONTRACT: "0" * 64})

    assert project.review(other, committed_folder(project.base, "dev")).before == {}


def test_the_spec_as_it_was_is_compiled_by_this_version(project: Project) -> None:
    base = Before(project.base, "dev", {}).base

    assert base is not None
    assert base.is_of(project.manifest)
    assert base.committed == project.manifest.files


def test_an_environment_that_is_new_was_nothing_before(project: Project) -> None:
    assert Before(project.base, "prod", {}).base is None


def test_a_folder_without_the_file_is_refused(project: Project) -> None:
    with pytest.raises(MlsystemError, match="there is no"):
        Before(project.base.with_name("other.yaml"), "dev", {})
