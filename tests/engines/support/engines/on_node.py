"""The flights example on a real node, as `mlsystem` finds it: a bucket, a registry, volumes, Argo, and the images of
stores are where the platform team has put them. Everything is in the node's own network; `mlsystem` runs outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import object_store
from environments import Done, Project, command
from object_store import REGION, credentials
from small_examples import started

from engines import kubernetes_provider, open_loop
from engines.controllers import argo_controller
from engines.images import BASE, cached_storage
from engines.kubectl import Object
from engines.node import ADDRESS, RealNode, real_node
from engines.postgres_image import write_postgres_image
from engines.recipes import cache_folder, program
from engines.stacks import PulumiPlace, new_pulumi_place

SYSTEM, NAMESPACE, ENVIRONMENT, BUCKET = "flight-delay", "flights", "staging", "flight-delay"
SERVER = f"{SYSTEM}-main-server"
WORKSPACE = f"s3://{BUCKET}/staging"
REGISTRY_PORT, BUCKET_PORT = 5077, 9000
REGISTRY = f"127.0.0.1:{REGISTRY_PORT}"
"""The same for `apply`, outside, and for the node's containerd, inside; always the same, for images are kept."""
REDIS, POSTGRES, EXECUTOR = "registry.local/redis:1", "registry.local/postgres:1", "registry.local/argoexec:1"
CPUS = 16
STAGING = f"""  staging:
    target: kubernetes
    namespace: {{name: {NAMESPACE}}}
    registry: {REGISTRY}/ml
    clock: data
    workspace: {WORKSPACE}
    bucket: {{endpoint: "http://{ADDRESS}:{BUCKET_PORT}", secret: bucket}}
    images: {{base: "{BASE}", redis: "{REDIS}", postgres: "{POSTGRES}"}}
    platform: {{kubernetes: "1.36", argo_workflows: true}}
    override:
      sources:
        flights: {{uri: s3://{BUCKET}/data/flights.parquet}}
        weather: {{uri: s3://{BUCKET}/data/weather.csv}}
      serving:
        hardware: {{cpu: 1, memory: 2Gi}}
        scaling: {{min_replicas: 2, max_replicas: 4}}
"""


