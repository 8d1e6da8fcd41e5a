"""The one form in which the resources of an AWS account travel: emitters make them, the printer, the plan and the cost
read them.

A resource is a constructor of a Pulumi SDK with its inputs; what only an update will know of another one is a `Ref`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

StackName = Literal["foundation", "cluster"]
Value = Any
"""Of an input: what JSON has, and any of Ref, Outside, Interpolated, Json, Policy wherever a value can stand."""


@dataclass(frozen=True)
class Ref:
    """An output of another resource or lookup of the same stack, by its name; `attribute` is an expression in the SDK's
    names: `arn`, `certificate_authority.data`, `endpoints[0].address`."""

    resource: str
    attribute: str


@dataclass(frozen=True)
class Outside:
    """What another stack of the environment exports under `output`: text, or a list of texts."""

    stack: StackName
    output: str


@dataclass(frozen=True)
class Interpolated:
    """Text made of pieces, some of which only an update will know."""

    parts: tuple[str | Ref | Outside, ...]


@dataclass(frozen=True)
class Json:
    """JSON text of a value."""

    value: Value


@dataclass(frozen=True)
class Statement:
    """Of a policy. `resources` is empty where the policy belongs to the thing that it is about (a role's trust).
    A resource `*` needs a `reason`, which the generated program prints above it."""

    actions: tuple[str, ...]
    resources: tuple[str | Ref | Outside | Interpolated, ...] = ()
    principals: Mapping[str, Value] | Literal["*"] | None = None
    conditions: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    effect: Literal["Allow", "Deny"] = "Allow"
    reason: str | None = None

    def __post_init__(self) -> None:
        assert self.actions != ("*",) or self.effect == "Deny", "a policy that allows everything"
        wild = "*" in self.resources or any(action.endswith(":*") for action in self.actions)
        assert self.effect == "Deny" or not wild or self.reason, f"{self.actions} has no reason for its wildcard"


@dataclass(frozen=True)
class Policy:
    """A policy document, as JSON text."""

    statements: tuple[Statement, ...]

    @property
    def document(self) -> dict[str, Value]:
        return {"Version": "2012-10-17", "Statement": [statement_body(one) for one in self.statements]}


def statement_body(statement: Statement) -> dict[str, Value]:
    body: dict[str, Value] = {"Effect": statement.effect}
    if statement.principals is not None:
        body["Principal"] = statement.principals
    body["Action"] = list(statement.actions)
    if statement.resources:
        body["Resource"] = list(statement.resources)
    return {**body, "Condition": statement.conditions} if statement.conditions else body


@dataclass(frozen=True)
class Resource:
    """`kind` is the constructor by the name of its package (`aws.s3.Bucket`, `kubernetes.helm.v3.Release`), `name` its
    logical name, unique in the stack, `inputs` in snake_case with values as JSON has them.

    `concern` is the module of the program that declares it, `origin` the node that it carries out, `why` a sentence for
    whoever reads the program or the plan. `protect` where it holds data: `destroy` keeps and names it. `ignore_changes`
    and `secret_outputs` are paths in Pulumi's own names (`scalingConfig.desiredSize`); `provider` is the name of
    another resource, None the account.
    """

    kind: str
    name: str
    inputs: Mapping[str, Value] = field(hash=False)
    concern: str
    origin: str
    why: str = ""
    protect: bool = False
    depends_on: tuple[str, ...] = ()
    provider: str | None = None
    ignore_changes: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()

    def ref(self, attribute: str) -> Ref:
        return Ref(self.name, attribute)

    @property
    def arn(self) -> Ref:
        return Ref(self.name, "arn")

    @property
    def id(self) -> Ref:
        return Ref(self.name, "id")


@dataclass(frozen=True)
class Lookup:
    """A question to the account, of the form of the SDK that waits for its inputs (`aws.eks.get_cluster_output`)."""

    kind: str
    name: str
    inputs: Mapping[str, Value] = field(hash=False)
    concern: str
    why: str = ""

    def ref(self, attribute: str) -> Ref:
        return Ref(self.name, attribute)


@dataclass(frozen=True)
class Stack:
    """One unit that an engine keeps. `project` is Pulumi's, its stack has the name of the environment; `tags` are on
    every resource that can have them; `outputs` is what other stacks and `apply` may ask for."""

    name: StackName
    project: str
    environment: str
    account: str
    region: str
    tags: Mapping[str, str] = field(hash=False)
    resources: tuple[Resource, ...]
    lookups: tuple[Lookup, ...] = ()
    outputs: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        named = [one.name for one in self.resources] + [one.name for one in self.lookups]
        assert len(named) == len(set(named)), f"two resources of {self.name} have one name: {sorted(named)}"

    def resource(self, name: str) -> Resource:
        return next(one for one in self.resources if one.name == name)

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        return tuple(one for one in self.resources if one.kind == kind)


def references(value: Value) -> Iterator[Ref | Outside]:
    """Every output of something else that stands in `value`, in its order."""
    match value:
        case Ref() | Outside():
            yield value
        case Interpolated(parts=parts):
            yield from references(parts)
        case Json(value=inner):
            yield from references(inner)
        case Policy():
            yield from references(value.document)
        case Mapping():
            yield from references(tuple(value.values()))
        case list() | tuple():
            for one in value:
                yield from references(one)
        case _:
            return


def interpolated(*parts: str | Ref | Outside) -> Interpolated:
    return Interpolated(parts)


def reasons(inputs: Mapping[str, Value]) -> Sequence[str]:
    """Why policies in these inputs reach further than single resources."""
    policies = [one for one in inputs.values() if isinstance(one, Policy)]
    return list(dict.fromkeys(one.reason for policy in policies for one in policy.statements if one.reason))
