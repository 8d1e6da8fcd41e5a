"""Applying to a cluster: what is done in which order, what is refused, and how an interrupted apply goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from stacks_by_hand import SEATTLE, STAGING

from mlsystem.apply.apply import Outcome
from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.cluster_api import MemoryApi, Reference
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.events import Watch, nobody
from mlsystem.apply.stack import MemoryStack, StackFailedError
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.argo import API
from mlsystem.emit.images import Images
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Plan
from mlsystem.state.store import FOLDER, FileStore

NAMESPACE = "seattle-weather"
SECRET = {"data": {"TRACKING_DATABASE_PASSWORD": "eA=="}}


@dataclass
class Builder:
    done: list[str] = field(default_factory=list)

    def make(self, images: Images, watch: Watch) -> object:
        del watch
        self.done += [image.name for image in images.images]
        return ()


@dataclass
class Place:
    """A folder with a spec, and a cluster that outlives what is compiled from it."""

    folder: Path
    api: MemoryApi = field(default_factory=MemoryApi)
    stack: MemoryStack = field(default_factory=MemoryStack)
    builder: Builder = field(default_factory=Builder)

    def environment(self, **serving: object) -> ClusterEnvironment:
        compiled = self.compiled(serving)
        assert compiled.cluster is not None
        self.stack.wanted = {(one.kind, one.name): str(one.body) for one in compiled.cluster.objects}
        store = FileStore(self.folder / FOLDER / "staging")
        engine = ClusterEngine(
            compiled.cluster, store.folder, self.folder / "generated" / "staging", self.api,
            lambda name, program: self.stack, lambda tree: self.builder,
        )  # fmt: skip
        return ClusterEnvironment("staging", self.folder, store, engine, compiled)

    def compiled(self, serving: dict[str, object]) -> Compiled:
        written = yaml.safe_load(SEATTLE.read_text())
        written["environments"] = {"staging": {**STAGING, **self.settings}}
        written["sources"]["weather"]["uri"] = "s3://weather/weather.csv"
        written["serving"] = {**written.get("serving", {}), **serving}
        spec = self.folder / "mlsystem.yaml"
        spec.write_text(yaml.safe_dump(written, sort_keys=False))
        report = Report()
        compiled = compile_system(spec, "staging", {}, report)
        assert compiled is not None, report.diagnostics
        return compiled

    settings: dict[str, object] = field(default_factory=dict)

    @property
    def runs(self) -> list[Reference]:
        return [one for one in self.api.objects if one.kind == "Workflow"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The namespace and the Secret are there."""
    one = Place(tmp_path)
    one.api.objects[Reference("v1", "Namespace", NAMESPACE)] = {"metadata": {"name": NAMESPACE}}
    secret = Reference("v1", "Secret", f"{NAMESPACE}-secrets", NAMESPACE)
    one.api.objects[secret] = {"metadata": {"name": secret.name}, **SECRET}
    return one


def apply(environment: ClusterEnvironment, plan: Plan | None = None) -> Outcome:
    return environment.apply(plan or environment.plan(), nobody)


def ends(place: Place, phase: str) -> None:
    """The last run."""
    place.api.objects[place.runs[-1]]["status"] = {"phase": phase, "message": "out of memory"}


def test_images_then_objects_then_the_run(place: Place) -> None:
    outcome = apply(place.environment())

    assert place.builder.done == ["dependencies-server", "server", "dependencies-trainer", "trainer"]
    assert place.stack.done == ["update"]
    assert outcome.run_id is not None
    assert place.runs == [Reference(API, "Workflow", f"{NAMESPACE}-{outcome.run_id.lower()}", NAMESPACE)]


def test_a_plan_after_an_apply_is_empty_and_an_apply_of_it_does_nothing(place: Place) -> None:
    apply(place.environment())
    place.builder.done.clear()

    plan = place.environment().plan()
    apply(place.environment(), plan)

    assert plan.empty
    assert place.builder.done == []
    assert len(place.runs) == 1


def test_more_replicas_start_no_run(place: Place) -> None:
    apply(place.environment())

    apply(place.environment(scaling={"max_replicas": 7}))

    assert place.stack.done == ["update", "update"]
    assert len(place.runs) == 1


def test_a_run_that_failed_is_told_and_submitted_again(place: Place) -> None:
    apply(place.environment())
    ends(place, "Failed")

    plan = place.environment().plan()
    apply(place.environment(), plan)

    assert any("failed: out of memory. The next apply submits it again." in note for note in plan.notes)
    assert len(place.runs) == 2


