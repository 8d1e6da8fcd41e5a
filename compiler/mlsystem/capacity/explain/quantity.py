"""Numbers as Kubernetes writes them: `250m`, `1.5`, `2Gi`, `1e3`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

SUFFIXES: Final = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip


def quantity(text: str) -> Decimal | None:
    """None for what is none."""
    match = re.fullmatch(r"([+-]?(?:\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE][+-]?\d{1,2})?)([a-zA-Z]{0,2})", text)
    if match is None or match[2] not in SUFFIXES:
        return None
    return Decimal(match[1]) * SUFFIXES[match[2]]


def milli(value: Decimal) -> int:
    """Rounded up, as `resource.Quantity.MilliValue` does."""
    return math.ceil(value * 1000)
