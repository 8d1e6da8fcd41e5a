"""The generated program inside this process: what it leaves behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlsystem.apply.program import inline


def test_a_program_leaves_no_bytecode_in_its_folder_and_that_of_the_sdk_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, sdk = tmp_path / "pulumi", tmp_path / "sdk"
    for path, text in (
        (program / "__main__.py", "import system\n"), (program / "system" / "__init__.py", "import sdk_of_a_test\n"),
        (sdk / "sdk_of_a_test.py", ""),
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(sdk)

    inline(program)()

    assert not list(program.rglob("__pycache__"))
    assert len(list(sdk.rglob("*.pyc"))) == 1
    assert "system" not in sys.modules
