"""Values printed as Python: read back they are the same, and no line is longer than it may be without need."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem.emit.python_source import WIDTH, snake_case, source

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab.'\"/\\"), inner))


@given(VALUES)
def test_what_is_printed_reads_back_as_the_same_value(value: Any) -> None:
    assert ast.literal_eval(source(value)) == value


@given(st.text("ab\"'\\ \n\t\r\x00"))
def test_text_of_several_lines_reads_back_as_it_was(text: str) -> None:
    assert ast.literal_eval(source({"text": text})) == {"text": text}


@given(st.lists(st.lists(st.text("abc", max_size=20))))
def test_lines_are_broken_where_they_would_be_too_long(value: list[list[str]]) -> None:
    assert max(len(line) for line in source(value).splitlines()) <= WIDTH


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("externalIPs", "external_ips"), ("hostIPC", "host_ipc"), ("exec", "exec_"), ("podCIDRs", "pod_cidrs"),
        ("nonResourceURLs", "non_resource_urls"), ("$ref", "_ref"), ("podCIDR", "pod_cidr"),
        ("x-kubernetes-list-type", "x_kubernetes_list_type"),
    ],
)  # fmt: skip
def test_fields_are_named_as_the_sdk_names_them(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_every_field_that_the_sdk_knows_has_its_name() -> None:
    """Of plural abbreviations (`podIPs`) its table has names that its classes do not use."""
    from pulumi_kubernetes._tables import CAMEL_TO_SNAKE_CASE_TABLE  # lazy: half a second

    table = {name: snake for name, snake in CAMEL_TO_SNAKE_CASE_TABLE.items() if not re.search("[A-Z]{2,}s$", name)}
    assert {name: snake_case(name) for name in table} == table
