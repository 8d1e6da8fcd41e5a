"""What holds of every plan, on random systems."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.plan.change import heaviest
from mlsystem.plan.plan import Desired, Inventory, make_plan
from mlsystem.plan.render.markdown import LIMIT, render_markdown
from mlsystem.plan.render.text import render_text
from mlsystem.state.manifest import FORMAT, Manifest, Outputs, decode_manifest, encode_manifest
from mlsystem.system.snapshot import Edge, Facet, Kind, NodeSnapshot, SystemSnapshot, fingerprint

KINDS = (Kind.SOURCE, Kind.GROUP, Kind.DATASET, Kind.MODEL, Kind.EVALUATION, Kind.ENDPOINT, Kind.MONITOR)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(-1, 1),
    st.text("xyz", max_size=3),
    st.lists(st.integers(0, 3), max_size=2),
)
PATHS = st.sampled_from(["a", "a.b", "c"])


@st.composite
def snapshots(draw: st.DrawFn) -> SystemSnapshot:
    """Up to six nodes; edges lead to earlier ones only. Few names, so that two draws have nodes in common."""
    nodes: list[NodeSnapshot] = []
    for kind in KINDS:
        if draw(st.booleans()):
            facets = draw(
                st.dictionaries(st.sampled_from(Facet), st.dictionaries(PATHS, VALUES, max_size=3), max_size=3)
            )
            nodes.append(
                NodeSnapshot(
                    id=f"{kind}.{draw(st.sampled_from('xy'))}",
                    kind=kind,
                    semantics=draw(st.integers(1, 2)),
                    facets=facets,
                    edges=tuple(draw(edges(nodes))),
                )
            )
    return SystemSnapshot(name="s", environment="dev", nodes=tuple(nodes))


@st.composite
def edges(draw: st.DrawFn, earlier: list[NodeSnapshot]) -> list[Edge]:
    if not earlier:
        return []
    one = st.builds(
        Edge,
        into=st.sampled_from(Facet),
        node=st.sampled_from([node.id for node in earlier]),
        facet=st.sampled_from(Facet),
        paths=st.one_of(st.none(), st.lists(PATHS, min_size=1, max_size=2).map(tuple)),
    )
    return draw(st.lists(one, max_size=2))


def desired(snapshot: SystemSnapshot) -> Desired:
    closure = msgspec.json.encode(snapshot, order="sorted").decode()
    return Desired(snapshot=snapshot, files={"run.json": closure}, closure=closure, steps={})


def apply(manifest: Manifest | None, wanted: Desired) -> Manifest:
    """What a commit leaves in the state, through its text."""
    new = Manifest(
        format=FORMAT,
        serial=1 if manifest is None else manifest.serial + 1,
        lineage="l",
        tool="0",
        closure=wanted.closure,
        snapshot=wanted.snapshot,
        files=dict(wanted.files),
        observations=(),
        run_id="r",
        proofs={},
        blocked=(),
        outputs=Outputs(workspace="/w", port=1),
    )
    return decode_manifest(encode_manifest(new).encode(), "manifest.json")[0]


def plan(manifest: Manifest | None, wanted: Desired) -> Any:
    return make_plan(manifest, wanted, (), Inventory(), "0")


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_a_system_differs_in_nothing_from_itself(snapshot):
    wanted = desired(snapshot)

    assert plan(apply(None, wanted), wanted).empty


@settings(max_examples=50, deadline=None)
@given(snapshots(), snapshots())
def test_applying_a_difference_leaves_none(old, new):
    before = apply(None, desired(old))

    assert plan(apply(before, desired(new)), desired(new)).empty


@settings(max_examples=50, deadline=None)
@given(snapshots(), snapshots())
def test_two_systems_that_differ_have_a_plan(old, new):
    assert plan(apply(None, desired(old)), desired(new)).empty == (desired(old).closure == desired(new).closure)


@settings(max_examples=50, deadline=None)
@given(snapshots(), snapshots())
def test_a_facet_whose_identity_moved_stands_in_the_plan(old, new):
    """The plan and the fingerprints that steps are keyed by are two readings of one graph."""
    changed = heaviest(plan(apply(None, desired(old)), desired(new)).changes)
    common = {node.id for node in old.nodes} & {node.id for node in new.nodes}
    for node in common:
        if any(fingerprint(old, node, facet) != fingerprint(new, node, facet) for facet in Facet):
            assert node in changed


@settings(max_examples=50, deadline=None)
@given(snapshots(), snapshots())
def test_equal_inputs_print_equal_bytes(old, new):
    first, second = (plan(apply(None, desired(old)), desired(new)) for _ in range(2))

    assert render_text(first) == render_text(second)
    assert render_markdown(first) == render_markdown(second)


def wide(count: int, value: str) -> SystemSnapshot:
    nodes = [
        NodeSnapshot(
            id=f"model.m{index}",
            kind=Kind.MODEL,
            semantics=1,
            facets={Facet.FIT: {f"parameters.p{number}": value for number in range(5)}},
            edges=(Edge(into=Facet.FIT, node=f"model.m{index - 1}", facet=Facet.FIT),) if index else (),
        )
        for index in range(count)
    ]
    return SystemSnapshot(name="wide", environment="dev", nodes=tuple(nodes))


def test_a_thousand_nodes_are_planned_within_a_second_and_fit_a_comment():
    before, after = apply(None, desired(wide(1000, "x" * 500))), desired(wide(1000, "y" * 500))
    started = time.process_time()
    made = plan(before, after)
    text = render_markdown(made)
    seconds = time.process_time() - started

    assert len(heaviest(made.changes)) == 1000
    assert len(text.encode()) <= LIMIT
    assert seconds <= 1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3000), st.text("ab`|<é.", min_size=1, max_size=200))
def test_markdown_fits_whatever_the_size(count, name):
    nodes = tuple(
        NodeSnapshot(
            id=f"model.{name}{index}", kind=Kind.MODEL, semantics=1, facets={Facet.FIT: {"a": index}}, edges=()
        )
        for index in range(count)
    )
    old = apply(None, desired(SystemSnapshot(name="s", environment="dev", nodes=nodes)))
    removed = desired(SystemSnapshot(name="s", environment="dev", nodes=()))

    assert len(render_markdown(plan(old, removed)).encode()) <= LIMIT
