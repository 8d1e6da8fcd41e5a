"""A release is data: who answers changes in one file, and the ledger says why."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import FileLedger, ProposalDecided, ProposalOpened
from mlsystem_runtime.contract.release import bucket, read_release
from mlsystem_runtime.contract.releases import end_shadow, find_proposal, release_version, rollback, shadow_version
from mlsystem_runtime.contract.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(str(tmp_path))
    for version in (1, 2, 3):
        workspace.version("main", version).mkdir(parents=True)
    return workspace


def champion(workspace: Workspace) -> int:
    return read_release(workspace.release).models["main"].champion


def release(workspace: Workspace, *versions: int) -> None:
    for version in versions:
        release_version(workspace, "main", version, "gates passed", "apply")


def test_the_released_version_answers_and_the_ledger_says_why(workspace):
    release(workspace, 1)
    entry = next(FileLedger(workspace.ledger).entries()).body

    assert champion(workspace) == 1
    assert (entry.reason, entry.by, entry.serial) == ("gates passed", "apply", 1)


def test_releasing_what_answers_already_changes_nothing(workspace):
    release(workspace, 1, 1)

    assert read_release(workspace.release).serial == 1
    assert len(list(FileLedger(workspace.ledger).entries())) == 1


def test_a_crash_before_the_ledger_was_written_is_made_good(workspace):
    release(workspace, 1, 2)
    lines = workspace.ledger.read_bytes().splitlines(keepends=True)
    workspace.ledger.write_bytes(lines[0])
    release(workspace, 2)

    assert read_release(workspace.release).serial == 2
    assert [entry.body.serial for entry in FileLedger(workspace.ledger).entries()] == [1, 2]


def test_the_salt_stays_for_the_life_of_the_endpoint(workspace):
    release(workspace, 1)
    salt = read_release(workspace.release).models["main"].salt
    release(workspace, 2)

    assert read_release(workspace.release).models["main"].salt == salt


def test_a_shadow_changes_nothing_of_what_answers_and_ends_with_the_decision(workspace):
    release(workspace, 1)
    before = read_release(workspace.release).models["main"]
    shadow_version(workspace, "main", 2)
    held = read_release(workspace.release).models["main"]
    assert (held.shadow, held.shares, held.salt) == (2, before.shares, before.salt)

    end_shadow(workspace, "main", 3)
    assert read_release(workspace.release).models["main"].shadow == 2
    end_shadow(workspace, "main", 2)
    assert read_release(workspace.release).models["main"] == before

    shadow_version(workspace, "main", 2)
    release(workspace, 2)
    assert read_release(workspace.release).models["main"].shadow is None


def test_without_a_release_there_is_nothing_to_shadow(workspace):
    shadow_version(workspace, "main", 2)

    assert not workspace.release.exists()


def test_a_version_that_does_not_exist_is_refused(workspace):
    with pytest.raises(MlsystemError, match="has no version 9"):
        release(workspace, 9)


def test_a_damaged_release_file_says_how_to_make_a_new_one(workspace):
    workspace.release.write_text('{"serial":')

    with pytest.raises(MlsystemError, match="cannot be read") as caught:
        read_release(workspace.release)

    assert "rollback --to" in caught.value.hint


def test_a_rollback_brings_back_what_answered_before(workspace):
    release(workspace, 1, 2)
    rollback(workspace, "main", None, "me")

    assert champion(workspace) == 1


def test_a_second_rollback_goes_further_back(workspace):
    release(workspace, 1, 2, 3)
    rollback(workspace, "main", None, "me")
    rollback(workspace, "main", None, "me")

    assert champion(workspace) == 1


def test_a_rollback_can_name_its_version(workspace):
    release(workspace, 1, 2, 3)
    rollback(workspace, "main", 1, "me")

    assert champion(workspace) == 1


def test_there_is_nothing_to_go_back_to_before_a_second_release(workspace):
    release(workspace, 1)

    with pytest.raises(MlsystemError, match="answered before"):
        rollback(workspace, "main", None, "me")


def opened(name: str) -> ProposalOpened:
    return ProposalOpened(proposal=name, kind="retrain", model="main", reason="drift", evidence="e")


def test_the_only_open_proposal_needs_no_name(workspace):
    ledger = FileLedger(workspace.ledger)
    ledger.append(opened("a"))
    ledger.append(ProposalDecided(proposal="a", decision="rejected", evidence="e", by="me"))
    ledger.append(opened("b"))

    assert find_proposal(ledger, None).proposal == "b"


def test_an_unknown_proposal_is_answered_with_those_that_are_open(workspace):
    ledger = FileLedger(workspace.ledger)
    ledger.append(opened("a"))

    with pytest.raises(MlsystemError, match="no open proposal 'x'") as caught:
        find_proposal(ledger, "x")
    assert caught.value.hint == "open are: a (retrain main)"


def test_several_open_proposals_have_to_be_told_apart(workspace):
    ledger = FileLedger(workspace.ledger)
    ledger.append(opened("a"))
    ledger.append(opened("b"))

    with pytest.raises(MlsystemError, match="2 open proposals"):
        find_proposal(ledger, None)


@given(st.text(max_size=9), st.text(max_size=40))
def test_a_unit_falls_where_the_definition_says(salt, unit):
    key = hashlib.sha256(salt.encode()).digest()

    hashed = hashlib.blake2b(unit.encode(), digest_size=8, key=key).digest()
    assert bucket(salt, unit) == int.from_bytes(hashed, "big") / 2**64
