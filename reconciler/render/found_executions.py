"""Executions found in several workflows: a table by workflow, JSON, and a line of JSON for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from reconciler.executions import FAILED, FoundExecutions, ListedExecution, SearchedWorkflow
from reconciler.json_documents import document_text, line_text, versioned
from reconciler.render.executions import COLOURS, listed_execution_document, some_names
from reconciler.render.layout import Display, hanging, table
from reconciler.render.times import time_text
from reconciler.text import clip, counted, printable
from reconciler.timestamps import rfc3339_seconds
from reconciler.values import JsonObject
from reconciler.workflow import Listed

FORMAT_VERSION: Final = 1
_MOST_ERRORS: Final = 5
_TIMES: Final = frozenset({"LAST FAILURE", "STARTED"})


def found_text(
    found: FoundExecutions, display: Display, log_command: Callable[[SearchedWorkflow], str | None]
) -> str:
    """Return a table with a line for each workflow, failures first, then the commands that read their logs.

    Args:
        found: The executions.
        display: What the table is laid out for.
        log_command: Returns the command that shows the log of the last failure of a workflow.
    """
    listed = [item for item in found.workflows if item.executions]
    lines: list[str] = []
    if listed:
        cells = [_cells(item, found, display) for item in listed]
        lines += table([*cells[0]], [[*row.values()] for row in cells], COLOURS, display.width, whole=_TIMES)
    failed = [item for item in listed if item.latest_failed]
    commands = [command for item in failed if (command := log_command(item))]
    if commands:
        lines += [
            "",
            "Read the log of the last failure of each:",
            *(f"  {command}" for command in commands),
            "",
        ]
    notes = [*_errors(found), _summary(found, len(listed))]
    lines += [line for note in notes for line in hanging(note, display.width)]
    return found.redactor.text("\n".join(lines))


def _errors(found: FoundExecutions) -> Iterator[str]:
    """Yield a line for each of the first workflows that cannot be read, and one for the others."""
    broken = [item for item in found.workflows if item.error]
    for item in broken[:_MOST_ERRORS]:
        name = clip(item.workflow.name, 100)
        yield printable(f"error: the executions of {name} cannot be read: {item.error}")
    others = [item.workflow.name for item in broken[_MOST_ERRORS:]]
    if others:
        yield f"error: nor can those of {len(others)} more workflows: {some_names(others)}"


def _cells(item: SearchedWorkflow, found: FoundExecutions, display: Display) -> dict[str, str | None]:
    """Return the cells of a row by the heads of their columns: those that can differ under the filter."""
    statuses = found.wanted.statuses
    latest, failed = item.executions[0], item.latest_failed
    cells: dict[str, str | None] = {"WORKFLOW": item.workflow.name}
    if not statuses or FAILED in statuses:
        cells["FAILED"] = _number(sum(each.failed for each in item.executions), item)
        cells["FAILED STEP"] = some_names(item.failed_steps or ())
        cells["LAST FAILURE"] = time_text(failed.started_at, display.now) if failed else None
    if statuses != (FAILED,):
        cells["EXECUTIONS"] = _number(len(item.executions), item)
        cells["LATEST"] = latest.status
        cells["STARTED"] = time_text(latest.started_at, display.now)
    return cells


def _number(number: int, item: SearchedWorkflow) -> str:
    return f"{number}+" if item.capped else str(number)


def _summary(found: FoundExecutions, workflows: int) -> str:
    number = sum(len(item.executions) for item in found.workflows)
    what = " or ".join(status.lower() for status in found.wanted.statuses)
    what = f"{what} executions" if what else "executions"
    since = f" since {rfc3339_seconds(found.wanted.since)}" if found.wanted.since else ""
    if not number:
        return f"No {what}{since} in {counted(found.searched, 'workflow')}."
    more = " at least" if any(item.capped for item in found.workflows) else ""
    of = f"{workflows} of {counted(found.searched, 'workflow')} {'has' if workflows == 1 else 'have'}"
    return f"{of} {what}{since},{more} {number} in all."


def found_json(found: FoundExecutions) -> str:
    """Return one JSON object: `format_version`, what was searched for, and the executions by workflow."""
    since = found.wanted.since
    fields: JsonObject = {
        "since": None if since is None else rfc3339_seconds(since),
        "statuses": [*found.wanted.statuses],
        "searched": found.searched,
        "workflows": [
            {
                "workflow": _workflow(item.workflow),
                "error": item.error or None,
                "capped": item.capped,
                "executions": [_execution(each, item) for each in item.executions],
            }
            for item in found.workflows
        ],
    }
    return document_text(found.redactor.value(versioned(FORMAT_VERSION, fields)))


def found_lines(found: FoundExecutions) -> Iterator[str]:
    """Yield a line of JSON for each execution, and for each workflow whose executions cannot be read."""
    for item in found.workflows:
        head: JsonObject = {"workflow": _workflow(item.workflow)}
        if item.error:
            yield line_text(found.redactor.value({**head, "error": item.error}))
        for each in item.executions:
            yield line_text(found.redactor.value({**head, **_execution(each, item)}))


def _workflow(workflow: Listed) -> JsonObject:
    return {"id": workflow.id, "name": workflow.name}


def _execution(execution: ListedExecution, item: SearchedWorkflow) -> JsonObject:
    """Return the JSON object of an execution; the failed steps are known of the latest one that failed."""
    steps = item.failed_steps if execution == item.latest_failed else None
    return {
        **listed_execution_document(execution),
        "failed_steps": None if steps is None else [*steps],
    }
