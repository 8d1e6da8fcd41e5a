"""The stacks of an account that a system stands on, as values: what making them means, and what is kept when the
environment goes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from mlsystem.emit.aws.budget import TAG
from mlsystem.emit.aws.resource import Lookup, Ref, Resource, Stack, references
from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.errors import MlsystemError
from mlsystem.plan.preview import ObjectChange, Preview

KEY = "aws.kms.Key"
CUSTOM = "kubernetes.apiextensions.CustomResource"
PROVIDERS = (".Provider",)
CLUSTERS = ("aws.eks.Cluster", "aws.eks.get_cluster_output")


def kind_of(resource: Resource) -> str:
    """As Pulumi's engine calls it: `Bucket` of `aws.s3.Bucket`."""
    return str(resource.inputs["kind"]) if resource.kind == CUSTOM else resource.kind.rpartition(".")[2]


def made_new(stack: Stack) -> Preview:
    """What its first update does. The engine need not be asked, and cannot: the program reads what other stacks will
    only have made by then."""
    made = [one for one in stack.resources if not one.kind.endswith(PROVIDERS)]
    return Preview(
        tuple(sorted_by_name(ObjectChange("create", kind_of(one), one.name, origin=one.origin) for one in made)), 0
    )


def all_new(objects: Iterable[KubernetesObject]) -> Preview:
    """The same of what is in the cluster."""
    made = (ObjectChange("create", one.kind, one.name, origin=one.origin) for one in objects)
    return Preview(tuple(sorted_by_name(made)), 0)


def sorted_by_name(changes: Iterable[ObjectChange]) -> list[ObjectChange]:
    return sorted(changes, key=lambda one: (one.kind, one.name))


def waits_for(resource: Resource) -> set[str]:
    """Resources of the same stack that have to be there before it, and longer."""
    referred = {one.resource for one in references(resource.inputs) if isinstance(one, Ref)}
    provider = {resource.provider} if resource.provider is not None else set()
    return referred | set(resource.depends_on) | provider


def kept(stack: Stack, gone: frozenset[str] = frozenset()) -> frozenset[str]:
    """What holds data, without what is `gone`; what stands on that (a bucket's encryption, its policy); and what any of
    it stands on."""
    before = {one.name: waits_for(one) for one in stack.resources}
    holding = {one.name for one in stack.resources if one.protect} - gone
    guarded = reached(holding, standing_on(before))
    return frozenset(reached(guarded, before) & set(before)) - gone


def standing_on(before: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """`before`, turned round."""
    return {name: {other for other, needed in before.items() if name in needed} for name in before}


def reached(start: Iterable[str], ways: Mapping[str, set[str]]) -> set[str]:
    found, ahead = set[str](), list(start)
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += ways.get(one, ())
    return found


def dependents(stack: Stack, name: str) -> frozenset[str]:
    """What goes with a resource, itself among it."""
    return frozenset(reached([name], standing_on({one.name: waits_for(one) for one in stack.resources})))


def lost_below(stacks: Sequence[Stack], environment: str) -> Iterator[str]:
    """What `destroy` takes of an account and what it leaves, in words."""
    for one in reversed(stacks):
        stays = kept(one)
        yield f"{len(one.resources) - len(stays)} of {len(one.resources)} resources of the {one.name} will be deleted"
        for resource in one.resources:
            if resource.protect:
                yield (f"{kind_of(resource)} {resource.name} stays, with its data; to delete it afterwards: "
                       f"mlsystem destroy -e {environment} --data {resource.name}")  # fmt: skip
        if any(resource.inputs.get("reclaim_policy") == "Retain" for resource in one.resources):
            yield ("volumes of pods stay in the account, where only their tags are left to find them: "
                   f"aws ec2 describe-volumes --filters Name=tag:{TAG},Values={one.tags[TAG]}")  # fmt: skip


def held_as(stacks: Sequence[Stack], name: str) -> tuple[Stack, Resource]:
    """The resource of that name that holds data. Raises MlsystemError naming those that there are."""
    holding = {one.name: (stack, one) for stack in stacks for one in stack.resources if one.protect}
    if name not in holding:
        raise MlsystemError(
            f"{name} is nothing that holds data of this environment",
            f"it has: {', '.join(sorted(holding)) or 'nothing of its own that does'}",
        )
    return holding[name]


def refuse_needed(stack: Stack, resource: Resource, held: Container[str]) -> None:
    """Raises MlsystemError where other data would go with it, or could not be read any more: a key goes last."""
    name, with_it = resource.name, dependents(stack, resource.name)
    holding = [one for one in stack.resources if one.protect and one.name in held and one.name != name]
    key = resource.kind == KEY
    others = sorted(one.name for one in holding if one.name in with_it or (key and one.kind != KEY))
    if others:
        raise MlsystemError(f"{name} is needed by {', '.join(others)}, which hold data too", "delete those first")


def origins(stack: Stack) -> dict[tuple[str, str], str]:
    """The node that each resource carries out, by kind and name."""
    return {(kind_of(one), one.name): one.origin for one in stack.resources}


def cluster_of(stacks: Sequence[Stack]) -> tuple[str, str] | None:
    """The name of the cluster in the account and its region, whether it is made there or was there before."""
    for stack in stacks:
        declared: tuple[Resource | Lookup, ...] = (*stack.resources, *stack.lookups)
        for one in declared:
            if one.kind in CLUSTERS:
                return str(one.inputs["name"]), stack.region
    return None
