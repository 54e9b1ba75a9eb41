"""Logs of the steps of an execution: shown, followed and saved."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from reconciler.client import InvalidPathException, NotFoundException, RetryPolicy, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.executions import (
    UNFINISHED,
    ExecutionState,
    StartedExecution,
    StepLog,
    follow_execution,
)
from reconciler.operations.engine import open_session
from reconciler.operations.listener import Listener
from reconciler.operations.resolving import live_execution, one_named, unknown
from reconciler.operations.settings import Settings
from reconciler.operations.workflow_executions import ExecutionResult
from reconciler.render import some_names
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable

_PENDING: Final = "Pending"


def show_logs(  # noqa: PLR0913 - which log, of which workflow
    settings: Settings,
    name: str | None = None,
    workflow_id: int | None = None,
    execution: str | None = None,
    listener: Listener | None = None,
    *,
    step: str | None = None,
    follow: bool = False,
    env: Mapping[str, str] = os.environ,
) -> ExecutionResult:
    """Report what the steps of an execution logged to the listener. Sends no request but GET.

    Args:
        settings: The tenant.
        name: The workflow's name.
        workflow_id: The workflow's id, instead of its name.
        execution: The execution's id; the latest one by default.
        listener: Receives each message.
        step: Name of the only step to read; all by default.
        follow: Whether to continue until the execution has ended.
        env: Variables for the address and the credential.

    Raises:
        UsageError: Not one workflow is named.
        ReconcilerError: There is no such workflow, execution or step; or as the client.
    """
    one_named(name, workflow_id)
    listener = listener or Listener()
    with open_session(settings, env, purpose="logs", listener=listener) as session:
        api, redactor = Workflow(session.as_read_only()), session.redactor()
        workflow, identity, state = live_execution(api, name, workflow_id, execution)
        logs = {name: StepLog(api, workflow.id, identity, name) for name in _steps(state, step)}
        if not follow:
            _report_new(logs, state, listener, redactor)
        else:
            for state in follow_execution(api, workflow.id, identity, RetryPolicy(wait_running=math.inf)):
                _report_new(logs, state, listener, redactor)
        started = StartedExecution(id=identity, confirmed=True)
        return ExecutionResult(
            workflow=workflow, started=started, state=state if follow else None, redactor=redactor
        )


def save_log(  # noqa: PLR0913, PLR0917 - which log, of which workflow
    settings: Settings,
    file: str,
    name: str | None = None,
    workflow_id: int | None = None,
    execution: str | None = None,
    listener: Listener | None = None,
    *,
    step: str | None = None,
    env: Mapping[str, str] = os.environ,
) -> None:
    """Save the whole log of one step of an execution into a file. Takes and raises what `show_logs` does.

    Raises:
        UsageError: The execution has several steps, and `step` names none of them.
    """
    one_named(name, workflow_id)
    with open_session(settings, env, purpose="logs", listener=listener) as session:
        api = Workflow(session.as_read_only())
        workflow, identity, state = live_execution(api, name, workflow_id, execution)
        steps = _steps(state, step)
        if len(steps) != 1:
            raise UsageError(
                f"the execution has {len(steps)} steps ({some_names(steps)}); a file takes the log of one",
                hint="Choose one with --step.",
            )
        try:
            api.get_execution_logs(workflow.id, identity, steps[0], save=True, file_name=file)
        except InvalidPathException as error:  # to the client a bad request, here a file like any other
            raise ReconcilerError(error.message) from error


def _steps(state: ExecutionState, step: str | None) -> list[str]:
    names = [found.name for found in state.steps]
    if step is None:
        return names
    if step not in names:
        raise unknown(f"the execution has no step {clip(printable(step), 60)!r}", step, names)
    return [step]


def _report_new(
    logs: dict[str, StepLog], state: ExecutionState, listener: Listener, redactor: Redactor
) -> None:
    """Report new messages; a step that had ended before its log was read is removed from `logs`."""
    for step in state.steps:
        log = logs.get(step.name)
        if log is None or step.status == _PENDING:
            continue
        with suppress(NotFoundException):  # a step that was skipped has no log
            for message in log.more():
                listener.logged(step.name, message, redactor)
        if step.status and step.status not in UNFINISHED:
            del logs[step.name]
