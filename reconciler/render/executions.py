"""Executions as a table, as JSON, and as lines of progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from reconciler.executions import ExecutionState, StartedExecution, StepState
from reconciler.json_documents import document_text, versioned
from reconciler.render.layout import table
from reconciler.render.status import COLOURS
from reconciler.render.times import duration_text
from reconciler.secrecy import Redactor
from reconciler.text import clip, first_few, printable
from reconciler.timestamps import parse_timestamp
from reconciler.values import JsonObject, JsonValue
from reconciler.workflow import Live

FORMAT_VERSION: Final = 1
_HEADS: Final = ("EXECUTION", "STATUS", "STARTED", "FINISHED", "DURATION")


def executions_text(workflow: Live, executions: Sequence[JsonObject], redactor: Redactor) -> str:
    """Return a table of `executions`, the items of `list_executions` in the order to show."""
    if not executions:
        return printable(redactor.text(f"{clip(workflow.name, 100)} has no matching executions."))
    rows = [
        tuple(redactor.text(cell) if cell else None for cell in _cells(execution))
        for execution in map(_known, executions)
    ]
    return "\n".join(table(_HEADS, rows, COLOURS))


def executions_json(workflow: Live, executions: Sequence[JsonObject], redactor: Redactor) -> str:
    """Return the same as one JSON object: `format_version`, `workflow` and `executions`."""
    fields: JsonObject = {
        "workflow": {"id": workflow.id, "name": workflow.name},
        "executions": [_known(execution) for execution in executions],
    }
    return document_text(redactor.value(versioned(FORMAT_VERSION, fields)))


def _known(execution: JsonObject) -> JsonObject:
    start, end = _text(execution.get("executedAt")), _text(execution.get("finishedAt"))
    return {
        "id": _text(execution.get("executionId")),
        "status": _text(execution.get("status")),
        "started_at": start,
        "finished_at": end,
        "duration_seconds": _seconds(start, end),
    }


def _cells(execution: JsonObject) -> tuple[str | None, ...]:
    words = [_text(execution[key]) for key in ("id", "status", "started_at", "finished_at")]
    seconds = execution["duration_seconds"]
    return (*words, duration_text(seconds) if isinstance(seconds, int | float) else None)


def _seconds(start: str | None, end: str | None) -> float | None:
    if start and end:
        with suppress(ValueError, OverflowError):
            return round((parse_timestamp(end) - parse_timestamp(start)).total_seconds(), 3)
    return None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def execution_json(
    workflow: Live, started: StartedExecution, state: ExecutionState | None, redactor: Redactor
) -> str:
    """Return one started execution as a JSON object, with its last known `state` if the command waited."""
    fields: JsonObject = {
        "workflow": {"id": workflow.id, "name": workflow.name},
        "execution_id": started.id,
        "status": None if state is None else state.status,
        "steps": None if state is None else [_step(step) for step in state.steps],
        "notes": [*started.notes],
    }
    return document_text(redactor.value(versioned(FORMAT_VERSION, fields)))


def _step(step: StepState) -> JsonObject:
    return {
        "name": step.name,
        "status": step.status,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }


def step_lines(before: ExecutionState | None, state: ExecutionState) -> Iterator[str]:
    """Yield a line for each step whose status differs from that in `before`."""
    known = {} if before is None else {step.name: step.status for step in before.steps}
    for step in state.steps:
        if step.status != known.get(step.name):
            yield printable(f"{clip(step.name)}: {clip(step.status)}")


def execution_outcome(workflow: Live, started: StartedExecution, state: ExecutionState) -> str:
    """Return one line with the final status of an execution and the names of its failed steps."""
    failed = [step.name for step in state.steps if step.status == "Failed"]
    steps = f"; failed steps: {some_names(failed)}" if failed else ""
    status = clip(state.status) or "unknown"
    return printable(f"{workflow.name}: execution {started.id} ended: {status}{steps}")


def some_names(names: Iterable[str]) -> str:
    """Return the first few of `names`, printable and separated by commas."""
    return first_few(clip(printable(name), 60) for name in names)
