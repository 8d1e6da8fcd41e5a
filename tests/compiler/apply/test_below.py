"""The stacks of an account below a system: in which order they are made, what a plan says of them, what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from account_by_hand import cluster, existing_cluster, foundation
from msgspec import structs
from stacks_by_hand import compiled_staging

from mlsystem.apply.account import MemoryData
from mlsystem.apply.below import cluster_of, dependents, kept, kind_of, lost_below
from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.cluster_api import MemoryApi, Reference
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.events import Watch, nobody
from mlsystem.apply.stack import MemoryStack, StackFailedError
from mlsystem.compile import Compiled
from mlsystem.emit.aws.resource import Resource, Stack
from mlsystem.emit.images import Images
from mlsystem.errors import MlsystemError
from mlsystem.plan.render.text import render_text
from mlsystem.state.store import FOLDER, FileStore
from mlsystem.system.aws import Aws, Network

NAMESPACE = "seattle-weather"
BELOW = (foundation(), cluster())
"""What is made for a system."""


@dataclass
class MadeCluster:
    """There as soon as its stack was updated."""

    stack: MemoryStack

    def there(self) -> bool:
        return self.stack.exists()

    def log_in(self) -> None:
        assert self.there()


@dataclass
class Named(MemoryStack):
    """Writes what it does into a list that all stacks share."""

    name: str = ""
    order: list[str] = field(default_factory=list)

    def update(self, watch: Watch) -> None:
        self.order.append(self.name)
        super().update(watch)

    def destroy(self, watch: Watch, only: frozenset[str] | None = None) -> None:
        self.order.append(f"destroy {self.name}")
        super().destroy(watch, only)


@dataclass
class Place:
    folder: Path
    compiled: Compiled
    order: list[str] = field(default_factory=list)
    api: MemoryApi = field(default_factory=MemoryApi)
    data: MemoryData = field(default_factory=MemoryData)
    stacks: dict[str, Named] = field(default_factory=dict)

    def environment(self) -> ClusterEnvironment:
        assert self.compiled.cluster is not None
        inside = replace(self.compiled.cluster, stacks=BELOW)
        wanted: Mapping[str, Mapping[tuple[str, str], str]] = {
            **{stack.name: {(kind_of(one), one.name): "" for one in stack.resources} for stack in BELOW},
            "system": {(one.kind, one.name): str(one.body) for one in inside.objects},
        }
        for name, of_one in wanted.items():
            self.stacks.setdefault(name, Named(name=name, order=self.order)).wanted = dict(of_one)
        store = FileStore(self.folder / FOLDER / "staging")
        engine = ClusterEngine(
            inside, store.folder, self.folder / "generated", self.api, lambda name, program: self.stacks[name],
            lambda tree: self, access=MadeCluster(self.stacks["cluster"]), data=self.data,
        )  # fmt: skip
        return ClusterEnvironment("staging", self.folder, store, engine, self.compiled._replace(cluster=inside))

    def make(self, images: Images, watch: Watch) -> object:
        self.order.append("images")
        return ()

    def apply(self) -> None:
        environment = self.environment()
        environment.apply(environment.plan(), nobody)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    one = Place(tmp_path, compiled_staging(tmp_path))
    one.api.objects[Reference("v1", "Namespace", NAMESPACE)] = {"metadata": {"name": NAMESPACE}}
    secret = Reference("v1", "Secret", f"{NAMESPACE}-secrets", NAMESPACE)
    one.api.objects[secret] = {"metadata": {"name": secret.name}, "data": {"TRACKING_DATABASE_PASSWORD": "eA=="}}
    return one


def test_the_account_then_the_cluster_then_images_then_the_system(place: Place) -> None:
    place.apply()

    assert place.order == ["foundation", "cluster", "images", "system"]
    assert [one.kind for one in place.api.objects if one.kind == "Workflow"] == ["Workflow"]


def test_a_first_plan_names_every_resource_by_stack_without_asking_an_engine_of_what_is_not_there(place: Place) -> None:
    preview = place.environment().plan().preview

    assert preview is not None
    assert [str(one) for one in preview.changes if one.stack == "cluster"] == [
        "create Addon pod-identity", "create Cluster cluster", "create NodeGroup nodes", "create Role cluster-role",
    ]  # fmt: skip
    assert "In the account: 17 resources of 17 will change." in render_text(place.environment().plan())
    assert "  + foundation: Bucket workspace: create" in render_text(place.environment().plan())


@pytest.mark.parametrize(("api_access", "told"), [((), True), (("203.0.113.7/32",), False)])
def test_a_first_plan_says_from_where_a_new_cluster_is_not_reached(
    place: Place, api_access: tuple[str, ...], told: bool
) -> None:
    engine = place.environment().engine
    aws = Aws(
        account="123456789012", region="eu-central-1", cluster=None,
        network=Network(cidr="10.0.0.0/16", zones=("a", "b"), flow_logs=False, api_access=api_access), bucket=None,
        repositories=False, online_store=None, tracking_database=False, entry="weather", log_retention_days=30,
    )  # fmt: skip
    cluster = replace(engine.inside.cluster, target=structs.replace(engine.inside.cluster.target, aws=aws))
    notes = replace(engine, inside=replace(engine.inside, cluster=cluster)).inventory(None).notes

    assert any("network: {api_access: [ADDRESS/32]}" in one for one in notes) is told


def test_a_plan_after_an_apply_is_empty(place: Place) -> None:
    place.apply()

    assert place.environment().plan().empty


def test_whether_the_system_may_live_in_a_cluster_that_is_being_made_is_asked_once_it_is_there(place: Place) -> None:
    del place.api.objects[Reference("v1", "Namespace", NAMESPACE)]

    with pytest.raises(MlsystemError, match="no namespace"):
        place.apply()

    assert place.order == ["foundation", "cluster"]


def test_an_apply_that_ended_between_two_stacks_goes_on_with_its_run(place: Place) -> None:
    place.environment()
    place.stacks["cluster"].failing = "the quota is exceeded"
    with pytest.raises(StackFailedError):
        place.apply()
    begun = place.environment().store.journal.read()
    place.stacks["cluster"].failing = None

    outcome = place.environment().apply(place.environment().plan(), nobody)

    assert begun is not None
    assert outcome.run_id == begun.run_id
    assert place.order == ["foundation", "cluster", "foundation", "cluster", "images", "system"]


def test_what_would_be_done_in_the_account_and_was_not_planned_is_refused(place: Place) -> None:
    place.apply()
    environment = place.environment()
    plan = environment.plan()
    place.stacks["foundation"].there["Bucket", "of-somebody"] = ""
    environment.store.journal.begin(plan.course, "20260102T030405-abcdef")

    with pytest.raises(MlsystemError, match="delete Bucket of-somebody"):
        environment.apply(plan, nobody)


def test_what_holds_data_stays_with_what_guards_it_and_what_it_needs() -> None:
    assert kept(foundation()) == {
        "data-key", "workspace", "workspace-versions", "workspace-encryption", "server-images", "tracking-database",
        "database-places", "database-group", "private-a", "private-b", "vpc",
    }  # fmt: skip
    assert kept(cluster()) == frozenset()


def test_destroy_takes_from_the_top_and_leaves_what_holds_data(place: Place) -> None:
    place.apply()
    place.order.clear()

    lost = place.environment().lost()
    place.environment().destroy(nobody)

    assert place.order == ["destroy system", "destroy cluster", "destroy foundation"]
    assert {name for _, name in place.stacks["foundation"].there} == kept(foundation())
    assert "2 of 13 resources of the foundation will be deleted" in lost
    assert ("Instance tracking-database stays, with its data; to delete it afterwards: "
            "mlsystem destroy -e staging --data tracking-database") in lost  # fmt: skip


def test_volumes_that_outlive_their_cluster_are_found_by_their_tag() -> None:
    keeps = Resource("kubernetes.storage.v1.StorageClass", "kept", {"reclaim_policy": "Retain"}, "platform", "env")
    with_volumes = replace(cluster(), resources=(keeps,), tags={"mlsystem.dev/instance": "flights-prod"})

    found = [one for one in lost_below([with_volumes], "prod") if "volumes" in one]

    assert len(found) == 1
    assert "--filters Name=tag:mlsystem.dev/instance,Values=flights-prod" in found[0]
    assert not [one for one in lost_below([cluster()], "prod") if "volumes" in one]


def test_what_the_engine_remembers_of_the_data_outlives_the_environment(place: Place) -> None:
    place.apply()
    remembered = place.folder / FOLDER / "staging" / "pulumi"
    remembered.mkdir()

    place.environment().destroy(nobody)

    assert remembered.exists()
    assert place.environment().store.read() is None


def test_data_goes_by_name_with_what_stands_on_it(place: Place) -> None:
    place.apply()
    place.environment().destroy(nobody)

    place.environment().destroy_data("workspace", nobody)

    left = {name for _, name in place.stacks["foundation"].there}
    assert [(one.kind, one.identity) for one in place.data.released] == [("aws.s3.Bucket", "id-workspace")]
    assert "tracking-database" in left
    assert not left & {"workspace", "workspace-versions", "workspace-encryption"}
    assert "data-key" in left


def test_once_no_data_is_left_the_rest_goes_too(place: Place) -> None:
    place.apply()
    place.environment().destroy(nobody)
    for name in ("tracking-database", "server-images", "workspace", "data-key"):
        place.environment().destroy_data(name, nobody)

    place.environment().destroy(nobody)

    assert place.stacks["foundation"].there == {}
    assert place.environment().store.empty


def test_data_of_an_environment_that_is_applied_stays(place: Place) -> None:
    place.apply()

    with pytest.raises(MlsystemError, match="would go on without workspace"):
        place.environment().destroy_data("workspace", nobody)


def test_data_that_other_data_needs_is_refused_by_name(place: Place) -> None:
    place.apply()
    place.environment().destroy(nobody)
    for name in ("tracking-database", "server-images"):
        place.environment().destroy_data(name, nobody)

    with pytest.raises(MlsystemError, match="data-key is needed by workspace, which"):
        place.environment().destroy_data("data-key", nobody)
    with pytest.raises(MlsystemError, match="nat is nothing that holds data"):
        place.environment().destroy_data("nat", nobody)
    with pytest.raises(MlsystemError, match="no tracking-database of this environment any more"):
        place.environment().destroy_data("tracking-database", nobody)


def test_a_bucket_takes_its_settings_along_and_nothing_else() -> None:
    assert dependents(foundation(), "workspace") == {"workspace", "workspace-versions", "workspace-encryption"}


@pytest.mark.parametrize(("stack", "name"), [(cluster(), "seattle-weather-prod"), (existing_cluster(), "shared")])
def test_the_cluster_of_an_account_is_the_one_that_is_made_or_asked_for(stack: Stack, name: str) -> None:
    assert cluster_of([stack]) == (name, "eu-central-1")
    assert cluster_of([foundation()]) is None
