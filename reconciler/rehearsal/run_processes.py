"""Processes of runs: each run of a rehearsal in a process that can be killed.

They are forked by one process that has no threads, whatever the command itself does meanwhile.
"""

from __future__ import annotations

import os
import pickle  # nosec B403 - what it reads is written by our own process
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from reconciler.worker_processes import start_undisturbed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import TracebackType

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")

_LONGEST_END: Final = 5.0
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class _Start:
    order: Any


@dataclass(frozen=True, slots=True)
class _Wait:
    pid: int


class RunProcesses(Generic[Order, Outcome]):
    """The processes of runs; they end with the `with` block.

    No other thread of this process may hold a lock that a run needs when the block begins.

    Args:
        work: Does a run in its process; its argument and its result can be pickled.
    """

    def __init__(self, work: Callable[[Order], Outcome]) -> None:
        import multiprocessing  # noqa: PLC0415 - slow to import

        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._running: set[int] = set()
        self._process = context.Process(target=_serve, args=(theirs, self._pipe, work), daemon=True)
        start_undisturbed(self._process)
        theirs.close()

    def __enter__(self) -> RunProcesses[Order, Outcome]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._pipe.close()
        self._process.join(_LONGEST_END)
        self._process.kill()

    def start(self, order: Order) -> int:
        """Start a run and return the id of its process."""
        self._pipe.send(_Start(order))
        pid: int = self._pipe.recv()
        self._running.add(pid)
        return pid

    def outcome(self, pid: int, seconds: float) -> Outcome | None:
        """Return the result of a run once it has ended; `None` for one that was killed.

        Args:
            pid: Its process.
            seconds: How long to wait until it is killed.
        """
        self._pipe.send(_Wait(pid))
        if not self._pipe.poll(max(0.0, seconds)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        data: bytes = self._pipe.recv_bytes()
        self._running.discard(pid)
        if not data:
            return None
        outcome: Outcome = pickle.loads(data)  # noqa: S301 # nosec B301
        return outcome


def _serve(pipe: Connection, other_end: Connection, work: Callable[[Any], Any]) -> None:
    """Start and await runs until the other end of the pipe is closed."""
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what an interrupt ends
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # the emulator is on this machine
    results: dict[int, int] = {}
    with suppress(EOFError, OSError):
        while True:
            request = pipe.recv()
            if isinstance(request, _Start):
                pid, reader = _forked(pipe, work, request.order)
                results[pid] = reader
                pipe.send(pid)
            else:
                data = _read(results.pop(request.pid))
                _, status = os.waitpid(request.pid, 0)
                pipe.send_bytes(b"" if status else data)
    for pid in results:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _forked(pipe: Connection, work: Callable[[Any], Any], order: Any) -> tuple[int, int]:  # noqa: ANN401
    """Return the process that does a run, and the end of the pipe through which its result comes."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        pipe.close()
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            stream.write(pickle.dumps(work(order)))
        status = 0
    finally:
        os._exit(status)


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()
