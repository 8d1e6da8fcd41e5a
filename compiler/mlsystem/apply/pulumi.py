"""The stack *system* under Pulumi's engine, through its Automation API. Imported only where an engine is asked for."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pulumi import automation
from pulumi.automation import errors

from mlsystem.apply.events import Watch
from mlsystem.apply.program import inline
from mlsystem.apply.pulumi_command import EngineCommand, last_run, settle
from mlsystem.apply.pulumi_events import Failures, PreviewCollector, Progress
from mlsystem.apply.stack import StackFailedError, StackPlace, UnavailableError
from mlsystem.errors import MlsystemError
from mlsystem.plan.preview import Preview

T = TypeVar("T")
RECORD = "run.json"
HOLDER = re.compile(r"created by (?P<who>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class PulumiStack:
    """The stack at `place`. Its CLI is the `pulumi` on the PATH of `place.environ`."""

    place: StackPlace

    def check(self) -> None:
        environ, provider = self.place.environ, self.place.secrets_provider
        if self._program is None:
            raise UnavailableError("there is no `pulumi` on PATH", "install it: https://www.pulumi.com/docs/install/")
        if provider in (None, "passphrase") and not any(name in environ for name in PASSPHRASES):
            raise UnavailableError(
                "PULUMI_CONFIG_PASSPHRASE is not set",
                "set it, or let a key encrypt what is secret: environments.ENV.pulumi.secrets_provider",
            )

    @property
    def _program(self) -> str | None:
        return shutil.which("pulumi", path=self.place.environ.get("PATH"))

    def preview(self, *, refresh: bool = False) -> Preview:
        self.check()
        with self._looked_at() as stack:
            drift = None
            if refresh:
                outside = PreviewCollector(self.place, drift=True)
                self._asked(lambda: stack.preview_refresh(on_event=outside, color="never"), outside.failures)
                drift = outside.preview.changes
            inside = PreviewCollector(self.place)
            self._asked(lambda: stack.preview(on_event=inside, refresh=refresh, color="never"), inside.failures)
        return Preview(inside.preview.changes, inside.preview.unchanged, drift)

    def update(self, watch: Watch) -> None:
        self.check()
        stack = self._selected(create=True)
        assert stack is not None, "it is made where it is not"
        progress = Progress(self.place, watch)
        self._changed(stack, lambda: stack.up(on_event=progress, color="never"), progress.failures)
        progress.finish()

    def destroy(self, watch: Watch) -> None:
        self.check()
        stack = self._selected()
        if stack is None:
            return
        progress = Progress(self.place, watch)
        self._changed(stack, lambda: stack.destroy(on_event=progress, color="never"), progress.failures)
        progress.finish()
        stack.workspace.remove_stack(self.place.name)

    @contextlib.contextmanager
    def _looked_at(self) -> Iterator[automation.Stack]:
        """The stack, or where there is none yet an empty one elsewhere: a plan leaves no trace."""
        found = self._selected()
        if found is not None:
            yield found
            return
        with tempfile.TemporaryDirectory(prefix="mlsystem-preview-") as folder:
            environ = {**self.place.environ, "PULUMI_CONFIG_PASSPHRASE": "nothing is secret here"}
            work, backend = Path(folder, "work"), f"file://{folder}"
            elsewhere = replace(self.place, work=work, backend=backend, secrets_provider=None, environ=environ)
            stack = PulumiStack(elsewhere)._selected(create=True)
            assert stack is not None, "it is made where it is not"
            yield stack

    def _selected(self, *, create: bool = False) -> automation.Stack | None:
        """None where there is no such stack."""
        place, program = self.place, self._program
        assert program is not None, "checked before"
        place.work.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place.program / "Pulumi.yaml", place.work / "Pulumi.yaml")
        if place.backend.startswith("file://"):
            Path(place.backend.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
        passed = {name: value for name, value in place.environ.items() if name.startswith(("PULUMI_", "KUBECONFIG"))}
        options = automation.LocalWorkspaceOptions(
            work_dir=str(place.work),
            program=inline(place.program),
            secrets_provider=place.secrets_provider,
            pulumi_command=EngineCommand(program, place.work / RECORD),
            env_vars={**passed, "PATH": place.environ.get("PATH", ""), "PULUMI_BACKEND_URL": place.backend,
                      "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )  # fmt: skip
        workspace = automation.LocalWorkspace(**vars(options))
        try:
            if create:
                return automation.Stack.create_or_select(place.name, workspace)
            return automation.Stack.select(place.name, workspace)
        except errors.StackNotFoundError:
            return None
        except errors.CommandError as error:
            raise UnavailableError(f"Pulumi does not open its state {place.backend}: {last_words(error)}") from error

    def _changed(self, stack: automation.Stack, change: Callable[[], T], failures: Failures) -> T:
        """Past the lock of a change that this environment began and that is dead; the caller holds the lease, so no
        other apply of it is alive."""
        run = last_run(self.place.work / RECORD)
        if run is not None:
            settle(run)
        try:
            return self._asked(change, failures)
        except LockedError as locked:
            if run is None or locked.holders != {(run.host, run.pid)}:
                raise
            stack.cancel()
            return self._asked(change, failures)

    def _asked(self, question: Callable[[], T], failures: Failures) -> T:
        try:
            return question()
        except errors.ConcurrentUpdateError as error:
            raise LockedError(self.place, str(error)) from error
        except errors.CommandError as error:
            told = failures.told(last_words(error))
            raise (StackFailedError(*told) if failures.of_objects else UnavailableError(*told)) from error


class LockedError(MlsystemError):
    """Somebody else changes the stack, or died doing so. `holders` are (host, pid)."""

    def __init__(self, place: StackPlace, said: str) -> None:
        found = [one.groupdict() for one in HOLDER.finditer(said)]
        self.holders = {(one["who"].rpartition("@")[2], int(one["pid"])) for one in found}
        named = ", ".join(f"{one['who']}, pid {one['pid']}, since {one['since']}" for one in found) or "somebody"
        super().__init__(
            f"the stack {place.project}/{place.name} is being changed by {named}",
            "wait until that is done; where it is certain that it died: "
            f"PULUMI_BACKEND_URL={place.backend} pulumi cancel --stack {place.name}, in {place.work}",
        )


def last_words(error: errors.CommandError) -> str:
    """What the CLI said at the end, without what it says of itself."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    wrong = [line.partition("error:")[2].strip() for line in lines if "error:" in line]
    return "; ".join(dict.fromkeys(wrong[-3:])) or (lines[-1] if lines else "it ended without a word")
