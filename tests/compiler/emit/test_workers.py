"""How many processes a server is of: in a cluster each model says so for its own, on one machine all share one."""

from __future__ import annotations

from clusters import EXAMPLES, cluster_of

from mlsystem.emit.contract import run_config
from mlsystem.emit.sections import server_section
from mlsystem.system.snapshots import snapshot

OVERRIDE = {"models": {"rain": {"serving": {"workers": 2, "hardware": {"cpu": 2}}}}}


def test_the_server_of_a_model_has_its_own_workers_and_one_server_of_all_as_many_as_any() -> None:
    cluster = cluster_of(EXAMPLES / "seattle-two" / "mlsystem.yaml", override=OVERRIDE)

    assert cluster.sections[server_section("rain")].server.workers == 2
    assert cluster.sections[server_section("warmth")].server.workers == 1
    assert run_config(cluster.system, snapshot(cluster.system)).server.workers == 2
