"""What every section is built from: closed frozen models, fields that declare what they mean, quantities with units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

from mlsystem.source import quantities
from mlsystem.source.quantities import QuantityError, QuantityKind
from mlsystem.source.secret import SecretRef
from mlsystem.spec.defaults import DEFAULTS
from mlsystem_runtime.contract.columns import ColumnType

Facet = Literal["data", "features", "fit", "evaluate", "operate"]


class Section(BaseModel):
    """A map of the language. `NOT_YET` names keys that the language knows and nothing carries out yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, protected_namespaces=())
    NOT_YET: ClassVar[Mapping[str, str]] = {}


class FieldFacts(NamedTuple):
    """What is declared of a field beside its type; `facet` None: changing it changes nothing that runs.

    `not_yet` holds values that the language knows and nothing carries out yet, and what each will mean.
    """

    facet: Facet | None
    example: str | None = None
    not_yet: Mapping[str, str] | None = None
    implied: str | None = None
    default_of: str | None = None


def declare(
    description: str,
    facet: Facet | None,
    *,
    default_of: str | None = None,
    default: Any = ...,
    alias: str | None = None,
    example: str | None = None,
    not_yet: Mapping[str, str] | None = None,
    implied: str | None = None,
    **constraints: Any,
) -> Any:
    """Declares a key. `default_of` names an entry of DEFAULTS; `implied` says in words what leaving it out means."""
    extra: Any = {"facts": FieldFacts(facet, example, not_yet, implied, default_of)}
    value = default if default_of is None else DEFAULTS[default_of]
    options: dict[str, Any] = {} if value is ... else {"default": value, "validate_default": value is not None}
    return Field(description=description, alias=alias, json_schema_extra=extra, **options, **constraints)


def problem(code: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """An error that carries its own code and is shown word for word."""
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


class Written:
    """How a value that is not a plain scalar is written: a reader, and its JSON Schema for editors."""

    def __init__(
        self, noun: str, read: Callable[[Any], Any], schema: Mapping[str, Any], quantity: QuantityKind | None = None
    ) -> None:
        self.noun = noun
        self.read = read
        self.schema = schema
        self.quantity = quantity

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


def _quantity(kind: QuantityKind) -> Written:
    def read(value: Any) -> float | int:
        try:
            return kind.parse(value)
        except QuantityError as error:
            raise problem("MLS120", error.message, error.hint) from None

    return Written(kind.noun, read, {"type": "string", "pattern": kind.pattern, "examples": [kind.example]}, kind)


def at_least(smallest: str) -> Callable[[int], int]:
    """What a field validator of a size does."""

    def check(value: int) -> int:
        if value < quantities.SIZE.parse(smallest):
            raise problem("MLS123", f"less than {smallest} is not enough", f"write {smallest} or more")
        return value

    return check


class LoadValue(NamedTuple):
    """What a replica carries, by what it is a load of: a fraction of its CPU, requests per second, or requests that it
    holds at once."""

    value: float
    of: Literal["cpu", "requests", "concurrency"]


def _load(value: Any) -> LoadValue:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return LoadValue(float(value), "concurrency")
    for kind, of in _LOADS:
        try:
            return LoadValue(kind.parse(value), of)
        except QuantityError:
            continue
    raise problem(
        "MLS120", f"'{value}' is no percentage, no rate and no number", "write for example 70%, 20rps, or 4 at once"
    )


def named(noun: str, pattern: str, hint: str) -> Written:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "text")
        if compiled.fullmatch(value) is None:
            raise problem("MLS111", f"'{value[:80]}' cannot be {noun}", hint)
        return value

    return Written(noun, read, {"type": "string", "pattern": f"^{pattern}$"})


def _text_or_secret(value: Any) -> str | SecretRef:
    if not isinstance(value, (str, SecretRef)):
        raise PydanticCustomError("string_type", "text")
    return value


def _only_a_secret(value: Any) -> SecretRef:
    if not isinstance(value, SecretRef):
        raise problem("MLS038", "what is secret cannot stand in this file", 'give it a name: "${secret:NAME}"')
    return value


class ColumnDeclaration(NamedTuple):
    """`float?` is a float that may be null."""

    type: ColumnType
    nullable: bool = False


def _column_type(value: Any) -> ColumnDeclaration:
    names = [member.value for member in ColumnType]
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "text")
    name = value.removesuffix("?")
    if name not in names:
        raise PydanticCustomError("literal_error", "type", {"names": tuple(_COLUMN_TYPES)})
    return ColumnDeclaration(ColumnType(name), value.endswith("?"))


def _key_type(value: Any) -> ColumnType:
    declared = _column_type(value)
    if declared.nullable or declared.type not in (ColumnType.STRING, ColumnType.INT):
        raise problem(
            "MLS112", f"an entity's key cannot be of type {value}", "a key is a string or an int and is never null"
        )
    return declared.type


_IDENTIFIER_HINT = "use letters, digits and _, beginning with a letter; at most 63"
_NAME_HINT = "use lower-case letters, digits, - and _, beginning with a letter; at most 63"
_COLUMN_TYPES = [f"{member.value}{mark}" for member in ColumnType for mark in ("", "?")]

Duration = Annotated[int, _quantity(quantities.DURATION)]
Share = Annotated[float, _quantity(quantities.SHARE)]
_LOADS: tuple[tuple[QuantityKind, Literal["cpu", "requests"]], ...] = (
    (quantities.SHARE, "cpu"), (quantities.RATE, "requests"),
)  # fmt: skip
Load = Annotated[
    LoadValue,
    Written("a percentage, a rate or a number", _load, {
        "anyOf": [
            {"type": "string", "pattern": f"{quantities.SHARE.pattern}|{quantities.RATE.pattern}"},
            {"type": "number", "exclusiveMinimum": 0},
        ],
    }),
]
Size = Annotated[int, _quantity(quantities.SIZE)]
Rate = Annotated[float, _quantity(quantities.RATE)]
Money = Annotated[float, _quantity(quantities.MONEY)]
Cost = Annotated[float, _quantity(quantities.COST)]
Frequency = Annotated[float, _quantity(quantities.FREQUENCY)]
Identifier = Annotated[str, named("a name", r"[A-Za-z][A-Za-z0-9_]{0,62}", _IDENTIFIER_HINT)]
ColumnName = Annotated[
    str, named("a column's name", r"[A-Za-z_][A-Za-z0-9_]{0,62}", "use letters, digits and _; rename it in the file")
]
Name = Annotated[str, named("a name", r"[a-z][a-z0-9_-]{0,62}", _NAME_HINT)]
SecretName = Annotated[str, named("a secret's name", r"[A-Za-z_][A-Za-z0-9_]{0,127}", _IDENTIFIER_HINT)]
EnvironmentVariable = Annotated[
    str, named("an environment variable", r"[A-Za-z_][A-Za-z0-9_]*", "use letters, digits and _, a digit not first")
]
TextOrSecret = Annotated[str | SecretRef, Written("text or a secret", _text_or_secret, {"type": "string"})]
_SECRET = {"type": "string", "pattern": r"^\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}$"}
SecretOnly = Annotated[SecretRef, Written("a secret", _only_a_secret, _SECRET)]
ColumnTypeText = Annotated[ColumnDeclaration, Written("a column type", _column_type, {"enum": _COLUMN_TYPES})]
KeyTypeText = Annotated[ColumnType, Written("a key's type", _key_type, {"enum": ["string", "int"]})]
