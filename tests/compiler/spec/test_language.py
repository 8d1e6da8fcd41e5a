"""What holds for the whole language, whatever is added to it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import pytest

from mlsystem.spec.base import Section
from mlsystem.spec.defaults import DEFAULTS
from mlsystem.spec.evaluation import Metric
from mlsystem.spec.system import SystemSpec
from mlsystem.spec.walk import annotation_of, bare, choices, facts_of, fields_by_key, is_section, union_models
from mlsystem_runtime.contract.metrics import METRICS


def sections(section: type[Section] = SystemSpec, seen: set[type[Section]] | None = None) -> Iterator[type[Section]]:
    seen = set() if seen is None else seen
    if section in seen:
        return
    seen.add(section)
    yield section
    for field in section.model_fields.values():
        for one in parts(field.annotation):
            if is_section(one):
                yield from sections(one, seen)


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from parts(argument)


SECTIONS = list(sections())
FIELDS = [(section, name, field) for section in SECTIONS for name, field in section.model_fields.items()]
UNSAID = ("than", "worse_by_at_most", "entities", "variables")
ids = pytest.mark.parametrize(("section", "name", "field"), FIELDS, ids=[f"{s.__name__}.{n}" for s, n, _ in FIELDS])


@ids
def test_every_key_says_what_it_is_and_which_facet_it_belongs_to(section: type[Section], name: str, field: Any) -> None:
    assert field.description.endswith(".")
    assert facts_of(field).facet in ("data", "features", "fit", "evaluate", "operate", None)


@ids
def test_a_key_that_may_be_left_out_says_what_that_means(section: type[Section], name: str, field: Any) -> None:
    comment = facts_of(field).facet is None or name in ("count", "sum", "mean", "min", "max", "at_least", "at_most")
    told = facts_of(field).implied is not None or field.default not in (None, (), {})

    assert field.is_required() or told or comment or is_section(bare(field.annotation)) or name in UNSAID


@ids
def test_alternatives_between_sections_are_told_apart_by_kind(section: type[Section], name: str, field: Any) -> None:
    for one in parts(annotation_of(field)):
        if get_origin(one) in (Union, types.UnionType) and len(union_models(one)) > 1:
            assert all("kind" in model.model_fields for model in get_args(one) if is_section(model))
        if get_origin(one) is Annotated and len(union_models(one)) > 1:
            assert any(getattr(note, "discriminator", None) == "kind" for note in get_args(one)[1:])


def test_a_key_is_either_supported_or_not_yet() -> None:
    for section in SECTIONS:
        assert not set(fields_by_key(section)) & set(section.NOT_YET)


def test_a_value_is_either_supported_or_not_yet() -> None:
    for _, _, field in FIELDS:
        assert not set(choices(annotation_of(field))) & set(facts_of(field).not_yet or {})


def test_every_default_in_the_table_is_used() -> None:
    assert {facts_of(field).default_of for _, _, field in FIELDS} - {None} == set(DEFAULTS)


def test_metrics_are_those_of_the_contract() -> None:
    assert set(choices(Metric)) == {name for metrics in METRICS.values() for name in metrics}
