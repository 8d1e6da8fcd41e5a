"""Whether what a file says fits where it runs: one machine, or a cluster with what its platform declares.

Every environment is checked, whichever is chosen, and each problem points at the key that is in the way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from mlsystem.source.document import Part
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.platform import is_nginx
from mlsystem.spec.system import SUGAR, ModelSection, SystemSpec

ONLY_LOCAL = ("port",)
ONLY_KUBERNETES = (
    "context", "namespace", "registry", "delivery", "storage", "bucket", "tracking", "platform", "pulumi", "images",
    "prices",
)  # fmt: skip
ANYBODYS_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")

Path = tuple[Part, ...]


class Misfit(NamedTuple):
    """A diagnostic whose place is a path of the spec; `key` where the key is meant rather than its value."""

    code: str
    message: str
    path: Path
    help: str | None
    key: bool = True


def misfits(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """What of one environment does not fit its target. Settings of models are judged apart: `unusable`."""
    written, place = spec.environments[environment], ("environments", environment)
    if written.target == "local":
        yield from _of_one_machine(written, place)
        return
    yield from _of_a_cluster(written, place)
    yield from _volume_or_bucket(written, place)
    yield from _secrets(written, place)
    yield from _platform(spec, environment)
    yield from _knative(spec, environment)
    yield from _workers(spec)
    yield from _out_of_reach(spec, environment)


def unusable(spec: SystemSpec) -> Iterator[Path]:
    """Settings of models that only a cluster can use, by their paths; of each section the outermost key."""
    for name, section in spec.models.items():
        for path in _of_clusters(section):
            yield ("models", name, *path)


def no_use(path: Path) -> Misfit:
    """Only environments that cannot use this setting have it."""
    return Misfit(
        "MLS507", f"`{shown(path)}` is for a cluster, and no environment with target kubernetes has it", path,
        "remove it, or say it where an environment with `target: kubernetes` has it",
    )  # fmt: skip


def shown(path: Path) -> str:
    """The path as it is written in a file with one model at the top."""
    return ".".join(str(part) for part in (path[2:] if path[:2] == SUGAR else path))


def _of_clusters(section: ModelSection) -> Iterator[Path]:
    serving = section.serving.model_fields_set
    yield from (("serving", name) for name in ("hardware", "scaling", "traffic", "profile") if name in serving)
    written = section.training.hardware.model_fields_set
    yield from (("training", "hardware", name) for name in ("memory", "gpu", "nodes") if name in written)
    if "schedule" in section.training.model_fields_set:
        yield ("training", "schedule")


def _of_one_machine(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name in ONLY_KUBERNETES:
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for a cluster, not for one machine", (*place, name), "remove it")
    if written.online_store.type == "redis":
        yield Misfit("MLS504", "one machine keeps its features in SQLite", (*place, "online_store", "type"),
                     "write `type: sqlite`, or leave it out", key=False)  # fmt: skip
    if written.online_store.uri is not None:
        yield Misfit("MLS504", "one machine has an online store of its own", (*place, "online_store", "uri"),
                     "remove it")  # fmt: skip
    secrets, path = written.secrets, (*place, "secrets")
    if secrets.origin not in (None, "env"):
        yield Misfit("MLS504", f"one machine does not read secrets from {secrets.origin}", (*path, "from"),
                     "write `from: env`, or leave it out", key=False)  # fmt: skip
    for name in ("name", "store"):
        if name in secrets.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for a cluster: one machine reads environment variables",
                         (*path, name), "remove it")  # fmt: skip


def _of_a_cluster(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name in ONLY_LOCAL:
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for one machine: in a cluster every model has a Service",
                         (*place, name), "remove it")  # fmt: skip
    if written.registry is None:
        yield Misfit("MLS504", "a cluster pulls images from a `registry`, and none is given", (*place, "target"),
                     "for example `registry: registry.example.com/ml`")  # fmt: skip
    if written.online_store.type == "sqlite":
        yield Misfit("MLS504", "the pods of a cluster cannot share a SQLite file", (*place, "online_store", "type"),
                     "write `type: redis`, or leave it out", key=False)  # fmt: skip
    namespace = written.namespace
    if namespace is not None and namespace.create and namespace.name in ANYBODYS_NAMESPACES:
        yield Misfit("MLS114", f"every cluster has a namespace '{namespace.name}' already",
                     (*place, "namespace", "create"), "remove `create`, or choose a name of your own")  # fmt: skip
    if written.delivery == "gitops" and "pulumi" in written.model_fields_set:
        yield Misfit("MLS114", "`pulumi` has no part in `delivery: gitops`", (*place, "pulumi"),
                     "remove one of the two")  # fmt: skip


def _volume_or_bucket(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    uri = written.workspace
    if uri is None:
        if "bucket" in written.model_fields_set:
            yield Misfit("MLS114", "`bucket` belongs to an `s3://` workspace", (*place, "bucket"),
                         "write the workspace: `workspace: s3://BUCKET/PREFIX`")  # fmt: skip
        return
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/\S*)?", uri) is None:
        yield Misfit("MLS504", f"a cluster's workspace is a bucket or a volume, not '{uri}'", (*place, "workspace"),
                     "write s3://BUCKET/PREFIX, or leave it out for a volume", key=False)  # fmt: skip
    if "storage" in written.model_fields_set:
        yield Misfit("MLS114", "`storage` is the size of a volume, and the workspace is a bucket", (*place, "storage"),
                     "remove one of the two")  # fmt: skip


def _secrets(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    secrets, path = written.secrets, (*place, "secrets")
    if secrets.origin == "env":
        yield Misfit("MLS504", "the pods of a cluster do not have your environment variables", (*path, "from"),
                     "write `from: kubernetes` and put the values into a Secret, or `from: external_secrets`",
                     key=False)  # fmt: skip
    elif secrets.origin == "external_secrets" and secrets.store is None:
        yield Misfit("MLS114", "`from: external_secrets` needs the `store` that it reads", (*path, "from"),
                     "for example `store: vault`", key=False)  # fmt: skip
    elif secrets.origin != "external_secrets" and secrets.store is not None:
        yield Misfit("MLS114", "`store` is what `from: external_secrets` reads", (*path, "store"),
                     "add `from: external_secrets`, or remove it")  # fmt: skip


def _platform(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """What is asked for needs what the platform has not declared."""
    platform, place = spec.environments[environment].platform, ("environments", environment, "platform")

    def undeclared(need: str, key: str, path: Path) -> Misfit:
        message = f"{need}, and the platform of '{environment}' does not declare it"
        return Misfit("MLS505", message, path, f"if the cluster has it: `platform: {{{key}: true}}`", key=path == place)

    if not platform.argo_workflows:
        yield undeclared("the pipeline runs in Argo Workflows", "argo_workflows", place)
    for name, section in spec.models.items():
        scaling, path = section.serving.scaling, ("models", name, "serving", "scaling")
        if scaling.controller == "keda" and not platform.keda:
            yield undeclared("KEDA is to scale this model", "keda", (*path, "controller"))
        if scaling.controller == "knative" and not platform.knative:
            yield undeclared("Knative is to run and scale this model", "knative", (*path, "controller"))
        if scaling.controller == "keda" and scaling.counted != "cpu" and not platform.prometheus:
            yield undeclared("Prometheus counts requests", "prometheus", (*path, "metric"))


def _knative(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """What pods of Knative cannot have, as it is installed: its features that are off by default count as absent."""
    written, place = spec.environments[environment], ("environments", environment)
    platform = written.platform
    for name, section in spec.models.items():
        path = ("models", name, "serving")
        controller = (*path, "scaling", "controller")
        if section.serving.scaling.controller != "knative":
            continue
        if written.workspace is None:
            yield Misfit("MLS504", "pods of Knative cannot write to a volume, and the workspace is one",
                         controller, "keep it in a bucket: `workspace: s3://BUCKET/PREFIX`", key=False)  # fmt: skip
        if written.tls is not None:
            yield Misfit("MLS504", "Knative speaks plain HTTP to servers, and `tls` lets them speak TLS only",
                         (*place, "tls"), "remove it, and let Knative or the ingress have the certificate")  # fmt: skip
        if section.serving.grpc:
            yield Misfit("MLS504", "a server of Knative has one port, which HTTP has: gRPC would need another",
                         (*path, "grpc"), "remove it, or scale with `controller: keda`")  # fmt: skip
        if platform.argo_rollouts:
            yield Misfit("MLS504", "Argo Rollouts, which the platform declares, cannot roll out pods of Knative",
                         controller, "remove `argo_rollouts`, or scale with `controller: keda`", key=False)  # fmt: skip
        if platform.ingress is not None and not is_nginx(platform.ingress):
            yield Misfit("MLS504", f"how an ingress of class '{platform.ingress}' asks Knative for one of its hosts is"
                         " not known, of nginx it is", controller,
                         "remove `ingress` and add a route of your own, or scale with `controller: keda`",
                         key=False)  # fmt: skip


def _workers(spec: SystemSpec) -> Iterator[Misfit]:
    """More than the cores of a replica answer no more, and hold everything once more."""
    for name, section in spec.models.items():
        workers, cores = section.serving.workers, section.serving.hardware.cpu
        if workers > math.ceil(cores):
            yield Misfit(
                "MLS114", f"{workers} workers would share {cores:g} CPU", ("models", name, "serving", "workers"),
                f"write `hardware: {{cpu: {workers}}}`, with memory for as many, or fewer workers", key=False,
            )  # fmt: skip


def _out_of_reach(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """Files beside the root file are not in the pods. What an absolute path means there, its image says."""
    for name, source in spec.sources.items():
        if "://" not in source.uri and not source.uri.startswith("/"):
            yield Misfit(
                "MLS504", f"the pods of '{environment}' cannot read '{source.uri}', a file of this machine",
                ("sources", name, "uri"),
                f"override: {{sources: {{{name}: {{uri: s3://BUCKET/{source.uri.rpartition('/')[2]}}}}}}}", key=False,
            )  # fmt: skip
