"""Whether what a file says fits where it runs: one machine, or a cluster with what its platform declares.

Every environment is checked, whichever is chosen, and each problem points at the key that is in the way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from mlsystem.source.document import Part
from mlsystem.source.secret import SecretRef
from mlsystem.spec.account import existing_cluster, made_store, makes_cluster, promised, secret_store
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.platform import is_nginx
from mlsystem.spec.system import SUGAR, ModelSection, SystemSpec
from mlsystem_runtime.contract.feature_table import EXAMPLE, SCHEME

ONLY_LOCAL = ("port",)
ONLY_KUBERNETES = (
    "context", "namespace", "registry", "delivery", "storage", "bucket", "tracking", "platform", "pulumi", "images",
    "prices", "limits",
)  # fmt: skip
ONLY_AWS = ("region", "account", "cluster", "network", "log_retention", "permissions_boundary")
NOT_AWS = {
    "context": "which cluster it is, `cluster` says", "storage": "the workspace is a bucket",
    "bucket": "the pods' own identity opens the workspace",
}  # fmt: skip
INGRESS = "nginx"
"""The class of the controller that a cluster that is made here can have."""
MADE_HERE = {
    "storage_class": "volumes are of its own class", "gpu_selector": "nodes with GPUs are labelled by what they have",
}  # fmt: skip
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
    yield from _state(spec, environment)
    if written.target != "aws":
        yield from _of_no_account(written, place)
    if written.target == "local":
        yield from _of_one_machine(written, place)
        return
    if written.target == "aws":
        yield from _of_an_account(written, place)
    yield from _of_a_cluster(written, place)
    yield from _volume_or_bucket(written, place)
    yield from _secrets(written, place)
    yield from _platform(spec, environment)
    yield from _knative(spec, environment)
    yield from _workers(spec)
    yield from _out_of_reach(spec, environment)
    if makes_cluster(written):
        yield from _not_installed(written, place)
    else:
        yield from _of_made_nodes(spec)


def unusable(spec: SystemSpec) -> Iterator[Path]:
    """Settings of models that only a cluster can use, by their paths; of each section the outermost key."""
    for name, section in spec.models.items():
        for path in _of_clusters(section):
            yield ("models", name, *path)


def spot_elsewhere(spec: SystemSpec, written: EnvironmentSpec) -> Iterator[Path]:
    """Where trainings ask for spot capacity, and the nodes are others' business."""
    if not makes_cluster(written):
        asked = (name for name, section in spec.models.items() if section.training.hardware.spot)
        yield from (("models", name, "training", "hardware", "spot") for name in asked)


def no_use(path: Path) -> Misfit:
    """Only environments that cannot use this setting have it."""
    return Misfit(
        "MLS507", f"`{shown(path)}` is for a cluster, and no environment with target kubernetes has it", path,
        "remove it, or say it where an environment with `target: kubernetes` or `target: aws` has it",
    )  # fmt: skip


def shown(path: Path) -> str:
    """The path as it is written in a file with one model at the top."""
    return ".".join(str(part) for part in (path[2:] if path[:2] == SUGAR else path))


def _of_clusters(section: ModelSection) -> Iterator[Path]:
    serving = section.serving.model_fields_set
    yield from (("serving", name) for name in ("hardware", "scaling", "traffic", "profile") if name in serving)
    written = section.training.hardware.model_fields_set
    yield from (("training", "hardware", name) for name in ("memory", "gpu", "nodes", "spot") if name in written)
    if "schedule" in section.training.model_fields_set:
        yield ("training", "schedule")


def _of_one_machine(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name in ONLY_KUBERNETES:
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for a cluster, not for one machine", (*place, name), "remove it")
    if written.online_store.type == "redis":
        yield Misfit("MLS504", "one machine keeps its features in SQLite, or in a table of DynamoDB",
                     (*place, "online_store", "type"), "write `type: sqlite`, or leave it out", key=False)  # fmt: skip
    if written.online_store.uri is not None and not _is_table(written.online_store.uri):
        yield Misfit("MLS504", "one machine has an online store of its own, or a table of DynamoDB",
                     (*place, "online_store", "uri"), "remove it")  # fmt: skip
    yield from _table(written, (*place, "online_store"))
    secrets, path = written.secrets, (*place, "secrets")
    if secrets.origin not in (None, "env"):
        yield Misfit("MLS504", f"one machine does not read secrets from {secrets.origin}", (*path, "from"),
                     "write `from: env`, or leave it out", key=False)  # fmt: skip
    for name in ("name", "store"):
        if name in secrets.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for a cluster: one machine reads environment variables",
                         (*path, name), "remove it")  # fmt: skip


