"""What a plain scalar means: the core schema of YAML 1.2, with two cautions.

Numbers with leading zeros (`0777`) and numbers that no 64-bit integer or float holds stay text: what they look like
and what they would become differ. So do `on`, `yes`, `12:30` and dates, which only YAML 1.1 reads as something else.
"""

from __future__ import annotations

import math
import re

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_BASED = re.compile(r"0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text) or _BASED.fullmatch(text):
        number = int(text, 0)
        return number if -(2**63) <= number < 2**63 else text
    if not text.lstrip("+-").isdecimal() and len(text) <= 400 and _FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else text
    special = _SPECIAL.fullmatch(text)
    if special:
        return math.nan if special[1] is None else float(f"{special[1]}inf")
    return text
