"""Watches every emulator of the tests: what only reads must send nothing but GET."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.emulator.request_log import RequestLog

if TYPE_CHECKING:
    import pytest

    from reconciler.emulator.request_log import RecordedRequest

READING = frozenset({"plan", "status", "validate", "export", "executions", "logs", "graph"})
"""The commands that only read; each names itself in the `User-Agent` of its requests."""

_COMMAND = re.compile(r"peak-reconciler/\S+ \((\w+)\)")


class Watch:
    """What the commands that only read have sent to the emulators of one test."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes: list[str] = []

    def see(self, request: RecordedRequest) -> None:
        """Take note of a request."""
        command = _COMMAND.fullmatch(dict(request.headers).get("user-agent", ""))
        if command is None or command[1] not in READING:
            return
        if request.method == "GET":
            self.reads += 1
        else:
            self.writes.append(f"{command[1]}: {request.method} {request.path}")


def watching(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return a watch over every request that any emulator of this process records from now on."""
    watch = Watch()
    add = RequestLog.add

    def watched(log: RequestLog, request: RecordedRequest, size: int) -> None:
        watch.see(request)
        add(log, request, size)

    monkeypatch.setattr(RequestLog, "add", watched)
    return watch
