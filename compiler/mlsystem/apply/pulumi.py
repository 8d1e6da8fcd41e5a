"""A stack under Pulumi's engine, through its Automation API. Imported only where an engine is asked for."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pulumi import automation
from pulumi.automation import errors

from mlsystem.apply.events import Says, Watch
from mlsystem.apply.interrupted import Deployment, settled
from mlsystem.apply.let_go import let_go
from mlsystem.apply.program import inline
from mlsystem.apply.pulumi_command import END_SECONDS, EngineCommand, Run, recorded_run, settle
from mlsystem.apply.pulumi_events import Failures, PreviewCollector, Progress, kind_and_name
from mlsystem.apply.stack import StackFailedError, StackPlace, UnavailableError
from mlsystem.errors import MlsystemError
from mlsystem.plan.preview import Preview
from mlsystem.state.store import MemoryStore
from mlsystem_runtime.contract.workspace import write_atomically

RUN = "run.json"
PAUSE_SECONDS = 10.0
T = TypeVar("T")
HOLDER = re.compile(r"created by (?P<who>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
PASSED = ("PULUMI_", "KUBECONFIG", "AWS_")
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
        self._settle(stack, watch)
        progress = Progress(self.place, watch)
        self._changed(stack, lambda: stack.up(on_event=progress, color="never"), progress.failures)
        progress.finish()

    def exists(self) -> bool:
        self.check()
        return self._selected() is not None

    def held(self) -> Mapping[str, str]:
        self.check()
        stack = self._selected()
        return {} if stack is None else {name_of(one): str(one.get("id", "")) for one in resources_of(stack)}

    def destroy(self, watch: Watch, only: frozenset[str] | None = None) -> None:
        self.check()
        stack = self._selected()
        if stack is None:
            return
        urns = None if only is None else [str(one["urn"]) for one in resources_of(stack) if name_of(one) in only]
        if urns != []:
            self._settle(stack, watch)
            if only is not None:
                now = datetime.now(UTC)
                self._rewritten(stack, lambda deployment: let_go(deployment, only, now))
            self._destroyed(stack, watch, urns)
        if not resources_of(stack):
            stack.workspace.remove_stack(self.place.name, force=True)  # what is left are providers

    def _destroyed(self, stack: automation.Stack, watch: Watch, urns: list[str] | None) -> None:
        progress = Progress(self.place, watch)
        self._changed(stack, lambda: stack.destroy(on_event=progress, color="never", target=urns), progress.failures)
        progress.finish()

    def _settle(self, stack: automation.Stack, watch: Watch) -> None:
        """What an engine that was killed may have made is found again, or made anew."""
        state = stack.export_stack().deployment or {}
        if not state.get("pending_operations"):
            return
        watch(Says("looks for what was being made when the last apply was interrupted"))
        _, made = settled(state, self.place.identify)
        self._rewritten(stack, lambda deployment: settled(deployment, self.place.identify)[0])
        failures = Failures(self.place)
        if made:
            self._changed(
                stack, lambda: stack.refresh(target=list(made), on_event=failures, color="never"), failures
            )  # fmt: skip
        for urn in made:
            watch(Says(f"{' '.join(kind_and_name(urn))} was being made: looked for"))

    def _rewritten(self, stack: automation.Stack, change: Callable[[Deployment], Deployment]) -> None:
        def rewrite() -> None:
            found = stack.export_stack()
            found.deployment = dict(change(found.deployment or {}))
            stack.import_stack(found)

        self._changed(stack, rewrite, Failures(self.place))

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
            elsewhere = replace(self.place, work=work, backend=backend, secrets_provider=None, environ=environ,
                                store=MemoryStore())  # fmt: skip
            stack = PulumiStack(elsewhere)._selected(create=True)
            assert stack is not None, "it is made where it is not"
            yield stack

    def _record(self, run: Run) -> None:
        self.place.store.remember(self._kept(RUN), msgspec.json.encode(run))

    def _kept(self, name: str) -> str:
        """What the state keeps of this stack, by its name there."""
        return f"pulumi/{self.place.work.name}/{name}"

    def _selected(self, *, create: bool = False) -> automation.Stack | None:
        """None where there is no such stack."""
        place, program = self.place, self._program
        assert program is not None, "checked before"
        place.work.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place.program / "Pulumi.yaml", place.work / "Pulumi.yaml")
        kept = self._bring_settings()
        if place.backend.startswith("file://"):
            Path(place.backend.removeprefix("file://")).mkdir(parents=True, exist_ok=True)
        passed = {name: value for name, value in place.environ.items() if name.startswith(PASSED)}
        options = automation.LocalWorkspaceOptions(
            work_dir=str(place.work),
            program=inline(place.program),
            secrets_provider=place.secrets_provider,
            pulumi_command=EngineCommand(program, self._record, lambda: place.store.patience_s),
            env_vars={**passed, "PATH": place.environ.get("PATH", ""), "PULUMI_BACKEND_URL": place.backend,
                      "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )  # fmt: skip
        workspace = automation.LocalWorkspace(**vars(options))
        try:
            if create:
                stack = automation.Stack.create_or_select(place.name, workspace)
                self._keep_settings(kept)
                return stack
            return automation.Stack.select(place.name, workspace)
        except errors.StackNotFoundError:
            return None
        except errors.CommandError as error:
            raise UnavailableError(f"Pulumi does not open its state {place.backend}: {last_words(error)}") from error

    @property
    def _settings(self) -> Path:
        """How the secrets of the stack are encrypted: not the key, but what only the key opens."""
        return self.place.work / f"Pulumi.{self.place.name}.yaml"

    def _bring_settings(self) -> bytes | None:
        """To a machine that has none yet."""
        if not self._settings.exists():
            found = self.place.store.recall(self._kept(self._settings.name))
            if found is not None:
                write_atomically(self._settings, found)
        return self._settings.read_bytes() if self._settings.exists() else None

    def _keep_settings(self, before: bytes | None) -> None:
        if self._settings.exists() and (now := self._settings.read_bytes()) != before:
            self.place.store.remember(self._kept(self._settings.name), now)

    def _changed(self, stack: automation.Stack, change: Callable[[], T], failures: Failures) -> T:
        """Past the lock of a change that this environment began and that is dead; the caller holds the lease, so no
        other apply of it is alive. An engine on another machine has ended by the time its lease has."""
        run = recorded_run(self.place.store.recall(self._kept(RUN)))
        if run is not None:
            settle(run)
        try:
            return self._asked(change, failures)
        except LockedError as locked:
            if run is None or locked.holders != {(run.host, run.pid)}:
                raise
        if run.host != socket.gethostname():
            with contextlib.suppress(LockedError):
                return self._once_free(change, failures)
        stack.cancel()
        return self._asked(change, failures)

    def _once_free(self, change: Callable[[], T], failures: Failures) -> T:
        """An engine of another machine ends what it had begun when its apply was killed. Raises LockedError where it
        did not, or died too."""
        deadline = time.monotonic() + END_SECONDS
        while True:
            time.sleep(PAUSE_SECONDS)
            try:
                return self._asked(change, failures)
            except LockedError:
                if time.monotonic() > deadline:
                    raise

    def _asked(self, question: Callable[[], T], failures: Failures) -> T:
        try:
            return question()
        except errors.ConcurrentUpdateError as error:
            raise LockedError(self.place, str(error)) from error
        except errors.CommandError as error:
            told = failures.told(last_words(error))
            raise (StackFailedError(*told) if failures.of_objects else UnavailableError(*told)) from error


def resources_of(stack: automation.Stack) -> list[Mapping[str, Any]]:
    """Those that are something in the world, as the state has them."""
    found = (stack.export_stack().deployment or {}).get("resources") or []
    return [one for one in found if one.get("custom") and not one["type"].startswith("pulumi:")]


def name_of(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


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
