"""Executions of all managed workflows: those with a manifest, and those that this repository owns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.client import BaseHttpException, UnauthorizedException, Workflow
from reconciler.concurrency import read_all
from reconciler.errors import ExitCode, UnexpectedAnswerError, UsageError
from reconciler.executions import ExecutionFilter, ListedExecution, execution_state, read_executions
from reconciler.operations.engine import load_valid, open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import Selection, list_managed
from reconciler.secrecy import Redactor
from reconciler.workflow import Listed

_READING: Final = "reading executions"
_ANSWERED: Final = (BaseHttpException, UnexpectedAnswerError)
"""The errors that may concern one workflow only: the server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowExecutions:
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

    workflows: tuple[WorkflowExecutions, ...]
    searched: int
    wanted: ExecutionFilter
    redactor: Redactor

    @property
    def exit_code(self) -> ExitCode:
        """`FAILED` when the executions of a workflow cannot be read, else `OK`."""
        return ExitCode.FAILED if any(item.error for item in self.workflows) else ExitCode.OK


def find_executions(  # noqa: PLR0913 - all but two by name
    settings: Settings,
    wanted: ExecutionFilter,
    listener: Listener | None = None,
    *,
    selection: Selection | None = None,
    show_unmanaged: bool = False,
    env: Mapping[str, str] = os.environ,
) -> FoundExecutions:
    """Return the executions of all managed workflows that the filter takes. Sends no request but GET.

    A workflow whose last execution is too old for the filter, by the list of workflows, is not asked for.

    Args:
        settings: The manifests and the tenant.
        wanted: The executions to find; its count is for each workflow.
        listener: Receives findings, requests and progress.
        selection: The workflows to include; all by default.
        show_unmanaged: Whether to include live workflows that are neither in Git nor owned; then no manifest
            is needed.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: There are no manifests, or the selection names no workflow.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: As the client.
    """
    settings.require_environment()
    if not (settings.paths or show_unmanaged):
        raise UsageError(
            "no manifests: nothing says which workflows are managed",
            hint="Name the manifests in reconciler.yaml: manifests: [workflows]. "
            "To search all workflows of the tenant, pass --show-unmanaged.",
        )
    listener = listener or Listener()
    loaded = load_valid(settings, env, listener, names_only=True) if settings.paths else None
    secrets = Redactor.of(loaded.secrets if loaded else ())
    with open_session(settings, env, secrets.secrets, purpose="executions", listener=listener) as session:
        api = Workflow(session.as_read_only())
        managed, others = list_managed(
            api,
            loaded.manifests if loaded else (),
            settings.owner,
            concurrency=settings.concurrency,
            on_progress=listener.working,
        )
        known = [*managed, *(others if show_unmanaged else ())]
        names = {
            *(item.name for item in known),
            *(item.name for item in (loaded.manifests if loaded else ())),
        }
        chosen = (selection or Selection()).resolved(names)
        searched = [item for item in known if chosen.takes(item.name)]
        asked = {item.id: item for item in searched if wanted.may_have(item.health)}
        found = read_all(
            lambda identity: _of_workflow(api, asked[identity], wanted),
            asked,
            settings.concurrency,
            partial(listener.working, _READING),
        )
        return FoundExecutions(
            workflows=_failures_first(found.values()),
            searched=len(searched),
            wanted=wanted,
            redactor=secrets.joined(session.redactor()),
        )


def executions_or_error(
    api: Workflow, workflow_id: int, wanted: ExecutionFilter
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


def _of_workflow(api: Workflow, workflow: Listed, wanted: ExecutionFilter) -> WorkflowExecutions:
    executions = executions_or_error(api, workflow.id, wanted)
    if isinstance(executions, str):
        return WorkflowExecutions(workflow=workflow, error=executions)
    failed = next((item.id for item in executions if item.failed), None)
    return WorkflowExecutions(
        workflow=workflow,
        executions=executions,
        capped=len(executions) == wanted.count,
        failed_steps=None if failed is None else _failed_steps(api, workflow.id, failed),
    )


def _failed_steps(api: Workflow, workflow_id: int, execution: str) -> tuple[str, ...] | None:
    try:
        return execution_state(api.get_execution_details(workflow_id, execution)).failed_steps
    except _ANSWERED:
        return None


def _failures_first(found: Iterable[WorkflowExecutions]) -> tuple[WorkflowExecutions, ...]:
    """Return those with executions or an error: errors, then failures, the latest of each first."""
    shown = sorted(
        (item for item in found if item.executions or item.error), key=lambda item: item.workflow.name
    )
    shown.sort(key=_latest, reverse=True)
    return tuple(sorted(shown, key=lambda item: (not item.error, item.latest_failed is None)))


def _latest(item: WorkflowExecutions) -> str:
    shown = item.latest_failed or next(iter(item.executions), None)
    return (shown.started_at or "") if shown else ""
