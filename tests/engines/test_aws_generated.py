"""The stacks that `target: aws` compiles to, carried out by `mlsystem` itself with Pulumi's real engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest
from engines.aws.prod import COMMANDS, Prod, new_prod
from engines.kubectl import Cluster
from engines.recipes import is_built
from engines.stacks import new_pulumi_place
from engines.staging import SYSTEM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pulumi_aws") is None, reason="pulumi-aws is not installed"),
]
NAMESPACE = "generated"
ENVIRONMENT = {"target": "aws", "region": "eu-central-1", "account": "123456789012"}


@pytest.fixture(scope="module")
def prod(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    if not is_built("pulumi"):
        pytest.skip("engine 'pulumi' is not built: make engines")
    place = new_pulumi_place(tmp_path_factory.mktemp("pulumi"))
    with new_prod(tmp_path_factory.mktemp("prod"), COMMANDS, ENVIRONMENT, cluster, place, NAMESPACE) as one:
        yield one


def test_what_target_aws_compiles_to_goes_up_shows_no_change_and_comes_down(prod: Prod) -> None:
    applied = prod.run("apply", "-e", "prod", "--yes")
    planned = prod.run("plan", "-e", "prod", "--detailed-exitcode")
    destroyed = prod.run("destroy", "-e", "prod", "--yes")

    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert planned.stdout.startswith("Nothing to do")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert not prod.cluster.find("deployments", NAMESPACE, {"mlsystem.dev/system": SYSTEM})
    assert "stays, with its data" in destroyed.stdout
