"""The language as a JSON Schema (2020-12) for editors, generated from the types that validate."""

import json
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import plain
from mlsystem.source.read import read
from mlsystem.spec.base import Section, Written
from mlsystem.spec.model import FeatureRef, ModelSpec
from mlsystem.spec.normalise import FIXED, FIXED_BELOW
from mlsystem.spec.sources import SourceSpec
from mlsystem.spec.system import MODEL_KEYS, ModelSection, SystemSpec
from mlsystem.spec.walk import annotation_of, bare, choices, facts_of, fields_by_key, union_models, written

Schema = dict[str, Any]

VARIABLE: Schema = {"type": "string", "pattern": r"^\$\{var:[A-Za-z_][A-Za-z0-9_]*\}$"}
SHORT_FORMS: dict[type[Section], Schema] = {
    FeatureRef: {
        "type": "string",
        "pattern": r"^[A-Za-z][A-Za-z0-9_]*\.(\*|[A-Za-z_][A-Za-z0-9_]*)$",
        "description": "All features of a group, or one of them.",
        "examples": ["trip.*", "trip.hour"],
    }
}
SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
LIMITS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def schema() -> Schema:
    """The schema of a root file. What stands under `override` is the same language with nothing required."""
    definitions: dict[str, Schema] = {}
    root = _object(SystemSpec, definitions, partial=False)
    for name, field in fields_by_key(ModelSection).items():
        if name in MODEL_KEYS:
            root["properties"][name] = _property(field, definitions, partial=False)
    root["required"] = [name for name in root["required"] if name != "models"]
    root["oneOf"] = [{"required": ["model"]}, {"required": ["models"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlsystem.yaml",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The content of `schemas/mlsystem.schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def example_value(text: str) -> Any:
    """The value that the text of an example means."""
    document = read(f"value: {text}".encode(), "example", Report())
    assert document is not None, f"the example {text} is not YAML"
    return plain(document.entries["value"].value)


def _object(section: type[Section], definitions: dict[str, Schema], *, partial: bool) -> Schema:
    fields = {
        name: field for name, field in fields_by_key(section).items() if not (partial and name in _fixed(section))
    }
    properties = {name: _property(field, definitions, partial=partial) for name, field in fields.items()}
    described: Schema = {"type": "object", "description": (section.__doc__ or "").split("\n")[0]}
    required = [name for name, field in fields.items() if field.is_required()]
    if required and not partial:
        described["required"] = required
    return {**described, "properties": properties, "additionalProperties": False}


def _fixed(section: type[Section]) -> tuple[str, ...]:
    """The keys that an override cannot have."""
    if section is SystemSpec:
        return FIXED
    parents: dict[type[Section], str] = {SourceSpec: "sources", ModelSpec: "model"}
    return tuple(name for parent, name in FIXED_BELOW if parent == parents.get(section))


def _property(field: FieldInfo, definitions: dict[str, Schema], *, partial: bool) -> Schema:
    facts = facts_of(field)
    words = [field.description or ""]
    if facts.implied is not None and not partial:
        words.append(f"Default: {facts.implied}.")
    found: Schema = {"description": " ".join(words)}
    if not field.is_required() and field.default not in (None, {}, ()) and not partial:
        found["default"] = field.default
    if facts.example is not None:
        found["examples"] = [example_value(facts.example)]
    if _is_override(field):
        return {**found, **_override(definitions)}
    return {**found, **_limited(_type(annotation_of(field), definitions, partial=partial), field, partial=partial)}


def _is_override(field: FieldInfo) -> bool:
    return field.description is not None and bare(field.annotation) == dict[str, Any]


def _override(definitions: dict[str, Schema]) -> Schema:
    name = "Override"
    if name not in definitions:
        definitions[name] = {}
        whole = _object(SystemSpec, definitions, partial=True)
        for key, field in fields_by_key(ModelSection).items():
            if key in MODEL_KEYS:
                whole["properties"][key] = _property(field, definitions, partial=True)
        definitions[name] = whole
    return {"$ref": f"#/$defs/{name}"}


def _limited(schema: Schema, field: FieldInfo, *, partial: bool) -> Schema:
    """Adds the bounds that the field declares; a map in an override may be empty."""
    for note in field.metadata:
        for attribute, keyword in LIMITS.items():
            if (bound := getattr(note, attribute, None)) is not None:
                schema["anyOf"][0][keyword] = bound
        if (least := getattr(note, "min_length", None)) and not (partial and schema["type"] == "object"):
            schema["minItems" if schema["type"] == "array" else "minProperties"] = least
    return schema


def _type(annotation: Any, definitions: dict[str, Schema], *, partial: bool) -> Schema:
    """A schema that also takes `${var:NAME}` where the value would not be text anyway."""
    shape = bare(annotation)
    models = union_models(shape)
    if models:
        return _sections(list(dict.fromkeys(models.values())), definitions, partial=partial)
    if (reader := written(shape)) is not None:
        return _written(reader)
    if shape is Any:
        return {}
    if shape is str:
        return {"type": "string"}
    if get_origin(shape) is dict:
        return _map(shape, definitions, partial=partial)
    if get_origin(shape) is tuple:
        return {"type": "array", "items": _item(get_args(shape)[0], definitions)}
    if words := choices(shape):
        return {"anyOf": [{"enum": list(words)}, VARIABLE]}
    return {"anyOf": [{"type": SCALARS[shape]}, VARIABLE]}


def _item(annotation: Any, definitions: dict[str, Schema]) -> Schema:
    """An item of a list; a list in an override replaces the whole, so its items are complete."""
    found = _type(annotation, definitions, partial=False)
    for note in getattr(annotation, "__metadata__", ()):
        for attribute, keyword in LIMITS.items():
            for constraint in getattr(note, "metadata", ()):
                if (bound := getattr(constraint, attribute, None)) is not None:
                    found["anyOf"][0][keyword] = bound
    return found


def _map(shape: Any, definitions: dict[str, Schema], *, partial: bool) -> Schema:
    key, value = get_args(shape)
    found: Schema = {"type": "object", "additionalProperties": _type(value, definitions, partial=partial)}
    reader = written(key)
    return found if reader is None else {**found, "propertyNames": dict(reader.schema)}


def _written(reader: Written) -> Schema:
    if reader.schema == {"type": "string"}:
        return dict(reader.schema)
    return {"anyOf": [dict(reader.schema), VARIABLE]}


def _sections(models: list[type[Section]], definitions: dict[str, Schema], *, partial: bool) -> Schema:
    found: list[Schema] = []
    for model in models:
        name = f"{model.__name__}.partial" if partial else model.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(model, definitions, partial=partial)
        found.append({"$ref": f"#/$defs/{name}"})
        if model in SHORT_FORMS:
            found.insert(0, SHORT_FORMS[model])
    return found[0] if len(found) == 1 else {"anyOf": found}
