"""Executions of a workflow on the platform: start, follow and list them, and read their logs."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reconciler.client import InvalidPathException, NotFoundException, RetryPolicy, Workflow
from reconciler.errors import ReconcilerError, UsageError
from reconciler.executions import (
    SUCCESS,
    UNFINISHED,
    ExecutionFilter,
    ExecutionState,
    ListedExecution,
    StartedExecution,
    StepLog,
    StillRunningError,
    execute_once,
    execution_state,
    follow_execution,
    read_executions,
)
from reconciler.operations.engine import open_session
from reconciler.operations.execution_parameters import ExecutionRequest
from reconciler.operations.listener import Listener
from reconciler.operations.resolving import live_workflow, one_named, unknown
from reconciler.operations.settings import Settings
from reconciler.render import some_names
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Live

_REASSURANCE: Final = "Nothing was started."
_PENDING: Final = "Pending"
_TAIL: Final = 20
"""The number of lines to show of the log of a step that failed."""

_MOST_TAILS: Final = 3
"""The number of failed steps whose logs are read."""

_MOST_MESSAGES: Final = 100_000
"""The number of messages of a log to read for its last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions:
    """Executions of a workflow, the latest first.

    Args:
        workflow: The workflow.
        executions: The executions.
        redactor: Removes the token from text about them.
    """

    workflow: Live
    executions: Sequence[ListedExecution]
    redactor: Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The last lines that a step logged.

    Args:
        step: The name of the step.
        lines: The lines.
        earlier: The number of messages before them.
        error: Why there are none; empty if the log was read.
    """

    step: str
    lines: tuple[str, ...] = ()
    earlier: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResult:
    """An execution that was started or followed.

    Args:
        workflow: The workflow.
        started: The execution.
        state: Its last known state; `None` when it was only started.
        logs: The last lines of the steps that failed, where it was followed.
        redactor: Removes the token and the parameters from text about it.
    """

    workflow: Live
    started: StartedExecution
    state: ExecutionState | None
    logs: tuple[LogTail, ...] = ()
    redactor: Redactor

    @property
    def failed(self) -> bool:
        """Whether it is known to have ended otherwise than with `Success`."""
        return self.state is not None and self.state.ended and self.state.status != SUCCESS


def list_executions(  # noqa: PLR0913 - which executions, of which workflow
    settings: Settings,
    name: str | None = None,
    workflow_id: int | None = None,
    listener: Listener | None = None,
    *,
    wanted: ExecutionFilter | None = None,
    env: Mapping[str, str] = os.environ,
) -> Executions:
    """Return the latest executions of a workflow. Sends no request but GET.

    Args:
        settings: The tenant.
        name: The workflow's name.
        workflow_id: The workflow's id, instead of its name.
        listener: Receives requests.
        wanted: The executions to list; by default the latest ones.
        env: Variables for the address and the credential.

    Raises:
        UsageError: Not one workflow is named.
        ReconcilerError: There is no such workflow; or as the client.
    """
    one_named(name, workflow_id)
    with open_session(settings, env, purpose="executions", listener=listener) as session:
        api = Workflow(session.as_read_only())
        workflow = live_workflow(api, name, workflow_id)
        return Executions(
            workflow=workflow,
            executions=read_executions(api, workflow.id, wanted or ExecutionFilter()),
            redactor=session.redactor(),
        )


def run_execution(  # noqa: PLR0913 - which workflow, with what, and how long
    settings: Settings,
    name: str | None = None,
    workflow_id: int | None = None,
    request: ExecutionRequest | None = None,
    listener: Listener | None = None,
    *,
    wait: bool = False,
    follow: bool = False,
    timeout: float = math.inf,
    env: Mapping[str, str] = os.environ,
) -> ExecutionResult:
    """Start an execution of a workflow, exactly once, and wait for its end if asked to.

    Args:
        settings: The tenant.
        name: The workflow's name.
        workflow_id: The workflow's id, instead of its name.
        request: Parameters and steps; all steps without parameters by default.
        listener: Receives the execution once it is started, and each change of its state.
        wait: Whether to wait for its end.
        follow: Whether to wait for its end and, if it fails, to read the last lines that the failed steps logged.
        timeout: Seconds to wait at most; the execution continues in any case.
        env: Variables for the address and the credential.

    Raises:
        UsageError: Not one workflow is named.
        StillRunningError: It has not ended in time.
        ReconcilerError: There is no such workflow or step; or as the client.
    """
    settings.require_named_environment()
    one_named(name, workflow_id)
    request, listener = request or ExecutionRequest(), listener or Listener()
    with open_session(settings, env, request.secrets, purpose="run", listener=listener) as session:
        api, redactor = Workflow(session), session.redactor()
        workflow = live_workflow(api, name, workflow_id, _REASSURANCE)
        _check_steps(workflow, request.steps)
        timing = RetryPolicy(wait_running=timeout)
        started = _started(api, workflow, request.body, timing, listener)
        listener.execution_started(workflow, started, redactor)
        if not (wait or follow):
            return ExecutionResult(workflow=workflow, started=started, state=None, redactor=redactor)
        watched = _Watched(api, workflow, started, listener, redactor)
        return watched.until_its_end(timing, with_logs=follow)


def show_execution(  # noqa: PLR0913 - which execution, of which workflow
    settings: Settings,
    name: str | None = None,
    workflow_id: int | None = None,
    execution: str | None = None,
    listener: Listener | None = None,
    *,
    follow: bool = False,
    timeout: float = math.inf,
    env: Mapping[str, str] = os.environ,
) -> ExecutionResult:
    """Return the state of an execution and of its steps, or follow it to its end. Sends no request but GET.

    Args:
        settings: The tenant.
        name: The workflow's name.
        workflow_id: The workflow's id, instead of its name.
        execution: The execution's id; the latest one by default.
        listener: Receives the execution, and each change of its state, when it is followed.
        follow: Whether to wait for its end and, if it failed, to read the last lines that the failed steps logged.
        timeout: Seconds to wait at most; the execution continues in any case.
        env: Variables for the address and the credential.

    Raises:
        UsageError: Not one workflow is named.
        StillRunningError: It has not ended in time.
        ReconcilerError: There is no such workflow or execution; or as the client.
    """
    one_named(name, workflow_id)
    listener = listener or Listener()
    with open_session(settings, env, purpose="executions", listener=listener) as session:
        api, redactor = Workflow(session.as_read_only()), session.redactor()
        workflow, identity, state = _execution(api, name, workflow_id, execution)
        started = StartedExecution(id=identity, confirmed=True)
        if not follow:
            return ExecutionResult(workflow=workflow, started=started, state=state, redactor=redactor)
        listener.execution_started(workflow, started, redactor)
        watched = _Watched(api, workflow, started, listener, redactor)
        return watched.until_its_end(RetryPolicy(wait_running=timeout), with_logs=True)


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
        workflow, identity, state = _execution(api, name, workflow_id, execution)
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
        workflow, identity, state = _execution(api, name, workflow_id, execution)
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


def _check_steps(workflow: Live, names: Iterable[str]) -> None:
    known = set(workflow.body.steps)
    for name in names:
        if name not in known:
            message = f"the workflow {clip(printable(workflow.name), 100)!r} has no step"
            raise unknown(f"{message} {clip(printable(name), 60)!r}", name, known, _REASSURANCE)


def _started(
    api: Workflow, workflow: Live, body: JsonObject, timing: RetryPolicy, listener: Listener
) -> StartedExecution:
    try:
        return execute_once(api, workflow.id, body, timing)
    except KeyboardInterrupt:
        listener.note(
            "interrupted during the start: check the executions of the workflow before starting it again"
        )
        raise


@dataclass(frozen=True, slots=True)
class _Watched:
    """An execution that is waited for."""

    api: Workflow
    workflow: Live
    started: StartedExecution
    listener: Listener
    redactor: Redactor

    def until_its_end(self, timing: RetryPolicy, *, with_logs: bool) -> ExecutionResult:
        """Report each change of its state, and return its last one, with the logs of failed steps if asked to."""
        state: ExecutionState | None = None
        with self._continuing():
            for now in follow_execution(self.api, self.workflow.id, self.started.id, timing):
                self.listener.execution_changed(state, now, self.redactor)
                state = now
        failed = state.failed_steps if state is not None and with_logs else ()
        return ExecutionResult(
            workflow=self.workflow,
            started=self.started,
            state=state,
            logs=tuple(self._tail(step) for step in failed[:_MOST_TAILS]),
            redactor=self.redactor,
        )

    def _tail(self, step: str) -> LogTail:
        log, number = StepLog(self.api, self.workflow.id, self.started.id, step), 0
        last: deque[str] = deque(maxlen=_TAIL)
        try:
            for message in islice(log.more(), _MOST_MESSAGES):
                number += 1
                last.append(message)
        except ReconcilerError as error:  # the result is known, whatever became of the log
            return LogTail(step=step, error=error.message)
        return LogTail(step=step, lines=tuple(last), earlier=number - len(last))

    @contextmanager
    def _continuing(self) -> Iterator[None]:
        """Report that the execution continues, whatever ends the wait for it."""
        execution = clip(printable(self.started.id), 100)
        try:
            yield
        except KeyboardInterrupt:
            self.listener.execution_left(self.workflow, self.started)
            raise
        except StillRunningError as error:
            self.listener.execution_left(self.workflow, self.started)
            error.hint = (
                f"The execution {execution} continues: do not start another one. "
                "To wait longer, use --timeout SECONDS."
            )
            raise
        except ReconcilerError as error:
            error.hint = f"{error.hint} The result of the execution {execution} is not known.".strip()
            raise


def _execution(
    api: Workflow, name: str | None, workflow_id: int | None, execution: str | None
) -> tuple[Live, str, ExecutionState]:
    """Return the workflow, the id of the execution, else of its latest one, and the state of that."""
    workflow = live_workflow(api, name, workflow_id)
    identity = execution or _latest(api, workflow)
    return workflow, identity, execution_state(api.get_execution_details(workflow.id, identity))


def _latest(api: Workflow, workflow: Live) -> str:
    latest = next(api.list_executions(workflow.id, page_size=1, count=1), {})
    identity = latest.get("executionId")
    if not isinstance(identity, str) or not identity:
        raise ReconcilerError(f"the workflow {clip(printable(workflow.name), 100)!r} has no executions yet")
    return identity


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
