"""Following of an execution: its state until it ends, and the log of a step as it grows. It only reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reconciler.api import ExecutionApi, ExecutionLogApi
from reconciler.client import RetryPolicy
from reconciler.errors import ReconcilerError
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject, JsonValue, as_list, as_object

SUCCESS: Final = "Success"
FAILED: Final = "Failed"
_ENDED: Final = frozenset({SUCCESS, FAILED, "Stopped"})
UNFINISHED: Final = frozenset({"Running", "Stopping"})
"""The statuses of an execution that goes on."""

_MOST_PAGES: Final = 100_000
"""The most pages of one read of a log."""

_MOST_MESSAGES: Final = 100_000
"""The most messages of a log to read for its last ones."""

_TAIL: Final = 20
"""The number of lines to show of the log of a step that failed."""


class StillRunningError(ReconcilerError):
    """An execution that did not end in time; it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """The state of a step of an execution.

    Args:
        name: The name of the step.
        status: The platform's status; empty if the API returns none.
        started_at: The start, as the API writes it.
        finished_at: The end.
    """

    name: str
    status: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionState:
    """The state of an execution.

    Args:
        status: The platform's status; empty if the API returns none.
        started_at: The start, as the API writes it.
        finished_at: The end.
        steps: The states of its steps, in the API's order.
    """

    status: str
    started_at: str | None
    finished_at: str | None
    steps: tuple[StepState, ...]

    @property
    def ended(self) -> bool:
        """Whether it has ended: by a documented status, or by an unknown status with a time of the end."""
        return self.status in _ENDED or (self.finished_at is not None and self.status not in UNFINISHED)

    @property
    def failed_steps(self) -> tuple[str, ...]:
        """The names of the steps that failed."""
        return tuple(step.name for step in self.steps if step.status == FAILED)


def follow_execution(
    api: ExecutionApi, workflow_id: int, execution_id: str, policy: RetryPolicy
) -> Iterator[ExecutionState]:
    """Yield the state of an execution, again and again until it has ended.

    A read that fails is repeated at the next poll, `policy.tries` times in a row: an execution may take
    hours, and the API may not return one that has just started.

    Raises:
        StillRunningError: It did not end within `policy.wait_running` seconds.
        ReconcilerError: The client failed.
    """
    end = policy.monotonic() + policy.wait_running
    failures = 0
    while True:
        try:
            state = execution_state(api.get_execution_details(workflow_id, execution_id))
        except ReconcilerError:
            failures += 1
            if failures >= policy.tries:
                raise
        else:
            failures = 0
            yield state
            if state.ended:
                return
        left = end - policy.monotonic()
        if left <= 0:
            raise StillRunningError(f"the execution has not ended after {policy.wait_running:.0f} s")
        policy.sleep(min(policy.poll, left))


def execution_state(details: JsonObject) -> ExecutionState:
    """Return the state of an execution from the answer of `get_execution_details`."""
    return ExecutionState(
        status=_text(details.get("status")) or "",
        started_at=_text(details.get("executedAt")),
        finished_at=_text(details.get("finishedAt")),
        steps=tuple(_step(as_object(step)) for step in as_list(details.get("steps"))),
    )


def _step(step: JsonObject) -> StepState:
    return StepState(
        name=_text(step.get("name")) or "",
        status=_text(step.get("status")) or "",
        started_at=_text(step.get("startedAt")),
        finished_at=_text(step.get("finishedAt")),
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


class StepLog:
    """A reader of the log of one step, which starts at its beginning.

    Attributes:
        step: The name of the step.
    """

    def __init__(self, api: ExecutionLogApi, workflow_id: int, execution_id: str, step: str) -> None:
        self._api = api
        self.step = step
        self._path = (workflow_id, execution_id, step)
        self._token: str | None = None
        self._returned = 0

    def more(self) -> Iterator[str]:
        """Yield the messages that were not yielded before.

        Raises:
            ReconcilerError: The client failed.
        """
        for _ in range(_MOST_PAGES):
            page = self._api.get_execution_logs(*self._path, self._token)
            entries = as_list(page.get("logs"))
            for entry in entries[self._returned :]:
                yield str(as_object(entry).get("message", ""))
            self._returned = max(self._returned, len(entries))
            token = page.get("nextToken")
            # The last page may have a token as well, for messages that are logged later.
            if not entries or not isinstance(token, str) or token in {"", self._token}:
                return
            self._token, self._returned = token, 0


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


def log_tail(log: StepLog, redactor: Redactor) -> LogTail:
    """Return the last lines of a log that was not read before, without what the redactor knows.

    An error of the client is a part of the result.
    """
    number = 0
    last: deque[str] = deque(maxlen=_TAIL)
    try:
        for message in islice(log.more(), _MOST_MESSAGES):
            number += 1
            last.append(message)
    except ReconcilerError as error:
        return LogTail(step=log.step, error=error.message)
    return LogTail(step=log.step, lines=tuple(map(redactor.text, last)), earlier=number - len(last))
