"""Lock file with a lease: one active run among all that share the file.

The file names its holder and the end of its lease. It is read and written only under the system's lock on it
(`flock`), held briefly each time, so that exactly one of several processes gets a free, removed or expired
lock. The holder renews the lease; a killed holder blocks other runs until its lease ends. The clocks of the
machines that share the file must agree to within a fraction of the lease.
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
from reconciler.text import clip, printable
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, as_object

_FORMAT_VERSION: Final = 1
_MOST_BYTES: Final = 4096
_LOCK_TIMEOUT: Final = 10.0
"""The most seconds to wait for the system's lock, which is held only to read or write the file."""

_RETRY_PAUSE: Final = 0.01
_RENEWALS: Final = 3
"""The number of renewals within one lease."""


class LeaseHeldError(BlockedError):
    """A lock that another run holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The holder of the lock, from the file.

    Args:
        who: The user name.
        host: The host name of the machine or container.
        pid: The process id.
        run_id: The id of the run.
        since: The time it took the lock, as RFC 3339.
        expires: The end of its lease, in seconds since the epoch.
        key: A random text that identifies this holder.
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
    """The lease of one run on a lock file.

    Args:
        path: The lock file.
        seconds: The duration of the lease without a renewal.
        run_id: The id of the run.
        now: Returns the time, in seconds since the epoch.
    """

    def __init__(self, path: Path, seconds: float, run_id: str, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._seconds = seconds
        self._run_id = run_id
        self._now = now
        self._key = secrets.token_hex(8)
        self._since = rfc3339_milliseconds(datetime.fromtimestamp(now(), timezone.utc))

    def take(self) -> Holder | None:
        """Take the lock, and return the holder of the expired lease that it replaces, if any.

        Raises:
            LeaseHeldError: Another run holds it.
            ReconcilerError: The file cannot be used.
        """
        with self._file() as file:
            before = self._read(file)
            if before is not None and before.expires > self._now():
                left = before.expires - self._now()
                raise LeaseHeldError(
                    f"another run is active: {before}; its lease ends in {left:.0f} s",
                    hint=f"Nothing was changed. Remove {self._path} only if that run has ended.",
                )
            self._write(file)
            return before

    def renew(self) -> bool:
        """Renew the lease, and return whether this run still held it: the file may be taken over or removed.

        Raises:
            ReconcilerError: The file cannot be used.
        """
        with self._file() as file:
            if not self._is_ours(self._read(file)):
                return False
            self._write(file)
            return True

    def release(self) -> None:
        """Remove the file, if this run still holds the lock.

        Raises:
            ReconcilerError: The file cannot be used; the lease then expires.
        """
        with self._file() as file:
            if self._is_ours(self._read(file)):
                self._path.unlink()

    def _is_ours(self, holder: Holder | None) -> bool:
        return holder is not None and holder.key == self._key

    @contextmanager
    def _file(self) -> Iterator[int]:
        """Open the file, creating it if needed, and hold the system's lock on it."""
        try:
            with _locked(self._path) as handle:
                yield handle
        except OSError as error:
            raise ReconcilerError(f"the lock file {self._path} cannot be used: {reason_of(error)}") from error

    def _read(self, file: int) -> Holder | None:
        data = os.pread(file, _MOST_BYTES + 1, 0)
        if not data:
            return None  # just created, or left by a machine that crashed before it wrote
        try:
            # Behind its line is the end of a longer one where a run was killed between writing and cutting.
            return _holder(as_object(json.loads(data.split(b"\n", 1)[0])))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ReconcilerError(
                f"{self._path} is not a lock file of this command and is left unchanged",
                hint="Use another path, or remove the file.",
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
            "expires": rfc3339_milliseconds(ends),
            "key": self._key,
        }
        data = (json.dumps(document) + "\n").encode("ascii")
        os.pwrite(file, data, 0)
        os.ftruncate(file, len(data))
        os.fsync(file)


@contextmanager
def held(lease: Lease, seconds: float, lost: Callable[[str], None]) -> Iterator[None]:
    """Renew a lease from a thread during the block, and release it at the end.

    Args:
        lease: The lease, already taken.
        seconds: Its duration.
        lost: Called once, from that thread, with the reason when the lease is lost: the run must stop
            writing.
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
                continue  # removed while waiting for the lock
            yield handle
            return
        finally:
            os.close(handle)


def _wait_for(handle: int) -> None:
    """Take the system's lock on a file, which others hold only briefly unless they hang."""
    end = time.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise OSError(0, f"another process has locked it for {_LOCK_TIMEOUT:.0f} s") from None
            time.sleep(_RETRY_PAUSE)
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
