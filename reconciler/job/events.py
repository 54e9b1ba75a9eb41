"""Log events: their names, and one event as a line of JSON (`schemas/log-event.json`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

from reconciler.job.outcome import LONGEST_TEXT, safe_text
from reconciler.secrecy import Redactor
from reconciler.text import without_commands
from reconciler.timestamps import rfc3339_milliseconds
from reconciler.values import JsonObject, JsonValue

_MOST_ITEMS: Final = 50
_LONGEST_LINE: Final = 16_384


class Level(str, Enum):
    """The severity of an event."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Event(str, Enum):
    """The name of an event in the log."""

    LOOP_STARTED = "loop_started"
    LOOP_STOPPED = "loop_stopped"
    LISTENING = "listening"
    RUN_STARTED = "run_started"
    LOCK_TAKEN_OVER = "lock_taken_over"
    LOCK_HELD = "lock_held"
    LOCK_LOST = "lock_lost"
    FINDING = "finding"
    PLANNED = "planned"
    WORKFLOW_PLANNED = "workflow_planned"
    WORKFLOW_STARTED = "workflow_started"
    WORKFLOW_WAITING = "workflow_waiting"
    WORKFLOW_FINISHED = "workflow_finished"
    REQUEST = "request"
    STOPPING = "stopping"
    MESSAGE = "message"
    METRICS_FAILED = "metrics_failed"
    NOTIFIED = "notified"
    NOTIFY_FAILED = "notify_failed"
    RUN_FAILED = "run_failed"
    RUN_FINISHED = "run_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log.

    Args:
        event: The event.
        level: Its severity.
        message: A sentence for people.
        fields: Its documented fields; those that are `None` are left out.
    """

    event: Event
    level: Level = Level.INFO
    message: str
    fields: JsonObject = field(default_factory=dict)


Log: TypeAlias = Callable[[Entry], None]
"""A function that takes each entry, from any thread."""


def event_line(entry: Entry, run_id: str | None, now: datetime, redactor: Redactor) -> str:
    """Return `entry` as a line of JSON, without a line break.

    Args:
        entry: The entry.
        run_id: The run that it belongs to; `None` between runs.
        now: The time of the event.
        redactor: Removes known secrets from every text at every depth.
    """
    head: JsonObject = {
        "time": rfc3339_milliseconds(now),
        "level": entry.level.value,
        "event": entry.event.value,
        "run_id": run_id,
        "message": safe_text(entry.message, redactor),
    }
    rest = {name: _safe_value(value, redactor) for name, value in entry.fields.items() if value is not None}
    line = _json({**head, **rest})
    if len(line) <= _LONGEST_LINE:
        return line
    # Only long lists, and texts with many escapes, get here; keep the event and its numbers.
    short = {name: value for name, value in rest.items() if isinstance(value, bool | int | float)}
    message = safe_text(entry.message, redactor, LONGEST_TEXT // 10)
    return _json({**head, "message": message, **short, "shortened": True})


def _json(value: JsonObject) -> str:
    return without_commands(json.dumps(value, ensure_ascii=True, separators=(",", ":")))


def _safe_value(value: JsonValue, redactor: Redactor) -> JsonValue:
    if isinstance(value, str):
        return safe_text(value, redactor)
    if isinstance(value, list):
        return [_safe_value(item, redactor) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {
            safe_text(key, redactor): _safe_value(item, redactor)
            for key, item in [*value.items()][:_MOST_ITEMS]
        }
    return value
