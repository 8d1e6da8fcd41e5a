"""All prices of an environment by their names: what its file gives, then what a public list says of its region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mlsystem.cost.instances import BY_NAME, INSTANCES, PRICED_REGION, PRICES_DATED, PRICES_SOURCE
from mlsystem.cost.prices import OWN, Prices, prices_of
from mlsystem.cost.public import CONFIRMED, LIST, REGIONS, REMEMBERED, ROWS, Quote, quotes
from mlsystem.system.target import DeclaredPrices

POD_CPU, POD_MEMORY, POD_VOLUME, POD_SHARED_VOLUME = "pod.cpu", "pod.memory", "pod.volume", "pod.shared_volume"
EC2 = "ec2."
"""Before the name of a kind of machine."""
GPU = "pod.gpu"
"""Of any type; one of a type is `pod.gpu.TYPE`."""
ELSEWHERE: Final = REGIONS[0]
"""Whose prices stand in for those of a cluster that is in no region that we know."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """By name; `said` tells whose they are, and when."""

    quotes: Mapping[str, Quote]
    said: str


def price_list(declared: DeclaredPrices | None, region: str | None) -> PriceList:
    """`region` None: a cluster that is somewhere. What the file gives goes before what a public list says."""
    public = quotes(region or ELSEWHERE)
    found = {
        **public, **machines(region or ELSEWHERE), **volumes(public), **pods(prices_of(declared)), **own(declared),
    }  # fmt: skip
    source = f"{prices_of(declared)}" if region is None else f"{LIST}, {region}, of {CONFIRMED}"
    more = f"; {OWN}" if declared is not None and declared.items else ""
    return PriceList(found, f"{source}{more}")


def pods(prices: Prices) -> dict[str, Quote]:
    of, dated = prices.source, prices.dated
    return {
        POD_CPU: Quote("a core that a pod requests", "hour", prices.cpu, of, dated, verified=True),
        POD_MEMORY: Quote("a GiB of memory that a pod requests", "hour", prices.memory, of, dated, verified=True),
    }


def machines(region: str) -> dict[str, Quote]:
    """By the hour on demand, under `ec2.NAME`: of the table's own region, and of what is known of others."""
    known = {one.name: one.hour for one in INSTANCES} if region == PRICED_REGION else elsewhere(region)
    here = region == PRICED_REGION
    source, dated = (PRICES_SOURCE, PRICES_DATED) if here else (f"{LIST}, {region}, Linux on demand", REMEMBERED)
    return {
        f"{EC2}{name}": Quote(f"EC2, {name}", "hour", hour, source, dated, verified=here)
        for name, hour in known.items()
    }


def elsewhere(region: str) -> dict[str, Decimal]:
    """Sizes of a family cost what they have of it; a machine with GPUs is priced by itself."""
    families = FAMILIES.get(region, {})
    sized = {
        one.name: Decimal(families[family]) * one.cpu / 2
        for one in INSTANCES if (family := one.name.partition(".")[0]) in families
    }  # fmt: skip
    return {**sized, **{name: Decimal(hour) for name, hour in WITH_GPUS.get(region, {}).items()}}


FAMILIES: Final[Mapping[str, Mapping[str, str]]] = {
    "eu-west-1": {"c7i": "0.09576", "m7i": "0.11235", "r7i": "0.14805"},
    "eu-central-1": {"c7i": "0.10185", "m7i": "0.12075", "r7i": "0.1596"},
}
"""Of two cores; none of them verified."""
WITH_GPUS: Final[Mapping[str, Mapping[str, str]]] = {
    "eu-west-1": {"g4dn.xlarge": "0.587", "g5.xlarge": "1.123"},
    "eu-central-1": {"g4dn.xlarge": "0.658", "g5.xlarge": "1.258"},
}


def volumes(public: Mapping[str, Quote]) -> dict[str, Quote]:
    """What volumes of a cluster's own cost: as those of one pod do there, and those of many."""
    likened = {POD_VOLUME: "ebs.gp3", POD_SHARED_VOLUME: "efs.standard"}
    return {name: public[like] for name, like in likened.items() if like in public}


def own(declared: DeclaredPrices | None) -> dict[str, Quote]:
    items = {} if declared is None else declared.items
    return {name: Quote(name, "", Decimal(str(price)), OWN, None, verified=True) for name, price in items.items()}


NAMES: Final = (*ROWS, POD_VOLUME, POD_SHARED_VOLUME, GPU)


def named(name: str) -> bool:
    """Whether there can be a price of this name."""
    return name in NAMES or name.startswith(f"{GPU}.") or name.removeprefix(EC2) in BY_NAME
