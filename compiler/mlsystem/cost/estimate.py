"""What replicas cost."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from mlsystem.cost.prices import GIB, HOURS, Prices
from mlsystem.system.target import ServingHardware


def replica_hour(hardware: ServingHardware, prices: Prices) -> Decimal:
    """Dollars for an hour of one replica; its requests are its limits, so what it uses does not matter."""
    memory = Decimal(hardware.memory_bytes) / GIB
    return Decimal(str(hardware.cpu)) * prices.cpu + memory * prices.memory


def replicas_month(replicas: float, hardware: ServingHardware, prices: Prices) -> Decimal:
    """Dollars for a month; `replicas` is the mean over it, a whole number or not."""
    return Decimal(str(replicas)) * HOURS * replica_hour(hardware, prices)


def dollars(amount: Decimal | float) -> str:
    """As a person reads it: cents below ten dollars, else whole ones."""
    amount = Decimal(str(amount))
    digits = Decimal("0.01") if abs(amount) < Decimal("9.995") else Decimal(1)
    rounded = amount.quantize(digits, ROUND_HALF_UP)
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,}"
