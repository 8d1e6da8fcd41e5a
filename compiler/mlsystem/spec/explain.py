"""`mlsystem explain` and the reference pages: both are written from the tables that validate."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from mlsystem.diagnostics.code import Code
from mlsystem.diagnostics.codes import CODES
from mlsystem.spec.base import Facet, Section
from mlsystem.spec.schema import SCALARS, SHORT_FORMS
from mlsystem.spec.system import MODEL_KEYS, SUGAR, SystemSpec
from mlsystem.spec.walk import annotation_of, bare, choices, facts_of, fields_by_key, item_type, union_models, written

CONSEQUENCES: dict[Facet | None, str] = {
    "data": "ingest the source again, then everything that follows from it",
    "features": "compute the features again, retrain, re-evaluate",
    "fit": "retrain, re-evaluate, release if the gates pass",
    "evaluate": "re-evaluate; nothing is trained again",
    "operate": "reconfigure or restart what runs; nothing is computed again",
    None: "nothing",
}
NOUNS: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Any: "anything"}


class Key(NamedTuple):
    """A key of the language: `path` has NAME where users choose names; `below` are the sections that stand there."""

    path: str
    field: FieldInfo
    noun: str
    below: tuple[type[Section], ...]


def explain(topic: str) -> str | None:
    """What a code or the path of a key means; None when it is neither. Names may stand for NAME in paths."""
    if re.fullmatch(r"MLS\d{3}", topic.upper()):
        code = CODES.get(topic.upper())
        return None if code is None else _code_text(topic.upper(), code)
    if topic == "":
        return None
    parts = topic.split(".")
    found = [key for key in keys() if _matches(key.path, parts)]
    if (
        not found
    ):  # a name that the user chose, or the number of an item: the map or list that it stands in is explained
        found = [key for key in keys() if _matches(key.path, parts[:-1]) and item_type(_shape(key)) is not None]
    return "\n\n".join(_key_text(key) for key in found) + "\n" if found else None


def topics() -> list[str]:
    """Everything that can be explained, for suggestions."""
    return [*CODES, *dict.fromkeys(key.path for key in keys())]


def reference_markdown() -> dict[str, str]:
    """The pages of `docs/reference` by file name."""
    return {"language.md": _language_page(), "diagnostics.md": _diagnostics_page()}


def keys() -> Iterator[Key]:
    """Every key of the language in the order of the file; the keys of a model as they stand at the top."""
    yield from _keys_of(SystemSpec, "")


def _keys_of(section: type[Section], prefix: str) -> Iterator[Key]:
    for name, field in fields_by_key(section).items():
        yield from _key_and_below(f"{prefix}{name}", field)


def _key_and_below(path: str, field: FieldInfo) -> Iterator[Key]:
    shape, below = _below(annotation_of(field))
    yield Key(path, field, describe(annotation_of(field)), below)
    inner = f"{path}.NAME." if get_origin(shape) is dict else f"{path}."
    if path == SUGAR[0]:
        yield from _model_keys(below[0], inner)
    elif len(below) > 1:
        yield from _keys_of_union(below, inner)
    elif below:
        yield from _keys_of(below[0], inner)


def _keys_of_union(sections: tuple[type[Section], ...], prefix: str) -> Iterator[Key]:
    """Each key once, however many of the alternatives have it; those that differ in meaning apart."""
    kinds = ", ".join(kind for section in sections for kind in choices(section.model_fields["kind"].annotation))
    seen: set[tuple[str, str | None, str]] = set()
    for section in sections:
        for found in _keys_of(section, prefix):
            key = found._replace(noun=f"one of {kinds}") if found.path == f"{prefix}kind" else found
            if (identity := (key.path, key.field.description, key.noun)) not in seen:
                seen.add(identity)
                yield key


def _model_keys(section: type[Section], prefix: str) -> Iterator[Key]:
    """What stands below a model is told once, at the top of the file."""
    for name, field in fields_by_key(section).items():
        yield from _key_and_below(name if name in MODEL_KEYS else f"{prefix}{name}", field)


def _below(annotation: Any) -> tuple[Any, tuple[type[Section], ...]]:
    """The shape of a value, and the sections that it, its items or its values are."""
    shape = bare(annotation)
    inner = item_type(shape) if get_origin(shape) in (dict, tuple) else shape
    return shape, tuple(dict.fromkeys(union_models(inner).values()))


def _shape(key: Key) -> Any:
    return bare(annotation_of(key.field))


def _matches(path: str, topic: list[str]) -> bool:
    if topic[:1] == ["environments"] and "override" in topic[:-1]:
        topic = topic[topic.index("override") + 1 :]
    if topic[:1] == [SUGAR[0]] and len(topic) > 2 and topic[2] in MODEL_KEYS:
        topic = topic[2:]
    parts = path.split(".")
    return len(parts) == len(topic) and all(a in (b, "NAME") for a, b in zip(parts, topic, strict=True))


def describe(annotation: Any) -> str:
    """The type in words."""
    shape = bare(annotation)
    if (reader := written(shape)) is not None:
        units = f" ({reader.quantity.units})" if reader.quantity is not None else ""
        words = reader.schema.get("enum")
        return f"{reader.noun}{units}" + (f": {', '.join(words)}" if words else "")
    if words := choices(shape):
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    if models := union_models(shape):
        tags = [tag for tag in models if tag]
        short = "text or " if any(model in SHORT_FORMS for model in models.values()) else ""
        return f"{short}a map with `kind`: {', '.join(tags)}" if tags else f"{short}a map"
    if get_origin(shape) is dict:
        return f"a map from names to {_plural(item_type(shape))}"
    if get_origin(shape) is tuple:
        return f"a list of {_plural(get_args(shape)[0])}"
    return NOUNS[shape]


def _plural(annotation: Any) -> str:
    shape = bare(annotation)
    if shape in SCALARS:
        return {str: "texts", int: "whole numbers", float: "numbers", bool: "booleans"}[shape]
    if union_models(annotation):
        return describe(annotation).replace("text or a map", "texts or maps").replace("a map", "maps")
    return describe(annotation) if shape is Any or choices(shape) else f"({describe(annotation)})"


def _facts(key: Key) -> list[tuple[str, str]]:
    facts = facts_of(key.field)
    rows = [("type", key.noun)]
    if key.field.is_required():
        rows.append(("default", "none: the key is required"))
    elif facts.implied is not None or key.field.default not in (None, {}, ()):
        rows.append(("default", facts.implied or _written_default(key.field.default)))
    if facts.example is not None:
        rows.append(("example", f"{key.path.rpartition('.')[2]}: {facts.example}"))
    if not key.below:
        rows.append(("changing it", CONSEQUENCES[facts.facet]))
    for value, meaning in (facts.not_yet or {}).items():
        rows.append(("not supported yet", f"{value} ({meaning})"))
    return rows


def _written_default(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written_default(one) for one in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key_text(key: Key) -> str:
    lines = [key.path, "", f"  {key.field.description}", ""]
    lines += [f"  {name + ':':<19}{value}" for name, value in _facts(key)]
    for section in key.below:
        lines += ["", f"  {_title(section)}"]
        lines += [f"    {name:<20}{field.description}" for name, field in fields_by_key(section).items()]
        lines += [f"    {name:<20}not supported yet: {meaning}" for name, meaning in section.NOT_YET.items()]
    return "\n".join(lines)


def _title(section: type[Section]) -> str:
    kind = section.model_fields.get("kind")
    words = choices(annotation_of(kind)) if kind is not None else ()
    return f"keys where kind is {words[0]}:" if words else "keys:"


def _code_text(name: str, code: Code) -> str:
    return "\n".join(
        [f"{name}: {code.title}", "", _indent(code.explanation), "", "  instead of", "", _indent(code.wrong, 4), "",
         "  write", "", _indent(code.right, 4), ""]
    )  # fmt: skip


def _indent(text: str, width: int = 2) -> str:
    return "\n".join(" " * width + line for line in text.split("\n"))


def _language_page() -> str:
    lines = [
        "# The language of mlsystem.yaml", "",
        "Generated from the types of the language. `NAME` stands for names of your choice. Patterns of `include` and"
        " relative URIs, in included files too, are relative to the folder of the root file. `model`, `training`,"
        " `evaluation`, `serving` and `monitoring` at the top describe one model; several stand under `models.NAME`.",
    ]  # fmt: skip
    before = ""
    for key in keys():
        lines += [""] if key.path == before else ["", f"{'#' * min(key.path.count('.') + 2, 6)} `{key.path}`", ""]
        before = key.path
        lines += [str(key.field.description), ""]
        lines += [f"- {name}: {_code_span(name, value)}" for name, value in _facts(key)]
        missing = [f"`{name}` ({meaning})" for section in key.below for name, meaning in section.NOT_YET.items()]
        lines += [f"- keys not supported yet: {', '.join(missing)}"] if missing else []
    return "\n".join([*lines, ""])


def _code_span(name: str, value: str) -> str:
    return f"`{value}`" if name == "example" else value


def _diagnostics_page() -> str:
    lines = ["# Diagnostics", "", "Generated from the table of codes; `mlsystem explain CODE` prints the same.", ""]
    for name, code in sorted(CODES.items()):
        lines += [f"## {name}: {code.title}", "", code.explanation, "", "Instead of", "", "```yaml", code.wrong, "```",
                  "", "write", "", "```yaml", code.right, "```", ""]  # fmt: skip
    return "\n".join(lines)
