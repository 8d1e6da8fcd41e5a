"""What validation found, in the words of somebody who wrote a file."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from mlsystem.diagnostics.report import Report
from mlsystem.diagnostics.suggest import closest, did_you_mean, help_among
from mlsystem.source.document import Mapping, Node, Part, Scalar, Sequence, find, locate
from mlsystem.source.secret import SecretRef
from mlsystem.source.variables import UNRESOLVED
from mlsystem.spec.base import Section
from mlsystem.spec.system import MODEL_KEYS, SUGAR, SystemSpec
from mlsystem.spec.walk import (
    Place,
    bare,
    choices,
    facts_of,
    fields_by_key,
    follow,
    is_section,
    sections_below,
    union_models,
    written,
)

WANTED = {
    "string_type": "text", "int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "tuple_type": "a list", "dict_type": "a map", "model_type": "a map",
    "model_attributes_type": "a map",
}  # fmt: skip
BOUNDS = {
    "greater_than": ("gt", "greater than"), "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"), "less_than_equal": ("le", "at most"),
}  # fmt: skip


def report_errors(
    errors: list[ErrorDetails], root: Mapping, empty: tuple[tuple[Part, ...], ...], report: Report
) -> None:
    """Reports every error at the place where it was written; one mistake is told once.

    `empty` are the paths without a value, which have been reported.
    """
    found = [(error, follow(error["loc"])) for error in errors]
    unsupported = [place.path[:-1] for error, place in found if _value_not_yet(error, place, root)]
    misspelt = _misspelt(found, root)
    for error, place in found:
        parent = place.path[:-1]
        if any(place.path[: len(path)] == path for path in empty):
            continue
        if error["type"] == "missing" and (parent, place.path[-1]) in misspelt:
            continue
        if error["type"] in ("missing", "extra_forbidden") and parent in unsupported:
            continue
        _Message(error, place, root, report).tell()


def _value_not_yet(error: ErrorDetails, place: Place, root: Mapping) -> bool:
    """Whether a word stands here that the language knows and nothing carries out: its map is not judged further."""
    if error["type"] != "literal_error" or place.field is None or isinstance(place.path[-1], int):
        return False
    node = find(root, place.path)
    return isinstance(node, Scalar) and node.value in (facts_of(place.field).not_yet or {})


def _misspelt(errors: list[tuple[ErrorDetails, Place]], root: Mapping) -> set[tuple[tuple[Part, ...], Part]]:
    """Missing keys that an unknown key of the same map most likely means."""
    found: set[tuple[tuple[Part, ...], Part]] = set()
    for error, place in errors:
        if error["type"] == "extra_forbidden" and place.owner is not None:
            guess = closest(str(place.path[-1]), _free_keys(place.owner, find(root, place.path[:-1])))
            found.add((place.path[:-1], guess or ""))
    return found


def _free_keys(owner: type[Section], node: Node | None) -> list[str]:
    """What the section knows and the map does not have yet."""
    present = node.entries if isinstance(node, Mapping) else {}
    return [name for name in (*fields_by_key(owner), *owner.NOT_YET) if name not in present]


class _Message:
    """One error of validation on its way to a diagnostic."""

    def __init__(self, error: ErrorDetails, place: Place, root: Mapping, report: Report) -> None:
        self.error = error
        self.place = place
        self.root = root
        self.report = report
        self.node = find(root, place.path)
        self.name = _name(place.path)

    def tell(self) -> None:
        if isinstance(self.node, Scalar) and self.node.value is UNRESOLVED:
            return  # the reference has been reported
        kind = self.error["type"]
        context: dict[str, Any] = self.error.get("ctx", {})
        if kind == "missing":
            self._missing(str(self.place.path[-1]), self.place.path[:-1])
        elif kind == "extra_forbidden":
            self._unknown_key()
        elif kind == "union_tag_not_found":
            self._no_tag()
        elif kind in ("literal_error", "enum", "union_tag_invalid"):
            self._no_choice()
        elif kind in BOUNDS:
            bound, words = BOUNDS[kind]
            self._at_value("MLS105", f"{self.name} must be {words} {_number(context[bound])}")
        elif kind == "finite_number":
            self._at_value("MLS105", f"{self.name} must be a finite number")
        elif kind == "too_short":
            if self._entries() < context["min_length"]:  # else an entry is wrong, which is told there
                self._at_value("MLS106", f"{self.name} needs at least one entry", self._example())
        elif kind.startswith("MLS"):
            self._own(kind, context)
        else:
            self._wrong_type(WANTED.get(kind, "something else"))

    def _entries(self) -> int:
        match self.node:
            case Mapping(entries=entries):
                return len(entries)
            case Sequence(items=items):
                return len(items)
            case _:
                return 0

    def _at_value(self, code: str, message: str, help: str | None = None) -> None:
        span = locate(self.root, self.place.path, key=self.place.of_key)
        self.report.error(code, message, span, help)

    def _own(self, code: str, context: dict[str, Any]) -> None:
        if isinstance(self.node, Scalar) and isinstance(self.node.value, SecretRef):
            self._wrong_type("a plain value")
            return
        if code == "MLS038" and isinstance(self.node, Scalar):
            self.report.hide(self.node.text)
        message = f"{self.name}: {context['message']}" if code == "MLS120" else str(context["message"])
        whole = isinstance(self.node, Mapping) and len(self.place.path) > 0 and isinstance(self.place.path[-1], str)
        span = locate(self.root, self.place.path, key=self.place.of_key or whole)
        self.report.error(code, message, span, context["hint"])

    def _missing(self, key: str, path: tuple[Part, ...]) -> None:
        if not path and key == "models":
            key = "model"
        span = locate(self.root, path, key=bool(path) and isinstance(path[-1], str))
        field = fields_by_key(self.place.owner).get(key) if self.place.owner is not None else None
        example = facts_of(field).example if field is not None else None
        help = f"for example `{key}: {example}`" if example else None
        self.report.error("MLS101", f"{_name(path)} needs `{key}`", span, help)

    def _unknown_key(self) -> None:
        key, owner = str(self.place.path[-1]), self.place.owner
        assert owner is not None, "only sections refuse keys"
        span = locate(self.root, self.place.path, key=True)
        if key in owner.NOT_YET:
            help = "remove the key"
            self.report.error("MLS501", f"`{key}` ({owner.NOT_YET[key]}) is not supported yet", span, help)
            return
        where = f" in {_name(self.place.path[:-1])}" if len(self.place.path) > 1 else ""
        self.report.error("MLS102", f"unknown key `{key}`{where}", span, self._key_help(key, owner))

    def _key_help(self, key: str, owner: type[Section]) -> str | None:
        known = [*fields_by_key(owner), *(MODEL_KEYS if owner is SystemSpec else ())]
        free = _free_keys(owner, find(self.root, self.place.path[:-1]))
        guess = did_you_mean(key, [*free, *(MODEL_KEYS if owner is SystemSpec else ())]) or did_you_mean(key, known)
        if guess is not None:
            return guess
        nested = [name for name, section in sections_below(owner) if key in fields_by_key(section)]
        return f"`{key}` belongs below `{nested[0]}`" if nested else help_among(key, known)

    def _no_tag(self) -> None:
        """The discriminator is missing or misspelt."""
        models = union_models(self.place.annotation)
        entries = self.node.entries if isinstance(self.node, Mapping) else {}
        known = {name for model in models.values() for name in fields_by_key(model)}
        guess = closest("kind", [name for name in entries if name not in known])
        if guess is None:
            self.place = self.place._replace(owner=next(iter(models.values())))
            self._missing("kind", self.place.path)
            return
        span = locate(self.root, (*self.place.path, guess), key=True)
        self.report.error("MLS102", f"unknown key `{guess}` in {self.name}", span, "did you mean 'kind'?")

    def _no_choice(self) -> None:
        path, allowed, not_yet = self.place.path, self._allowed(), {}
        if self.error["type"] == "union_tag_invalid":
            path = (*path, "kind")
            allowed = tuple(union_models(self.place.annotation))
        elif self.place.field is not None:
            not_yet = dict(facts_of(self.place.field).not_yet or {})
        node = find(self.root, path)
        if isinstance(node, Mapping) and isinstance(tag := find(node, ("type",)), Scalar):
            path, node = (*path, "type"), tag
        value = node.value if isinstance(node, Scalar) else None
        span = locate(self.root, path)
        if isinstance(value, str) and value in not_yet:
            help = help_among("", allowed)
            self.report.error("MLS501", f"'{value}' ({not_yet[value]}) is not supported yet", span, help)
        elif isinstance(value, str):
            reader = written(self.place.annotation)
            what = reader.noun if reader is not None else f"a value of {_name(path)}"
            guess = did_you_mean(value, (*allowed, *not_yet)) or help_among(value, allowed)
            self.report.error("MLS103", f"'{_short(value)}' is not {what}", span, guess)
        else:
            quoted = isinstance(node, Scalar) and node.text in allowed
            help = self._type_help("text") if quoted else help_among("", allowed)
            self.report.error("MLS104", f"{_name(path)} must be text, not {_found(node)}", span, help)

    def _allowed(self) -> tuple[str, ...]:
        names = tuple(self.error.get("ctx", {}).get("names", ()))
        return names or choices(self.place.annotation)

    def _wrong_type(self, wanted: str) -> None:
        value = self.node.value if isinstance(self.node, Scalar) else None
        example = _secrets_example(self.place)
        if example is not None:
            self._not_by_name(value, example)
            return
        if isinstance(value, SecretRef):
            self._at_value("MLS036", f"{self.name} cannot be a secret", "write the value itself")
            return
        self._at_value("MLS104", f"{self.name} must be {wanted}, not {_found(self.node)}", self._type_help(wanted))

    def _not_by_name(self, value: Any, example: str) -> None:
        """Where a map of secrets should stand: text may be the secret itself, which is never shown."""
        if isinstance(value, str) and isinstance(self.node, Scalar):
            self.report.hide(self.node.text)
            self._at_value("MLS038", "what is secret cannot stand in this file", example)
            return
        found = "a secret" if isinstance(value, SecretRef) else _found(self.node)
        self._at_value("MLS104", f"{self.name} must be a map, not {found}", example)

    def _type_help(self, wanted: str) -> str | None:
        text = self.node.text if isinstance(self.node, Scalar) else ""
        if wanted == "text" and text:
            return f'in quotes it is text: "{_short(text)}"'
        if wanted == "a list" and text:
            return f"write [{_short(text)}]"
        if wanted == "true or false" and text:
            return "write true or false"
        return self._example()

    def _example(self) -> str | None:
        if self.place.field is None or isinstance(self.place.path[-1], int):
            return None
        example = facts_of(self.place.field).example
        direct = self.place.owner is not None
        return f"for example `{self.place.path[-1]}: {example}`" if example and direct else None


def _secrets_example(place: Place) -> str | None:
    """How to write the section that belongs at `place`, where it is one of secrets."""
    section = bare(place.annotation)
    if place.field is None or not is_section(section):
        return None
    keys = {name: facts_of(field).example for name, field in fields_by_key(section).items()
            if field.annotation is SecretRef}
    inner = ", ".join(f"{name}: {example}" for name, example in keys.items())
    return f"write `{place.path[-1]}: {{{inner}}}`" if keys else None


def _name(path: tuple[Part, ...]) -> str:
    """What to call the thing at `path`: its key, and for items of a list their number."""
    if path[:2] == SUGAR and len(path) == 2:
        path = ()
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_name(path[:-1])}"
    return f"`{path[-1]}`"


def _found(node: Node | None) -> str:
    match node:
        case Scalar(value=bool() as value):
            return "true" if value else "false"
        case Scalar(value=int() | float(), text=text):
            return f"the number {_short(text)}"
        case Scalar(value=str() as value):
            return f"the text '{_short(value)}'"
        case Mapping():
            return "a map"
        case Sequence():
            return "a list"
        case _:
            return "nothing"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)
