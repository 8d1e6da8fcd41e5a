"""Where the system runs: what the environment leaves out is filled in, what does not fit together is said."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.source.secret import SecretRef
from mlsystem.spec.environments import EnvironmentSpec, PricesSpec, TlsSpec
from mlsystem.spec.platform import PlatformSpec
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
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.contract.run import Tls


def resolve_target(draft: Draft, problems: Problems) -> Draft:
    written = draft.spec.environments[draft.environment]
    place: Path = ("environments", draft.environment)
    before = problems.errors
    if written.target == "kubernetes":
        check_refreshes(draft, problems)
        check_names(draft, written, problems)
    if problems.errors > before:
        return draft
    target = resolved(draft, written)
    if isinstance(target, KubernetesTarget):
        target = replace(target, images=locked(target.images, problems, (*place, "images", "base")))
        check_grpc(draft, target.platform, problems)
    return replace(draft, target=target)


def resolved(draft: Draft, written: EnvironmentSpec) -> Target:
    if written.target == "local":
        return LocalTarget(port=written.port, workspace=written.workspace, tls=tls(written.tls))
    prefix = prefix_of(draft.spec.name)
    assert written.registry is not None, "the spec demands it"
    return KubernetesTarget(
        context=written.context,
        namespace=written.namespace.name if written.namespace else prefix,
        create_namespace=written.namespace is not None and written.namespace.create,
        registry=written.registry.rstrip("/"),
        delivery=written.delivery,
        workspace=written.workspace,
        storage_bytes=written.storage,
        bucket_endpoint=written.bucket.endpoint,
        bucket_secret=written.bucket.secret,
        online_store=reference(written.online_store.uri),
        tracking=reference(written.tracking.uri) if written.tracking else None,
        platform=platform(written.platform),
        images=Images(**dict(written.images)),
        secrets=SecretSource(name=written.secrets.name or f"{prefix}-secrets", store=written.secrets.store),
        pulumi=PulumiSettings(**dict(written.pulumi)),
        tls=tls(written.tls),
        prices=declared_prices(written.prices),
    )


def declared_prices(written: PricesSpec | None) -> DeclaredPrices | None:
    return None if written is None else DeclaredPrices(cpu=written.cpu_hour, memory=written.memory_gib_hour)


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
