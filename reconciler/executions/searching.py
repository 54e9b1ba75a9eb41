"""Search for executions in several workflows, side by side: what failed, and in which step. It only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.api import ExecutionSearchApi
from reconciler.client import BaseHttpException, UnauthorizedException
from reconciler.concurrency import CONCURRENCY, read_all
from reconciler.errors import ExitCode, UnexpectedAnswerError
from reconciler.executions.following import execution_state
from reconciler.executions.listed_executions import ExecutionFilter, ListedExecution, read_executions
from reconciler.secrecy import Redactor
from reconciler.workflow import Listed

_ANSWERED: Final = (BaseHttpException, UnexpectedAnswerError)
"""The errors that may concern one workflow only: the server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedWorkflow:
    """The executions of one workflow that a search found, the latest first.

    Args:
        workflow: The workflow.
        executions: Its executions.
        capped: Whether there may be more, which were not read.
        failed_steps: The steps that failed in the latest one that failed; `None` if that is not known.
        error: Why its executions cannot be read; empty if they can.
    """

    workflow: Listed
    executions: tuple[ListedExecution, ...] = ()
    capped: bool = False
    failed_steps: tuple[str, ...] | None = None
    error: str = ""

    @property
    def latest_failed(self) -> ListedExecution | None:
        """The latest of them that failed."""
        return next((item for item in self.executions if item.failed), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundExecutions:
    """What a search for executions found.

    Args:
        workflows: The workflows that have some, or whose executions cannot be read: failures first, the
            latest of them first.
        searched: The number of workflows that were searched.
        wanted: What was searched for.
        redactor: Removes known secrets from text about them.
    """

    workflows: tuple[SearchedWorkflow, ...]
    searched: int
    wanted: ExecutionFilter
    redactor: Redactor

    @property
    def exit_code(self) -> ExitCode:
        """`FAILED` when the executions of a workflow cannot be read, else `OK`."""
        return ExitCode.FAILED if any(item.error for item in self.workflows) else ExitCode.OK


def search_executions(
    api: ExecutionSearchApi,
    workflows: Iterable[Listed],
    wanted: ExecutionFilter,
    *,
    concurrency: int = CONCURRENCY,
    on_read: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[SearchedWorkflow, ...]:
    """Return those of `workflows` that have executions which the filter takes, or cannot be read.

    Failures come first, the latest first. A workflow whose last execution is too old for the filter, by its
    entry in the list of workflows, is not asked for.

    Args:
        api: The tenant.
        workflows: The workflows.
        wanted: The executions to find; its count is for each workflow.
        concurrency: The number of workflows to read at a time.
        on_read: Called with the number of workflows that are read, and that of all.

    Raises:
        ReconcilerError: The server does not answer, or not this user.
    """
    asked = {item.id: item for item in workflows if wanted.may_have(item.health)}
    found = read_all(lambda identity: _of_workflow(api, asked[identity], wanted), asked, concurrency, on_read)
    return _failures_first(found.values())


def executions_or_error(
    api: ExecutionSearchApi, workflow_id: int, wanted: ExecutionFilter
) -> tuple[ListedExecution, ...] | str:
    """Return the executions of a workflow that the filter takes, or why the server does not return them.

    Raises:
        ReconcilerError: The server does not answer, or not this user: nothing else can be read either.
    """
    try:
        return tuple(read_executions(api, workflow_id, wanted))
    except UnauthorizedException:
        raise
    except _ANSWERED as error:
        return error.message


def _of_workflow(api: ExecutionSearchApi, workflow: Listed, wanted: ExecutionFilter) -> SearchedWorkflow:
    executions = executions_or_error(api, workflow.id, wanted)
    if isinstance(executions, str):
        return SearchedWorkflow(workflow=workflow, error=executions)
    failed = next((item.id for item in executions if item.failed), None)
    return SearchedWorkflow(
        workflow=workflow,
        executions=executions,
        capped=len(executions) == wanted.count,
        failed_steps=None if failed is None else _failed_steps(api, workflow.id, failed),
    )


def _failed_steps(api: ExecutionSearchApi, workflow_id: int, execution: str) -> tuple[str, ...] | None:
    try:
        return execution_state(api.get_execution_details(workflow_id, execution)).failed_steps
    except _ANSWERED:
        return None


def _failures_first(found: Iterable[SearchedWorkflow]) -> tuple[SearchedWorkflow, ...]:
    """Return those with executions or an error: errors, then failures, the latest of each first."""
    shown = sorted(
        (item for item in found if item.executions or item.error), key=lambda item: item.workflow.name
    )
    shown.sort(key=_latest, reverse=True)
    return tuple(sorted(shown, key=lambda item: (not item.error, item.latest_failed is None)))


def _latest(item: SearchedWorkflow) -> str:
    shown = item.latest_failed or next(iter(item.executions), None)
    return (shown.started_at or "") if shown else ""
