"""Runner of a plan: applies the actions, several at a time, and collects the results.

Creates, updates and renames come first; deletes last, and only after all of these succeeded.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from reconciler.apply.one_workflow import Applier
from reconciler.apply.report import Report, Result, Status, StoppedError, UnverifiedError, error_text
from reconciler.client import ServerUnreachableError
from reconciler.concurrency import CONCURRENCY, result_of, threads_for
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import Action, BlockedDelete, Delete, Orphan, Plan, Refusal, Unchanged, Write, live_id

Progress = Callable[[Action, "Result | str | None"], None]
"""Called when an action begins (`None`), with what it waits for, and with its result; one call at a time."""

_STOPPED = "the run was stopped before this workflow was started"
_GONE = "the server is gone, and nothing of this workflow was written"
_DELETES_SKIPPED = "deletes come last, and only after everything else succeeded"


def apply_plan(  # noqa: PLR0913 - all but three by name
    plan: Plan,
    applier: Applier,
    progress: Progress,
    *,
    concurrency: int = CONCURRENCY,
    fail_fast: bool = False,
    stop: threading.Event | None = None,
) -> Report:
    """Apply `plan`, and return the results.

    One workflow's failure stops only that workflow, and all deletes. Once `stop` is set, writes in flight are
    finished; the rest is skipped.

    Args:
        plan: The plan.
        applier: Applies single actions.
        progress: Called with the progress of each action.
        concurrency: The number of requests to send at a time, as the session limits them.
        fail_fast: Whether to start no further workflow after the first failure.
        stop: Stops the run when it is set, at any time.

    Raises:
        BlockedError: A guard blocks the whole plan; nothing was written.
    """
    if plan.refusal:
        raise BlockedError(plan.refusal)
    return _Run(applier, progress, stop or threading.Event(), concurrency, fail_fast=fail_fast).report(plan)


def workers_for(concurrency: int, *, fail_fast: bool = False) -> int:
    """Return the number of threads of an apply, as `threads_for`.

    Where the first failure must stop the run, there are no more than requests in flight.

    Args:
        concurrency: The number of requests to send at a time.
        fail_fast: Whether the first failure stops the run.
    """
    return concurrency if fail_fast else threads_for(concurrency)


class _Run:
    """One run over all actions of a plan."""

    def __init__(
        self,
        applier: Applier,
        progress: Progress,
        stop: threading.Event,
        concurrency: int,
        *,
        fail_fast: bool,
    ) -> None:
        self._applier = applier
        self._progress = progress
        self._concurrency = concurrency
        self._fail_fast = fail_fast
        self._stop = stop
        self._failed = threading.Event()
        self._gone = False
        self._lock = threading.Lock()

    def report(self, plan: Plan) -> Report:
        self._applier.learn(plan.facts)
        first = [action for action in plan.actions if not isinstance(action, Orphan | Unchanged)]
        last = [action for action in plan.actions if isinstance(action, Orphan)]
        with ThreadPoolExecutor(
            max_workers=workers_for(self._concurrency, fail_fast=self._fail_fast)
        ) as pool:
            before = self._results(pool, first)
            whole = all(result.status is Status.DONE for result in before)
            after = self._results(pool, last) if whole else list(map(_skipped, last))
        results = (*after, *before)
        unfinished = any(result.status is Status.NOT_TRIED or result.in_doubt for result in results)
        return Report(results=results, interrupted=self._stop.is_set() and unfinished)

    def _results(self, pool: ThreadPoolExecutor, actions: Iterable[Write | Refusal]) -> list[Result]:
        futures = [pool.submit(self._result, action) for action in actions]
        return [result_of(future) for future in futures]

    def _result(self, action: Write | Refusal) -> Result:
        if isinstance(action, Refusal):
            return _blocked(action)
        if self._stopped():
            return Result(action=action, status=Status.NOT_TRIED, error=_GONE if self._gone else _STOPPED)
        self._report(action, None)
        began = time.monotonic()
        applied = self._applied(action)
        # Rounded here, once: a run record keeps milliseconds, and reads as its run did.
        result = dataclasses.replace(applied, seconds=round(time.monotonic() - began, 3))
        if result.status is Status.FAILED and self._fail_fast:
            self._failed.set()
        self._report(action, result)
        return result

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._failed.is_set()

    def _applied(self, action: Write) -> Result:
        identity = live_id(action)
        try:
            return self._applier.apply(action, self._stopped, lambda text: self._report(action, text))
        except StoppedError as error:
            return Result(action=action, status=Status.NOT_TRIED, id=identity, error=error.message)
        except ServerUnreachableError as error:
            return self._unreachable(action, identity, error)
        except BlockedError as error:
            return Result(action=action, status=Status.BLOCKED, id=identity, error=error_text(error))
        except ReconcilerError as error:
            return Result(
                action=action,
                status=Status.FAILED,
                id=identity,
                error=error_text(error),
                in_doubt=isinstance(error, UnverifiedError),
            )

    def _unreachable(self, action: Write, identity: int | None, error: ServerUnreachableError) -> Result:
        """Stop the run, and return the result of a workflow that was not written: the first says why."""
        with self._lock:
            first = not self._gone
            self._gone = True
            self._failed.set()
        if first:
            return Result(action=action, status=Status.FAILED, id=identity, error=error_text(error))
        return Result(action=action, status=Status.NOT_TRIED, id=identity, error=_GONE)

    def _report(self, action: Action, event: Result | str | None) -> None:
        with self._lock:
            self._progress(action, event)


def _blocked(action: Refusal) -> Result:
    return Result(action=action, status=Status.BLOCKED, id=action.id, error=action.reason)


def _skipped(action: Delete | BlockedDelete) -> Result:
    if isinstance(action, Delete):
        return Result(action=action, status=Status.NOT_TRIED, id=action.live.id, error=_DELETES_SKIPPED)
    return _blocked(action)
