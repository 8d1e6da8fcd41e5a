"""The system's own processes in a cluster: the command lines of one machine, and what their pods give to them."""

from __future__ import annotations

from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.pods import Volume, scratch, tmp
from mlsystem.emit.sections import section_hash, server_section
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import GRPC_PORT, METRICS_PORT, METRICS_PORT_BESIDE_KNATIVE, in_table
from mlsystem_runtime.contract.names import DRAIN_DELAY_SECONDS, MIRROR, ONLINE_STORE, SECRET_FOLDER

PYTHON = ("python", "-m", "mlsystem_runtime")
CONFIG = "/etc/mlsystem/run.json"
CONFIG_FOLDER, CONFIG_FILE = CONFIG.rsplit("/", 1)
SECRETS = "/var/run/mlsystem/secrets"
WORKSPACE, MIRRORED = "/var/lib/mlsystem/workspace", "/var/lib/mlsystem/mirror"
TRACKING_URI = "MLFLOW_TRACKING_URI"
READABLE, READABLE_BY_ALL = 0o440, 0o444
SECRET = "secret:"
"""How a target says that a secret holds the value."""

SERVER_PORT, ONLINE_STORE_PORT, TRACKING_PORT = 8080, 6379, 5000
GANG_PORT = 29400
"""Where the first of several pods of a training listens. Later each talks to each, at ports that the system gives."""


def server_name(cluster: Cluster, model: str) -> str:
    """Of the Deployment (or Rollout), Service, HPA, PodDisruptionBudget of one model."""
    return cluster.name(model, "server")


def by_knative(model: ModelNode) -> bool:
    """Whether Knative runs its server, and not a Deployment or a Rollout of ours."""
    return model.serving.scaling.controller == "knative"


def knative_name(cluster: Cluster, model: str) -> str:
    """Of the Knative Service. Not the server's: Knative makes a Service of this name, and while one kind of server
    replaces the other neither may meet an object of the other."""
    return cluster.name(model, "knative")


def config_name(cluster: Cluster, section: str) -> str:
    """Of the ConfigMap that holds a section: another content is another name."""
    return cluster.name("config", section, section_hash(cluster.sections[section]))


def gang_name(cluster: Cluster, model: str) -> str:
    """Of the Service and the NetworkPolicy of pods that train a model together."""
    return cluster.name(model, "gang")


def gangs(cluster: Cluster) -> tuple[str, ...]:
    """The models that several pods train."""
    return tuple(model.name for model in cluster.system.models if model.training.hardware.nodes > 1)


def release_name(cluster: Cluster) -> str:
    """Of the ConfigMap that says which versions answer. Nobody declares it: the first release makes it."""
    return cluster.name("release")


def workspace_claim(cluster: Cluster) -> str:
    return cluster.name("workspace")


def online_store_name(cluster: Cluster) -> str:
    return cluster.name("online-store")


def tracking_name(cluster: Cluster) -> str:
    return cluster.name("tracking")


def in_bucket(cluster: Cluster) -> bool:
    return cluster.target.workspace is not None


def serve(cluster: Cluster, model: ModelNode) -> list[str]:
    listening = ("--host", "0.0.0.0", "--port", str(SERVER_PORT))
    grpc = ("--grpc-port", str(GRPC_PORT)) if model.serving.grpc else ()
    apart = ("--metrics-port", str(server_metrics_port(model))) if cluster.system.metrics_apart else ()
    delay = 0 if by_knative(model) else DRAIN_DELAY_SECONDS  # Knative tells a server to end when nobody asks any more
    return [*PYTHON, "serve", *common(cluster), *listening, *grpc, *apart, "--drain-delay", str(delay)]


def server_metrics_port(model: ModelNode) -> int:
    """Of metrics that are apart from predictions."""
    return METRICS_PORT_BESIDE_KNATIVE if by_knative(model) else METRICS_PORT


def monitor(cluster: Cluster) -> list[str]:
    return [*PYTHON, "monitor", *common(cluster), "--metrics-port", str(METRICS_PORT)]


