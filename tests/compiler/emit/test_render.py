"""What a template may print."""

from __future__ import annotations

from collections.abc import Iterator

import jinja2
import pytest

from mlsystem.emit import render as module
from mlsystem.emit.render import render


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Templates of the test's own, by name."""
    templates: dict[str, str] = {}
    module._environment.cache_clear()
    monkeypatch.setattr(module, "template_text", templates.__getitem__)
    yield templates
    module._environment.cache_clear()


def test_a_value_is_printed_as_its_filter_says(printed: dict[str, str]) -> None:
    printed["a"] = "FROM {{ image | reference }} {{ label | word }} {{ path | sh }}\n"

    assert render("a", image="a/b:1", label='"$x', path="a b") == "FROM a/b:1 \"\\\"\\$x\" 'a b'\n"


def test_a_value_that_passed_no_filter_is_a_slip_of_ours(printed: dict[str, str]) -> None:
    printed["a"] = "{{ image }}"

    with pytest.raises(AssertionError, match="passed no filter"):
        render("a", image="a/b:1")


def test_a_name_that_is_not_there_is_a_slip_of_ours(printed: dict[str, str]) -> None:
    printed["a"] = "{% if image %}yes{% endif %}"

    with pytest.raises(jinja2.UndefinedError, match="image"):
        render("a")


@pytest.mark.parametrize("reference", ["a b", "a\nRUN id", "$(id)", "-a", ""])
def test_only_a_reference_is_printed_as_one(printed: dict[str, str], reference: str) -> None:
    printed["a"] = "FROM {{ image | reference }}"

    with pytest.raises(AssertionError, match="not the reference"):
        render("a", image=reference)
