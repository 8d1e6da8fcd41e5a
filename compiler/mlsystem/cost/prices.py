"""Prices, in US dollars, exact: an estimate is compared with a limit, and a limit is not a matter of rounding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from mlsystem.system.target import DeclaredPrices

HOURS: Final = 730
"""Of a month, a twelfth of a year, as price lists count it."""
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Prices:
    """Of an hour: of a core and of a GiB of memory that a pod requests. `source` and `dated` say whose they were, when;
    those that the file gives have no date."""

    cpu: Decimal
    memory: Decimal
    source: str
    dated: date | None

    def __str__(self) -> str:
        return self.source if self.dated is None else f"{self.source}, of {self.dated}"


REFERENCE: Final = Prices(
    Decimal("0.04048"), Decimal("0.004445"), "AWS Fargate, us-east-1, Linux on x86", date(2026, 3, 31)
)
"""What requests cost where pods are paid for by what they request. A cluster's own nodes may be cheaper."""


OWN = "the file's own prices"


def prices_of(declared: DeclaredPrices | None) -> Prices:
    """Those of an environment: what its file gives, else the reference."""
    if declared is None or declared.cpu is None or declared.memory is None:
        return REFERENCE
    return Prices(Decimal(str(declared.cpu)), Decimal(str(declared.memory)), OWN, None)