def _of_no_account(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name in ONLY_AWS:
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for an AWS account, not for target {written.target}", (*place, name),
                         "remove it, or write `target: aws`")  # fmt: skip


def _of_an_account(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name, example in (("account", '"123456789012"'), ("region", "eu-central-1")):
        if getattr(written, name) is None:
            yield Misfit("MLS630", f"on AWS everything is in one account and region, and no `{name}` is given",
                         (*place, "target"), f"for example `{name}: {example}`")  # fmt: skip
    for name, why in NOT_AWS.items():
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` has no part in target aws: {why}", (*place, name), "remove it")
    existing = existing_cluster(written)
    if existing is not None and "network" in written.model_fields_set:
        yield Misfit("MLS114", f"cluster '{existing}' has a network already", (*place, "network"),
                     "remove it, or write `cluster: create`")  # fmt: skip
    made = [*(["`online_store`"] if made_store(written) == "redis" else []),
            *(["`tracking`"] if written.tracking is None else [])]  # fmt: skip
    if made and secret_store(written) is None:
        yield Misfit(
            "MLS632", f"what opens {' and '.join(made)} stands in the account's Secrets Manager, which no pod reads",
            (*place, "secrets") if "secrets" in written.model_fields_set else (*place, "target"),
            "write `secrets: {from: external_secrets, store: NAME}`, or name stores that exist",
        )  # fmt: skip


def _state(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """In a bucket it has one environment, and what is shared is encrypted with a key that all who apply may use."""
    written, place = spec.environments[environment], ("environments", environment)
    if written.state is None:
        return
    for name, other in spec.environments.items():
        if name == environment:
            break
        if other.state is not None and other.state.rstrip("/") == written.state.rstrip("/"):
            yield Misfit("MLS662", f"'{name}' and '{environment}' would overwrite each other's state",
                         (*place, "state"), f"give it a place of its own: {written.state.rstrip('/')}/{environment}",
                         key=False)  # fmt: skip
    if written.target != "local" and written.delivery == "pulumi" and written.pulumi.secrets_provider is None:
        yield Misfit("MLS660", "the state is shared, and nothing says what encrypts Pulumi's secrets in it",
                     (*place, "state"), "name a key that all who apply may use: "
                     '`pulumi: {secrets_provider: "awskms://alias/NAME"}`; or write `passphrase`')  # fmt: skip


def _not_installed(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    """What this tool does not put into a cluster that it makes."""
    platform, path = written.platform, (*place, "platform")
    if platform.knative:
        yield Misfit("MLS647", "Knative is not installed in a cluster that is made here", (*path, "knative"),
                     "scale with `controller: keda`, or use a cluster that has it")  # fmt: skip
    if platform.ingress not in (None, INGRESS):
        yield Misfit("MLS647", f"an ingress controller of class '{platform.ingress}' is not installed in a cluster that"
                     " is made here", (*path, "ingress"), f"write `ingress: {INGRESS}`, or use a cluster that has it",
                     key=False)  # fmt: skip
    for name, why in MADE_HERE.items():
        if name in platform.model_fields_set:
            yield Misfit("MLS647", f"`{name}` is for clusters of others: in one that is made here {why}",
                         (*path, name), "remove it")  # fmt: skip


def _of_made_nodes(spec: SystemSpec) -> Iterator[Misfit]:
    """Where no environment makes a cluster, nobody can have spot capacity from it."""
    if any(makes_cluster(one) for one in spec.environments.values()):
        return
    for name, section in spec.models.items():
        if section.training.hardware.spot:
            yield Misfit("MLS648", "whether nodes may be taken away is decided where they are made, and no environment"
                         " makes a cluster", ("models", name, "training", "hardware", "spot"),
                         "remove it, or add an environment with `target: aws` and `cluster: create`")  # fmt: skip


def _of_a_cluster(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    for name in ONLY_LOCAL:
        if name in written.model_fields_set:
            yield Misfit("MLS504", f"`{name}` is for one machine: in a cluster every model has a Service",
                         (*place, name), "remove it")  # fmt: skip
    if written.registry is None and written.target != "aws":
        yield Misfit("MLS504", "a cluster pulls images from a `registry`, and none is given", (*place, "target"),
                     "for example `registry: registry.example.com/ml`")  # fmt: skip
    if written.online_store.type == "sqlite":
        yield Misfit("MLS504", "the pods of a cluster cannot share a SQLite file", (*place, "online_store", "type"),
                     "write `type: redis`, or leave it out", key=False)  # fmt: skip
    yield from _table(written, (*place, "online_store"))
    namespace = written.namespace
    if namespace is not None and namespace.create and namespace.name in ANYBODYS_NAMESPACES:
        yield Misfit("MLS114", f"every cluster has a namespace '{namespace.name}' already",
                     (*place, "namespace", "create"), "remove `create`, or choose a name of your own")  # fmt: skip
    if written.delivery == "gitops" and "pulumi" in written.model_fields_set:
        yield Misfit("MLS114", "`pulumi` has no part in `delivery: gitops`", (*place, "pulumi"),
                     "remove one of the two")  # fmt: skip


def _table(environment: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    """Whether the kind of store and its address say the same. A table without one is made in an account."""
    written = environment.online_store
    if written.type == "dynamodb" and written.uri is None:
        if environment.target == "aws":
            return
        yield Misfit("MLS504", "nobody makes a table of DynamoDB there", (*place, "type"),
                     f"write the address of one: `uri: {EXAMPLE}`", key=False)  # fmt: skip
    elif written.type == "dynamodb" and not _is_table(written.uri):
        yield Misfit("MLS114", "the kind is DynamoDB, and this is no address of a table", (*place, "uri"),
                     f"for example {EXAMPLE}; it is no secret", key=False)  # fmt: skip
    elif written.type in ("redis", "sqlite") and _is_table(written.uri):
        yield Misfit("MLS114", f"the kind is {written.type}, and this is the address of a table of DynamoDB",
                     (*place, "uri"), "remove `type`", key=False)  # fmt: skip


def _is_table(uri: str | SecretRef | None) -> bool:
    return isinstance(uri, str) and uri.startswith(SCHEME)


def _volume_or_bucket(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    uri = written.workspace
    if uri is None:
        if "bucket" in written.model_fields_set and written.target != "aws":
            yield Misfit("MLS114", "`bucket` belongs to an `s3://` workspace", (*place, "bucket"),
                         "write the workspace: `workspace: s3://BUCKET/PREFIX`")  # fmt: skip
        return
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/\S*)?", uri) is None:
        yield Misfit("MLS504", f"a cluster's workspace is a bucket or a volume, not '{uri}'", (*place, "workspace"),
                     "write s3://BUCKET/PREFIX, or leave it out for a volume", key=False)  # fmt: skip
    if "storage" in written.model_fields_set and written.target != "aws":
        yield Misfit("MLS114", "`storage` is the size of a volume, and the workspace is a bucket", (*place, "storage"),
                     "remove one of the two")  # fmt: skip


