"""Fleet on Dask: the units as tasks of a scheduler, of this machine or of a cluster that somebody else runs.

Dask gives a unit to a worker, and to another one when that is lost. Results and retries come back here; no
token is sent anywhere, because each worker reads the variables of its own process.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, Final

import dask
from distributed import Client, Event, KilledWorker, LocalCluster, as_completed, get_client

from reconciler import __version__
from reconciler.client import RetryPolicy
from reconciler.errors import ReconcilerError, UsageError
from reconciler.fleet import ledger
from reconciler.fleet.ledger import SharedBudget
from reconciler.fleet.units import FleetWork, Unit, read_list, run_unit, unit_without_result
from reconciler.operations import STOPPING, SharedTenant, resolve_settings
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Listed

SCHEMES: Final = {"dask": "tcp", "dask+tls": "tls"}
"""The scheme of Dask for that of `--executor`."""

_THREADS: Final = 4
"""The units that a worker of this machine runs at a time: they mostly wait for their tenants."""

_LOOK: Final = 0.5
"""The seconds between two looks of a unit at whether the fleet was stopped."""

_ANY_PORT: Final = "127.0.0.1:0"
"""Where the scheduler of this machine serves HTTP, which it always does: by default all take one port."""

_CONNECT: Final = 10
"""The seconds within which a scheduler must answer."""


_WITHOUT_PROGRAM: Final = "cannot load peak-reconciler"
_INSTALL: Final = f"install version {__version__} of peak-reconciler there, too"


class _TryAgainError(Exception):
    """A unit whose next try may do better; it carries the result in case there is none."""

    def __init__(self, document: JsonObject) -> None:
        super().__init__(document)
        self.document = document


def run_on_dask(  # noqa: PLR0913 - the last by name
    executor: str,
    work: FleetWork,
    units: Sequence[Unit],
    *,
    workers: int,
    retries: int,
    on_result: Callable[[JsonObject], None],
    on_stop: Callable[[str], None],
) -> list[JsonObject]:
    """Return the result of each unit, in their order.

    An interrupt (Ctrl-C) starts no further unit and no further write; a second one ends at once.

    Args:
        executor: `local` for workers on this machine, or the address of a scheduler.
        work: What is done in each unit.
        units: The units.
        workers: The number of workers on this machine.
        retries: How often a unit is run again that failed for a reason that may pass.
        on_result: Called with each result as it comes.
        on_stop: Called with a message when the fleet is stopped.

    Raises:
        UsageError: The address is none.
        ReconcilerError: The scheduler does not answer.
    """
    run, origin = uuid.uuid4().hex, _origin(work)
    with _connected(executor, workers) as client:
        _forget(client, run)  # nothing yet: it shows whether the scheduler has this program
        stop = Event(f"{run} stop", client=client)
        lists = {
            unit.environment: client.submit(read_list, work, unit.environment, pure=False)
            for unit in units
            if unit.shard.of > 1
        }
        futures = {
            client.submit(
                _run_in_worker,
                work,
                unit,
                run,
                origin,
                lists.get(unit.environment),
                key=f"{unit.label} {run}",
                retries=retries,
                pure=False,
            ): unit
            for unit in units
        }
        found: dict[int, JsonObject] = {}
        while len(found) < len(units):
            pending = [future for future, unit in futures.items() if unit.index not in found]
            try:
                for future in as_completed(pending):
                    unit = futures[future]
                    found[unit.index] = _document(future, work, unit)
                    on_result(found[unit.index])
            except KeyboardInterrupt:
                if stop.is_set():
                    raise
                stop.set()
                on_stop(STOPPING)
        _forget(client, run)
    return [found[unit.index] for unit in units]


def _forget(client: Client, run: str) -> None:
    """Forget the tries of the units of a run.

    Raises:
        ReconcilerError: The scheduler does not have this program.
    """
    try:
        client.run_on_scheduler(ledger.forget, run)
    except ImportError as error:
        raise ReconcilerError(f"the Dask scheduler {_WITHOUT_PROGRAM}", hint=_INSTALL) from error


@contextmanager
def _connected(executor: str, workers: int) -> Iterator[Client]:
    """Yield a client of the scheduler that `executor` names."""
    if executor == "local":
        with _local_cluster(workers) as cluster, Client(cluster) as client:
            yield client
        return
    scheme, _, place = executor.partition("://")
    if scheme not in SCHEMES or not place:
        raise UsageError(
            f"--executor {clip(printable(executor), 60)!r} is unknown",
            hint="Use local, matrix, kubernetes, or the address of a Dask scheduler: dask://HOST:PORT.",
        )
    try:
        client = Client(f"{SCHEMES[scheme]}://{place}", timeout=_CONNECT)
    except (OSError, ValueError) as error:
        raise ReconcilerError(
            f"the Dask scheduler at {clip(printable(executor), 100)} does not answer",
            hint="Check its address, and that it runs the same version of distributed.",
        ) from error
    with client:
        yield client


@contextmanager
def _local_cluster(workers: int) -> Iterator[LocalCluster]:
    """Yield a cluster of this machine, whose workers leave Ctrl-C to this process.

    They are started by a thread that begins here, and a thread passes on the signals that it blocks.
    """
    settings: dict[str, Any] = {
        "distributed.admin.low-level-log-length": 0,
        "distributed.worker.daemon": False,
        "distributed.scheduler.active-memory-manager.start": False,
        "distributed.scheduler.http.routes": [],
    }
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with dask.config.set(settings):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=_THREADS,
                dashboard_address=_ANY_PORT,
                scheduler_kwargs={"dashboard": False},
                silence_logs=50,
            )
    except (OSError, RuntimeError) as error:
        raise ReconcilerError(
            "the workers on this machine did not start",
            hint="They may lack memory or processes; pass fewer --workers.",
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    with cluster:
        yield cluster


def _document(future: Any, work: FleetWork, unit: Unit) -> JsonObject:  # noqa: ANN401 - Dask's
    """Return the result of a unit that has ended, whichever way."""
    error = future.exception()
    if error is None:
        document: JsonObject = future.result()
        return document
    if isinstance(error, _TryAgainError):
        return error.document
    if isinstance(error, ImportError):
        return unit_without_result(work, unit, f"a worker {_WITHOUT_PROGRAM}; {_INSTALL}")
    if isinstance(error, KilledWorker):
        return unit_without_result(
            work, unit, "its workers were lost again and again; it may need more memory"
        )
    # Never its text, which may quote a secret.
    return unit_without_result(work, unit, f"unexpected {type(error).__name__} in a worker")


def _origin(work: FleetWork) -> tuple[str, str]:
    """Return the version of this program, and a digest of the configuration that it finds here."""
    given = resolve_settings(work.raw).given
    file = given.config if given else None
    return __version__, "" if file is None else sha256(file.read_bytes()).hexdigest()


def _difference(work: FleetWork, origin: tuple[str, str]) -> str:
    """Return how what this process finds differs from `origin`; empty if it does not."""
    try:
        version, configuration = _origin(work)
    except ReconcilerError as error:
        return f"cannot read the configuration: {error.message}"
    if version != origin[0]:
        return f"has version {version} of this program, not {origin[0]}"
    return "has another configuration file" if configuration != origin[1] else ""


def _run_in_worker(
    work: FleetWork, unit: Unit, run: str, origin: tuple[str, str], listed: tuple[Listed, ...] | None
) -> JsonObject:
    """Run a unit in a worker, and return its result.

    A unit that was begun before failed, or lost its worker. Then it does not use the common list, which is
    older than its own writes; and an apply waits until the tenant's list shows them.
    """
    difference = _difference(work, origin)
    if difference:
        error = (
            f"the worker on {socket.gethostname()} {difference}; start workers in a checkout of this commit"
        )
        return unit_without_result(work, unit, error)
    client = get_client()
    attempt = client.run_on_scheduler(ledger.begin, f"{run} {unit.index}")
    stop = Event(f"{run} stop", client=client)
    if stop.is_set():
        return unit_without_result(work, unit)
    if attempt > 1 and work.command == "apply":
        time.sleep(sum(RetryPolicy().settle))
    shared = SharedTenant(reserve=_budget(work, unit, client), listed=listed if attempt == 1 else None)
    with _watched(stop) as stopped:
        result = run_unit(work, unit, shared, stopped, attempt=attempt)
    if result.transient and not stopped.is_set():
        raise _TryAgainError(result.document)
    return result.document


def _budget(work: FleetWork, unit: Unit, client: Client) -> Callable[[], float] | None:
    """Return the budget of requests that all workers share for the tenant of a unit."""
    try:
        per_second = work.settings(unit.environment).max_requests_per_second
    except ReconcilerError:
        return None  # the unit itself reports it
    if per_second is None:
        return None
    ask = partial(client.run_on_scheduler, ledger.take, unit.environment, per_second)
    return SharedBudget(ask, per_second).reserve


@contextmanager
def _watched(stop: Event) -> Iterator[threading.Event]:
    """Yield an event of this process that is set once the fleet is stopped."""
    stopped, ended = threading.Event(), threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK):
            if stop.is_set():
                stopped.set()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield stopped
    finally:
        ended.set()
        thread.join()
