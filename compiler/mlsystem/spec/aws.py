"""`environments.*` with target aws: the account, its network, and the cluster in it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic_core import PydanticCustomError

from mlsystem.spec.base import Section, Written, declare, named, problem

ACCOUNT = r"\d{12}"
REGION = r"(?!cn-|us-gov-|us-iso|eu-isoe|eusc-)[a-z]{2}(-[a-z]+)+-[1-9]"
"""Of AWS itself: in its partitions for China and for governments, names of everything begin otherwise."""
CLUSTER_NAME = r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}"
LARGEST_NETWORK, SMALLEST_NETWORK = 16, 20
"""Prefix lengths: AWS allows none larger; a smaller one has no room for the pods, which have addresses of it."""
PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
WIDEST_RANGE = 8
"""Prefix length of what may reach the API server from outside."""
FEWEST_ZONES = 2

Zone = Literal["a", "b", "c", "d", "e", "f"]
RetentionDays = Literal["1d", "3d", "5d", "7d", "14d", "30d", "60d", "90d", "120d", "150d", "180d", "365d", "731d"]
"""Those that CloudWatch keeps logs for."""


class ClusterChoice(NamedTuple):
    """`existing`: the name of the platform team's cluster; None where one is made."""

    existing: str | None = None


def _account(value: Any) -> str:
    """A number that does not begin with 0 needs no quotes."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "text")
    if re.fullmatch(ACCOUNT, text) is None:
        raise problem("MLS111", f"'{text[:80]}' cannot be the number of an AWS account",
                      'twelve digits, in quotes: "012345678901"')  # fmt: skip
    return text


def _cluster(value: Any) -> ClusterChoice:
    if value == "create":
        return ClusterChoice()
    match value:
        case ClusterChoice():
            return value
        case {"existing": str(name), **rest} if not rest and re.fullmatch(CLUSTER_NAME, name):
            return ClusterChoice(name)
    raise problem("MLS630", "that says neither to make a cluster nor which one there is",
                  "write `cluster: create`, or `cluster: {existing: NAME}`")  # fmt: skip


def _cidr(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "text")
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise problem("MLS631", f"'{value[:80]}' is no range of addresses", "for example 10.0.0.0/16") from None
    if not network.is_private or not LARGEST_NETWORK <= network.prefixlen <= SMALLEST_NETWORK:
        raise problem(
            "MLS631", f"a network with all its pods has a private range of /{LARGEST_NETWORK} to /{SMALLEST_NETWORK}",
            "for example 10.0.0.0/16",
        )  # fmt: skip
    return str(network)


def _zones(value: Any) -> tuple[str, ...]:
    letters = list(Zone.__args__)  # type: ignore[attr-defined]
    if not isinstance(value, list | tuple) or not all(one in letters for one in value):
        raise problem("MLS631", "zones are letters of the region", "for example [a, b]")
    if len(set(value)) != len(value) or len(value) < FEWEST_ZONES:
        raise problem("MLS631", "a cluster needs two zones that differ", "for example [a, b]")
    return tuple(value)


_CLUSTER_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {"const": "create"},
        {"type": "object", "description": "One that exists.",
         "properties": {"existing": {"type": "string", "pattern": f"^{CLUSTER_NAME}$", "description": "Its name."}},
         "required": ["existing"], "additionalProperties": False},
    ],
}  # fmt: skip

Account = Annotated[
    str, Written("the number of an AWS account", _account, {"type": ["string", "integer"], "pattern": f"^{ACCOUNT}$"})
]
Region = Annotated[str, named("an AWS region", REGION, "for example eu-central-1")]
Boundary = Annotated[
    str,
    named("a policy of IAM", r"arn:aws:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]{1,512}",
          "for example arn:aws:iam::111122223333:policy/limit"),
]  # fmt: skip
Cluster = Annotated[ClusterChoice, Written("`create` or `{existing: NAME}`", _cluster, _CLUSTER_SCHEMA)]
Cidr = Annotated[str, Written("a range of addresses", _cidr, {"type": "string", "examples": ["10.0.0.0/16"]})]
Zones = Annotated[
    tuple[str, ...],
    Written("letters of zones", _zones, {
        "type": "array", "items": {"enum": list("abcdef")}, "minItems": FEWEST_ZONES, "uniqueItems": True,
    }),
]  # fmt: skip


def _ranges(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise problem("MLS631", "these are ranges of addresses", "for example [203.0.113.0/24]")
    try:
        found = [ipaddress.IPv4Network(one) for one in value]
    except ValueError:
        raise problem("MLS631", "one of these is no range of addresses", "for example [203.0.113.0/24]") from None
    if any(one.prefixlen < WIDEST_RANGE for one in found):
        raise problem("MLS631", f"a range wider than /{WIDEST_RANGE} is nearly everybody",
                      "name the public addresses of your network, or of a runner")  # fmt: skip
    inside = next((one for one in found if any(one.overlaps(private) for private in PRIVATE)), None)
    if inside is not None:
        raise problem("MLS631", f"nobody comes from {inside} outside the network: EKS takes no private range here",
                      "name the public addresses from which `mlsystem apply` and people come; whoever is inside needs"
                      " none")  # fmt: skip
    return tuple(map(str, found))


Ranges = Annotated[
    tuple[str, ...],
    Written("ranges of addresses", _ranges, {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
]


class NetworkSpec(Section):
    """The network that is made for a cluster that is made."""

    cidr: Cidr = declare(
        "Its addresses; every pod has one. Those of a network that it is to be joined with must differ.", "operate",
        default_of="network.cidr",
    )  # fmt: skip
    zones: Zones = declare("The availability zones, by their letters.", "operate", default_of="network.zones")
    flow_logs: bool = declare(
        "Whether it is written down who talked to whom.", "operate", default_of="network.flow_logs"
    )
    api_access: Ranges = declare(
        "Ranges of addresses from which the cluster's API server is reached from outside the network: where `mlsystem"
        " apply` runs, if not within it.", "operate", default=(),
        example="[203.0.113.0/24]", implied="nobody does from outside",
    )  # fmt: skip
