"""Machines of Amazon's cloud: what each has, what of it pods may request, and what an hour of it costs on demand.

Few types that are everywhere, of current generations, so that a choice among them can be followed by eye.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from mlsystem.cost.prices import GIB

MIB: Final = 2**20
PRICED_REGION: Final = "us-east-1"
"""Whose prices the table has. Of another region the file says what it pays; until then machines are chosen in the
order of this one's prices, and what they cost is said to be unknown."""
PRICES_SOURCE: Final = "AWS price list, us-east-1, Linux on demand"
PRICES_DATED: Final = date(2026, 2, 9)

OVERHEAD: Final = 0.075
"""Of the memory that is sold, what the hypervisor and the kernel keep: as much as Karpenter assumes."""
EVICTION_MIB: Final = 100
"""What the kubelet keeps free: below it, it ends pods."""
RESERVED_MIB, RESERVED_POD_MIB = 255, 11
"""What nodes of EKS reserve for system and kubelet, and for each pod that their network interfaces could have."""
RESERVED_CORES: Final = (0.06, 0.01, 0.005, 0.005)
RESERVED_CORE: Final = 0.0025
"""Of the first four cores, and of each further one, what nodes of EKS reserve."""


@dataclass(frozen=True, slots=True)
class Instance:
    """`memory` in GiB as it is sold; `pods`: how many addresses its network interfaces have for them; `gpu_memory` in
    GiB, of one GPU; `hour`: dollars in PRICED_REGION."""

    name: str
    cpu: int
    memory: int
    pods: int
    hour: Decimal
    gpu: str | None = None
    gpus: int = 0
    gpu_memory: int = 0

    @property
    def cores_for_pods(self) -> float:
        """What is left of the cores after the node's own reservation."""
        first = sum(RESERVED_CORES[: self.cpu])
        return round(self.cpu - first - RESERVED_CORE * max(0, self.cpu - len(RESERVED_CORES)), 6)

    @property
    def bytes_for_pods(self) -> int:
        """What is left of the memory after kernel, kubelet and the threshold of eviction."""
        seen = math.floor(self.memory * 1024 * (1 - OVERHEAD))
        return (seen - RESERVED_MIB - RESERVED_POD_MIB * self.pods - EVICTION_MIB) * MIB

    def __str__(self) -> str:
        gpus = f", {self.gpus} {self.gpu} of {self.gpu_memory} GiB" if self.gpus else ""
        return f"{self.name}: {self.cpu} vCPU, {self.memory} GiB{gpus}"


def _plain(name: str, cpu: int, memory: int, pods: int, hour: str) -> Instance:
    return Instance(name, cpu, memory, pods, Decimal(hour))


def _with_gpus(
    name: str, cpu: int, memory: int, pods: int, hour: str, gpu: str, gpus: int, gpu_memory: int
) -> Instance:
    return Instance(name, cpu, memory, pods, Decimal(hour), gpu, gpus, gpu_memory)


