"""Worker processes: a function applied to many values in several forked processes, results in order.

Each process writes to a pipe of its own, so that one that is killed, as a container out of memory does, is
noticed at once and holds no lock that another waits for.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

T = TypeVar("T")
R = TypeVar("R")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_LONGEST_END: Final = 5.0
"""Seconds that a process whose pipe is closed has to end."""


class WorkerKilledError(ReconcilerError):
    """A worker process ended before its work was done (exit 1)."""


def map_in_processes(
    function: Callable[[T], R], values: Sequence[T], processes: int, batch: int
) -> Iterator[R]:
    """Yield `function(value)` for each of `values`, in their order.

    No thread may run in this process: a forked process would keep the locks that it holds. When the iteration
    ends early, for whatever reason, the processes are killed.

    Args:
        function: The function; it and its results can be pickled.
        values: The values.
        processes: The number of processes.
        batch: The number of results that a process sends at once.

    Raises:
        WorkerKilledError: A process ended before its work was done.
        Exception: The exception of `function`.
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
                start_undisturbed(worker)
            workers.append((worker, reader))
        for index in range(len(batches)):
            yield from _received(*workers[index % processes])
    finally:
        for worker, _ in workers:
            worker.kill()
        for worker, reader in workers:
            worker.join(_LONGEST_END)
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


def _received(worker: ForkProcess, reader: Connection) -> list[R]:
    """Return the next results of a worker."""
    try:
        results: list[R] | Exception = reader.recv()
    except (EOFError, OSError):
        worker.join(_LONGEST_END)
        raise WorkerKilledError(
            f"a process that checked a part of the files {_end(worker.exitcode)} before it was done",
            hint="Often a container has too little memory: give it more, or check fewer files at a time.",
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
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)  # those of the command are not for this process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    try:
        for batch in batches:
            writer.send([function(value) for value in batch])
    except BrokenPipeError:
        return  # the command ended
    except Exception as error:  # noqa: BLE001 - it is raised where the results are read
        writer.send(error)
