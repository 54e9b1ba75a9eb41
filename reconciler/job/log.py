"""The log of a job on stderr: lines of JSON, or words as `apply` has them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from reconciler.cli.terminal import complain, warn
from reconciler.job.events import Entry, Event, Level, event_line
from reconciler.moments import utc_now
from reconciler.secrecy import Redactor

FORMAT_VARIABLE: Final = "RECONCILER_LOG_FORMAT"
_OPTION: Final = "--log-format"


class Log(Protocol):
    """Where events go."""

    is_json: bool
    run_id: str | None
    redactor: Redactor

    def __call__(self, entry: Entry) -> None:
        """Say what happened; from any thread, and from a signal handler."""


class _Told:
    """What every log knows, and who hears of each event beside it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.run_id: str | None = None
        self.redactor = Redactor.of_environment(env)


class JsonLog(_Told):
    """One line of JSON for each event, whole, whoever writes at that moment.

    Args:
        env: Where secrets are that must not be shown.
    """

    is_json = True

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self._lock = threading.RLock()  # a signal handler may come in between

    def __call__(self, entry: Entry) -> None:
        """Write the line; that nobody reads it, or that the disk is full, stops nothing."""
        data = (event_line(entry, self.run_id, utc_now(), self.redactor) + "\n").encode("ascii")
        with suppress(OSError, ValueError), self._lock:
            # Past Python's buffers, which are no place for a signal handler.
            handle = sys.stderr.fileno()
            while data:
                data = data[os.write(handle, data) :]

    def say(self, level: str, text: str, hint: str) -> None:
        """Take what would otherwise be said on stderr in words."""
        self(Entry(event=Event.MESSAGE, level=Level(level), message=text, fields={"hint": hint or None}))


_IN_WORDS: Final[Mapping[Event, Callable[[str, str], None]]] = {
    Event.LOOP_STARTED: lambda text, _: warn(text),
    Event.LOOP_STOPPED: lambda text, _: warn(text),
    Event.LISTENING: lambda text, _: warn(text),
    Event.LOCK_TAKEN_OVER: lambda text, _: warn(f"warning: {text}"),
    Event.LOCK_HELD: complain,
    Event.LOCK_LOST: lambda text, _: warn(f"warning: {text}"),
    Event.FINDING: lambda text, _: warn(text),
    Event.WORKFLOW_STARTED: lambda text, _: warn(text),
    Event.WORKFLOW_WAITING: lambda text, _: warn(text),
    Event.WORKFLOW_FINISHED: lambda text, _: warn(text),
    Event.STOPPING: lambda text, _: warn(text),
    Event.METRICS_FAILED: lambda text, _: warn(f"warning: {text}"),
    Event.NOTIFY_FAILED: lambda text, _: warn(f"warning: {text}"),
    Event.RUN_FAILED: complain,
}
"""How an event is said in words; the others show in the plan and the report, or are not said."""


class TextLog(_Told):
    """Words on stderr, as `apply` has them.

    Args:
        env: Where secrets are that must not be shown.
    """

    is_json = False

    def __call__(self, entry: Entry) -> None:
        """Say it, if it is not said elsewhere."""
        say = _IN_WORDS.get(entry.event)
        if say is not None:
            say(self.redactor.text(entry.message), self.redactor.text(str(entry.fields.get("hint") or "")))


def wants_json(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Return whether a command line asks for a log in JSON, also one that is wrong in other places."""
    chosen = env.get(FORMAT_VARIABLE, "")
    for index, word in enumerate(words):
        if word == _OPTION and index + 1 < len(words):
            chosen = words[index + 1]
        elif word.startswith(f"{_OPTION}="):
            chosen = word.partition("=")[2]
    return chosen == "json"
