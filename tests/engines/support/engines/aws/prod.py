"""An environment in an account, as `mlsystem` finds it: a spec, Pulumi with both providers, a registry that has every
image, and a cluster that the account leads to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from engines import kubernetes_provider, provider_protocol
from engines.aws import making, provider
from engines.aws.account import REGION, account, install_tool
from engines.controllers import install_definitions
from engines.definitions import definition
from engines.kubectl import Cluster
from engines.recipes import is_built
from engines.releases import established
from engines.stacks import PulumiPlace
from engines.staging import KINDS, SEATTLE, SYSTEM, Done, platform_secret, registry_of_everything

ROOT = Path(__file__).resolve().parents[4]
SUPPORT = (ROOT / "engines" / "support", ROOT / "support")
BY_HAND, COMMANDS = "engines.aws.commands", "mlsystem.cli.main"


@dataclass(frozen=True)
class Prod:
    """`folder` holds the spec; `account` is the environment in which boto3 finds the account; `module` is what is run:
    the commands of `mlsystem`, or the same for stacks by hand."""

    module: str
    folder: Path
    cluster: Cluster
    place: PulumiPlace
    account: Mapping[str, str]

    def environ(self, delay: float = 0, killed_at: str = "") -> dict[str, str]:
        """Without a kubeconfig: the way to the cluster is by the account. `killed_at` is a kind whose making the engine
        does not outlive."""
        settings = {name: value for name, value in self.place.settings.items() if name != "PULUMI_BACKEND_URL"}
        path = f"{settings['PATH']}:{self.cluster.environment['PATH']}"
        base = {name: value for name, value in self.cluster.environment.items() if name != "KUBECONFIG"}
        mine = {"PATH": path, "PYTHONPATH": ":".join(map(str, SUPPORT)), provider_protocol.DELAY: str(delay),
                making.KILLED_AT: killed_at}  # fmt: skip
        return {**base, **settings, **self.account, **mine}

    def run(self, *arguments: str, killed_at: str = "") -> Done:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environ(killed_at=killed_at), capture_output=True,
            text=True, timeout=400, check=False,
        )  # fmt: skip

    def start(self, *arguments: str, delay: float) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env=self.environ(delay), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", self.module, *arguments]

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
        given = {name: self.account[variable] for name, variable in keys.items()}
        return boto3.client(service, region_name=REGION, endpoint_url=self.account["AWS_ENDPOINT_URL"], **given)

    def held(self, stack: str) -> dict[str, str]:
        """What the engine's state has, by name, with the id of each."""
        mine = [one for one in self._state(stack).get("resources") or [] if one["type"].startswith("aws:")]
        return {one["urn"].rpartition("::")[2]: one["id"] for one in mine}

    def being_made(self, stack: str) -> set[str]:
        """The kinds of what the engine had begun to make when it last wrote its state down."""
        return {one["resource"]["type"] for one in self._state(stack).get("pending_operations") or []}

    def _state(self, stack: str) -> dict[str, Any]:
        path = self.folder / ".mlsystem" / "prod" / "pulumi" / ".pulumi" / "stacks" / f"{SYSTEM}-{stack}" / "prod.json"
        found: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"] if path.exists() else {}
        return found


@contextmanager
def new_prod(
    folder: Path, module: str, environment: Mapping[str, Any], cluster: Cluster, place: PulumiPlace, namespace: str
) -> Iterator[Prod]:
    """`environment` is what the spec says of `prod`, but for its registry."""
    kubernetes_provider.install(place)
    provider.install(place)
    install_tool(place, cluster)
    place.add_program("buildah", "#!/bin/sh\necho 'the registry has all' >&2; exit 1\n")
    install_argo(cluster)
    cluster.namespace(namespace)
    cluster.apply(platform_secret(namespace))
    (folder / "spec").mkdir(parents=True)
    with account(folder / "account", cluster) as found, registry_of_everything() as registry:
        write(folder / "spec", {**environment, "registry": registry, "namespace": {"name": namespace}})
        yield Prod(module, folder / "spec", cluster, place, found)


def install_argo(cluster: Cluster) -> None:
    if is_built("argo"):  # the cluster is shared: what stands in for a definition would keep the real one out
        install_definitions(cluster, "argo")
        return
    cluster.apply(*(definition(kind, plural) for kind, plural in KINDS.items()))
    for plural in KINDS.values():  # `kubectl wait` fails where there are no conditions yet
        cluster.wait_for("crd", f"{plural}.argoproj.io", established)


def write(folder: Path, environment: Mapping[str, Any]) -> None:
    written = yaml.safe_load(SEATTLE.read_text())
    written["environments"] = {"prod": dict(environment)}
    written["sources"]["weather"]["uri"] = "s3://weather/weather.csv"
    (folder / "mlsystem.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
