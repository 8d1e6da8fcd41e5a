"""Where the system runs: what the environment leaves out is filled in, what does not fit together is said."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mlsystem.cost.price_list import NAMES, named
from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.source.secret import SecretRef
from mlsystem.spec.account import existing_cluster, made_store, promised, secret_store
from mlsystem.spec.environments import EnvironmentSpec, PricesSpec, TlsSpec
from mlsystem.spec.platform import PlatformSpec
from mlsystem.spec.system import SystemSpec
from mlsystem.system.aws import BUCKET_LENGTH, ONLINE_STORE_URL, Aws, Network, bucket_name, registry_of
from mlsystem.system.schedules import cron_period
from mlsystem.system.target import (
    GRPC_PORT,
    LONGEST_NAME,
    PREFIX_LENGTH,
    DeclaredPrices,
    Images,
    KubernetesTarget,
    LocalTarget,
    Platform,
    PulumiSettings,
    SecretSource,
    Target,
    dns_name,
    no_grpc,
    prefix_of,
)
from mlsystem_runtime.contract.feature_table import TableAddress
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.contract.run import Tls


def resolve_target(draft: Draft, problems: Problems) -> Draft:
    written = draft.spec.environments[draft.environment]
    place: Path = ("environments", draft.environment)
    before = problems.errors
    if written.target != "local":
        check_refreshes(draft, problems)
        check_prices(written, (*place, "prices", "items"), problems)
        check_names(draft, written, problems)
        check_state(written, problems, place)
    if problems.errors > before:
        return draft
    target = resolved(draft, written)
    if isinstance(target, KubernetesTarget):
        target = replace(target, images=locked(target.images, problems, (*place, "images", "base")))
        check_grpc(draft, target.platform, problems)
        check_alarm(target, problems, place)
    return replace(draft, target=target)


def resolved(draft: Draft, written: EnvironmentSpec) -> Target:
    if written.target == "local":
        return LocalTarget(
            port=written.port, workspace=written.workspace, tls=tls(written.tls),
            online_store=reference(written.online_store.uri),
        )  # fmt: skip
    prefix = prefix_of(draft.spec.name)
    if written.target == "aws":
        return in_account(draft, written, prefix)
    assert written.registry is not None, "the spec demands it"
    return in_cluster(written, prefix, written.registry)


def in_cluster(written: EnvironmentSpec, prefix: str, registry: str) -> KubernetesTarget:
    return KubernetesTarget(
        context=written.context,
        namespace=written.namespace.name if written.namespace else prefix,
        create_namespace=written.namespace is not None and written.namespace.create,
        registry=registry.rstrip("/"),
        delivery=written.delivery,
        workspace=written.workspace,
        storage_bytes=written.storage,
        bucket_endpoint=written.bucket.endpoint,
        bucket_secret=written.bucket.secret,
        online_store=reference(written.online_store.uri),
        tracking=reference(written.tracking.uri) if written.tracking else None,
        platform=platform(promised(written)),
        images=Images(**dict(written.images)),
        secrets=SecretSource(name=written.secrets.name or f"{prefix}-secrets", store=written.secrets.store),
        pulumi=PulumiSettings(pulumi_backend(written), written.pulumi.secrets_provider),
        tls=tls(written.tls),
        prices=declared_prices(written.prices),
        max_cost=written.limits.max_cost,
    )


def in_account(draft: Draft, written: EnvironmentSpec, prefix: str) -> KubernetesTarget:
    """As in any cluster; what the environment does not name is made in the account."""
    aws = account(draft, written)
    found = in_cluster(written, prefix, written.registry or f"{registry_of(aws.account, aws.region)}/{aws.entry}")
    table = TableAddress(name=f"{aws.entry}-features", region=aws.region).uri
    stores = {"redis": f"secret:{ONLINE_STORE_URL}", "dynamodb": table, None: found.online_store}
    return replace(
        found,
        create_namespace=written.namespace.create if written.namespace else aws.cluster is None,
        workspace=written.workspace or f"s3://{aws.bucket}",
        online_store=stores[aws.online_store],
        secrets=SecretSource(name=aws.entry, store=secret_store(written)),
        aws=aws,
    )


def account(draft: Draft, written: EnvironmentSpec) -> Aws:
    assert written.account is not None, "the spec demands it"
    assert written.region is not None, "the spec demands it"
    existing = existing_cluster(written)
    network = Network(**dict(written.network))
    return Aws(
        account=written.account,
        region=written.region,
        cluster=existing,
        network=network if existing is None else None,
        bucket=made_bucket(draft.spec, draft.environment),
        repositories=written.registry is None,
        online_store=made_store(written),
        tracking_database=written.tracking is None,
        entry=entry_of(draft.spec, draft.environment),
        log_retention_days=int(written.log_retention.removesuffix("d")),
        alarmed=tuple(one for one in written.owners if "@" in one),
        boundary=written.permissions_boundary,
        **review_roles(draft.spec, draft.environment),
    )


def entry_of(spec: SystemSpec, environment: str) -> str:
    """What entries of secrets of an account begin with."""
    return spec.environments[environment].secrets.name or short_instance(spec, environment)


def made_bucket(spec: SystemSpec, environment: str) -> str | None:
    """None where the environment names its own."""
    written = spec.environments[environment]
    assert written.account is not None, "the spec demands it"
    return bucket_name(short_instance(spec, environment), written.account) if written.workspace is None else None


def short_instance(spec: SystemSpec, environment: str) -> str:
    """With the account's number it is no longer than a bucket's name."""
    account = spec.environments[environment].account
    assert account is not None, "the spec demands it"
    return dns_name(f"{prefix_of(spec.name)}-{environment}", BUCKET_LENGTH - len(account) - 1)


def review_roles(spec: SystemSpec, environment: str) -> dict[str, str | None]:
    reached = None if spec.review is None else spec.review.github.environments.get(environment)
    return {} if reached is None else {"plan_role": reached.plan_role, "apply_role": reached.apply_role}


def pulumi_backend(written: EnvironmentSpec) -> str | None:
    """Beside the state, where that is in a bucket."""
    if written.pulumi.backend is None and written.state is not None:
        return f"{written.state.rstrip('/')}/pulumi"
    return written.pulumi.backend


def check_state(written: EnvironmentSpec, problems: Problems, place: Path) -> None:
    backend = written.pulumi.backend
    if written.state is not None and backend is not None and backend.startswith("file://"):
        problems.warning(
            "MLS661", f"the state is in {written.state}, and Pulumi's in files of one machine: nobody else can apply",
            (*place, "pulumi", "backend"), "remove it: Pulumi's state is then kept beside the other",
        )  # fmt: skip


def declared_prices(written: PricesSpec | None) -> DeclaredPrices | None:
    if written is None:
        return None
    return DeclaredPrices(cpu=written.cpu_hour, memory=written.memory_gib_hour, items=dict(written.items))


def check_prices(written: EnvironmentSpec, place: Path, problems: Problems) -> None:
    for name in written.prices.items if written.prices else ():
        if not named(name):
            problems.known("MLS672", f"no estimate asks for a price of '{name}'", name, NAMES, (*place, name), key=True)


def tls(written: TlsSpec | None) -> Tls | None:
    return None if written is None else Tls(certificate=written.certificate.name, key=written.key.name)


LOCK = "images.lock"
"""Beside the root file: a JSON object from the name of an image to its digest, `sha256:…`."""


def locked(images: Images, problems: Problems, place: Path) -> Images:
    """The base with its digest: written there, or found in `images.lock`."""
    file = problems.loaded.root / LOCK
    if "@sha256:" in images.base:
        return images
    try:
        digests = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        digests = {}
    except msgspec.DecodeError as error:
        problems.error("MLS506", f"{LOCK} cannot be read: {error}", place, "remove it, and name the base by digest")
        return images
    if images.base in digests:
        return replace(images, base=f"{images.base}@{digests[images.base]}")
    problems.warning(
        "MLS506", f"what is behind '{images.base}' may change: images would differ from one build to the next", place,
        f"write `images: {{base: NAME@sha256:…}}`, or its digest in {LOCK} beside this file",
    )  # fmt: skip
    return images


def reference(uri: str | SecretRef | None) -> str | None:
    return f"secret:{uri.name}" if isinstance(uri, SecretRef) else uri


def platform(written: PlatformSpec) -> Platform:
    return Platform(**{**dict(written), "gpu_selector": tuple(sorted(written.gpu_selector.items()))})


def check_names(draft: Draft, written: EnvironmentSpec, problems: Problems) -> None:
    """Names are made to fit, and no two become one; who looks for them in the cluster should know what they became."""
    prefix = prefix_of(draft.spec.name)
    if written.namespace is None and prefix != draft.spec.name:
        message = f"no namespace can be called '{draft.spec.name}': the system runs in '{prefix}'"
        problems.warning("MLS508", message, ("environments", draft.environment),
                         "say which: `namespace: {name: NAME}`", key=True)  # fmt: skip
    for name in draft.spec.models:
        if len(name) > PREFIX_LENGTH or len(f"{prefix}-{dns_name(name)}-server") > LONGEST_NAME:
            message = f"names in a cluster have at most {LONGEST_NAME} characters: those of model '{name}' are cut"
            problems.warning("MLS508", message, ("models", name), "a shorter name stays readable there", key=True)


def check_grpc(draft: Draft, platform: Platform, problems: Problems) -> None:
    """Whether the ingress passes gRPC on, which every pod of the cluster can speak."""
    found = no_grpc(platform, [name for name, model in draft.spec.models.items() if model.serving.grpc])
    if found is not None:
        why, what = found
        problems.warning(
            "MLS509", f"gRPC is answered inside the cluster only: {why}",
            ("environments", draft.environment, "platform", "ingress"),
            f"{what}; inside, it is port {GRPC_PORT} of the model's Service",
        )  # fmt: skip


def check_alarm(target: KubernetesTarget, problems: Problems, place: Path) -> None:
    if target.aws is not None and target.max_cost is not None and not target.aws.alarmed:
        problems.warning(
            "MLS674", "nobody is told when what this costs comes near `max_cost`", (*place, "limits", "max_cost"),
            f"name who, by an address of mail: `{place[-1]}: {{owners: [NAME@COMPANY]}}`",
        )  # fmt: skip


def check_refreshes(draft: Draft, problems: Problems) -> None:
    """A schedule keeps the online store fresh there: more often than was asked for where cron cannot say it exactly."""
    for name, group in draft.spec.features.items():
        if group.kind == "request":
            continue
        period, path = cron_period(group.online.every), ("features", name, "online", "every")
        asked = duration(group.online.every)
        if period is None:
            problems.error("MLS504", f"the schedules of a cluster have minutes, {asked} is less than one", path,
                           "write `every: 1m` or longer")  # fmt: skip
        elif period.every_us != group.online.every:
            every = duration(period.every_us)
            problems.warning("MLS504", f"a schedule cannot say every {asked}: in a cluster it is every {every}", path,
                             f"write `every: {every}`, or another part of an hour or of a day")  # fmt: skip
