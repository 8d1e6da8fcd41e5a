"""A real control plane on loopback with one simulated node: pods are scheduled and become Running without a container.

Pods are ready at once; those of Jobs and of Workflows end well at once. Ready in a few seconds, no rights needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from engines.authority import write_api_keys, write_kubeconfig
from engines.kubectl import Cluster, KubectlError, Object
from engines.processes import Processes, free_port, short_folder
from engines.recipes import folder, program

NODE = "node-0"
STAGES = Path(__file__).resolve().parents[2] / "stages"
CAPACITY = {"cpu": "64", "memory": "512Gi", "pods": "500"}


@contextmanager
def simulated_cluster(
    stages: Sequence[Path] = (), controller_flags: Mapping[str, str] | None = None, api_flags: Sequence[str] = ()
) -> Iterator[Cluster]:
    """Answers, with its node ready, when the block begins; nothing of it is left when the block ends.

    `stages` are files of more behaviours of simulated pods; `controller_flags` are the controller manager's, as
    `{"horizontal-pod-autoscaler-sync-period": "2s"}`.
    """
    with short_folder("mls-cluster-") as place, Processes(place / "log") as processes:
        cluster = Cluster(place / "kubeconfig")
        port = start_api(place, processes, api_flags)
        processes.wait_until(lambda: answers(cluster), "an API server that answers")
        start_controllers(place, processes, cluster.kubeconfig, controller_flags or {})
        start_simulation(place, processes, cluster.kubeconfig, stages)
        cluster.apply(node())
        processes.wait_until(lambda: cluster.has_ready_node(NODE), f"a ready node, API server at port {port}")
        yield cluster


def start_api(place: Path, processes: Processes, flags: Sequence[str]) -> int:
    """The port of the API server, which is started but need not answer yet."""
    port, etcd, peers = free_port(), free_port(), free_port()
    keys = place / "pki"
    authority = write_api_keys(keys, ("127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default.svc"))
    administrator = authority.sign("admin", groups=("system:masters",))
    write_kubeconfig(place / "kubeconfig", f"https://127.0.0.1:{port}", authority, administrator)
    etcd_address, peer_address = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peers}"
    processes.start(
        "etcd", program("kube", "etcd"), "--name=test", f"--data-dir={place / 'etcd'}", "--unsafe-no-fsync",
        f"--listen-client-urls={etcd_address}", f"--advertise-client-urls={etcd_address}",
        f"--listen-peer-urls={peer_address}", f"--initial-advertise-peer-urls={peer_address}",
        f"--initial-cluster=test={peer_address}", "--log-level=warn",
    )  # fmt: skip
    processes.start(
        "kube-apiserver", program("kube", "kube-apiserver"), f"--etcd-servers={etcd_address}",
        "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}",
        "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
        "--authorization-mode=Node,RBAC", *api_keys(keys), *flags,
    )  # fmt: skip
    return port


def api_keys(keys: Path) -> tuple[str, ...]:
    return (
        f"--tls-cert-file={keys / 'apiserver.crt'}", f"--tls-private-key-file={keys / 'apiserver.key'}",
        f"--client-ca-file={keys / 'ca.crt'}", f"--service-account-key-file={keys / 'sa.pub'}",
        f"--service-account-signing-key-file={keys / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--requestheader-client-ca-file={keys / 'front-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={keys / 'front.crt'}", f"--proxy-client-key-file={keys / 'front.key'}",
    )  # fmt: skip


def start_controllers(place: Path, processes: Processes, kubeconfig: Path, flags: Mapping[str, str]) -> None:
    common = (f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0")
    keys = place / "pki"
    processes.start(
        "kube-controller-manager", program("kube", "kube-controller-manager"), *common,
        "--use-service-account-credentials=true", f"--service-account-private-key-file={keys / 'sa.key'}",
        f"--root-ca-file={keys / 'ca.crt'}", f"--cluster-signing-cert-file={keys / 'ca.crt'}",
        f"--cluster-signing-key-file={keys / 'ca.key'}", *(f"--{name}={value}" for name, value in flags.items()),
    )  # fmt: skip
    processes.start("kube-scheduler", program("kube", "kube-scheduler"), *common)


def start_simulation(place: Path, processes: Processes, kubeconfig: Path, stages: Sequence[Path]) -> None:
    files = [*sorted((folder("kwok") / "manifests").glob("*/*.yaml")), *sorted(STAGES.glob("*.yaml")), *stages]
    config = place / "stages.yaml"
    config.write_text("\n---\n".join(path.read_text() for path in files))
    processes.start(
        "kwok", program("kwok", "kwok"), f"--kubeconfig={kubeconfig}", "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",  # else the node counts as lost after a minute, and its pods as not ready
        f"--config={config}", "--node-ip=127.0.0.1", "--cidr=10.98.0.0/16", environment={"HOME": str(place)},
    )  # fmt: skip


def answers(cluster: Cluster) -> bool:
    try:
        return cluster.kubectl("get", "--raw", "/readyz", seconds=10) == "ok"
    except KubectlError:
        return False


def node() -> Object:
    labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    metadata = {"name": NODE, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": metadata,
        "status": {"allocatable": CAPACITY, "capacity": CAPACITY},
    }  # fmt: skip
