"""Executions as tables, as JSON, and as lines of progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from reconciler.executions import (
    FAILED,
    SUCCESS,
    UNFINISHED,
    ExecutionState,
    ListedExecution,
    StartedExecution,
    StepState,
)
from reconciler.json_documents import document_text, line_text, versioned
from reconciler.render.layout import Display, hanging, table
from reconciler.render.times import duration_text, seconds_between, time_text
from reconciler.secrecy import Redactor
from reconciler.text import clip, first_few, printable
from reconciler.values import JsonObject
from reconciler.workflow import Live

FORMAT_VERSION: Final = 1
COLOURS: Final = {SUCCESS: "green", FAILED: "red", "Running": "cyan"}
"""The colours of statuses."""

_STEP_HEADS: Final = ("STEP", "STATUS", "STARTED", "DURATION")
_AROUND: Final = 3
"""The lines of a terminal that a table of steps leaves to what is around it."""

_OTHER: Final = "Stopped"
_MARKS: Final = {
    "unicode": {SUCCESS: "✓", FAILED: "✗", "Running": "▸", _OTHER: "·"},
    "ascii": {SUCCESS: "+", FAILED: "x", "Running": ">", _OTHER: "."},
    "letters": {SUCCESS: "S", FAILED: "F", "Running": "R", _OTHER: "O"},
}
"""The mark of an execution in a history, by its status and by what can be shown."""


def executions_text(
    workflow: Live, executions: Sequence[ListedExecution], redactor: Redactor, display: Display
) -> str:
    """Return a table of `executions` in the order to show."""
    if not executions:
        return printable(redactor.text(f"{clip(workflow.name, 100)} has no matching executions."))
    cells = [_cells(execution, display.now) for execution in executions]
    rows = [[redactor.text(cell) if cell else None for cell in row.values()] for row in cells]
    return "\n".join(table([*cells[0]], rows, COLOURS, display.width, whole=["EXECUTION", "STARTED"]))


def _cells(execution: ListedExecution, now: datetime | None) -> dict[str, str | None]:
    """Return the cells of a row by the heads of their columns; the end only if the times are exact."""
    finished = {"FINISHED": time_text(execution.finished_at, now)} if now is None else {}
    return {
        "EXECUTION": execution.id,
        "STATUS": execution.status,
        "STARTED": time_text(execution.started_at, now),
        **finished,
        "DURATION": duration_cell(execution.seconds),
    }


def duration_cell(seconds: float | None) -> str | None:
    """Return a duration as people say it; `None` where it is not known."""
    return None if seconds is None else duration_text(seconds)


def executions_json(workflow: Live, executions: Sequence[ListedExecution], redactor: Redactor) -> str:
    """Return the same as one JSON object: `format_version`, `workflow` and `executions`."""
    fields: JsonObject = {
        "workflow": {"id": workflow.id, "name": workflow.name},
        "executions": [listed_execution_document(execution) for execution in executions],
    }
    return document_text(redactor.value(versioned(FORMAT_VERSION, fields)))


def executions_lines(
    workflow: Live, executions: Sequence[ListedExecution], redactor: Redactor
) -> Iterator[str]:
    """Yield a line of JSON for each of them."""
    head: JsonObject = {"workflow": {"id": workflow.id, "name": workflow.name}}
    for execution in executions:
        yield line_text(redactor.value({**head, **listed_execution_document(execution)}))


def listed_execution_document(execution: ListedExecution) -> JsonObject:
    """Return the JSON object of an execution in a list."""
    return {
        "id": execution.id,
        "status": execution.status,
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
        "duration_seconds": execution.seconds,
    }


def history_text(executions: Sequence[ListedExecution], display: Display) -> str:
    """Return a mark for each of `executions`, given the latest first: the latest is the last mark."""
    marks = _MARKS[display.marks]
    return "".join(
        marks["Running" if item.status in UNFINISHED else item.status or _OTHER]
        if item.status in UNFINISHED or item.status in marks
        else marks[_OTHER]
        for item in reversed(executions)
    )


def history_legend(display: Display) -> str:
    """Return what the marks of a history mean."""
    marks = _MARKS[display.marks]
    return ", ".join(
        f"{marks[status]} {word}"
        for status, word in (
            (SUCCESS, "Success"),
            (FAILED, "Failed"),
            ("Running", "running"),
            (_OTHER, "other"),
        )
    )


def execution_json(
    workflow: Live, started: StartedExecution, state: ExecutionState | None, redactor: Redactor
) -> str:
    """Return one execution as a JSON object, with its last known `state` if there is one."""
    fields: JsonObject = {
        "workflow": {"id": workflow.id, "name": workflow.name},
        "execution_id": started.id,
        "status": None if state is None else state.status,
        "started_at": None if state is None else state.started_at,
        "finished_at": None if state is None else state.finished_at,
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


def execution_text(
    workflow: Live,
    started: StartedExecution,
    state: ExecutionState,
    redactor: Redactor,
    display: Display,
) -> str:
    """Return the state of an execution: a line about the whole, and a table of its steps.

    Args:
        workflow: The workflow.
        started: The execution.
        state: Its state.
        redactor: Removes known secrets.
        display: What it is laid out for. With a height, the steps that fit are shown, those that need
            attention first, and the others are counted.
    """
    words = [clip(state.status) or "unknown"]
    if state.started_at:
        words.append(f"started {time_text(state.started_at, display.now)}")
    seconds = seconds_between(state.started_at, state.finished_at)
    if seconds is not None:
        words.append(f"took {duration_text(seconds)}")
    head = printable(f"{clip(workflow.name, 100)}: execution {clip(started.id, 100)}: {', '.join(words)}")
    shown = _most_urgent(state.steps, display.height)
    rows = [
        (
            step.name,
            step.status,
            time_text(step.started_at, display.now),
            duration_cell(_seconds_so_far(step.started_at, step.finished_at, display.now)),
        )
        for step in shown
    ]
    left = Counter(step.status for step in state.steps)
    left.subtract(step.status for step in shown)
    left = +left
    more = ", ".join(f"{count} {printable(clip(status, 40)) or 'unknown'}" for status, count in left.items())
    lines = [
        *hanging(head, display.width),
        *(table(_STEP_HEADS, rows, COLOURS, display.width) if rows else ["no steps"]),
    ]
    return redactor.text("\n".join([*lines, *([f"{left.total()} more steps: {more}"] if left else [])]))


def _seconds_so_far(start: str | None, end: str | None, now: datetime | None) -> float | None:
    """Return the seconds from the start to the end; until now, if there is no end yet."""
    return seconds_between(start, end or (now.isoformat() if now else None))


def _most_urgent(steps: tuple[StepState, ...], height: int | None) -> tuple[StepState, ...]:
    """Return the steps that fit a height, in their order: those that failed or run before the others."""
    if height is None or len(steps) <= height - _AROUND:
        return steps
    most = max(height - _AROUND - 1, 1)
    order = (FAILED, "Running", "Stopping")
    ranked = sorted(
        enumerate(steps),
        key=lambda item: order.index(item[1].status) if item[1].status in order else len(order),
    )
    return tuple(step for _, step in sorted(ranked[:most], key=lambda item: item[0]))


def step_lines(before: ExecutionState | None, state: ExecutionState) -> Iterator[str]:
    """Yield a line for each step whose status differs from that in `before`."""
    known = {} if before is None else {step.name: step.status for step in before.steps}
    for step in state.steps:
        if step.status != known.get(step.name):
            yield printable(f"{clip(step.name)}: {clip(step.status)}")


def execution_outcome(workflow: Live, started: StartedExecution, state: ExecutionState) -> str:
    """Return one line with the final status of an execution and the names of its failed steps."""
    steps = f"; failed steps: {some_names(state.failed_steps)}" if state.failed_steps else ""
    status = clip(state.status) or "unknown"
    return printable(f"{workflow.name}: execution {started.id} ended: {status}{steps}")


def log_lines(step: str, message: str, redactor: Redactor) -> Iterator[str]:
    """Yield the lines of a message that a step logged, each with the name of the step before it.

    The name keeps a CI system from reading a line as a command.
    """
    for line in redactor.text(message).splitlines() or [""]:
        yield printable(f"{clip(step, 60)} | {line}")


def some_names(names: Iterable[str]) -> str:
    """Return the first few of `names`, printable and separated by commas."""
    return first_few(clip(printable(name), 60) for name in names)
