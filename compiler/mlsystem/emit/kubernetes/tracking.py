"""An MLflow server of the system's own and its PostgreSQL, where the environment names none.

Nothing that answers requests needs them: when they are down, versions are still trained, registered and released.
The password of the database is a key of the Secret that the environment names; it stands in no object.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.access import STORES, account_name
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import GI, Volume, container, pod_template, scratch, tmp
from mlsystem.emit.kubernetes.processes import TRACKING_PORT, WORKSPACE, secret_value, tracking_name, value
from mlsystem.emit.kubernetes.stores import container_port, stateful_set, store_pod, store_service
from mlsystem.system import own_pods
from mlsystem.system.aws import DATABASE_HOST, DATABASE_PASSWORD
from mlsystem.system.snapshots import ENVIRONMENT

TRACKING, DATABASE = "tracking", "tracking-database"
PORT: Body = {"name": "http", "port": TRACKING_PORT}
DATABASE_PORT: Body = {"name": "postgres", "port": 5432}
PASSWORD = DATABASE_PASSWORD
"""The key of the Secret."""
USER_AND_DATABASE = "mlflow"
CPU, MEMORY_BYTES = own_pods.TRACKING.cpu, own_pods.TRACKING.memory
DATABASE_CPU, DATABASE_MEMORY_BYTES = own_pods.TRACKING_DATABASE.cpu, own_pods.TRACKING_DATABASE.memory
DATABASE_STORAGE_BYTES = 10 * GI
DATA = Volume("data", "/var/lib/postgresql/data", {})
READY = ("pg_isready", "--host", "127.0.0.1", "--username", USER_AND_DATABASE, "--dbname", USER_AND_DATABASE)


def tracking(cluster: Cluster) -> Iterator[KubernetesObject]:
    if cluster.target.tracking is not None:
        return
    yield server(cluster)
    yield store_service(cluster, "tracking", tracking_name(cluster), TRACKING, PORT)
    if not in_account(cluster):
        yield database(cluster)
        yield store_service(cluster, "tracking", database_name(cluster), DATABASE, DATABASE_PORT)


def in_account(cluster: Cluster) -> bool:
    """Whether the database is one of the account below the cluster."""
    return cluster.target.aws is not None and cluster.target.aws.tracking_database


def database_name(cluster: Cluster) -> str:
    return cluster.name(DATABASE)


def server(cluster: Cluster) -> KubernetesObject:
    """Two of different versions must not change the database's tables at once: the old one ends first."""
    mounted = [tmp()]
    main = {
        **container(
            "mlflow", cluster.images["trainer"], command(cluster), cpu_cores=CPU, memory_bytes=MEMORY_BYTES,
            env=server_env(cluster), volumes=mounted,
        ),
        "ports": [container_port(PORT)],
        "startupProbe": healthy(period=5, failures=60),
        "livenessProbe": healthy(period=10, failures=6),
        "readinessProbe": healthy(period=5, failures=3),
    }  # fmt: skip
    template = pod_template(
        cluster, TRACKING, main, mounted, account=account_name(cluster, STORES), token=False, grace_seconds=30
    )
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": cluster.metadata(tracking_name(cluster), TRACKING),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 5,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": cluster.selector(TRACKING)},
            "template": template,
        },
    }
    return KubernetesObject("tracking", body, ENVIRONMENT)


def command(cluster: Cluster) -> list[str]:
    """Artifacts stay where the workspace is: the server only knows their address."""
    return [
        "python", "-m", "mlflow", "server", "--host", "0.0.0.0", "--port", str(TRACKING_PORT), "--workers", "1",
        "--backend-store-uri", database_uri(cluster),
        "--no-serve-artifacts", "--default-artifact-root", f"{cluster.target.workspace or WORKSPACE}/mlflow",
        "--allowed-hosts", ",".join(hosts(cluster)),
    ]  # fmt: skip


def database_uri(cluster: Cluster) -> str:
    """With the driver: which one SQLAlchemy takes otherwise is another from one version to the next. Where the host is
    known only after its creation, the driver reads it from the environment."""
    if in_account(cluster):
        return f"postgresql+psycopg2://{USER_AND_DATABASE}@/{USER_AND_DATABASE}"
    return f"postgresql+psycopg2://{USER_AND_DATABASE}@{database_name(cluster)}:5432/{USER_AND_DATABASE}"


def hosts(cluster: Cluster) -> list[str]:
    """By which names it may be asked: those of its Service, and those of a forwarded port."""
    name = tracking_name(cluster)
    return [f"{name}:*", f"{name}.{cluster.target.namespace}*", "localhost:*", "127.0.0.1:*"]


def server_env(cluster: Cluster) -> list[Body]:
    secret = cluster.target.secrets.name
    host = [secret_value("PGHOST", secret, DATABASE_HOST), value("PGSSLMODE", "require")] if in_account(cluster) else []
    return [
        *host,
        secret_value("PGPASSWORD", secret, PASSWORD),
        value("MLFLOW_DISABLE_TELEMETRY", "true"),
        value("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"),
    ]


def healthy(period: int, failures: int) -> Body:
    asked = {"path": "/health", "port": PORT["name"], "scheme": "HTTP"}
    return {"httpGet": asked, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures}


def database(cluster: Cluster) -> KubernetesObject:
    run = scratch("run", "/var/run/postgresql", GI // 64)
    main = container(
        "postgres", cluster.target.images.postgres, ["docker-entrypoint.sh", "postgres"], cpu_cores=DATABASE_CPU,
        memory_bytes=DATABASE_MEMORY_BYTES, env=database_env(cluster), volumes=[DATA, run, tmp()],
    )
    template = store_pod(cluster, DATABASE, main, DATABASE_PORT, READY, [run, tmp()])
    name = database_name(cluster)
    return stateful_set(cluster, "tracking", name, DATABASE, template, DATABASE_STORAGE_BYTES)


def database_env(cluster: Cluster) -> list[Body]:
    """A folder below the volume, whose own root may hold files of the storage's."""
    return [
        value("POSTGRES_USER", USER_AND_DATABASE),
        value("POSTGRES_DB", USER_AND_DATABASE),
        secret_value("POSTGRES_PASSWORD", cluster.target.secrets.name, PASSWORD),
        value("PGDATA", f"{DATA.path}/pgdata"),
    ]