@dataclass(frozen=True)
class OnNode:
    """`project` holds the spec, with `dev` for this machine and `staging` for the node; `store` is how the bucket is
    reached from outside."""

    node: RealNode
    project: Project
    pulumi: PulumiPlace
    store: Mapping[str, str]

    def environ(self) -> dict[str, str]:
        """What a user has set: the cluster's configuration, the bucket's credentials, what reaches the index of
        packages when libraries have to be installed."""
        settings = {name: value for name, value in self.pulumi.settings.items() if name != "PULUMI_BACKEND_URL"}
        path = f"{settings['PATH']}:{self.node.cluster.environment['PATH']}"
        return {
            **cached_storage().environ, **settings, **self.store, "PATH": path, "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost", "KUBECONFIG": str(self.node.cluster.kubeconfig),
            "MLSYSTEM_MIRROR": str(self.project.folder / "mirror"),
        }  # fmt: skip

    def run(self, *arguments: str, seconds: float = 900) -> Done:
        return subprocess.run(
            command(*arguments, "-e", ENVIRONMENT), cwd=self.project.folder, env=self.environ(), capture_output=True,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.ok("status", "--format", "json"))

    def workspace_files(self, prefix: str) -> list[str]:
        found = bucket_client(self.store).list_objects_v2(Bucket=BUCKET, Prefix=f"staging/{prefix}")
        return [one["Key"] for one in found.get("Contents", ())]

    @property
    def address(self) -> str:
        """Of the model's Service, inside the node."""
        return str(self.node.cluster.get("service", SERVER, NAMESPACE)["spec"]["clusterIP"])

    def servers(self) -> list[Object]:
        """Their pods; those that are on their way out are not among them."""
        labels = {"app.kubernetes.io/component": "server"}
        pods = self.node.cluster.find("pods", NAMESPACE, labels)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def servers_ready(self) -> list[Object]:
        return [pod for pod in self.servers() if is_ready(pod)]

    def ask(self, address: str, port: int, body: object) -> Any:
        """Of a Service, or of one pod."""
        url = f"http://{address}:{port}/predict"
        return json.loads(self.node.run("curl", "-sS", "--fail-with-body", "-m", "10", "--json", json.dumps(body), url))

    def under_load(self, rate: float, requests: Path) -> subprocess.Popen[str]:
        """Requests of a file to the Service, at a steady rate, whatever becomes of them, until its input closes."""
        arguments = [sys.executable, open_loop.__file__, self.address, "80", "/predict", str(rate), str(requests)]
        return subprocess.Popen(
            [*self.node.inside, *arguments], env=self.node.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip


@contextmanager
def flights_on_node(folder: Path) -> Iterator[OnNode]:
    """Nothing is applied yet. `folder` does not exist."""
    folder.mkdir()
    with real_node(cache_folder() / "node-images") as node:
        node.claim_cpus(CPUS)
        node.load_program(REDIS, Path("/usr/bin/redis-server"), Path("/usr/bin/redis-cli"), user="999:999")
        node.load_program(EXECUTOR, program("argo", "argoexec"))
        write_postgres_image(node.place / "postgres.tar", POSTGRES)
        node.load_image(node.place / "postgres.tar")
        start_registry(node, cache_folder() / "node-registry")
        store = start_bucket(node)
        project = started("flights", folder / "flights")
        write_staging(project)
        upload(project, store)
        node.cluster.namespace(NAMESPACE)
        node.cluster.apply(*secrets(store), *(volume(node.place, name) for name in ("one", "two")))
        place = new_pulumi_place(folder / "pulumi")
        kubernetes_provider.install(place)
        with argo_controller(node.cluster, EXECUTOR):
            yield OnNode(node, project, place, store)


def is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def write_staging(project: Project) -> None:
    """Two CPUs that are told to be sixteen keep no promise of 50 ms; who is refused for that is not lost."""
    text = project.spec.read_text().replace("latency: {p95: 50ms}", "latency: {p95: 2s}")
    project.spec.write_text(text[: text.index("  staging:\n")] + STAGING)
    (project.folder / "capacity.lock.json").unlink()  # of the cluster that the example describes


def start_registry(node: RealNode, kept: Path) -> None:
    """Inside the node, where containerd pulls from it; `apply` pushes from outside."""
    kept.mkdir(parents=True, exist_ok=True)
    settings = {
        "version": "0.1", "log": {"level": "warn"}, "storage": {"filesystem": {"rootdirectory": str(kept)}},
        "http": {"addr": REGISTRY},
    }  # fmt: skip
    config = node.place / "registry.json"
    config.write_text(json.dumps(settings))
    node.start("registry", "docker-registry", "serve", config)
    node.forward("127.0.0.1", REGISTRY_PORT, here=REGISTRY_PORT)


def start_bucket(node: RealNode) -> Mapping[str, str]:
    """Moto's S3. Returns how it is reached from outside."""
    node.start("bucket", sys.executable, object_store.__file__, ADDRESS, str(BUCKET_PORT))
    return credentials(node.forward(ADDRESS, BUCKET_PORT))


def bucket_client(store: Mapping[str, str]) -> Any:
    return boto3.client(
        "s3", endpoint_url=store["AWS_ENDPOINT_URL_S3"], region_name=REGION,
        aws_access_key_id=store["AWS_ACCESS_KEY_ID"], aws_secret_access_key=store["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def upload(project: Project, store: Mapping[str, str]) -> None:
    client = bucket_client(store)
    wait_for(lambda: client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}))
    for name in ("flights.parquet", "weather.csv"):
        client.upload_file(str(project.folder / "data" / name), BUCKET, f"data/{name}")


def wait_for(done: Any, seconds: float = 60) -> None:
    """Tried again until it raises nothing."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            done()
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def secrets(store: Mapping[str, str]) -> Iterator[Object]:
    keys = {name: store[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    for name, content in (("bucket", keys), (f"{SYSTEM}-secrets", {"TRACKING_DATABASE_PASSWORD": "not a secret"})):
        metadata = {"name": name, "namespace": NAMESPACE}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content}


def volume(place: Path, name: str) -> Object:
    """For one of the stores: nothing provides volumes here."""
    folder = place / f"volume-{name}"
    folder.mkdir()
    folder.chmod(0o777)
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(folder)},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }  # fmt: skip
