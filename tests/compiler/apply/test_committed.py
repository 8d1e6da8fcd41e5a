"""What is committed beside the spec is what the spec compiles to, or the difference is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem.apply.committed import (
    RECORD,
    Difference,
    committed_folder,
    differences,
    hand_over,
    read_record,
    repository_differences,
    write_committed,
    write_repository,
)
from mlsystem.apply.files import remove_others
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.tree import Artifact, ArtifactTree
from mlsystem.errors import MlsystemError

NEW = ".github/mlsystem/bikes-dev-plan.trust.json"
PROJECT = Path(__file__).parents[2] / "cli" / "project"


class Project:
    def __init__(self, folder: Path) -> None:
        self.spec = folder / "mlsystem.yaml"
        self.spec.write_text((PROJECT / "mlsystem.yaml").read_text())
        self.folder = committed_folder(self.spec, "dev")

    def compiled(self, *around: str) -> Compiled:
        """`around` are paths of files of the repository's folder."""
        compiled = compile_system(self.spec, "dev", {}, Report())
        assert compiled is not None
        return compiled._replace(repository=ArtifactTree.of(Artifact(path, "{}\n") for path in around))

    def write(self, tool: str = "0.1.0") -> tuple[str, ...]:
        return write_committed(self.compiled(), self.folder, tool)

    def differences(self) -> list[tuple[str, str, bool]]:
        return [(one.kind, one.path, one.by_hand) for one in differences(self.compiled(), self.folder)]

    def change(self, old: str, new: str) -> None:
        self.spec.write_text(self.spec.read_text().replace(old, new))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_what_was_just_written_differs_in_nothing(project: Project) -> None:
    project.write()

    assert project.folder == project.spec.parent / "generated" / "dev"
    assert project.differences() == []


def test_what_was_never_written_is_missing(project: Project) -> None:
    assert project.differences() == [("missing", "contract/run.json", False)]


def test_a_file_of_an_older_spec_differs_from_the_first_line_that_does(project: Project) -> None:
    project.write()
    project.change("learning_rate: 0.001", "learning_rate: 0.5")
    (found,) = differences(project.compiled(), project.folder)
    lines = (project.folder / "contract/run.json").read_text().splitlines()

    assert (found.kind, found.by_hand, found.old) == ("different", False, lines[(found.line or 0) - 1])
    assert found.new != found.old


def test_what_was_edited_by_hand_is_told_from_what_is_old(project: Project) -> None:
    project.write()
    file = project.folder / "contract/run.json"
    file.write_text(file.read_text().replace("wall", "data").replace("bikes", "trikes"))

    assert project.differences() == [("different", "contract/run.json", True)]
    assert project.write() == ("contract/run.json",)
    assert project.differences() == []


def test_a_line_more_at_the_end_is_a_difference_too(project: Project) -> None:
    project.write()
    file = project.folder / "contract/run.json"
    file.write_text(file.read_text() + "\n")
    (found,) = differences(project.compiled(), project.folder)

    assert found.line == len(file.read_text().splitlines()) + 1


def test_other_line_ends_are_a_difference(project: Project) -> None:
    project.write()
    file = project.folder / "contract/run.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (found,) = differences(project.compiled(), project.folder)

    assert (found.line, found.old) == (1, "{\r")
    project.write()
    assert project.differences() == []


def test_a_record_that_names_files_elsewhere_takes_none_of_them_away(project: Project, tmp_path: Path) -> None:
    project.write()
    record = project.folder / RECORD
    for path in ("../../mlsystem.yaml", str(tmp_path / "mlsystem.yaml")):
        record.write_text(record.read_text().replace('"files": {', f'"files": {{"{path}": "0",'))
    known = read_record(project.folder)
    assert known is not None
    assert len(known.files) == 3
    project.write()

    assert project.spec.exists()


def test_a_file_that_nothing_generates_is_extra_and_not_taken_away(project: Project) -> None:
    project.write()
    (project.folder / "mine.yaml").write_text("a: 1\n")

    assert project.differences() == [("extra", "mine.yaml", True)]
    project.write()
    assert (project.folder / "mine.yaml").exists()


def test_a_file_that_was_generated_once_is_taken_away(project: Project) -> None:
    project.write()
    record = project.folder / RECORD
    record.write_text(record.read_text().replace('"contract/run.json"', '"contract/old.json"'))
    (project.folder / "contract/old.json").write_text("{}")

    assert ("extra", "contract/old.json", False) in project.differences()
    project.write()
    assert not (project.folder / "contract/old.json").exists()


def test_another_environments_files_are_nobodys_business(project: Project) -> None:
    other = committed_folder(project.spec, "prod") / "contract/run.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    project.write()

    assert project.differences() == []
    assert other.read_text() == "{}"


def test_caches_of_a_program_that_ran_there_are_nothing(project: Project) -> None:
    project.write()
    cache = project.folder / "pulumi/__pycache__/x.pyc"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"")

    assert project.differences() == []


