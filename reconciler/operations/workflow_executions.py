"""Executions of a workflow on the platform: start, follow and list them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from reconciler.client import RetryPolicy, Workflow
from reconciler.errors import ReconcilerError
from reconciler.executions import (
    SUCCESS,
    ExecutionFilter,
    ExecutionState,
    ListedExecution,
    LogTail,
    StartedExecution,
    StepLog,
    StillRunningError,
    execute_once,
    follow_execution,
    log_tail,
    read_executions,
)
from reconciler.operations.engine import open_session
from reconciler.operations.execution_parameters import ExecutionRequest
from reconciler.operations.listener import Listener
from reconciler.operations.resolving import live_execution, live_workflow, one_named, unknown
from reconciler.operations.settings import Settings
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import JsonObject
from reconciler.workflow import Live

_REASSURANCE: Final = "Nothing was started."
_MOST_TAILS: Final = 3
"""The number of failed steps whose logs are read."""


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
        follow: Whether to wait, too, and to read the last lines of the logs of failed steps.
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
        watched = _Watched(api, workflow, started, listener, redactor, Redactor.of(request.secrets))
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
        follow: Whether to wait for its end, and to read the last lines of the logs of failed steps.
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
        workflow, identity, state = live_execution(api, name, workflow_id, execution)
        started = StartedExecution(id=identity, confirmed=True)
        if not follow:
            return ExecutionResult(workflow=workflow, started=started, state=state, redactor=redactor)
        listener.execution_started(workflow, started, redactor)
        watched = _Watched(api, workflow, started, listener, redactor)
        return watched.until_its_end(RetryPolicy(wait_running=timeout), with_logs=True)


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
    parameters: Redactor = field(default_factory=lambda: Redactor.of(()))
    """Removes the values that the execution was started with from what its steps logged."""

    def until_its_end(self, timing: RetryPolicy, *, with_logs: bool) -> ExecutionResult:
        """Report each change of its state until it ends; return that, and the logs of failed steps."""
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
            logs=tuple(
                log_tail(StepLog(self.api, self.workflow.id, self.started.id, step), self.parameters)
                for step in failed[:_MOST_TAILS]
            ),
            redactor=self.redactor,
        )

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
