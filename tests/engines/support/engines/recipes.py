"""What each engine is built from, and where a built one lies.

A built engine is a folder of its own below the cache, named by the hash of its recipe: a changed recipe is another
folder, so nothing that is out of date is ever found. `bin` holds its programs, `manifests` what was copied from
modules.
Only the standard library is imported here: `make engines` needs no environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "recipes"
KUBERNETES = "v1.36.3"
PULUMI = "3.259.0"


@dataclass(frozen=True)
class Program:
    """`package` is resolved by the module in the recipe's folder; each of `links` is another name for the program."""

    name: str
    package: str
    stamps: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifests:
    """A folder of a Go module, copied to `manifests/NAME` of the built engine."""

    name: str
    module: str
    folder: str


@dataclass(frozen=True)
class Link:
    """A symbolic link of a module's repository, which its published form has lost: a module holds plain files only."""

    module: str
    path: str
    target: str


@dataclass(frozen=True)
class Recipe:
    """`needs` are programs or folders of the machine and the Debian package that has each; `unpacked` are Debian
    packages that are laid into the engine's folder without being installed, their programs in `bin` too."""

    name: str
    title: str
    programs: tuple[Program, ...] = ()
    manifests: tuple[Manifests, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    unpacked: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def kubernetes_version() -> tuple[tuple[str, str], ...]:
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    stamp = "k8s.io/component-base/version.git"
    return ((f"{stamp}Version", KUBERNETES), (f"{stamp}Major", major), (f"{stamp}Minor", minor))


PARTS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet", "kube-proxy",
    "metrics-server",
)  # fmt: skip
PULUMI_VERSION = (("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", f"v{PULUMI}"),)
WORKFLOWS = "github.com/argoproj/argo-workflows/v3"
ROLLOUTS = "github.com/argoproj/argo-rollouts"
KEDA = "github.com/kedacore/keda/v2"
ACTIONLINT = "github.com/rhysd/actionlint"
KWOK = "sigs.k8s.io/kwok"

RECIPES: tuple[Recipe, ...] = (
    Recipe("kube", f"Kubernetes {KUBERNETES} in one program", (Program("kube", ".", kubernetes_version(), PARTS),)),
    Recipe(
        "kwok", "simulated nodes and pods", (Program("kwok", f"{KWOK}/cmd/kwok"),),
        (
            Manifests("node", KWOK, "kustomize/stage/node/fast"),
            Manifests("heartbeat", KWOK, "kustomize/stage/node/heartbeat-with-lease"),
            Manifests("pod", KWOK, "kustomize/stage/pod/fast"),
        ),
    ),
    Recipe(
        "node", "what a real node runs containers with", (Program("pause", "./pause"), Program("hello", "./hello")),
        needs=(
            ("runc", "runc"), ("nft", "nftables"), ("conntrack", "conntrack"), ("iptables", "iptables"),
            ("/usr/lib/cni/ptp", "containernetworking-plugins"),
        ),
        unpacked=("containerd",),
    ),
    Recipe("dns", "CoreDNS for the real node", (Program("coredns", "github.com/coredns/coredns"),)),
    Recipe(
        "pulumi", f"the Pulumi CLI {PULUMI}",
        (Program("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", PULUMI_VERSION),),
    ),
    Recipe(
        "argo", "Argo Workflows: controller, executor, linter",
        (
            Program("workflow-controller", f"{WORKFLOWS}/cmd/workflow-controller"),
            Program("argoexec", f"{WORKFLOWS}/cmd/argoexec"),
            Program("argolint", "./argolint"),
        ),
        (Manifests("crds", WORKFLOWS, "manifests/base/crds/full"),),
        links=(Link(WORKFLOWS, "workflow/executor/osspecific/signal_linux.go", "signal_darwin.go"),),
    ),
    Recipe(
        "rollouts", "Argo Rollouts: controller, linter",
        (
            Program("rollouts-controller", f"{ROLLOUTS}/cmd/rollouts-controller"),
            Program("kubectl-argo-rollouts", f"{ROLLOUTS}/cmd/kubectl-argo-rollouts"),
        ),
        (Manifests("crds", ROLLOUTS, "manifests/crds"),),
    ),
    Recipe(
        "keda", "KEDA: operator, metrics adapter",
        (Program("keda-operator", f"{KEDA}/cmd/operator"), Program("keda-adapter", f"{KEDA}/cmd/adapter")),
        (Manifests("crds", KEDA, "config/crd/bases"),),
    ),
    Recipe("knative", "what Knative 0.42 makes of its Services", (Program("knative-made", "./made"),)),
    Recipe(
        "knative-definitions", "the definitions of Knative 0.51, whose code the proxy has without its dependencies",
        manifests=(Manifests("crds", "knative.dev/serving", "config/core/300-resources"),),
    ),
    Recipe("tools", "actionlint, which reads workflows", (Program("actionlint", f"{ACTIONLINT}/cmd/actionlint"),)),
    Recipe("prometheus", "Prometheus and promtool, as Debian packages them", unpacked=("prometheus",)),
    Recipe("redis", "Redis, as Debian packages it", needs=(("redis-server", "redis-server"),)),
    Recipe(
        "postgres", "PostgreSQL, as Debian packages it",
        needs=(("/usr/lib/postgresql/15/bin/initdb", "postgresql-15"),),
    ),
    Recipe("registry", "a registry of images, as Debian packages it", needs=(("docker-registry", "docker-registry"),)),
    Recipe(
        "images", "what images and their bases are built with",
        needs=(("buildah", "buildah"), ("debootstrap", "debootstrap")),
    ),
)  # fmt: skip


def recipe(name: str) -> Recipe:
    return next(one for one in RECIPES if one.name == name)


def cache_folder() -> Path:
    """`$MLSYSTEM_ENGINES`, else below `$XDG_CACHE_HOME`, else below `~/.cache`."""
    if chosen := os.environ.get("MLSYSTEM_ENGINES"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlsystem" / "engines"


@cache
def folder(name: str) -> Path:
    """Where engine `name` is, or would be when built from the recipe as it stands."""
    digest = hashlib.sha256(repr(stated(recipe(name))).encode())
    for path in sorted(path for path in (SOURCES / name).rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(SOURCES)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return cache_folder() / f"{name}-{digest.hexdigest()[:12]}"


def stated(one: Recipe) -> dict[str, object]:
    """What the recipe says; a property that recipes gain later changes none of those that do not use it."""
    return {key: value for key, value in asdict(one).items() if value and key != "title"}


def is_built(name: str) -> bool:
    return folder(name).is_dir() and not missing(recipe(name))


def missing(one: Recipe) -> list[str]:
    """The Debian packages that it needs and this machine lacks; a cache outlives a machine."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [package for name, package in one.needs if shutil.which(name, path=path) is None]


def program(engine: str, name: str) -> Path:
    return folder(engine) / "bin" / name
