"""What an engine's state says of data that may be deleted."""

from __future__ import annotations

from datetime import UTC, datetime

from mlsystem.apply.let_go import let_go

NOON = datetime(2026, 1, 2, 12, 0, 5, tzinfo=UTC)


def urn(name: str) -> str:
    return f"urn:pulumi:prod::flights-foundation::aws:rds/instance:Instance::{name}"


def test_only_what_was_asked_for_is_free_to_be_deleted() -> None:
    resources = [{"urn": urn(name), "protect": True} for name in ("one", "another")]

    state = let_go({"resources": resources}, frozenset({"one"}), NOON)

    assert [one["protect"] for one in state["resources"]] == [False, True]


def test_a_last_snapshot_is_called_after_its_time() -> None:
    """An earlier one may have the name without it. What a provider goes by when it deletes is in the outputs."""
    said = {"identifier": "tracking", "finalSnapshotIdentifier": "tracking-final"}

    state = let_go({"resources": [{"urn": urn("one"), "inputs": said, "outputs": said}]}, frozenset({"one"}), NOON)

    named = {"identifier": "tracking", "finalSnapshotIdentifier": "tracking-final-20260102120005"}
    assert [(one["inputs"], one["outputs"]) for one in state["resources"]] == [(named, named)]