def step(cluster: Cluster, name: str, run_id: str) -> list[str]:
    """`run_id` may be an expression of Argo's."""
    return [*PYTHON, "step", name, *common(cluster), "--run-id", run_id]


def common(cluster: Cluster) -> list[str]:
    return [*reads(cluster), "--release", f"configmap://{cluster.target.namespace}/{release_name(cluster)}"]


def reads(cluster: Cluster) -> list[str]:
    """Of a process without a token of the API server too, which has the release."""
    return ["--config", CONFIG, "--workspace", cluster.target.workspace or WORKSPACE]


def volumes(cluster: Cluster, section: str, mirror_bytes: int) -> list[Volume]:
    """Of a process that is told `section`. `mirror_bytes`: the most of a bucket that it has at hand."""
    return [told(config_name(cluster, section)), tmp(), storage(cluster, mirror_bytes)]


def told(config: str) -> Volume:
    """The ConfigMap of that name, where every command line looks for it."""
    return Volume("config", CONFIG_FOLDER, {"configMap": {"name": config}}, read_only=True)


def storage(cluster: Cluster, mirror_bytes: int) -> Volume:
    if in_bucket(cluster):
        return scratch("mirror", MIRRORED, mirror_bytes)
    return Volume("workspace", WORKSPACE, {"persistentVolumeClaim": {"claimName": workspace_claim(cluster)}})


def workspace_env(cluster: Cluster) -> list[Body]:
    """Where the workspace and the online store are, and what opens them."""
    return [*bucket_env(cluster), *online_store_env(cluster)]


def bucket_env(cluster: Cluster) -> list[Body]:
    if not in_bucket(cluster):
        return []
    found = [value(MIRROR, MIRRORED)]
    if cluster.target.bucket_endpoint is not None:
        found.append(value("AWS_ENDPOINT_URL_S3", cluster.target.bucket_endpoint))
    if cluster.target.bucket_secret is not None:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        found += [secret_value(name, cluster.target.bucket_secret, name) for name in names]
    return found


def online_store_env(cluster: Cluster) -> list[Body]:
    """Which table it is, the configuration says."""
    if in_table(cluster.target.online_store):
        return []
    own = f"redis://{online_store_name(cluster)}:{ONLINE_STORE_PORT}/0"
    return [setting(cluster, ONLINE_STORE, cluster.target.online_store or own)]


def tracking_env(cluster: Cluster) -> Body:
    own = f"http://{tracking_name(cluster)}:{TRACKING_PORT}"
    return setting(cluster, TRACKING_URI, cluster.target.tracking or own)


def alert_secrets_env(cluster: Cluster) -> list[Body]:
    return [secret_value(name, cluster.target.secrets.name, name) for name in cluster.system.alert_secrets]


def server_secrets(cluster: Cluster, model: str, mode: int = READABLE) -> list[Volume]:
    """As files, which follow the Secret when it changes: a variable would be what it was when the pod began."""
    names = cluster.sections[server_section(model)].secrets
    if not names:
        return []
    items = [{"key": name, "path": name} for name in names]
    source = {"secretName": cluster.target.secrets.name, "items": items, "defaultMode": mode}
    return [Volume("secrets", SECRETS, {"secret": source}, read_only=True)]


def server_env(cluster: Cluster, model: str) -> list[Body]:
    folder = [value(SECRET_FOLDER, SECRETS)] if server_secrets(cluster, model) else []
    return [*workspace_env(cluster), *folder]


def setting(cluster: Cluster, name: str, reference: str) -> Body:
    """`reference` is the value itself, or says which secret holds it."""
    if reference.startswith(SECRET):
        return secret_value(name, cluster.target.secrets.name, reference.removeprefix(SECRET))
    return value(name, reference)


def value(name: str, text: str) -> Body:
    return {"name": name, "value": text}


def secret_value(name: str, secret: str, key: str) -> Body:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
