"""Log of a job on stderr: JSON lines, or the text that `apply` prints."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from reconciler.job.events import Entry, Event, Level, event_line
from reconciler.secrecy import Redactor
from reconciler.timestamps import utc_now

FORMAT_VARIABLE: Final = "RECONCILER_LOG_FORMAT"
_OPTION: Final = "--log-format"


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
