"""The Pulumi program of the stack *system*: the same objects as the plain manifests, through typed constructors.

Dict literals all the way down, with the keys of the SDK's own typed dicts, so that a type checker finds what the API
server would only drop. Nothing is computed in the program: every value stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.python_source import Call, Code, snake_case, source
from mlsystem.emit.tree import Artifact

STACK = "system"
PROVIDER = "cluster"
SKIP_AWAIT = "pulumi.com/skipAwait"
REQUIREMENTS = "pulumi>=3.259,<4\npulumi-kubernetes>=4.32,<5\n"

MODULES: Mapping[str, str] = {
    "": "core", "apps": "apps", "autoscaling": "autoscaling", "batch": "batch", "coordination.k8s.io": "coordination",
    "networking.k8s.io": "networking", "policy": "policy", "rbac.authorization.k8s.io": "rbac",
    "scheduling.k8s.io": "scheduling", "storage.k8s.io": "storage",
}  # fmt: skip
"""API groups that the SDK has constructors for; what is of another group is a CustomResource."""

MAPS = frozenset({
    "annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "overhead", "requests",
    "stringData",
})  # fmt: skip
"""Fields whose keys are data, not names of fields. So is a Service's `selector`."""

REFERRED = ("Namespace", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim")
"""Kinds that must be there before the pods that name them, and gone after them."""

HASH = re.compile(r"(?=.*\d)[0-9a-f]{8}")

Key = tuple[str, str]


def emit_pulumi(cluster: Cluster, objects: Sequence[KubernetesObject]) -> tuple[Artifact, ...]:
    """`pulumi/`: the project, its `__main__.py` and one module per concern."""
    program = Program(objects)
    modules = program.modules()
    origin = "infrastructure.environment"
    files = {
        "Pulumi.yaml": project(cluster),
        "requirements.txt": REQUIREMENTS,
        "__main__.py": main(cluster, tuple(modules)),
        f"{STACK}/__init__.py": f'"""The objects of {cluster.system.name} in {cluster.system.environment}."""\n',
        f"{STACK}/{PROVIDER}.py": provider(cluster),
        **{f"{STACK}/{concern}.py": program.module(concern) for concern in modules},
    }
    return tuple(Artifact(f"pulumi/{path}", content, origin=origin) for path, content in files.items())


def project_name(cluster: Cluster) -> str:
    """Of the Pulumi project; the stack in it is the environment."""
    return f"{cluster.prefix}-{STACK}"


def project(cluster: Cluster) -> str:
    settings = {"namespace": cluster.target.namespace}
    if cluster.target.context is not None:
        settings = {"context": cluster.target.context, **settings}
    lines = [
        f"name: {project_name(cluster)}",
        f"description: {cluster.system.name} in {cluster.system.environment} on Kubernetes",
        "runtime: python",
        "config:",
    ]
    for name, value in settings.items():
        lines += [f"  kubernetes:{name}:", f'    value: "{value}"']
    return "\n".join(lines) + "\n"


def main(cluster: Cluster, concerns: tuple[str, ...]) -> str:
    named = "\n".join(f"    {one}," for one in sorted(concerns))
    listed = "\n".join(f'    "{one}",' for one in sorted(concerns))
    return (
        f'"""{cluster.system.name} in {cluster.system.environment}: `mlsystem apply` carries this out."""\n\n'
        f"from {STACK} import (\n{named}\n)\n\n"
        f'__all__ = [\n{listed}\n]\n"""One module per concern: importing it declares its objects."""\n'
    )


def provider(cluster: Cluster) -> str:
    made = Call(
        "k8s.Provider",
        {
            "context": Code('settings.get("context")'),
            "namespace": Code('settings.get("namespace")'),
            "cluster_identifier": Code(f'settings.get("context") or "{cluster.instance}"'),
            "upsert_existing_objects": True,
        },
        [PROVIDER],
        spread=True,
    )
    return (
        f'"""The cluster, by the configuration of the stack.\n\n'
        f"An update that was interrupted leaves objects behind, which the next one adopts: `upsert_existing_objects`.\n"
        f"Before it starts, `mlsystem apply` makes sure that it meets no objects of others.\n"
        f'"""\n\n'
        f"import pulumi\nimport pulumi_kubernetes as k8s\n\n"
        f'settings = pulumi.Config("kubernetes")\n\n{PROVIDER} = {source(made)}\n'
    )


class Program:
    """The objects, each with the name of its variable and the objects that it has to wait for."""

    def __init__(self, objects: Sequence[KubernetesObject]) -> None:
        self.objects = objects
        self.referred: dict[Key, KubernetesObject] = {
            (one.kind, one.name): one for one in objects if one.kind in REFERRED
        }
        self.variables = variables(objects)

    def modules(self) -> list[str]:
        """Concerns, each after those whose objects its own wait for. One that waits in a circle is a slip of ours."""
        before = {one.concern: set[str]() for one in self.objects}
        for one in self.objects:
            before[one.concern] |= {other.concern for other in self.waits_for(one)} - {one.concern}
        return [str(concern) for concern in TopologicalSorter(before).static_order()]

    def module(self, concern: str) -> str:
        mine = [one for one in self.objects if one.concern == concern]
        mine.sort(key=lambda one: REFERRED.index(one.kind) if one.kind in REFERRED else len(REFERRED))
        imports: dict[str, set[str]] = {PROVIDER: {PROVIDER}}
        for one in mine:
            for other in self.waits_for(one):
                if other.concern != concern:
                    imports.setdefault(other.concern, set()).add(self.variables[key_of(other)])
        lines = [f"from {STACK}.{module} import {imported(names)}" for module, names in sorted(imports.items())]
        statements = [self.statement(one) for one in mine]
        title = concern.replace("_", " ").capitalize()
        head = f'"""{title}."""\n\nimport pulumi\nimport pulumi_kubernetes as k8s\n\n'
        return head + "\n".join(lines) + "\n\n" + "\n\n".join(statements) + "\n"

    def statement(self, one: KubernetesObject) -> str:
        waits_for = [Code(self.variables[key_of(other)]) for other in self.waits_for(one)]
        named = {**arguments(one), "opts": Call("pulumi.ResourceOptions", options(one, waits_for))}
        return f"{self.variables[key_of(one)]} = {source(Call(constructor(one.body), named, [one.name], spread=True))}"

    def waits_for(self, one: KubernetesObject) -> list[KubernetesObject]:
        """Its namespace, where that is made here, and what its pods name."""
        keys = [("Namespace", str(one.body["metadata"].get("namespace")))]
        if one.kind not in REFERRED:
            keys += references(one.body)
        return [self.referred[key] for key in dict.fromkeys(keys) if key in self.referred]


def imported(names: set[str]) -> str:
    flat = ", ".join(sorted(names))
    if len(flat) <= 50:
        return flat
    return "(\n" + "".join(f"    {name},\n" for name in sorted(names)) + ")"


def key_of(one: KubernetesObject) -> tuple[str, str, str]:
    return (str(one.body["apiVersion"]), one.kind, one.name)


def variables(objects: Sequence[KubernetesObject]) -> dict[tuple[str, str, str], str]:
    """The name and the kind of each, without the words that all names begin with, and without hashes."""
    shared = shared_words([one.name for one in objects if one.kind != "Namespace"])
    found: dict[tuple[str, str, str], str] = {}
    for one in objects:
        words = [word for word in one.name.replace(".", "-").split("-") if not HASH.fullmatch(word)]
        kept = words[shared:] if one.kind != "Namespace" and len(words) > shared else words
        name = "_".join([*kept, snake_case(one.kind)])
        plain = f"_{name}" if name[0].isdigit() else name
        found[key_of(one)] = plain if plain not in found.values() else f"{plain}_{len(found)}"
    return found


def shared_words(names: Sequence[str]) -> int:
    split = [name.replace(".", "-").split("-") for name in names]
    shortest = min((len(words) for words in split), default=0)
    alike = (len({words[place] for words in split}) == 1 for place in range(shortest))
    return next((place for place, same in enumerate(alike) if not same), shortest) if len(names) > 1 else 0


def constructor(body: Body) -> str:
    group, _, version = str(body["apiVersion"]).rpartition("/")
    if group not in MODULES:
        return "k8s.apiextensions.CustomResource"
    return f"k8s.{MODULES[group]}.{version}.{body['kind']}"


def is_custom(body: Body) -> bool:
    return str(body["apiVersion"]).rpartition("/")[0] not in MODULES


def arguments(one: KubernetesObject) -> dict[str, Any]:
    body = dict(one.body)
    if one.skip_await:
        metadata = body["metadata"]
        body["metadata"] = {**metadata, "annotations": {**metadata.get("annotations", {}), SKIP_AWAIT: "true"}}
    if is_custom(body):
        others = set(body) - {"apiVersion", "kind", "metadata", "spec"}
        assert not others, f"a CustomResource has no {others}"
        head = {"api_version": body["apiVersion"], "kind": body["kind"]}
        return {**head, "metadata": snaked(body["metadata"]), "spec": body["spec"]}
    return {
        snake_case(key): snaked(value, as_map=key in MAPS, within=one.kind)
        for key, value in body.items()
        if key not in ("apiVersion", "kind")
    }


def snaked(value: Any, as_map: bool = False, within: str = "") -> Any:
    """Names of fields as the SDK has them; keys that are data stay."""
    match value:
        case Mapping() if as_map:
            return value
        case Mapping():
            is_map = {key: key in MAPS or (within == "Service" and key == "selector") for key in value}
            return {snake_case(key): snaked(one, is_map[key], within) for key, one in value.items()}
        case list() | tuple():
            return [snaked(one, False, within) for one in value]
        case _:
            return value


def options(one: KubernetesObject, waits_for: Sequence[Code]) -> dict[str, Any]:
    found: dict[str, Any] = {"provider": Code(PROVIDER)}
    if waits_for:
        found["depends_on"] = waits_for
    if one.kept:
        found["retain_on_delete"] = True
    return found


def references(value: Any) -> Iterator[Key]:
    """What a body names, wherever in it pods are described."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from references(one)
    if not isinstance(value, Mapping):
        return
    for key, one in value.items():
        match key, one:
            case "serviceAccountName", str():
                yield ("ServiceAccount", one)
            case ("configMap" | "configMapRef" | "configMapKeyRef"), {"name": str(name)}:
                yield ("ConfigMap", name)
            case ("secretRef" | "secretKeyRef"), {"name": str(name)}:
                yield ("Secret", name)
            case "secret", {"secretName": str(name)}:
                yield ("Secret", name)
            case "persistentVolumeClaim", {"claimName": str(name)}:
                yield ("PersistentVolumeClaim", name)
            case _:
                yield from references(one)
