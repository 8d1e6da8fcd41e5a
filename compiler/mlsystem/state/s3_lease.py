"""The lease in a bucket: an object that its holder writes again and again. Who stops writing it has lost it.

How old it is, both times of the store's own clock say. How long it was held, and when to give up, a clock of the holder
says that nobody sets and that runs while the machine sleeps. No two machines' clocks are ever compared.
"""

from __future__ import annotations

import random
import secrets
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.state.lease import LOCK, FileLease, Holder
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.bucket import Bucket, Object, UnreachableError

LEASE = "lease.json"
RUN = "lease.run"
RACES = 20
WHOLE_SECONDS: Final = 2.0
"""What two times in whole seconds may be wrong by, together."""
SIGNAL = signal.SIGUSR1
Taken = Callable[[str, bool], None]


@dataclass(frozen=True)
class Terms:
    """Seconds: between renewals; after the last one that is known to have succeeded, when the holder gives up and
    stops its engine; and when, by the store's clock, somebody else may take it. In between the engine ends."""

    renewed_s: float = 10
    gives_up_s: float = 30
    ends_s: float = 60


TERMS = Terms()


class Tenure(Struct):
    """What the object says. `run` is drawn for each holder; `held_s` is by its own clock; `beat` makes every renewal
    another content."""

    run: str
    holder: Holder
    beat: int
    held_s: float
    released: bool = False


class LeaseLostError(MlsystemError):
    """Somebody else may be changing the environment by now."""


