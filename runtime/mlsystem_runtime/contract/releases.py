"""Releasing and rolling back: the release changes, the ledger says why. Light, so that a command can do it too."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Ledger, ProposalOpened, Released, open_ledger, open_proposals
from mlsystem_runtime.contract.release import ModelRelease, Release, Share
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.workspace import Workspace

ROLLBACK = "rollback"
"""The reason of a release that takes one back."""


def release_version(
    workspace: Workspace, model: str, version: int, reason: str, by: str, releases: ReleaseStore | None = None
) -> Release:
    """Version `version` of `model` answers all requests from now on; the release in force.

    `releases` None is the file of the workspace. Releasing what answers already changes nothing. Raises MlsystemError
    when there is no such version.
    """
    if version not in workspace.versions(model):
        raise MlsystemError(f"model '{model}' has no version {version}", "mlsystem status lists the versions")
    shares = (Share(version=version, share=1.0),)
    with locked(workspace):
        release, changed = share_out(releases or FileReleaseStore(workspace), model, shares)
        if changed or all(released.shares != shares for released in _last(workspace, model)):
            event = Released(model=model, shares=shares, serial=release.serial, reason=reason, by=by)
            open_ledger(workspace).append(event)  # also where a crash came between the release and the ledger
    return release


def share_out(releases: ReleaseStore, model: str, shares: tuple[Share, ...]) -> tuple[Release, bool]:
    """The release in which `shares` answer for `model`, and whether it had to be made; other models keep theirs."""
    def share(before: ModelRelease | None) -> ModelRelease:
        if before is not None and before.shares == shares:
            return before
        return ModelRelease(secrets.token_hex(8) if before is None else before.salt, shares)

    return changed(releases, model, share)


def shadow_version(workspace: Workspace, model: str, version: int, releases: ReleaseStore | None = None) -> None:
    """Version `version` is tried on requests that others answer, and they go on answering.

    Without a release there are no such requests, so then nothing is tried.
    """
    def shadowed(before: ModelRelease | None) -> ModelRelease | None:
        return None if before is None else msgspec.structs.replace(before, shadow=version)

    with locked(workspace):
        changed(releases or FileReleaseStore(workspace), model, shadowed)


def end_shadow(workspace: Workspace, model: str, version: int, releases: ReleaseStore | None = None) -> None:
    """Version `version` is not tried any more, if it is."""
    def ended(before: ModelRelease | None) -> ModelRelease | None:
        if before is None or before.shadow != version:
            return None
        return msgspec.structs.replace(before, shadow=None)

    with locked(workspace):
        changed(releases or FileReleaseStore(workspace), model, ended)


def changed(
    releases: ReleaseStore, model: str, change: Callable[[ModelRelease | None], ModelRelease | None]
) -> tuple[Release, bool]:
    """The release with that of `model` changed, and whether it had to be made. `change` may be asked again."""
    while True:
        held = releases.read()
        before = held.release.models.get(model)
        after = change(before)
        if after is None or after == before:
            return held.release, False
        release = Release(serial=held.release.serial + 1, models={**held.release.models, model: after})
        if releases.write(release, held.token):
            return release, True


def _last(workspace: Workspace, model: str) -> list[Released]:
    return list(_releases(open_ledger(workspace), model))[-1:]


def rollback(
    workspace: Workspace, model: str, to: int | None, by: str, releases: ReleaseStore | None = None
) -> Release:
    """The version that answered before the present one answers again, or version `to`.

    Raises MlsystemError when nothing was released before, or when that version is gone.
    """
    target = previous_version(workspace, model) if to is None else to
    return release_version(workspace, model, target, ROLLBACK, by, releases)


def previous_version(workspace: Workspace, model: str) -> int:
    """What to roll back to: going back twice goes back two releases. Raises MlsystemError where there is nothing.

    The ledger is read as a stack: a release of a version that already lies on it takes off what came after.
    """
    stack: list[int] = []
    for released in _releases(open_ledger(workspace), model):
        version = max(released.shares, key=lambda share: (share.share, share.version)).version
        if version in stack:
            del stack[stack.index(version) :]
        stack.append(version)
    if len(stack) < 2:
        raise MlsystemError(
            f"no version of '{model}' answered before the present one", "name one: mlsystem rollback --to VERSION"
        )
    return stack[-2]


def _releases(ledger: Ledger, model: str) -> Iterator[Released]:
    for entry in ledger.entries():
        if isinstance(entry.body, Released) and entry.body.model == model:
            yield entry.body


def find_proposal(ledger: Ledger, name: str | None) -> ProposalOpened:
    """The open proposal `name`, or the only one. Raises MlsystemError that lists those that are open."""
    proposals = open_proposals(ledger)
    if name is None and len(proposals) == 1:
        return next(iter(proposals.values()))
    if name is not None and name in proposals:
        return proposals[name]
    listed = ", ".join(f"{one.proposal} ({one.kind} {one.model})" for one in proposals.values())
    if name is not None or not proposals:
        what = "there is no open proposal" if name is None else f"there is no open proposal '{name}'"
    else:
        what = f"there are {len(proposals)} open proposals: name one"
    raise MlsystemError(what, f"open are: {listed}" if listed else "mlsystem status shows proposals when there are any")


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """One of this machine at a time, so that the ledger tells releases in their order."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    with open(workspace.path(".releasing.lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
