"""`mlsystem plan`, `apply` and `destroy` with Pulumi's real engine and a real API server.

Every test finds what was applied and leaves it so; the provider is a stand-in of the tests' own.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator

import pytest
from engines.kubectl import Cluster
from engines.recipes import is_built
from engines.stacks import new_pulumi_place
from engines.staging import SYSTEM, Done, Staging, engine_of, kill, lock_of_somebody, new_staging

SERVER = f"{SYSTEM}-main-server"
DELAY = 0.4


@pytest.fixture(scope="module")
def staging(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """Applied once."""
    if not is_built("pulumi"):
        pytest.skip("engine 'pulumi' is not built: make engines")
    place = new_pulumi_place(tmp_path_factory.mktemp("pulumi"))
    with new_staging(tmp_path_factory.mktemp("spec") / "weather", "weather", cluster, place) as one:
        succeeded(one.run("apply", "-e", "staging", "--yes"))
        yield one


def succeeded(done: Done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_applied(staging: Staging) -> None:
    done = staging.run("plan", "-e", "staging", "--detailed-exitcode")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_plan_right_after_an_apply_has_nothing_to_do(staging: Staging) -> None:
    said = succeeded(staging.run("plan", "-e", "staging", "--detailed-exitcode"))

    assert said.startswith("Nothing to do")
    assert "In the cluster: 0 objects of" in said


def test_the_run_was_submitted_from_the_template_and_labelled(staging: Staging) -> None:
    runs = staging.cluster.find("workflows", staging.namespace, {"mlsystem.dev/environment": "staging"})

    assert [one["spec"]["workflowTemplateRef"]["name"] for one in runs] == [f"{SYSTEM}-pipeline"]


def test_one_line_changes_one_object(staging: Staging) -> None:
    staging.write(scaling={"max_replicas": 7})

    planned = succeeded(staging.run("plan", "-e", "staging"))
    succeeded(staging.run("apply", "-e", "staging", "--yes"))

    assert "In the cluster: 1 object of" in planned
    assert f"~ HorizontalPodAutoscaler {SERVER}: update" in planned
    assert "spec.maxReplicas:" in planned
    assert scaler(staging) == 7
    assert_applied(staging)


def scaler(staging: Staging) -> int:
    found: int = staging.cluster.get("hpa", SERVER, staging.namespace)["spec"]["maxReplicas"]
    return found


def test_what_somebody_changed_outside_is_shown_when_asked_and_taken_back(staging: Staging) -> None:
    label = ("label", "service", SERVER, "-n", staging.namespace, "--overwrite")
    staging.cluster.kubectl(*label, "app.kubernetes.io/part-of=other", "--field-manager=pulumi-stand-in")

    plain = succeeded(staging.run("plan", "-e", "staging"))
    looked = succeeded(staging.run("plan", "-e", "staging", "--refresh"))
    staging.cluster.kubectl(*label, f"app.kubernetes.io/part-of={SYSTEM}", "--field-manager=pulumi-stand-in")

    assert plain.startswith("Nothing to do")
    assert "Changed in the cluster since the last apply, by somebody else: 1 object." in looked
    assert f"~ Service {SERVER}: update" in looked


def test_the_lock_of_somebody_else_is_respected_and_named(staging: Staging) -> None:
    lock = lock_of_somebody(staging)
    staging.write(scaling={"max_replicas": 8})

    refused = staging.run("apply", "-e", "staging", "--yes")

    assert refused.returncode == 1
    assert "is being changed by ada@elsewhere, pid 4711, since 2026-01-02T03:04:05Z" in refused.stderr
    assert lock.exists()
    lock.unlink()
    succeeded(staging.run("apply", "-e", "staging", "--yes"))
    assert_applied(staging)


def test_what_the_server_refuses_is_named_with_the_line_that_asked_for_it(staging: Staging) -> None:
    deny = ("create", "quota", "full", "-n", staging.namespace, "--hard=count/horizontalpodautoscalers.autoscaling=0")
    staging.cluster.kubectl(*deny)
    staging.cluster.delete("hpa", SERVER, staging.namespace)
    staging.write(scaling={"max_replicas": 9})

    refused = staging.run("apply", "-e", "staging", "--yes")

    staging.cluster.delete("quota", "full", staging.namespace)
    line = 1 + staging.spec.read_text().splitlines().index("serving:")
    assert refused.returncode == 1
    assert f"mlsystem.yaml:{line}: HorizontalPodAutoscaler {SERVER}: " in refused.stderr
    succeeded(staging.run("apply", "-e", "staging", "--yes"))
    assert scaler(staging) == 9
    assert_applied(staging)


def test_a_saved_plan_is_carried_out_only_if_the_cluster_would_do_what_it_shows(staging: Staging) -> None:
    """The state of the engine lost an object meanwhile."""
    staging.write(scaling={"max_replicas": 10})
    succeeded(staging.run("plan", "-e", "staging", "--out", "saved.json"))
    environment = {**staging.environ(), "PULUMI_BACKEND_URL": f"file://{staging.state / 'pulumi'}"}
    urn = f"urn:pulumi:staging::{SYSTEM}-system::kubernetes:core/v1:Service::{SERVER}"
    subprocess.run(
        ["pulumi", "state", "delete", urn, "--yes", "--stack", "staging"], check=True, capture_output=True,
        cwd=staging.state / "pulumi" / "work", env=environment,
    )  # fmt: skip

    refused = staging.run("apply", "saved.json")

    assert refused.returncode == 1
    assert f"the plan does not show what would be done in the cluster: create Service {SERVER}" in refused.stderr
    succeeded(staging.run("apply", "-e", "staging", "--yes"))
    assert_applied(staging)


def test_objects_of_others_are_named_and_left_alone(staging: Staging) -> None:
    """They would be adopted otherwise: the stack adopts whatever it meets."""
    label = ("label", "service", SERVER, "-n", staging.namespace, "--overwrite")
    staging.cluster.kubectl(*label, "mlsystem.dev/system=another")
    staging.write(scaling={"max_replicas": 11})

    refused = staging.run("apply", "-e", "staging", "--yes")

    assert refused.returncode == 1
    assert f"Service {staging.namespace}/{SERVER} (another in staging)" in refused.stderr
    staging.cluster.kubectl(*label, f"mlsystem.dev/system={SYSTEM}")
    succeeded(staging.run("apply", "-e", "staging", "--yes"))
    assert_applied(staging)


def test_the_lock_of_a_killed_engine_of_ours_is_no_obstacle(staging: Staging) -> None:
    staging.write(scaling={"max_replicas": 19}, log={"sample": "77%"})
    applying = staging.start("apply", "-e", "staging", "--yes", delay=DELAY)
    engine = engine_that_changes(applying)
    assert engine is not None
    staging.cluster.eventually(lambda: list(staging.locks.glob("*.json")), "locked")

    kill(engine)
    said, _ = applying.communicate(timeout=120)
    left = list(staging.locks.glob("*.json"))
    succeeded(staging.run("apply", "-e", "staging", "--yes"))

    assert applying.returncode == 1, said
    assert left
    assert not list(staging.locks.glob("*.json"))
    assert_applied(staging)


@pytest.mark.parametrize("number", range(5))
def test_after_a_kill_at_any_moment_the_next_apply_converges(staging: Staging, number: int) -> None:
    killed_and_healed(staging, number)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(100, 120))
def test_after_twenty_kills_the_next_apply_converges(staging: Staging, number: int) -> None:
    killed_and_healed(staging, number)


def killed_and_healed(staging: Staging, number: int) -> None:
    """Even numbers kill the CLI while it changes the stack; odd ones `mlsystem`, then or before."""
    chance = random.Random(number)
    staging.write(scaling={"max_replicas": 20 + number}, log={"sample": f"{1 + number % 50}%"})
    applying = staging.start("apply", "-e", "staging", "--yes", delay=DELAY)
    engine = None if number % 4 == 3 else engine_that_changes(applying)
    time.sleep(chance.uniform(0.0, 3.0 if engine is not None else 10.0))
    kill(engine if number % 2 == 0 and engine is not None else applying.pid)
    applying.communicate(timeout=120)

    succeeded(staging.run("apply", "-e", "staging", "--yes"))

    assert scaler(staging) == 20 + number
    assert_applied(staging)


def engine_that_changes(applying: subprocess.Popen[str]) -> int | None:
    """None where the apply ended before one was seen."""
    while applying.poll() is None:
        if (found := engine_of(applying.pid)) is not None:
            return found
        time.sleep(0.05)
    return None


def test_destroy_leaves_the_volume_and_nothing_else_of_the_system(staging: Staging) -> None:
    said = staging.run("destroy", "-e", "staging", "--yes")
    mine = {"mlsystem.dev/system": SYSTEM}
    kinds = ("deployments", "statefulsets", "services", "configmaps", "roles", "networkpolicies", "workflowtemplates")
    left = {kind for kind in kinds if staging.cluster.find(kind, staging.namespace, mine)}
    volumes = [one["metadata"]["name"] for one in staging.cluster.find("pvc", staging.namespace, mine)]
    succeeded(staging.run("apply", "-e", "staging", "--yes"))

    assert "PersistentVolumeClaim seattle-weather-workspace stays" in said.stdout
    assert left == set()
    assert f"{SYSTEM}-workspace" in volumes
    assert_applied(staging)
