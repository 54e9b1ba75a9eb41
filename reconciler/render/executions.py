"""The runs of a workflow, as text, one line each, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from reconciler.moments import read_moment
from reconciler.render.status import COLOURS
from reconciler.render.table import table
from reconciler.text import Redactor, clip, printable
from reconciler.values import JsonObject, JsonValue
from reconciler.workflow import Live

FORMAT_VERSION: Final = 1
_HEADS: Final = ("EXECUTION", "STATUS", "STARTED", "FINISHED", "DURATION")


def executions_text(workflow: Live, runs: Sequence[JsonObject], redactor: Redactor) -> str:
    """Return a line for each run, the latest first, without any secret.

    Args:
        workflow: The workflow.
        runs: Its runs, as `list_executions` answers them.
        redactor: What removes known secrets.
    """
    if not runs:
        return printable(redactor.text(f"{clip(workflow.name, 100)} has no such run."))
    rows = [tuple(redactor.text(cell) if cell else None for cell in _cells(run)) for run in map(_known, runs)]
    return "\n".join(table(_HEADS, rows, COLOURS))


def executions_json(workflow: Live, runs: Sequence[JsonObject], redactor: Redactor) -> str:
    """Return one JSON object, without any secret: `format_version`, `workflow` and `executions`."""
    document: JsonObject = {
        "format_version": FORMAT_VERSION,
        "workflow": {"id": workflow.id, "name": workflow.name},
        "executions": [_known(run) for run in runs],
    }
    return json.dumps(redactor.value(document), indent=2, ensure_ascii=True)


def _known(run: JsonObject) -> JsonObject:
    start, end = _text(run.get("executedAt")), _text(run.get("finishedAt"))
    return {
        "id": _text(run.get("executionId")),
        "status": _text(run.get("status")),
        "started_at": start,
        "finished_at": end,
        "duration_seconds": _seconds(start, end),
    }


def _cells(run: JsonObject) -> tuple[str | None, ...]:
    words = [_text(run[key]) for key in ("id", "status", "started_at", "finished_at")]
    seconds = run["duration_seconds"]
    return (*words, _duration(seconds) if isinstance(seconds, int | float) else None)


def _seconds(start: str | None, end: str | None) -> float | None:
    if start and end:
        with suppress(ValueError, OverflowError):
            return round((read_moment(end) - read_moment(start)).total_seconds(), 3)
    return None


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
