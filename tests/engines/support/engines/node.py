"""One real Kubernetes node: API server, controllers, kubelet, containerd, runc, kube-proxy, cluster DNS.

It lives in mount, pid, network, UTS and IPC namespaces of its own, reaches nothing outside, and ends with the process
that started it. Root, and Linux with cgroup v1.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engines.authority import Authority, Pair, write_api_keys, write_kubeconfig
from engines.images import alone
from engines.kubectl import Cluster, Object
from engines.processes import LEASH, EngineError, Processes, abandoned, clean_environment, new_folder
from engines.recipes import folder
from engines.scratch_image import write_image

ADDRESS = "10.99.0.1"
NODE = "node-0"
SETTINGS = Path(__file__).resolve().parents[2] / "node"
RELAY = Path(__file__).with_name("relay.py")
CGROUPS = Path("/sys/fs/cgroup")
PREFIX = "mls-node-"
USERS = (
    ("admin", "admin", ("system:masters",)),
    ("controllers", "system:kube-controller-manager", ()),
    ("scheduler", "system:kube-scheduler", ()),
    ("proxy", "system:kube-proxy", ()),
    ("kubelet", f"system:node:{NODE}", ("system:nodes",)),
)


def impossible_here() -> str | None:
    """Why no real node can run on this machine; None when one can."""
    if os.geteuid() != 0:
        return "a real node needs root"
    if not (CGROUPS / "memory").is_dir():
        return "a real node needs cgroup v1"
    return None


@dataclass(frozen=True)
class RealNode:
    """`cluster` works from outside the node; pods and Services are reached from inside, or through `forward`."""

    cluster: Cluster
    place: Path
    pid: int
    processes: Processes
    relays: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def inside(self) -> tuple[str, ...]:
        """In front of a command: runs it inside the node, where names of Services do not resolve but addresses do."""
        return ("nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-u", "-i", "--")

    @property
    def environment(self) -> dict[str, str]:
        """For what runs inside: KUBECONFIG of the inside, and the engines' programs on PATH."""
        config = self.place / "pki" / "admin.kubeconfig"
        return clean_environment({"PATH": node_path(), "KUBECONFIG": str(config)})

    def run(self, *command: str | Path, seconds: float = 120) -> str:
        """Inside the node: standard output; EngineError with standard error."""
        finished = subprocess.run(
            [*self.inside, *map(str, command)], env=self.environment, capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        if finished.returncode:
            raise EngineError(f"{command[0]} ended with {finished.returncode}: {finished.stderr.strip()}")
        return finished.stdout

    def start(self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> None:
        """A program that stays: inside the node, as if it were a machine of its network, at 10.99.0.1."""
        self.processes.start(name, *self.inside, *command, environment={**self.environment, **(environment or {})})

    def load_image(self, archive: Path) -> None:
        """An OCI or docker archive. Use a fixed tag and imagePullPolicy IfNotPresent or Never: there is no registry."""
        self.run("ctr", "-n", "k8s.io", "images", "import", archive.resolve(), seconds=300)

    def load_program(self, name: str, program: Path, *more: Path, user: str = "65532:65532") -> None:
        """An image `name`, NAME:TAG, of a program, which is its entry point and lies at `/PROGRAM`, and `more`."""
        archive = self.place / "image.tar"
        write_image(archive, name, program, user, *more)
        self.load_image(archive)

    def forward(self, address: str, port: int, here: int = 0) -> int:
        """A port on this machine's loopback that leads to `address`:`port` inside: a pod, a Service, the node. `here`
        0: one that is free."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", here))
            listening.listen(128)
            here = listening.getsockname()[1]
            self.relays.append(start_relay(self.pid, listening, address, port))
        return here

    def pids(self, name: str) -> list[int]:
        """Numbers, as this machine counts, of the processes in pods whose program is called `name`."""
        everyone = [one for one in Path("/proc").iterdir() if one.name.isdigit()]
        return [int(one.name) for one in everyone if is_in_pod(one, name, self.place.name)]

    def claim_cpus(self, cpus: int) -> None:
        """Pods ask for what they would get in production, together more than this machine has: the scheduler is told
        of `cpus`. What a container may use at most, its cgroup still says."""
        self.cluster.apply(*more_cpus(cpus))
        report = json.dumps({"status": {"capacity": {"cpu": str(cpus)}}})

        def is_told() -> bool:
            self.cluster.kubectl("patch", "node", NODE, "--subresource=status", "-p", report)
            return str(self.cluster.get("node", NODE)["status"]["allocatable"]["cpu"]) == str(cpus)

        self.cluster.eventually(is_told, f"a node of {cpus} CPUs")

    def start_metrics(self) -> None:
        """metrics-server, so that HPAs see CPU: about 20 s until the first numbers."""
        keys, place = self.place / "pki", self.place / "metrics"
        config = keys / "admin.kubeconfig"
        self.start(
            "metrics-server", "metrics-server", f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}", f"--bind-address={ADDRESS}", "--secure-port=4443",
            f"--cert-dir={place}", "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={keys / 'ca.crt'}", "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        )  # fmt: skip
        self.cluster.apply(*outside_service("metrics-server", 443, 4443), metrics_api())


@contextmanager
def real_node(images: Path | None = None) -> Iterator[RealNode]:
    """Ready for pods when the block begins; about ten seconds. Several can run at a time.

    `images` is a folder where what is loaded or pulled is kept for the next node; another node waits until it is free.
    """
    with alone(images) if images else contextlib.nullcontext():
        yield from started(images)


def started(images: Path | None) -> Iterator[RealNode]:
    for left in abandoned(PREFIX):
        remove(left)
    place = new_folder(PREFIX)
    authority = write_identities(place / "pki")
    outer = start_outer(place, images or place / "images")
    relays: list[subprocess.Popen[bytes]] = []
    try:
        pid = inner_pid(outer)
        with Processes(place / "log") as processes:
            node = RealNode(Cluster(place / "kubeconfig"), place, pid, processes, relays)
            wait_for_network(node)
            port = node.forward(ADDRESS, 6443)
            administrator = read_pair(place / "pki", "admin")
            write_kubeconfig(place / "kubeconfig", f"https://127.0.0.1:{port}", authority, administrator)
            wait_for_node(node, outer)
            yield node
    finally:
        for relay in relays:
            relay.kill()
            relay.wait()
        outer.kill()  # and with it everything inside
        outer.wait()
        remove(place)


def start_outer(place: Path, images: Path) -> subprocess.Popen[bytes]:
    unshare = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--net", "--uts", "--ipc", "--kill-child")
    engines = (folder("kube"), folder("node"), folder("dns"))
    arguments = map(str, (SETTINGS / "init", SETTINGS, place, place.name, images, *engines))
    with (place / "init.log").open("wb") as log:
        return subprocess.Popen(
            [*LEASH, *unshare, "bash", *arguments],
            env=clean_environment({"PATH": node_path()}), stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def start_relay(pid: int, listening: socket.socket, address: str, port: int) -> subprocess.Popen[bytes]:
    command = [*LEASH, "nsenter", "-t", str(pid), "-n", "--", sys.executable, str(RELAY)]
    return subprocess.Popen(
        [*command, str(listening.fileno()), address, str(port)], pass_fds=[listening.fileno()],
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def inner_pid(outer: subprocess.Popen[bytes]) -> int:
    """The node's first process, as this machine counts."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    for _ in range(200):
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.02)
    raise EngineError("the node's namespaces were not made")


def wait_for_network(node: RealNode) -> None:
    """Before it, a process of the node may still be on the machine's own network."""
    for _ in range(250):
        with contextlib.suppress(EngineError):
            if ADDRESS in node.run("ip", "-o", "addr"):
                return
        time.sleep(0.02)
    raise EngineError(f"the node has no network:\n{(node.place / 'init.log').read_text()}")


def wait_for_node(node: RealNode, outer: subprocess.Popen[bytes], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not node.cluster.has_ready_node(NODE):
        if outer.poll() is not None or time.monotonic() > deadline:
            raise EngineError(f"the node did not become ready:\n{last_words(node.place)}")
        time.sleep(0.1)


def last_words(place: Path) -> str:
    logs = [place / "init.log", *sorted((place / "log").glob("*.log"))]
    return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-4:]) for log in logs)


