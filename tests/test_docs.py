"""The docs are true: every console block prints what it shows, every link leads somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from console_blocks import agree, blocks, normal, run_page

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/guides/*.md")), *sorted(ROOT.glob("docs/concepts/*.md"))]
RUNNING = [page for page in PAGES if any(block.kind == "console" for block in blocks(page.read_text()))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=name)
def test_every_console_block_prints_what_it_shows(page: Path) -> None:
    for program in ("bash", "curl", "sed"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is absent")

    for _, ran in run_page(page.read_text()):
        for one in ran:
            shown = normal(one.command.expected)
            assert one.agrees, f"$ {one.command.text}\n{normal(one.printed)}\n--- shown as\n{shown}"


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("docs/adr/*.md")), *sorted(ROOT.glob("*.md"))], ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_an_example_page_exists_for_every_template() -> None:
    for template in ROOT.glob("templates/init/*/mlsystem.yaml"):
        example = ROOT / "examples" / template.parent.name
        assert (example / "mlsystem.yaml").read_text() == template.read_text()
        assert (example / "README.md").exists()
        assert (example / "expected").is_dir()


def test_numbers_and_run_ids_may_differ() -> None:
    assert normal("run 20261121T112559-184381: done in 4.1 s") == normal("run 20270101T000000-abc123: done in 12 s")


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("a ... d\n", "a b c d\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("...\nc\n", "a\nb\nc\n", True),
        ("...\n", "", True),
        ("", "", True),
        ("", "a\n", False),
    ],
)
def test_three_dots_stand_for_anything(shown: str, printed: str, agrees: bool) -> None:
    assert agree(shown, printed) == agrees
