"""The progress of an execution at a moment: its status, its steps and its logs, as the API shows them.

Pure: nothing here changes an execution or reads a clock. Moments are epoch seconds and leave here as the API
writes them: ISO 8601 in UTC with milliseconds, or whole milliseconds.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from reconciler.emulator.execution_planning import FAILED, SUCCESS
from reconciler.emulator.state import HttpError

if TYPE_CHECKING:
    from reconciler.emulator.state import Execution, PlannedStep
    from reconciler.values import JsonObject

RUNNING: Final = "Running"
PENDING: Final = "Pending"

LOG_PAGE: Final = 5
"""The number of log lines in one answer."""

_TOKEN = re.compile(r"f/(\d{1,12})/s")


def iso(moment: float) -> str:
    """Return the epoch seconds `moment` as `2020-01-01T18:00:00.000Z`."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def milliseconds(moment: float) -> int:
    """Return the epoch seconds `moment` in whole milliseconds."""
    return round(moment * 1000)


def finished_at(execution: Execution) -> float:
    """Return when the execution's last step ends, in epoch seconds."""
    return execution.started_at + max((step.end for step in execution.steps), default=0.0)


def status(execution: Execution, now: float) -> str:
    """Return the status at `now`: `Running`, `Success` or `Failed`."""
    if now < finished_at(execution):
        return RUNNING
    return FAILED if any(step.outcome == FAILED for step in execution.steps) else SUCCESS


def step_status(execution: Execution, step: PlannedStep, now: float) -> str:
    """Return the step's status at `now`: `Pending`, `Running`, or its final one."""
    elapsed = now - execution.started_at
    if elapsed < step.start:
        return PENDING
    return RUNNING if elapsed < step.end else step.outcome


def find_step(execution: Execution, name: str) -> PlannedStep:
    """Return the step `name` of the execution.

    Raises:
        HttpError: 404 when the execution has no such step.
    """
    for step in execution.steps:
        if step.name == name:
            return step
    raise HttpError(404, f"execution {execution.id} has no step {name!r}")


def node_id(execution: Execution, step: PlannedStep) -> str:
    """Return the ID under which a spoke tenant keeps the step's logs."""
    return f"{execution.id}.{step.name}"


def summary(execution: Execution, now: float) -> JsonObject:
    """Return the execution as a list of executions shows it."""
    state = status(execution, now)
    end = now if state == RUNNING else finished_at(execution)
    return {
        "executionId": execution.id,
        "status": state,
        "executedAt": iso(execution.started_at),
        "finishedAt": None if state == RUNNING else iso(end),
        "duration": round(end - execution.started_at, 3),
    }


def last_execution(execution: Execution, now: float) -> JsonObject:
    """Return the execution as a workflow shows its last one."""
    return {
        "executionId": execution.id,
        "executedAt": iso(execution.started_at),
        "status": status(execution, now),
        "rerunId": str(uuid.uuid5(uuid.UUID(execution.id), "rerun")),
    }


def details(execution: Execution, now: float) -> JsonObject:
    """Return the execution with its steps, as `executions/{id}` shows it."""
    state = status(execution, now)
    return {
        "runId": execution.id,
        "status": state,
        "executedAt": iso(execution.started_at),
        "finishedAt": None if state == RUNNING else iso(finished_at(execution)),
        "steps": [_step_details(execution, step, now) for step in execution.steps],
    }


def _step_details(execution: Execution, step: PlannedStep, now: float) -> JsonObject:
    state = step_status(execution, step, now)
    ran = bool(step.lines) and state != PENDING
    shown: JsonObject = {
        "name": step.name,
        "stepType": step.kind,
        "status": state,
        "startedAt": iso(execution.started_at + step.start) if ran else None,
        "finishedAt": iso(execution.started_at + step.end) if ran and state != RUNNING else None,
    }
    return {**shown, "nodeId": node_id(execution, step)} if ran else shown


def log_entries(
    execution: Execution, step: PlannedStep, now: float, *, since: int = 0, until: int | None = None
) -> list[JsonObject]:
    """Return the log lines that the step has written by `now`, each with its time in epoch milliseconds.

    Lines before `since` and after `until`, both in epoch milliseconds, are left out.
    """
    last = milliseconds(now) if until is None else min(milliseconds(now), until)
    interval = (step.end - step.start) / (len(step.lines) or 1)
    start = execution.started_at + step.start
    moments = [milliseconds(start + interval * number) for number in range(len(step.lines))]
    return [
        {"message": line, "timestamp": moment}
        for line, moment in zip(step.lines, moments, strict=True)
        if since <= moment <= last
    ]


def log_page(entries: list[JsonObject], token: str | None) -> JsonObject:
    """Return the entries after `token` and the token of the next page.

    As in the platform's log store, the last page has a token as well: a request with it returns the lines
    written since, and an empty page while there are none.

    Raises:
        HttpError: 400 when `token` was not issued by the API.
    """
    offset = 0
    if token:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise HttpError(400, "nextToken was not issued by this API")
        offset = int(match.group(1))
    page = entries[offset : offset + LOG_PAGE]
    return {"logs": [*page], "nextToken": f"f/{offset + len(page):08d}/s"}
