"""Carries out a plan, several workflows at a time, and reports what came of each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.apply.report import Report, Result, Status, StoppedError, words
from reconciler.apply.workflow import Applier
from reconciler.concurrency import CONCURRENCY
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.plan import Action, Blocked, Plan, Unchanged, live_id

Progress = Callable[[Action, "Result | None"], None]
"""Called when an action begins (without a result) and when it has ended; from any thread, one at a time."""


def apply_plan(
    plan: Plan,
    applier: Applier,
    progress: Progress,
    *,
    fail_fast: bool = False,
    stopping: Callable[[], None] = lambda: None,
) -> Report:
    """Return what came of `plan`.

    One workflow's failure stops only that workflow. An interrupt lets what is being written end; the rest
    is reported as not tried.

    Args:
        plan: What is to be done.
        applier: Does it.
        progress: Who listens.
        fail_fast: Whether the first failure stops the rest, too; what is being written is finished.
        stopping: Called when an interrupt begins to stop the run.
    """
    return _Run(applier, progress, stopping, fail_fast=fail_fast).report(plan)


class _Run:
    """One run over all actions."""

    def __init__(
        self, applier: Applier, progress: Progress, stopping: Callable[[], None], *, fail_fast: bool
    ) -> None:
        self._applier = applier
        self._progress = progress
        self._stopping = stopping
        self._fail_fast = fail_fast
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def report(self, plan: Plan) -> Report:
        actions = [action for action in plan.actions if not isinstance(action, Unchanged)]
        self._applier.learn(plan.untold)
        with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
            futures = [pool.submit(self._result, action) for action in actions]
            self._wait(futures)
        return Report(results=tuple(future.result() for future in futures))

    def _wait(self, futures: list[Future[Result]]) -> None:
        """Wait for all; an interrupt only stops what has not begun, however often it comes."""
        for future in futures:
            while not future.done():
                try:
                    future.exception()
                except KeyboardInterrupt:
                    self._stopped.set()
                    self._stopping()

    def _result(self, action: Action) -> Result:
        if isinstance(action, Blocked):
            return Result(action=action, status=Status.BLOCKED, id=action.id, error=action.reason)
        if self._stopped.is_set():
            return Result(action=action, status=Status.NOT_TRIED, error="the run was stopped before its turn")
        self._tell(action, None)
        result = self._tried(action)
        if result.status is Status.FAILED and self._fail_fast:
            self._stopped.set()
        self._tell(action, result)
        return result

    def _tried(self, action: Action) -> Result:
        identity = live_id(action)
        try:
            return self._applier.apply(action, self._stopped.is_set)
        except StoppedError as error:
            return Result(action=action, status=Status.NOT_TRIED, id=identity, error=error.message)
        except BlockedError as error:
            return Result(action=action, status=Status.BLOCKED, id=identity, error=words(error))
        except ReconcilerError as error:
            return Result(action=action, status=Status.FAILED, id=identity, error=words(error))

    def _tell(self, action: Action, result: Result | None) -> None:
        with self._lock:
            self._progress(action, result)