class S3Lease:
    """`bucket` is patient enough to take it, `hasty` enough to renew it. `folder` is the environment's on this machine:
    a lock in it goes first, so that nobody waits for the end of a run of this folder that was killed. `taken` is told
    the run that may write, and whether the one before left without a word."""

    def __init__(
        self, bucket: Bucket, hasty: Bucket, folder: Path, purpose: str, terms: Terms, taken: Taken
    ) -> None:
        self.run = secrets.token_hex(8)
        self._bucket, self._hasty, self._terms, self._taken = bucket, hasty, terms, taken
        self._here, self._last = FileLease(folder / LOCK, purpose), folder / RUN
        self._holder = Holder.me(purpose)
        self._object: Object | None = None
        self._beat = 0
        self._began = self._valid = now()
        self._writing, self._ending = threading.Lock(), threading.Lock()
        self._done = threading.Event()
        self._lost: str | None = None
        self._entered = self._leaving = False

    def __enter__(self) -> S3Lease:
        self._here.__enter__()
        try:
            interrupted = self._take()
            self._bucket, self._entered = self._hasty, True
            self._keep()
            self._taken(self.run, interrupted)
        except BaseException as error:
            self._stop()  # not given back: whoever is next fences out the run before, which this one did not come to
            self._here.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if self._lost is None:
            self._release()
        self._here.__exit__(kind, error, trace)
        if self._lost is not None and not isinstance(error, LeaseLostError):
            raise self._told() from error

    @property
    def held(self) -> bool:
        """From when it was taken until it is left, also if it was lost meanwhile."""
        return self._entered and not self._leaving

    @property
    def left_s(self) -> float:
        """How long nobody else can have it yet."""
        return self._terms.ends_s - (now() - self._valid)

    def check(self) -> None:
        """Raises LeaseLostError."""
        if self._lost is not None or self.left_s <= 0:
            raise self._told()

    def _take(self) -> bool:
        """Whether the run before left without a word."""
        for _ in range(RACES):
            found = self._look()
            if found is not None and not found.released and not self._over(found):
                raise self._busy(found)
            self._last.write_text(f"{self.run} {self._this_lock()}")
            if self._write():
                return found is not None and not found.released
            time.sleep(random.uniform(0.02, 0.2))
        raise MlsystemError(f"{self._uri} cannot be written: others write it all the time", "try it again")

    def _over(self, found: Tenure) -> bool:
        """Its time is up, or it is of this folder, whose lock is ours: then that process is dead."""
        return self._age_s >= self._terms.ends_s + WHOLE_SECONDS or self._is_of_here(found)

    def _is_of_here(self, found: Tenure) -> bool:
        try:
            return self._last.read_text() == f"{found.run} {self._this_lock()}"
        except FileNotFoundError:
            return False

    def _this_lock(self) -> str:
        """Which lock that is: a copy of the folder has another one, and so has a machine that was started anew."""
        place = self._last.with_name(LOCK).stat()
        return f"{boot()} {place.st_dev}:{place.st_ino}"

    @property
    def _age_s(self) -> float:
        """Since the last renewal; 0.0 where the store does not say."""
        held = self._object
        return max(0.0, held.read_s - held.changed_s) if held is not None and held.changed_s and held.read_s else 0.0

    @property
    def _uri(self) -> str:
        return f"{self._bucket.uri}/{LEASE}"

    def _look(self) -> Tenure | None:
        try:
            self._object = self._bucket.get(LEASE)
        except FileNotFoundError:
            self._object = None
            return None
        try:
            return msgspec.json.decode(self._object.data, type=Tenure)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MlsystemError(f"{self._uri} cannot be read: {error}", f"delete it: aws s3 rm {self._uri}") from error

    def _write(self, *, released: bool = False) -> bool:
        """Whether it is this run's now. A write without an answer may have been carried out: what is there says so, by
        its beat. Nothing is written over what was given back."""
        with self._writing:
            if self._done.is_set() and not released:
                return True
            sent = now()
            self._beat += 1
            data = msgspec.json.encode(Tenure(self.run, self._holder, self._beat, sent - self._began, released))
            try:
                written = (
                    self._bucket.create(LEASE, data) if self._object is None
                    else self._bucket.replace(LEASE, data, self._object)
                )  # fmt: skip
            except UnreachableError:
                found = self._look()
                if self._entered and found is not None and found.run != self.run:
                    return False
                if found is None or (found.run, found.beat) != (self.run, self._beat):
                    raise
                written = self._object
            if written is None:
                found = self._look()
                return found is not None and found.run == self.run
            self._object, self._valid = written, sent
            return True

    def _keep(self) -> None:
        if now() - self._valid > self._terms.renewed_s and not self._write():  # taking it took long
            raise self._told()
        if threading.current_thread() is threading.main_thread():
            signal.signal(SIGNAL, self._interrupt)
        for target in (self._renew, self._watch):
            threading.Thread(target=target, name=f"lease {target.__name__}", daemon=True).start()

    def _renew(self) -> None:
        pause = self._terms.renewed_s
        while not self._done.wait(pause):
            try:
                mine = self._write()
            except (MlsystemError, FileNotFoundError):
                pause = random.uniform(0.1, 0.3) * self._terms.renewed_s
                continue
            pause = self._terms.renewed_s
            if not mine:
                self._lose("somebody else has taken it")

    def _watch(self) -> None:
        """Apart from the renewals, any of which may hang."""
        while not self._done.wait(self._terms.renewed_s / 10):
            if (silent := now() - self._valid) > self._terms.gives_up_s:
                self._lose(f"it could not be renewed for {silent:.0f} s")

    def _lose(self, why: str) -> None:
        with self._ending:
            if self._done.is_set():
                return
            self._lost = why
            self._done.set()
            if signal.getsignal(SIGNAL) == self._interrupt:
                main = threading.main_thread().ident
                assert main is not None, "it is running"
                signal.pthread_kill(main, SIGNAL)

    def _interrupt(self, number: int, frame: object) -> None:
        """In the main thread, whatever it waits for: it ends as it does at Ctrl-C."""
        del number, frame
        if not self._leaving:
            raise KeyboardInterrupt

    def _stop(self) -> None:
        self._leaving = True
        with self._ending:
            self._done.set()
        if signal.getsignal(SIGNAL) == self._interrupt:
            signal.signal(SIGNAL, signal.SIG_IGN)

    def _release(self) -> None:
        """What cannot be told ends by itself."""
        try:
            if (found := self._held()) is not None and found.run == self.run:
                self._write(released=True)
        except (MlsystemError, FileNotFoundError):
            return

    def _held(self) -> Tenure | None:
        with self._writing:
            return None if self._object is None else msgspec.json.decode(self._object.data, type=Tenure)

    def _busy(self, found: Tenure) -> MlsystemError:
        assert self._object is not None, "it was looked at"
        began = datetime.fromtimestamp(self._object.changed_s - found.held_s, UTC).isoformat(timespec="seconds")
        holder, left = found.holder, self._terms.ends_s + WHOLE_SECONDS - self._age_s
        return MlsystemError(
            f"this environment is being changed by `{holder.purpose}`: {holder.who}, pid {holder.pid}, since {began}, "
            f"last heard of {self._age_s:.0f} s ago",
            f"wait until it is done; should that process be dead, its lease ends in at most {left:.0f} s, and the next "
            "apply goes on where that one stopped",
        )

    def _told(self) -> LeaseLostError:
        why = self._lost or "its time was up"
        return LeaseLostError(
            f"the lease {self._uri} was lost: {why}; what was under way was stopped",
            "once the bucket can be reached again: mlsystem apply, which goes on where this one stopped",
        )


def now() -> float:
    """Seconds of a clock that nobody sets and, where there is one, that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def boot() -> str:
    """Drawn when this machine was started; empty where it is not told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
