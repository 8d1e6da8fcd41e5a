"""Prices, in US dollars, exact: an estimate is compared with a limit, and a limit is not a matter of rounding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

HOURS: Final = 720
"""Of a month, which has 30 days wherever the language counts in months."""
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Prices:
    """Of an hour: of a core and of a GiB of memory that a pod requests. `source` and `dated` say whose they were, when.
    """

    cpu: Decimal
    memory: Decimal
    source: str
    dated: date


REFERENCE: Final = Prices(
    Decimal("0.04048"), Decimal("0.004445"), "AWS Fargate, us-east-1, Linux on x86", date(2026, 3, 31)
)
"""What requests cost where pods are paid for by what they request. A cluster's own nodes may be cheaper."""
