"""The events of a job's log: a fixed set of names, and how one becomes a line of JSON.

One line for one event, in ASCII; `schemas/log-event.json` is the contract. Pure: nothing here writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

from reconciler.job.outcome import LONGEST_TEXT, fit
from reconciler.moments import in_milliseconds
from reconciler.secrecy import Redactor
from reconciler.text import without_commands
from reconciler.values import JsonObject, JsonValue

_MOST_ITEMS: Final = 50
_LONGEST_LINE: Final = 16_384


class Level(str, Enum):
    """How much an event matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Event(str, Enum):
    """What can happen, by the name that the log has for it."""

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
    """Something that happened.

    Args:
        event: What.
        level: How much it matters.
        message: The same in a sentence, for people.
        fields: What else is known of it, by the documented names; what is `None` is left out.
    """

    event: Event
    level: Level = Level.INFO
    message: str
    fields: JsonObject = field(default_factory=dict)


Log: TypeAlias = Callable[[Entry], None]
"""Told of each event, from any thread."""


def event_line(entry: Entry, run_id: str | None, now: datetime, redactor: Redactor) -> str:
    """Return the line of JSON for `entry`, without its line break.

    Args:
        entry: What happened.
        run_id: The run it belongs to; `None` between runs.
        now: When.
        redactor: Removes secrets, from every text at every depth.
    """
    head: JsonObject = {
        "time": in_milliseconds(now),
        "level": entry.level.value,
        "event": entry.event.value,
        "run_id": run_id,
        "message": fit(entry.message, redactor),
    }
    rest = {name: _fit(value, redactor) for name, value in entry.fields.items() if value is not None}
    line = _json({**head, **rest})
    if len(line) <= _LONGEST_LINE:
        return line
    # Only lists and texts of many escapes get here: what is left names the event and where to look.
    short = {name: value for name, value in rest.items() if isinstance(value, bool | int | float)}
    message = fit(entry.message, redactor, LONGEST_TEXT // 10)
    return _json({**head, "message": message, **short, "shortened": True})


def _json(value: JsonObject) -> str:
    return without_commands(json.dumps(value, ensure_ascii=True, separators=(",", ":")))


def _fit(value: JsonValue, redactor: Redactor) -> JsonValue:
    if isinstance(value, str):
        return fit(value, redactor)
    if isinstance(value, list):
        return [_fit(item, redactor) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {fit(key, redactor): _fit(item, redactor) for key, item in [*value.items()][:_MOST_ITEMS]}
    return value