def is_in_pod(process: Path, name: str, cgroup: str) -> bool:
    with contextlib.suppress(OSError):
        return (process / "comm").read_text().strip() == name and cgroup in (process / "cgroup").read_text()
    return False  # it has ended meanwhile


def write_identities(keys: Path) -> Authority:
    names = ("localhost", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    authority = write_api_keys(keys, ("127.0.0.1", ADDRESS, "10.96.0.1", *names))
    authority.sign("kube-apiserver-kubelet-client", ("system:masters",)).write(keys, "kubelet-client")
    for name, user, groups in USERS:
        pair = authority.sign(user, groups, hosts=(ADDRESS, NODE) if name == "kubelet" else ())
        pair.write(keys, name)
        write_kubeconfig(keys / f"{name}.kubeconfig", f"https://{ADDRESS}:6443", authority, pair)
    return authority


def read_pair(keys: Path, name: str) -> Pair:
    return Pair((keys / f"{name}.crt").read_bytes(), (keys / f"{name}.key").read_bytes())


def node_path() -> str:
    programs = [str(folder(name) / "bin") for name in ("kube", "node", "dns")]
    return ":".join([*programs, os.environ.get("PATH", os.defpath), "/usr/sbin:/sbin:/usr/lib/cni"])


def remove(place: Path) -> None:
    """The folder and the cgroups of a node that has ended; the folder stays, for the next try, when a cgroup does."""
    for _ in range(100):
        if all(remove_cgroup(one) for one in CGROUPS.glob(f"*/{place.name}")):
            shutil.rmtree(place, ignore_errors=True)
            return
        time.sleep(0.1)  # the last processes are still on their way out


def remove_cgroup(top: Path) -> bool:
    for one in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            one.rmdir()
    with contextlib.suppress(OSError):
        top.rmdir()
    return not top.exists()


def outside_service(name: str, port: int, target: int) -> tuple[Object, Object]:
    """A Service in kube-system for what runs on the node itself, not in a pod."""
    ports = [{"name": "https", "port": port, "targetPort": target}]
    metadata = {"name": name, "namespace": "kube-system"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}
    labels = {"kubernetes.io/service-name": name}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": f"{name}-1", "namespace": "kube-system", "labels": labels},
        "ports": [{"name": "https", "port": target, "protocol": "TCP"}],
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
    }  # fmt: skip
    return service, slice_


def more_cpus(cpus: int) -> tuple[Object, Object]:
    """Whenever the kubelet reports its node, the API server writes down `cpus` instead."""
    api, name = "admissionregistration.k8s.io/v1", "more-cpus"
    places = (f"/status/{one}/cpu" for one in ("capacity", "allocatable"))
    patches = ", ".join(f'JSONPatch{{op: "replace", path: "{place}", value: "{cpus}"}}' for place in places)
    reports = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes/status"]}
    policy = {
        "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [reports]}, "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{patches}]"}}],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name},
    }  # fmt: skip
    return policy, binding


def metrics_api() -> Object:
    return {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "service": {"name": "metrics-server", "namespace": "kube-system"}, "group": "metrics.k8s.io",
            "version": "v1beta1", "insecureSkipTLSVerify": True, "groupPriorityMinimum": 100, "versionPriority": 100,
        },
    }  # fmt: skip
