"""A lock file with a lease: of all runs that name the same file, one at a time.

The file says who holds it and until when. It is read and written only under the system's own lock on it
(`flock`), held for a moment each time, so that of several processes that find a free, removed or expired
one exactly one gets it. The holder renews it; one that was killed is waited for no longer than its lease.
The clocks of the machines that share the file must agree to within a fraction of the lease.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from reconciler.errors import BlockedError, ReconcilerError, reason_of
from reconciler.moments import in_milliseconds
from reconciler.text import clip, printable
from reconciler.values import JsonObject, as_object

_FORMAT_VERSION: Final = 1
_MOST_BYTES: Final = 4096
_MOMENT: Final = 10.0
"""The seconds within which whoever reads or writes the file must be through."""

_LOOK: Final = 0.01
_RENEWALS: Final = 3
"""How often a lease is renewed before it would end."""


class LeaseHeldError(BlockedError):
    """Another run holds the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock, as the file says.

    Args:
        who: The user.
        host: The machine, or the container.
        pid: The process there.
        run_id: The run.
        since: When it got it, as RFC 3339.
        expires: When its lease ends, in seconds since the epoch.
        key: Tells this holder from every other.
    """

    who: str
    host: str
    pid: int
    run_id: str
    since: str
    expires: float
    key: str

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.who} on {self.host} (process {self.pid}), since {self.since}"


class Lease:
    """A lock file, for one run.

    Args:
        path: The file.
        seconds: How long the lease lasts without being renewed.
        run_id: The run.
        now: Tells the time, in seconds since the epoch.
    """

    def __init__(self, path: Path, seconds: float, run_id: str, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._seconds = seconds
        self._run_id = run_id
        self._now = now
        self._key = secrets.token_hex(8)
        self._since = in_milliseconds(datetime.fromtimestamp(now(), timezone.utc))

    def take(self) -> Holder | None:
        """Take the lock, and return whose expired lease that ended; `None` for nobody's.

        Raises:
            HeldError: Another run holds it.
            ReconcilerError: The file cannot be used.
        """
        with self._file() as file:
            before = self._read(file)
            if before is not None and before.expires > self._now():
                left = before.expires - self._now()
                raise LeaseHeldError(
                    f"another run is going on: {before}; its lease lasts for {left:.0f} s more",
                    hint=f"Nothing was done. The lock is {self._path}: remove it if that run is surely over.",
                )
            self._write(file)
            return before

    def renew(self) -> bool:
        """Lengthen the lease; `False` when another run has taken the lock meanwhile, or it was removed.

        Raises:
            ReconcilerError: The file cannot be used.
        """
        with self._file() as file:
            if not self._is_ours(self._read(file)):
                return False
            self._write(file)
            return True

    def release(self) -> None:
        """Remove the file, if the lock is still this run's.

        Raises:
            ReconcilerError: The file cannot be used; it then expires by itself.
        """
        with self._file() as file:
            if self._is_ours(self._read(file)):
                self._path.unlink()

    def _is_ours(self, holder: Holder | None) -> bool:
        return holder is not None and holder.key == self._key

    @contextmanager
    def _file(self) -> Iterator[int]:
        """Open the file under the system's lock, made when it is not there."""
        try:
            with _locked(self._path) as handle:
                yield handle
        except OSError as error:
            raise ReconcilerError(f"the lock file {self._path} cannot be used: {reason_of(error)}") from error

    def _read(self, file: int) -> Holder | None:
        data = os.pread(file, _MOST_BYTES + 1, 0)
        if not data:
            return None  # made a moment ago, or by a machine that went down as it was written
        try:
            return _holder(as_object(json.loads(data)))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ReconcilerError(
                f"{self._path} is no lock file of this command, and is left as it is",
                hint="Name another one, or remove it.",
            ) from None

    def _write(self, file: int) -> None:
        ends = datetime.fromtimestamp(self._now() + self._seconds, timezone.utc)
        document: JsonObject = {
            "format_version": _FORMAT_VERSION,
            "who": _user(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "run_id": self._run_id,
            "since": self._since,
            "expires": in_milliseconds(ends),
            "key": self._key,
        }
        data = (json.dumps(document) + "\n").encode("ascii")
        os.pwrite(file, data, 0)
        os.ftruncate(file, len(data))
        os.fsync(file)


@contextmanager
def held(lease: Lease, seconds: float, lost: Callable[[str], None]) -> Iterator[None]:
    """Keep a lease that was taken, renewed by a thread, and release it at the end of the block.

    Args:
        lease: The lease.
        seconds: How long it lasts.
        lost: Called, once and from that thread, when it is lost: the run must not write any more.
    """
    end = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, seconds, end, lost), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        with suppress(ReconcilerError):
            lease.release()


def _renew(lease: Lease, seconds: float, end: threading.Event, lost: Callable[[str], None]) -> None:
    valid_until = time.monotonic() + seconds
    while not end.wait(seconds / _RENEWALS):
        try:
            if not lease.renew():
                lost("another run took it, or it was removed")
                return
            valid_until = time.monotonic() + seconds
        except ReconcilerError as error:
            if time.monotonic() + seconds / _RENEWALS >= valid_until:
                lost(error.message)
                return


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(0, "it is not a regular file")
            _wait_for(handle)
            if not _is_at(handle, path):
                continue  # it was removed while it was waited for
            yield handle
            return
        finally:
            os.close(handle)


def _wait_for(handle: int) -> None:
    """Take the system's lock on a file, which others keep for a moment only, unless they hang."""
    end = time.monotonic() + _MOMENT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise OSError(0, f"another process has not let go of it for {_MOMENT:.0f} s") from None
            time.sleep(_LOOK)
        else:
            return


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _holder(value: JsonObject) -> Holder:
    def text(name: str) -> str:
        return clip(printable(str(value[name])), 200)

    return Holder(
        who=text("who"),
        host=text("host"),
        pid=int(str(value["pid"])),
        run_id=text("run_id"),
        since=text("since"),
        expires=datetime.fromisoformat(str(value["expires"]).replace("Z", "+00:00")).timestamp(),
        key=str(value["key"]),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's numeric user has no name
