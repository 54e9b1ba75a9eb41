"""Listener of an operation: receives progress and findings, and confirms writes."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.apply import Result
    from reconciler.client import RequestRecord
    from reconciler.executions import ExecutionState, StartedExecution
    from reconciler.findings import Finding
    from reconciler.operations.apply_and_reconcile import Applied
    from reconciler.operations.engine import Engine
    from reconciler.operations.plan_for_tenant import Planned
    from reconciler.plan import Action
    from reconciler.secrecy import Redactor
    from reconciler.workflow import Live

STOPPING: Final = "stopping: writes in progress are finished, the rest is skipped"
"""What to report when a run is stopped while it writes."""


class Listener:
    """Receiver of an operation's reports. Does nothing by itself: override the methods that matter.

    Every text it receives is either safe to show or comes with the `Redactor` that makes it so. A method may
    be called from any thread, one call at a time, except `request`.
    """

    def warning(self, text: str) -> None:
        """Receive a warning that stops nothing."""

    def note(self, text: str) -> None:
        """Receive a remark, such as what a plan file no longer applies to."""

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Receive an error or a warning about a manifest."""

    def request(self, record: RequestRecord, redactor: Redactor) -> None:
        """Receive the record of a request that was sent; from any thread, several at a time."""

    def working(self, what: str, done: int, total: int) -> None:
        """Receive how far a long step is: its words, and how many of its parts are done; from any thread."""

    def opened(self, engine: Engine) -> None:
        """Receive the open connection to the tenant, before anything is read."""

    def planned(self, planned: Planned) -> None:
        """Receive the plan, before anything is written. An error raised here stops the operation."""

    def confirm(self, question: str) -> bool:  # noqa: ARG002 - for those that override it
        """Return whether the answer to a question before writes is yes, as it is by default."""
        return True

    def choose(self, question: str, choices: tuple[str, ...]) -> str | None:  # noqa: ARG002 - as `confirm`
        """Return one of `choices`; `None`, as by default, where nobody can be asked."""
        return None

    def stopping(self) -> AbstractContextManager[threading.Event]:
        """Return a context for all writes, with the event that stops them; by default it is never set."""
        return nullcontext(threading.Event())

    def progress(self, action: Action, event: Result | str | None, redactor: Redactor) -> None:
        """Receive the start of an action (`None`), what it waits for (a text), or its result."""

    def applied(self, applied: Applied) -> None:
        """Receive the result of an apply, a rollback or a dry run, before the run record is finished."""

    def execution_started(self, workflow: Live, started: StartedExecution, redactor: Redactor) -> None:
        """Receive the execution that was started, before it is waited for."""

    def execution_changed(
        self, before: ExecutionState | None, now: ExecutionState, redactor: Redactor
    ) -> None:
        """Receive the state of an execution that is waited for, and the one before it."""

    def execution_left(self, workflow: Live, started: StartedExecution) -> None:
        """Receive an execution that is not waited for any more, although it continues."""

    def logged(self, step: str, message: str, redactor: Redactor) -> None:
        """Receive a message that a step of an execution logged."""
