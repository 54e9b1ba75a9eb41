"""A watch over every emulator of the tests: commands that only read must send only GET."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.emulator.middleware import RequestLog

if TYPE_CHECKING:
    import pytest

    from reconciler.emulator.middleware import RecordedRequest

READING_COMMANDS = frozenset(
    {"plan", "list", "status", "validate", "export", "capture", "executions", "logs", "graph"}
)
"""The commands that only read; each request has its command in the `User-Agent`."""

_COMMAND = re.compile(r"peak-reconciler/\S+ \((\w+)\)")


class RequestWatch:
    """The requests of commands that only read to the emulators of one test: a count, and any writes."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes: list[str] = []

    def add(self, request: RecordedRequest) -> None:
        """Count a request, or note it as a write."""
        command = _COMMAND.fullmatch(dict(request.headers).get("user-agent", ""))
        if command is None or command[1] not in READING_COMMANDS:
            return
        if request.method == "GET":
            self.reads += 1
        else:
            self.writes.append(f"{command[1]}: {request.method} {request.path}")


def watch_requests(monkeypatch: pytest.MonkeyPatch) -> RequestWatch:
    """Return a watch over every request that any emulator of this process records from now on."""
    watch = RequestWatch()
    add = RequestLog.add

    def watched(log: RequestLog, request: RecordedRequest, size: int) -> None:
        watch.add(request)
        add(log, request, size)

    monkeypatch.setattr(RequestLog, "add", watched)
    return watch
