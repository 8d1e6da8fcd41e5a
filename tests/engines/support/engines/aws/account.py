"""`python -m engines.aws.account`: an account on a loopback port, which it prints; its clusters answer with the address
and the certificate of a simulated one.

The parent starts it through `account`, and finds it through the variables of the environment that `account` gives.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml

from engines.aws.cluster import POD_IDENTITY
from engines.aws.provider import ACCOUNT, account_of
from engines.kubectl import Cluster
from engines.stacks import PulumiPlace

HOST = "127.0.0.1"
REGION = "eu-central-1"
NUMBER = "123456789012"
ASSOCIATIONS = re.compile(r"/clusters/([^/]+)/pod-identity-associations")
ENDPOINT, AUTHORITY = "MLSYSTEM_TEST_CLUSTER_ENDPOINT", "MLSYSTEM_TEST_CLUSTER_AUTHORITY"


@contextlib.contextmanager
def account(folder: Path, cluster: Cluster) -> Iterator[Mapping[str, str]]:
    """With the clusters of `account_server` at a simulated one."""
    known = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    with account_server(folder, known["server"], known["certificate-authority-data"]) as environment:
        yield environment


@contextlib.contextmanager
def account_server(folder: Path, endpoint: str, authority: str) -> Iterator[Mapping[str, str]]:
    """A process of its own; what there is to be set in the environment of whoever uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    support = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ, "PYTHONPATH": support, ENDPOINT: endpoint, AUTHORITY: authority, ACCOUNT: str(folder),
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    }  # fmt: skip
    command = [sys.executable, "-m", "engines.aws.account"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as server:
        assert server.stdout is not None
        try:
            yield {**credentials(int(server.stdout.readline())), ACCOUNT: str(folder)}
        finally:
            server.kill()


def credentials(port: int) -> dict[str, str]:
    """The environment in which boto3 finds the account, and nothing else."""
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}", "AWS_ACCESS_KEY_ID": "AKIATESTSONLY",
        "AWS_SECRET_ACCESS_KEY": "tests-only-secret", "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


def install_tool(place: PulumiPlace, cluster: Cluster) -> Path:
    """`aws`, as far as a kubeconfig asks it: who logs in is the administrator of the simulated cluster."""
    user = yaml.safe_load(cluster.kubeconfig.read_text())["users"][0]["user"]
    pem = {
        key: base64.b64decode(user[f"{kubeconfig}-data"]).decode()
        for key, kubeconfig in (("clientCertificateData", "client-certificate"), ("clientKeyData", "client-key"))
    }
    said = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": pem}
    answer = place.add_program("aws-token.json", json.dumps(said))
    return place.add_program(
        "aws",
        f'#!/bin/sh\n[ "$1 $2" = "eks get-token" ] || {{ echo "there is no aws $*" >&2; exit 2; }}\ncat {answer}\n',
    )


def pod_identities(question: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """What moto does not know: the pod identities of a cluster, as the question narrows them. None where it is another
    question."""
    asked = ASSOCIATIONS.fullmatch(question["PATH_INFO"])
    if asked is None or question["REQUEST_METHOD"] != "GET":
        return None
    wanted = {"clusterName": asked[1], **{name: one[0] for name, one in parse_qs(question["QUERY_STRING"]).items()}}
    stored = account_of({}).stored
    found = json.loads(stored.read_text()).get(POD_IDENTITY, {}) if stored.exists() else {}
    names = ("clusterName", "namespace", "serviceAccount")
    listed = [{"associationId": key, **{name: one[name] for name in names}} for key, one in found.items()]
    return [one for one in listed if wanted.items() <= one.items()]


def main() -> None:
    import moto.server as moto
    from moto.eks.models import EKSBackend
    from werkzeug.serving import make_server

    made = EKSBackend.create_cluster

    def create_cluster(self: Any, *arguments: Any, **named: Any) -> Any:
        one: Any = made(self, *arguments, **named)
        one.endpoint, one.certificate_authority = os.environ[ENDPOINT], {"data": os.environ[AUTHORITY]}
        return one

    EKSBackend.create_cluster = create_cluster  # type: ignore[method-assign]
    module: Any = moto
    application, turn = module.DomainDispatcherApplication(module.create_backend_app), threading.Lock()

    def one_at_a_time(environment: dict[str, Any], start: Any) -> Iterable[bytes]:
        found = pod_identities(environment)
        if found is not None:
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"associations": found}).encode()]
        with turn:
            answer: Iterable[bytes] = application(environment, start)
            return answer

    server = make_server(HOST, 0, one_at_a_time, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
