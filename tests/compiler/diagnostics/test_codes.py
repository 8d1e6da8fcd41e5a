"""Every code is explained in full."""

from __future__ import annotations

import re

import pytest

from mlsystem.diagnostics.codes import CODES


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_code_has_a_title_an_explanation_and_an_example(name: str) -> None:
    code = CODES[name]

    assert re.fullmatch(r"MLS[0-6]\d\d", name)
    assert code.title[0].islower() or code.title.startswith(("UTF", "YAML"))
    assert code.explanation.endswith((".", "."))
    assert code.wrong != code.right
