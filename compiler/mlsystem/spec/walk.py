"""Follows a path through the types of the language: which section owns a key, and what is declared of it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from mlsystem.spec.base import FieldFacts, Section, Written
from mlsystem.spec.system import SystemSpec

Part = str | int


class Place(NamedTuple):
    """Where a path leads. `path` has no tags of unions; `owner` is the section that declares (or misses) its last key.

    `field` is the declared key that the last part belongs to, `annotation` the type of what stands there, and
    `of_key` is true where a map's key is meant rather than its value.
    """

    path: tuple[Part, ...]
    owner: type[Section] | None
    field: FieldInfo | None
    annotation: Any
    of_key: bool = False


def follow(location: Sequence[Part], root: type[Section] = SystemSpec) -> Place:
    """The place that a location of a validation error names; tags that unions insert are left out of its path."""
    place = Place((), None, None, root)
    for part in location:
        place = step(place, part)
    return place


def step(place: Place, part: Part) -> Place:
    """One part further."""
    shape = bare(place.annotation)
    models = union_models(shape)
    if len(models) > 1:
        return place._replace(annotation=models.get(str(part)))
    if part == "[key]":
        return place._replace(of_key=True)
    path = (*place.path, part)
    if is_section(shape):
        field = fields_by_key(shape).get(str(part))
        return Place(path, shape, field, annotation_of(field) if field is not None else None)
    return Place(path, None, place.field, item_type(shape))


def item_type(shape: Any) -> Any:
    """What the values of a map or the items of a list are."""
    arguments = get_args(shape)
    return arguments[-1 if get_origin(shape) is dict else 0] if arguments else None


def is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def fields_by_key(section: type[Section]) -> dict[str, FieldInfo]:
    """The keys of a section as users write them."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def annotation_of(field: FieldInfo) -> Any:
    """The field's type with the notes that pydantic moved aside."""
    annotation: Any = field.annotation
    for note in field.metadata:
        if isinstance(note, Written):
            annotation = Annotated[annotation, note]
    return annotation


def facts_of(field: FieldInfo) -> FieldFacts:
    assert isinstance(field.json_schema_extra, dict)
    facts: Any = field.json_schema_extra["facts"]
    assert isinstance(facts, FieldFacts)
    return facts


def written(annotation: Any) -> Written | None:
    """The reader of a value that is written in a way of its own."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for one in get_args(annotation) if (found := written(one)) is not None), None)
    return next((note for note in getattr(annotation, "__metadata__", ()) if isinstance(note, Written)), None)


def bare(annotation: Any) -> Any:
    """The annotation without notes and without `| None`."""
    if get_origin(annotation) is Annotated:
        return annotation if written(annotation) is not None else bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        some = [one for one in get_args(annotation) if one is not type(None)]
        return bare(some[0]) if len(some) == 1 else Union[tuple(some)]  # noqa: UP007 - made at run time
    return annotation


def union_models(annotation: Any) -> dict[str, type[Section]]:
    """The alternatives of a union by the value of their discriminator; one section alone is one alternative."""
    shape = bare(annotation)
    if is_section(shape):
        return {"": shape}
    if get_origin(shape) is not Union:
        return {}
    return {
        tag: model
        for model in get_args(shape)
        if is_section(model)
        for tag in choices(model.model_fields["kind"].annotation)
    }


def choices(annotation: Any) -> tuple[str, ...]:
    """The words of a Literal, below `| None` too."""
    shape = bare(annotation)
    return tuple(str(one) for one in get_args(shape)) if get_origin(shape) is Literal else ()


def sections_below(section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """The keys of a section whose values are sections."""
    for name, field in fields_by_key(section).items():
        shape = bare(annotation_of(field))
        if is_section(shape):
            yield name, shape
