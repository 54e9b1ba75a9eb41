"""Worker processes: a function applied to many values in several forked processes, results in order.

The processes run from the moment they are started: whoever reads the results may do other work meanwhile.

Each process writes to a pipe of its own, so that one that is killed, as a container out of memory does, is
noticed at once and holds no lock that another waits for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

T = TypeVar("T")
R = TypeVar("R")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_LONGEST_END: Final = 5.0
"""Seconds that a process whose pipe is closed has to end."""

_GIVES_WAY: Final = 5
"""How much nicer a process is than the command, which sends requests meanwhile: those come first."""


class WorkerKilledError(ReconcilerError):
    """A worker process ended before its work was done (exit 1)."""


def processors() -> int:
    """Return the number of processors that this process may use or, if unknown, of the machine.

    1 where no process can be forked: the system cannot, another thread may hold a lock that it would keep, or
    this one is a daemon of `multiprocessing`, which may have none.
    """
    known = sys.modules.get("multiprocessing.process")
    is_daemon = known is not None and known.current_process().daemon
    if not hasattr(os, "fork") or threading.active_count() > 1 or is_daemon:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def map_in_processes(
    function: Callable[[T], R], values: Sequence[T], processes: int, batch: int
) -> Iterator[Iterator[R]]:
    """Start processes, and provide `function(value)` for each of `values`, in their order.

    No other thread may run in this process when they start; any number may once they have. At the end of the
    context, for whatever reason it ends, the processes are killed.

    Args:
        function: The function; its results can be pickled.
        values: The values.
        processes: The number of processes.
        batch: The number of results that a process sends at once.

    Raises:
        WorkerKilledError: A process ended before its work was done; where the results are read.
        Exception: The exception of `function`; where its result is read.
    """
    import multiprocessing  # noqa: PLC0415 - few values need no processes

    context = multiprocessing.get_context("fork")
    batches = [values[start : start + batch] for start in range(0, len(values), batch)]
    workers: list[tuple[ForkProcess, Connection]] = []
    try:
        for number in range(processes):
            reader, writer = context.Pipe(duplex=False)
            with closing(writer):
                worker = context.Process(
                    target=_work, args=(writer, function, batches[number::processes]), daemon=True
                )
                workers.append((worker, reader))  # before an interrupt may come
                start_undisturbed(worker)
        received = (_received(*workers[index % processes]) for index in range(len(batches)))
        yield chain.from_iterable(received)
    finally:
        started = [worker for worker, _ in workers if worker.pid is not None]
        for worker in started:
            worker.kill()
        for worker in started:
            worker.join(_LONGEST_END)
        for _, reader in workers:
            reader.close()


def start_undisturbed(worker: ForkProcess) -> None:
    """Start a process, and let SIGTERM and SIGINT wait meanwhile: it begins with both of them blocked.

    Python ignores exceptions in its hooks around a fork: an interrupt there would be lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(worker: ForkProcess, reader: Connection) -> list[Any]:
    """Return the next results of a worker."""
    import pickle  # noqa: PLC0415 # nosec B403 - few values need no processes, which are our own

    try:
        results: list[Any] | Exception = pickle.loads(reader.recv_bytes())  # noqa: S301 # nosec B301
    except (EOFError, OSError):
        worker.join(_LONGEST_END)
        raise WorkerKilledError(
            f"a process that read a part of the files {_end(worker.exitcode)} before it was done",
            hint="Often a container has too little memory: give it more.",
        ) from None
    if isinstance(results, Exception):
        raise results
    return results


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return "ended"


def _work(writer: Connection, function: Callable[[T], R], batches: Sequence[Sequence[T]]) -> None:
    """Send the results of each batch; an exception ends the work."""
    with suppress(OSError):  # a system may forbid it
        os.nice(_GIVES_WAY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what an interrupt ends
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    try:
        for batch in batches:
            _send(writer, [function(value) for value in batch])
    except BrokenPipeError:
        return  # the command ended
    except Exception as error:  # noqa: BLE001 - it is raised where the results are read
        _send(writer, error)


def _send(writer: Connection, results: object) -> None:
    import pickle  # noqa: PLC0415 # nosec B403 - few values need no processes, which are our own

    writer.send_bytes(pickle.dumps(results, pickle.HIGHEST_PROTOCOL))
