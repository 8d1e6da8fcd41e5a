"""What another version of this tool changes by itself is told apart from what the author changed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from mlsystem.plan.plan import Inventory, make_plan
from mlsystem.plan.render.markdown import render_markdown
from mlsystem.plan.review import Review
from mlsystem.plan.upgrade import Base, authors, file_changes, of_author
from mlsystem.system.snapshot import Kind

RATE = {"model.main.fit.parameters.learning_rate": 0.002}
OLD = {"contract/run.json": "1", "manifests/server/a.yaml": "1", "manifests/monitor/b.yaml": "1"}
NEW = {"contract/run.json": "1", "manifests/server/a.yaml": "2", "manifests/monitor/b.yaml": "1"}
MIXED = {"contract/run.json": "2", "manifests/server/a.yaml": "3", "manifests/monitor/b.yaml": "1"}
ORIGINS = {
    "contract/run.json": "infrastructure.environment",
    "manifests/server/a.yaml": "endpoint.main",
    "manifests/monitor/b.yaml": "monitor.main",
}


@pytest.fixture
def stood(system, applied):
    """What an older version applied from the inputs `i1`."""
    return msgspec.structs.replace(applied(system()), files=dict(OLD), inputs="i1", tool="0.1.0")


@pytest.fixture
def meant(want):
    def build(snapshot, files, inputs):
        return replace(want(snapshot, "b"), files=files, inputs=inputs, origins=ORIGINS)

    return build


def plan_of(manifest, desired, observed, tool="0.2.0", base=None):
    return make_plan(manifest, desired, observed(), Inventory(), tool, base=base)


def paths(changes):
    return [one.path for one in file_changes(changes)]


def raised(snapshot):
    """The same system, where this version means something else by a model."""
    nodes = (msgspec.structs.replace(one, semantics=2) if one.kind is Kind.MODEL else one for one in snapshot.nodes)
    return msgspec.structs.replace(snapshot, nodes=tuple(nodes))


def test_where_the_author_changed_nothing_all_is_the_tools(stood, meant, system, observed):
    plan = plan_of(stood, meant(system(), NEW, "i1"), observed)

    assert plan.upgrade is not None
    assert (plan.upgrade.before, plan.upgrade.now, plan.upgrade.exact) == ("0.1.0", "0.2.0", True)
    assert paths(plan.upgrade.changes) == ["manifests/server/a.yaml"]
    assert of_author(plan.changes, plan.upgrade) == ()


def test_a_kind_of_node_that_means_something_else_is_the_tools_with_all_that_follows(stood, meant, system, observed):
    plan = plan_of(stood, meant(raised(system()), NEW, "i1"), observed)
    text = render_markdown(plan)

    assert plan.upgrade is not None
    assert authors(plan.changes, plan.upgrade) == ()
    assert text.index("What mlsystem `0.1.0` → `0.2.0` changes by itself") < text.index("| `model.main` | retrain |")
    assert "What changes, and why" not in text.split("changes by itself")[1]


def test_with_the_spec_as_it_was_both_are_told_apart_exactly(stood, meant, system, observed):
    base = Base(meant(raised(system()), NEW, "i1"), {})
    plan = plan_of(stood, meant(raised(system(RATE)), MIXED, "i2"), observed, base=base)

    assert plan.upgrade is not None
    assert plan.upgrade.exact
    assert paths(plan.upgrade.changes) == ["manifests/server/a.yaml"]
    assert plan.upgrade.both == ("manifests/server/a.yaml",)
    assert paths(of_author(plan.changes, plan.upgrade)) == ["contract/run.json", "manifests/server/a.yaml"]
    (own,) = [one for one in authors(plan.changes, plan.upgrade) if one.node == "model.main"]
    assert [one.path for one in own.fields] == ["parameters.learning_rate"]


def test_a_file_that_both_changed_is_shown_in_two_parts(stood, meant, system, observed):
    base = Base(meant(system(), NEW, "i1"), {})
    plan = plan_of(stood, meant(system(RATE), MIXED, "i2"), observed, base=base)
    path = "manifests/server/a.yaml"
    text = render_markdown(plan, Review(before={path: "a\nb\n"}, meant={path: "A\nb\n"}, after={path: "A\nB\n"}))
    tools, of_authors = text.split("#### Generated files, as this version writes them by itself")[1].split("#### ")[0:2]

    assert ("-a\n+A" in tools, "-b\n+B" in tools) == (True, False)
    assert of_authors.startswith("Generated files")
    assert ("-a\n+A" in of_authors, "-b\n+B" in of_authors) == (False, True)


def test_a_spec_that_was_not_applied_is_believed_by_the_files_that_were_committed_beside_it(
    stood, meant, system, observed
):
    base = Base(meant(system(), NEW, "described otherwise"), dict(OLD))
    plan = plan_of(stood, meant(system(RATE), MIXED, "i2"), observed, base=base)

    assert plan.upgrade is not None
    assert plan.upgrade.exact


def test_a_spec_of_something_else_is_not_believed(stood, meant, system, observed):
    base = Base(meant(system(), NEW, "i0"), {"contract/run.json": "0"})
    plan = plan_of(stood, meant(system(RATE), MIXED, "i2"), observed, base=base)

    assert plan.upgrade is not None
    assert not plan.upgrade.exact


def test_without_the_spec_as_it_was_only_what_is_sure_is_the_tools(stood, meant, system, observed):
    files = {**MIXED, "manifests/monitor/b.yaml": "2"}
    plan = plan_of(stood, meant(system(RATE), files, "i2"), observed)

    assert plan.upgrade is not None
    assert paths(plan.upgrade.changes) == ["manifests/monitor/b.yaml"]
    assert "`mlsystem plan --base FOLDER`" in render_markdown(plan)


def test_another_build_of_the_same_version_is_told_apart_too(stood, meant, system, observed):
    plan = plan_of(stood, meant(system(), NEW, "i1"), observed, tool="0.1.0")

    assert "What another build of mlsystem `0.1.0` changes by itself" in render_markdown(plan)


def test_a_version_that_changes_nothing_is_said_to(stood, meant, system, observed):
    base = Base(meant(system(), OLD, "i1"), {})
    plan = plan_of(stood, meant(system(RATE), MIXED, "i2"), observed, base=base)
    text = render_markdown(plan)

    assert "What mlsystem `0.1.0` → `0.2.0` changes by itself" in text
    assert "Nothing: all that this plan does follows from what the author changed." in text


def test_the_same_version_and_the_authors_change_need_no_word(stood, meant, system, observed):
    assert plan_of(stood, meant(system(RATE), MIXED, "i2"), observed, tool="0.1.0").upgrade is None


def test_a_first_plan_has_no_older_version(meant, system, observed):
    assert plan_of(None, meant(system(), NEW, "i1"), observed).upgrade is None


def test_a_manifest_of_before_inputs_were_kept_is_read_and_proves_nothing(stood, meant, system, observed):
    old = msgspec.structs.replace(stood, inputs=None)
    plan = plan_of(old, meant(system(), NEW, "i1"), observed)

    assert plan.upgrade is not None
    assert not plan.upgrade.exact