def _secrets(written: EnvironmentSpec, place: Path) -> Iterator[Misfit]:
    secrets, path = written.secrets, (*place, "secrets")
    if secrets.origin == "env":
        yield Misfit("MLS504", "the pods of a cluster do not have your environment variables", (*path, "from"),
                     "write `from: kubernetes` and put the values into a Secret, or `from: external_secrets`",
                     key=False)  # fmt: skip
    elif secrets.origin == "external_secrets" and _store(written) is None:
        yield Misfit("MLS114", "`from: external_secrets` needs the `store` that it reads", (*path, "from"),
                     "for example `store: vault`", key=False)  # fmt: skip
    elif secrets.origin != "external_secrets" and secrets.store is not None and not _read_on_aws(written):
        yield Misfit("MLS114", "`store` is what `from: external_secrets` reads", (*path, "store"),
                     "add `from: external_secrets`, or remove it")  # fmt: skip


def _store(written: EnvironmentSpec) -> str | None:
    return secret_store(written) if written.target == "aws" else written.secrets.store


def _read_on_aws(written: EnvironmentSpec) -> bool:
    return written.target == "aws" and written.secrets.origin is None


def _platform(spec: SystemSpec, environment: str) -> Iterator[Misfit]:
    """What is asked for needs what the platform has not declared."""
    platform, place = promised(spec.environments[environment]), ("environments", environment, "platform")

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
    platform = promised(written)
    for name, section in spec.models.items():
        path = ("models", name, "serving")
        controller = (*path, "scaling", "controller")
        if section.serving.scaling.controller != "knative":
            continue
        if written.workspace is None and written.target != "aws":
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