def test_the_record_says_which_version_wrote_from_which_inputs(project: Project) -> None:
    project.write("9.9.9")
    record = read_record(project.folder)

    assert record is not None
    assert (record.tool, record.inputs) == ("9.9.9", project.compiled().inputs)
    assert record.files == dict(project.compiled().tree.digests)


@pytest.mark.parametrize("text", ["{", "{}", '{"format": 2, "tool": "", "inputs": "", "files": {}}'])
def test_a_record_that_cannot_be_read_is_as_none(project: Project, text: str) -> None:
    project.write()
    (project.folder / RECORD).write_text(text)

    assert read_record(project.folder) is None
    assert project.differences() == []


def test_files_that_are_handed_over_keep_the_record_of_them(project: Project) -> None:
    project.write()
    (project.folder / "mine.yaml").write_text("a: 1\n")
    hand_over(project.compiled().tree, project.folder)

    assert read_record(project.folder) is not None
    assert project.differences() == []


def test_a_record_of_other_files_is_not_kept(project: Project) -> None:
    project.write()
    project.change("learning_rate: 0.001", "learning_rate: 0.5")
    hand_over(project.compiled().tree, project.folder)

    assert read_record(project.folder) is None


def test_a_file_of_the_repository_that_was_generated_once_is_extra_until_it_is_taken_away(project: Project) -> None:
    root, old = project.spec.parent, ".github/mlsystem/bikes-prod-plan.trust.json"
    write_repository(project.compiled(NEW, old), root, project.folder)
    write_committed(project.compiled(NEW, old), project.folder, "0.1.0")
    (root / ".github/mlsystem/trikes-prod-plan.trust.json").write_text("another system's")
    now = project.compiled(NEW)

    assert list(repository_differences(now, root, project.folder)) == [Difference("extra", old)]
    assert write_repository(now, root, project.folder) == [old]
    assert list(repository_differences(now, root, project.folder)) == []
    assert sorted(path.name for path in (root / ".github/mlsystem").iterdir()) == [
        "bikes-dev-plan.trust.json", "trikes-prod-plan.trust.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["mlsystem.yaml", ".github/mlsystem/../../mlsystem.yaml", ".github/workflows/tests.yml"]
)
def test_of_the_repository_nothing_is_taken_away_that_no_review_writes(project: Project, path: str) -> None:
    root = project.spec.parent
    (root / ".github/workflows").mkdir(parents=True)
    (root / ".github/workflows/tests.yml").write_text("on: push")
    write_committed(project.compiled(path), project.folder, "0.1.0")

    assert write_repository(project.compiled(), root, project.folder) == []
    assert (root / path.replace(".github/mlsystem/../../", "")).exists()


def test_behind_a_link_nothing_is_taken_away(project: Project, tmp_path: Path) -> None:
    write_committed(project.compiled(NEW), project.folder, "0.1.0")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / Path(NEW).name).write_text("somebody's")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/mlsystem").symlink_to(outside)

    assert write_repository(project.compiled(), tmp_path, project.folder) == []
    assert (outside / Path(NEW).name).exists()


def test_nothing_is_written_behind_a_link(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project.folder.mkdir(parents=True)
    (project.folder / "contract").symlink_to(outside)

    with pytest.raises(MlsystemError, match=r"contract is a link: .* somewhere else") as caught:
        project.write()

    assert caught.value.hint.endswith(f"rm {project.folder / 'contract'}")
    assert list(outside.iterdir()) == []
    assert not (project.folder / RECORD).exists()


def test_a_folder_that_is_ours_alone_loses_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    ours, outside = tmp_path / "ours", tmp_path / "outside"
    for folder in (ours, outside):
        folder.mkdir()
    (outside / "data.csv").write_text("1")
    (ours / "folder").symlink_to(outside)
    (ours / "file").symlink_to(outside / "data.csv")
    remove_others(ArtifactTree(()), ours)

    assert list(ours.iterdir()) == []
    assert (outside / "data.csv").exists()


def test_inputs_are_what_the_author_wrote_and_not_how(project: Project) -> None:
    before = project.compiled().inputs
    project.spec.write_text("# a comment\n" + project.spec.read_text())

    assert project.compiled().inputs == before


@pytest.mark.parametrize("name", ["capacity.lock.json", "images.lock"])
def test_a_file_beside_the_spec_is_among_the_inputs(project: Project, name: str) -> None:
    before = project.compiled().inputs
    (project.spec.parent / name).write_text('{"endpoints": {}}')

    assert project.compiled().inputs != before


def test_another_environments_settings_are_not_among_the_inputs(project: Project) -> None:
    before = project.compiled().inputs
    project.spec.write_text(project.spec.read_text() + "  other: {target: local, port: 8100}\n")

    assert project.compiled().inputs == before
