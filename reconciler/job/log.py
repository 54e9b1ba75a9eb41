"""Log of a job on stderr: events as lines of JSON (`schemas/log-event.json`), or the text of `apply`."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from reconciler.job.outcome import LONGEST_TEXT, safe_text
from reconciler.secrecy import Redactor
from reconciler.text import without_commands
from reconciler.timestamps import rfc3339_milliseconds, utc_now
from reconciler.values import JsonObject, JsonValue

FORMAT_VARIABLE: Final = "RECONCILER_LOG_FORMAT"
_OPTION: Final = "--log-format"
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


class Log(Protocol):
    """Destination of events."""

    is_json: bool
    run_id: str | None
    redactor: Redactor

    def __call__(self, entry: Entry) -> None:
        """Log an event; from any thread, and from a signal handler."""


class _RedactingLog:
    """What every log has: the id of the current run, and the secrets to remove."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.run_id: str | None = None
        self.redactor = Redactor.of_environment(env)


class JsonLog(_RedactingLog):
    """A log with one line of JSON for each event, never torn by another writer.

    Args:
        env: Variables whose secrets must not be shown.
    """

    is_json = True

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self._lock = threading.RLock()  # a signal handler may interrupt

    def __call__(self, entry: Entry) -> None:
        """Write the line; a reader that went away or a full disk stops nothing."""
        data = (event_line(entry, self.run_id, utc_now(), self.redactor) + "\n").encode("ascii")
        with suppress(OSError, ValueError), self._lock:
            # Python's buffers are not safe in a signal handler.
            handle = sys.stderr.fileno()
            while data:
                data = data[os.write(handle, data) :]

    def message(self, level: str, text: str, hint: str) -> None:
        """Log a message that would otherwise go to stderr as text."""
        self(Entry(event=Event.MESSAGE, level=Level(level), message=text, fields={"hint": hint or None}))


_INFO: Final = frozenset(
    {
        Event.LOOP_STARTED,
        Event.LOOP_STOPPED,
        Event.LISTENING,
        Event.FINDING,
        Event.WORKFLOW_STARTED,
        Event.WORKFLOW_WAITING,
        Event.WORKFLOW_FINISHED,
        Event.STOPPING,
    }
)
_WARNINGS: Final = frozenset(
    {Event.LOCK_TAKEN_OVER, Event.LOCK_LOST, Event.METRICS_FAILED, Event.NOTIFY_FAILED}
)
_ERRORS: Final = frozenset({Event.LOCK_HELD, Event.RUN_FAILED})
"""Events that a log of text shows, by how; the others show in the plan and the report, or not at all."""


class TextLog(_RedactingLog):
    """A log of the messages that `apply` prints.

    Args:
        env: Variables whose secrets must not be shown.
        print_line: Prints a line.
        print_error: Prints an error and its hint.
    """

    is_json = False

    def __init__(
        self,
        env: Mapping[str, str],
        print_line: Callable[[str], None],
        print_error: Callable[[str, str], None],
    ) -> None:
        super().__init__(env)
        self._print_line = print_line
        self._print_error = print_error

    def __call__(self, entry: Entry) -> None:
        """Print the event, if it is not shown elsewhere."""
        text = self.redactor.prose(entry.message)
        if entry.event in _ERRORS:
            self._print_error(text, self.redactor.prose(str(entry.fields.get("hint") or "")))
        elif entry.event in _WARNINGS:
            self._print_line(f"warning: {text}")
        elif entry.event in _INFO:
            self._print_line(text)


def wants_json(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Return whether a command line asks for a log in JSON, even one that is wrong elsewhere."""
    chosen = env.get(FORMAT_VARIABLE, "")
    for index, word in enumerate(words):
        if word == _OPTION and index + 1 < len(words):
            chosen = words[index + 1]
        elif word.startswith(f"{_OPTION}="):
            chosen = word.partition("=")[2]
    return chosen == "json"