INSTANCES: Final = (
    _plain("c7i.large", 2, 4, 29, "0.08925"),
    _plain("c7i.xlarge", 4, 8, 58, "0.1785"),
    _plain("c7i.2xlarge", 8, 16, 58, "0.357"),
    _plain("c7i.4xlarge", 16, 32, 234, "0.714"),
    _plain("c7i.8xlarge", 32, 64, 234, "1.428"),
    _plain("m7i.large", 2, 8, 29, "0.1008"),
    _plain("m7i.xlarge", 4, 16, 58, "0.2016"),
    _plain("m7i.2xlarge", 8, 32, 58, "0.4032"),
    _plain("m7i.4xlarge", 16, 64, 234, "0.8064"),
    _plain("m7i.8xlarge", 32, 128, 234, "1.6128"),
    _plain("m7i.16xlarge", 64, 256, 737, "3.2256"),
    _plain("m7i.48xlarge", 192, 768, 737, "9.6768"),
    _plain("r7i.large", 2, 16, 29, "0.1323"),
    _plain("r7i.xlarge", 4, 32, 58, "0.2646"),
    _plain("r7i.2xlarge", 8, 64, 58, "0.5292"),
    _plain("r7i.4xlarge", 16, 128, 234, "1.0584"),
    _plain("r7i.8xlarge", 32, 256, 234, "2.1168"),
    _plain("r7i.16xlarge", 64, 512, 737, "4.2336"),
    _plain("r7i.48xlarge", 192, 1536, 737, "12.7008"),
    _with_gpus("g4dn.xlarge", 4, 16, 29, "0.526", "t4", 1, 16),
    _with_gpus("g4dn.12xlarge", 48, 192, 234, "3.912", "t4", 4, 16),
    _with_gpus("g5.xlarge", 4, 16, 58, "1.006", "a10g", 1, 24),
    _with_gpus("g5.2xlarge", 8, 32, 58, "1.212", "a10g", 1, 24),
    _with_gpus("g5.4xlarge", 16, 64, 234, "1.624", "a10g", 1, 24),
    _with_gpus("g5.12xlarge", 48, 192, 737, "5.672", "a10g", 4, 24),
    _with_gpus("g5.48xlarge", 192, 768, 345, "16.288", "a10g", 8, 24),
    _with_gpus("g6.xlarge", 4, 16, 58, "0.8048", "l4", 1, 24),
    _with_gpus("g6.2xlarge", 8, 32, 58, "0.9776", "l4", 1, 24),
    _with_gpus("g6.12xlarge", 48, 192, 234, "4.6016", "l4", 4, 24),
    _with_gpus("g6.48xlarge", 192, 768, 737, "13.3504", "l4", 8, 24),
    _with_gpus("g6e.xlarge", 4, 32, 58, "1.861", "l40s", 1, 48),
    _with_gpus("g6e.12xlarge", 48, 384, 292, "10.49264", "l40s", 4, 48),
    _with_gpus("p4d.24xlarge", 96, 1152, 737, "21.957642", "a100", 8, 40),
    _with_gpus("p5.4xlarge", 16, 256, 118, "6.88", "h100", 1, 80),
    _with_gpus("p5.48xlarge", 192, 2048, 100, "55.04", "h100", 8, 80),
)

BY_NAME: Final[Mapping[str, Instance]] = {one.name: one for one in INSTANCES}
GPUS: Final = tuple(sorted({one.gpu for one in INSTANCES if one.gpu is not None}))
"""By the names that the file has for them."""


@dataclass(frozen=True, slots=True)
class InstancePrices:
    """What machines cost an hour in a region: what the file gives, else the table's where it is of that region."""

    region: str
    given: Mapping[str, Decimal]

    def hour(self, name: str) -> Decimal | None:
        """None: not known."""
        if name in self.given:
            return self.given[name]
        known = BY_NAME.get(name)
        return known.hour if known is not None and self.region == PRICED_REGION else None

    def order(self, instance: Instance) -> Decimal:
        """By what machines are compared: an hour here, or where that is not known, one in the table's region."""
        return self.hour(instance.name) or instance.hour

    def source(self, name: str) -> str:
        """Who says so."""
        return "the file's own prices" if name in self.given else f"{PRICES_SOURCE}, of {PRICES_DATED}"


@dataclass(frozen=True, slots=True)
class Need:
    """What a pod requests: `cpu` in cores, `memory` in bytes, `gpus` of `gpu` (None: of any kind)."""

    cpu: float
    memory: int
    gpus: int = 0
    gpu: str | None = None

    def __str__(self) -> str:
        gpus = f", {self.gpus} {self.gpu or 'GPU'}" if self.gpus else ""
        return f"{self.cpu:g} CPU, {self.memory / GIB:g} GiB{gpus}"


DAEMONS: Final = Need(cpu=0.25, memory=256 * MIB)
"""What runs on each node beside the pods that it is for: network, proxy, volumes, metrics, identity."""
GPU_DAEMONS: Final = Need(cpu=0.3, memory=384 * MIB)
"""The same on a node with GPUs, which another one tells the cluster about."""


def room(instance: Instance) -> Need:
    """What all pods together may request on such a node."""
    taken = GPU_DAEMONS if instance.gpus else DAEMONS
    return Need(
        cpu=round(instance.cores_for_pods - taken.cpu, 6),
        memory=instance.bytes_for_pods - taken.memory,
        gpus=instance.gpus,
        gpu=instance.gpu,
    )


def fits(need: Need, instance: Instance) -> bool:
    """Whether such a node has room for one such pod. One that asks for no GPU is not put beside any: they cost."""
    there = room(instance)
    right_kind = need.gpu in (None, instance.gpu) if need.gpus else not instance.gpus
    return right_kind and need.cpu <= there.cpu and need.memory <= there.memory and need.gpus <= there.gpus
