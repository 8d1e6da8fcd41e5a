"""`${var:NAME}` and `${secret:NAME}`: values are put in, secrets stay references; credentials are refused."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping as AbstractMapping
from typing import Any

from mlsystem.diagnostics.report import Report
from mlsystem.diagnostics.suggest import help_among
from mlsystem.source.document import Entry, Mapping, Node, Scalar, Sequence, find
from mlsystem.source.quantities import KINDS, QuantityError
from mlsystem.source.scalars import resolve
from mlsystem.source.secret import SecretRef
from mlsystem.span import Span

Value = str | int | float | bool
_ARTICLES = {"string": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
TYPES = (*_ARTICLES, *KINDS)


class Unresolved(enum.Enum):
    """Stands for the value of a reference that leads nowhere, which has been reported."""

    UNRESOLVED = "unresolved"


UNRESOLVED = Unresolved.UNRESOLVED

_REFERENCE = re.compile(r"\$?\$\{([^}]*)\}?")
_NAMED = re.compile(r"(var|secret):([A-Za-z_][A-Za-z0-9_]{0,127})")
_CREDENTIALS = (
    re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@:]*:(?P<secret>[^/?#\s@]+)@"),
    re.compile(
        r"://[^\s]*[?&](?:password|passwd|pwd|token|access_token|secret|sig|signature|api_?key|access_?key"
        r"|x-amz-signature|x-amz-credential)=(?P<secret>[^&#\s]+)",
        re.IGNORECASE,
    ),
)
_UNREFERENCED = ("variables", "include")


def variable_values(root: Mapping, report: Report, environ: AbstractMapping[str, str]) -> dict[str, Value]:
    """The value of every declared variable that has a good one. Wrong shapes are left to the types of the language."""
    declared = find(root, ("variables",))
    if not isinstance(declared, Mapping):
        return {}
    values: dict[str, Value] = {}
    for name, entry in declared.entries.items():
        kind = find(entry.value, ("type",))
        if isinstance(kind, Scalar) and kind.value in TYPES:
            value = _value(name, str(kind.value), entry, report, environ)
            if value is not None:
                values[name] = value
    return values


def _value(name: str, kind: str, entry: Entry, report: Report, environ: AbstractMapping[str, str]) -> Value | None:
    env, default = find(entry.value, ("env",)), find(entry.value, ("default",))
    if isinstance(env, Scalar) and isinstance(env.value, str) and env.value in environ:
        text = environ[env.value]
        return _typed(text if kind == "string" or kind in KINDS else resolve(text), name, kind, env.span, report)
    if default is None:
        help = "write a `default`, or set the environment variable"
        report.error("MLS031", f"variable '{name}' has no value", entry.key, help)
        return None
    return _typed(default.value if isinstance(default, Scalar) else None, name, kind, default.span, report)


def _typed(value: Any, name: str, kind: str, span: Span, report: Report) -> Value | None:
    """Checks a value; quantities stay as they are written, and are read where they are used."""
    if kind in KINDS:
        try:
            KINDS[kind].parse(value)
        except QuantityError as error:
            report.error("MLS032", f"the value of variable '{name}': {error.message}", span, error.hint)
            return None
        return str(value)
    if _is_of(value, kind):
        typed: Value = value
        return typed
    report.error("MLS032", f"the value of variable '{name}' is not {_ARTICLES[kind]}", span, f"its type is {kind}")
    return None


def _is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "bool"
    if isinstance(value, int):
        return kind in ("int", "float")
    return kind == ("float" if isinstance(value, float) else "string")


def substitute(root: Mapping, values: AbstractMapping[str, Value], report: Report) -> Mapping:
    """The document with every reference replaced; `variables` and `include` must not contain any."""
    declared = find(root, ("variables",))
    names = tuple(declared.entries) if isinstance(declared, Mapping) else ()
    replacer = _Replacer(values, names, report)
    entries = {}
    for name, entry in root.entries.items():
        if name in _UNREFERENCED:
            replacer.refuse(entry.value)
            entries[name] = entry
        else:
            replacer.check_key(name, entry.key)
            entries[name] = Entry(entry.key, replacer.node(entry.value))
    return Mapping(entries, root.span)


class _Replacer:
    def __init__(self, values: AbstractMapping[str, Value], declared: tuple[str, ...], report: Report) -> None:
        self._values = values
        self._declared = declared
        self._report = report

    def node(self, node: Node) -> Node:
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Sequence):
            return Sequence(tuple(self.node(item) for item in node.items), node.span)
        for name, entry in node.entries.items():
            self.check_key(name, entry.key)
        return Mapping({name: Entry(one.key, self.node(one.value)) for name, one in node.entries.items()}, node.span)

    def check_key(self, name: str, span: Span) -> None:
        if "${" in name:
            self._report.error("MLS034", "a key cannot contain a reference", span, "write the key itself")

    def refuse(self, node: Node) -> None:
        """Reports every reference below `node`."""
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and "${" in node.value:
                self._report.error("MLS034", "no reference can stand here", node.span, "write the value itself")
            self._check_credentials(node)
            return
        children = node.items if isinstance(node, Sequence) else [entry.value for entry in node.entries.values()]
        for child in children:
            self.refuse(child)

    def _scalar(self, scalar: Scalar) -> Scalar:
        if not isinstance(scalar.value, str):
            return scalar
        if "${" in scalar.value:
            scalar = self._resolved(scalar, scalar.value)
        self._check_credentials(scalar)
        return scalar

    def _resolved(self, scalar: Scalar, text: str) -> Scalar:
        whole = _REFERENCE.fullmatch(text)
        if whole is not None and not text.startswith("$$"):
            value = self._reference(whole, scalar.span, alone=True)
            return scalar._replace(value=UNRESOLVED if value is None else value, plain=False)
        replaced = _REFERENCE.sub(lambda match: self._inside(match, scalar.span), text)
        return scalar._replace(value=replaced, plain=False)

    def _inside(self, match: re.Match[str], span: Span) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        value = self._reference(match, span.part(match.start(), match.end()), alone=False)
        return match[0] if value is None else _text(value)

    def _reference(self, match: re.Match[str], span: Span, *, alone: bool) -> Value | SecretRef | None:
        named = _NAMED.fullmatch(match[1])
        if named is None or not match[0].endswith("}"):
            help = "write ${var:NAME} or ${secret:NAME}, or $${ for the characters themselves"
            self._report.error("MLS033", f"'{match[0]}' is not a reference", span, help)
            return None
        if named[1] == "secret":
            if alone:
                return SecretRef(named[2])
            help = "make the whole value one secret"
            self._report.error("MLS035", "a secret cannot be part of a longer text", span, help)
            return None
        if named[2] not in self._declared:
            help_text = help_among(named[2], self._declared) or "declare it under `variables`"
            self._report.error("MLS030", f"variable '{named[2]}' is not declared", span, help_text)
        return self._values.get(named[2])

    def _check_credentials(self, scalar: Scalar) -> None:
        if not isinstance(scalar.value, str):
            return
        for pattern in _CREDENTIALS:
            found = pattern.search(scalar.value)
            if found is not None:
                self._report.hide(found["secret"])
                help = "write the whole address as ${secret:NAME}, or give the credentials to the process"
                self._report.error("MLS037", "credentials cannot stand in this file", scalar.span, help)
                return


def _text(value: Value | SecretRef) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
