"""The base of every contract type, and the canonical bytes that identity is computed from."""

from __future__ import annotations

import hashlib
from typing import Any, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _FrozenMeta(msgspec.StructMeta):
    """Tells type checkers that what inherits from `Struct` is frozen too, as it is."""


class Struct(msgspec.Struct, metaclass=_FrozenMeta, frozen=True, forbid_unknown_fields=True):
    """A value that does not change after it is made; unknown fields are refused when decoding."""


def canonical_json(value: Any) -> bytes:
    """One value, one text: object keys sorted, no white space, UTF-8."""
    return msgspec.json.encode(value, order="sorted")


def pretty_json(value: Any) -> str:
    """The same value for people: sorted keys, two spaces, a newline at the end."""
    return msgspec.json.format(canonical_json(value), indent=2).decode() + "\n"


def digest(value: Any) -> str:
    """SHA-256 (first 32 hex digits) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]
