"""Where the values of secrets come from: objects name them, and no value is in any."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import SECRET
from mlsystem.emit.kubernetes.tracking import PASSWORD
from mlsystem.system.snapshots import ENVIRONMENT


def secret_keys(cluster: Cluster) -> tuple[str, ...]:
    """What the Secret of the environment has to hold."""
    target = cluster.target
    uris = (target.online_store or "", target.tracking or "")
    named = (uri.removeprefix(SECRET) for uri in uris if is_secret(uri))
    own = (PASSWORD,) if target.tracking is None else ()
    return tuple(sorted({*cluster.system.secrets, *named, *own, *made(cluster)}))


def made(cluster: Cluster) -> tuple[str, ...]:
    """Those that the account below has the values of."""
    return () if cluster.target.aws is None else cluster.target.aws.made_secrets


def entry(cluster: Cluster, key: str) -> str:
    """The one of the store that has the value."""
    aws = cluster.target.aws
    return aws.made_entry if aws is not None and key in aws.made_secrets else cluster.target.secrets.name


def is_secret(uri: str) -> bool:
    return uri.startswith(SECRET)


def secrets(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Nothing where the Secret is somebody else's to make. In the store they are the properties of one entry, which
    has the Secret's name; those that an account makes have an entry of their own beside it."""
    keys, source = secret_keys(cluster), cluster.target.secrets
    if source.store is None or not keys:
        return
    body = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": cluster.metadata(source.name, "secrets"),
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": source.store},
            "target": {"name": source.name, "creationPolicy": "Owner"},
            "data": [{"secretKey": key, "remoteRef": {"key": entry(cluster, key), "property": key}} for key in keys],
        },
    }
    yield KubernetesObject("secrets", body, ENVIRONMENT, skip_await=True)
