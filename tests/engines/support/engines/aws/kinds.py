"""What the stand-in does for one kind of resource, and the account that it does it in."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from engines.provider_protocol import Properties

ABSENT = re.compile(r"NotFound|NoSuch|NotExist|^404$|DoesNotExist")
PARTITION = "aws"
TURN = threading.Lock()


@dataclass
class Account:
    """`tags` are the provider's default ones; `stored` is the file in which is what moto does not know."""

    region: str
    tags: dict[str, str]
    stored: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str) -> Any:
        with TURN:  # boto3's own loading of a service is not for threads
            if service not in self._clients:
                self._clients[service] = boto3.client(service, region_name=self.region)
            return self._clients[service]

    @cached_property
    def number(self) -> str:
        return str(self("sts").get_caller_identity()["Account"])

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        return f"arn:{PARTITION}:{service}:{self.region if region else ''}:{self.number}:{resource}"

    def tags_of(self, inputs: Properties) -> dict[str, str]:
        return {**self.tags, **inputs.get("tags", {})}

    def tag_list(self, inputs: Properties) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in sorted(self.tags_of(inputs).items())]


Create = Callable[[Account, Properties], tuple[str, Properties]]
Read = Callable[[Account, str, Properties], Properties]
Change = Callable[[Account, str, Properties], None]


@dataclass(frozen=True)
class Kind:
    """`create` gives the id and the outputs; `read` gives what can be seen of it, and raises ClientError where it is
    not there; `update` None: creating it again is the update; `fixed` inputs change by replacement, `named` is the
    input that a name is made up for; `computed` outputs are unknown in the preview of a creation."""

    create: Create
    read: Read
    delete: Change
    update: Change | None = None
    fixed: tuple[str, ...] = ()
    named: str | None = None
    computed: tuple[str, ...] = ("arn",)
    only_stored: bool = False


KINDS: dict[str, Kind] = {}
"""By token: `aws:s3/bucket:Bucket`."""


def is_absent(error: ClientError) -> bool:
    return ABSENT.search(str(error.response["Error"]["Code"])) is not None


def absent(what: str) -> ClientError:
    return ClientError({"Error": {"Code": "NotFound", "Message": f"{what} is not there"}}, "Read")


def pascal(inputs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those that are given, named as the service's own interface names them."""
    return {name[0].upper() + name[1:]: inputs[name] for name in names if name in inputs}


def deep_pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: deep_pascal(one) for key, one in value.items()}
    return [deep_pascal(one) for one in value] if isinstance(value, list) else value


def short(*parts: object) -> str:
    """The same for the same parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:17]


def nothing(account: Account, identity: str, state: Properties) -> None:
    """Where it goes with something else."""


def seen(account: Account, identity: str, state: Properties) -> Properties:
    """There as long as what it belongs to is."""
    return {}


def sub_resource(create: Create, read: Read = seen, delete: Change = nothing, fixed: tuple[str, ...] = ()) -> Kind:
    """A setting of something else, put as often as one likes."""
    return Kind(create, read, delete, fixed=fixed, computed=())


def stored(
    name: str,
    fixed: tuple[str, ...],
    identity: Callable[[Properties], str],
    service: str = "eks",
    named: str | None = None,
    *,
    again: bool = False,
) -> Kind:
    """What moto does not know: kept in a file, as it was asked for. `name` is its kind, in the arn of a `service`, and
    `again` where the service takes it a second time."""

    def create(account: Account, inputs: Properties) -> tuple[str, Properties]:
        one = identity(inputs)
        with change(account.stored) as all_of:
            if one in all_of.setdefault(name, {}) and not again:
                raise ClientError({"Error": {"Code": "ResourceInUse", "Message": f"{name} {one} exists"}}, "Create")
            all_of[name][one] = inputs
        return one, {"arn": account.arn(service, f"{name}/{one}")}

    def read(account: Account, one: str, state: Properties) -> Properties:
        with change(account.stored) as all_of:
            if one not in all_of.get(name, {}):
                raise absent(one)
            found: Properties = all_of[name][one]
            return found

    def update(account: Account, one: str, inputs: Properties) -> None:
        with change(account.stored) as all_of:
            all_of[name][one] = inputs

    def delete(account: Account, one: str, state: Properties) -> None:
        with change(account.stored) as all_of:
            all_of.get(name, {}).pop(one, None)

    return Kind(create, read, delete, update, fixed=fixed, named=named, only_stored=True)


def remember(account: Account, token: str, identity: str, outputs: Properties) -> None:
    """What the account could say of a thing that it made, for whoever reads it without having heard."""
    with change(account.stored) as all_of:
        all_of.setdefault("outputs", {})[f"{token} {identity}"] = outputs


def remembered(account: Account, token: str, identity: str) -> Properties:
    with change(account.stored) as all_of:
        found: Properties = all_of.get("outputs", {}).get(f"{token} {identity}", {})
        return found


class change:  # noqa: N801 - reads as a statement
    """The content of a file of JSON, written back; one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> dict[str, Any]:
        TURN.acquire()
        self.content: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return self.content

    def __exit__(self, *error: object) -> None:
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.content, indent=1, sort_keys=True))
        part.replace(self.path)
        TURN.release()