def test_an_apply_that_was_interrupted_goes_on_with_its_run(place: Place) -> None:
    place.stack.failing = "the quota is exceeded"
    with pytest.raises(StackFailedError):
        apply(place.environment())
    begun = place.environment().store.journal.read()
    place.stack.failing = None

    outcome = apply(place.environment())

    assert begun is not None
    assert outcome.run_id == begun.run_id
    assert len(place.runs) == 1


def test_a_run_that_was_submitted_before_a_kill_is_not_submitted_again(place: Place) -> None:
    environment = place.environment()
    plan = environment.plan()
    environment.store.journal.begin(plan.course, "20260102T030405-abcdef")
    environment.engine.submit_run("20260102T030405-abcdef", plan.steps, "apply, serial 1", nobody)

    apply(environment, plan)

    assert len(place.runs) == 1


def test_what_the_plan_did_not_show_is_refused(place: Place) -> None:
    environment = place.environment()
    plan = environment.plan()
    place.stack.there["Service", "of-an-earlier-time"] = ""

    with pytest.raises(MlsystemError, match=r"does not show .*: delete Service of-an-earlier-time"):
        apply(environment, plan)

    assert place.stack.done == []


def test_without_an_engine_a_plan_says_so_and_an_apply_is_refused(place: Place) -> None:
    place.stack.unavailable = "there is no `pulumi` on PATH"

    plan = place.environment().plan()

    assert "Without a preview of the cluster: there is no `pulumi` on PATH." in plan.notes
    with pytest.raises(MlsystemError, match="no `pulumi`"):
        apply(place.environment(), plan)


def test_an_object_of_somebody_else_is_named_before_anything_is_done(place: Place) -> None:
    service = Reference("v1", "Service", f"{NAMESPACE}-main-server", NAMESPACE)
    place.api.objects[service] = {"metadata": {"name": service.name, "labels": {"mlsystem.dev/system": "other"}}}

    with pytest.raises(MlsystemError, match=f"{service} \\(other\\)"):
        apply(place.environment())

    assert place.builder.done == []


def test_a_namespace_that_is_not_there_is_asked_for(place: Place) -> None:
    del place.api.objects[Reference("v1", "Namespace", NAMESPACE)]

    with pytest.raises(MlsystemError, match="no namespace 'seattle-weather'"):
        apply(place.environment())


def test_a_key_that_the_secret_lacks_is_named(place: Place) -> None:
    place.api.objects[Reference("v1", "Secret", f"{NAMESPACE}-secrets", NAMESPACE)]["data"] = {}

    with pytest.raises(MlsystemError, match="has no TRACKING_DATABASE_PASSWORD") as refused:
        apply(place.environment())

    assert "--from-literal=TRACKING_DATABASE_PASSWORD=" in str(refused.value.hint)


def test_configs_that_nobody_reads_go_and_those_of_old_pods_stay(place: Place) -> None:
    environment = place.environment()
    labels = environment.engine.inside.cluster.labels("server")
    for name in ("read", "unread"):
        full = f"{NAMESPACE}-config-server-main-{name}"
        one = {"metadata": {"name": full, "labels": labels}, "immutable": True}
        place.api.objects[Reference("v1", "ConfigMap", full, NAMESPACE)] = one
    pods = {"volumes": [{"configMap": {"name": f"{NAMESPACE}-config-server-main-read"}}]}
    old = {"metadata": {"name": "old", "labels": labels}, "spec": pods}
    place.api.objects[Reference("apps/v1", "ReplicaSet", "old", NAMESPACE)] = old

    apply(environment)

    assert [one for one in place.api.done if "delete" in one] == [
        f"delete ConfigMap {NAMESPACE}/{NAMESPACE}-config-server-main-unread"
    ]


def test_with_gitops_files_are_handed_over_and_nothing_is_touched(place: Place) -> None:
    place.settings["delivery"] = "gitops"

    outcome = apply(place.environment())

    written = {path.name for path in (place.folder / "generated" / "staging").iterdir()}
    assert {"manifests", "pipelines", "images"} <= written
    assert "pulumi" not in written
    assert place.stack.done == []
    assert place.runs == []
    assert outcome.run_id is None
    assert place.environment().plan().empty


def test_destroy_takes_the_stack_and_the_release_and_forgets(place: Place) -> None:
    apply(place.environment())
    release = Reference("v1", "ConfigMap", f"{NAMESPACE}-release", NAMESPACE)
    place.api.objects[release] = {"metadata": {"name": release.name}}

    environment = place.environment()
    lost = environment.lost()
    runs = {one for one in place.api.objects if one.kind == "Workflow"}
    environment.destroy(nobody)

    assert len(runs) == 1
    assert not runs & set(place.api.objects)
    assert f"PersistentVolumeClaim {NAMESPACE}-workspace stays" in lost
    assert place.stack.done == ["update", "destroy"]
    assert release not in place.api.objects
    assert environment.store.empty
