"""Helpers for the tests of the job: outcomes, and a receiver of webhooks on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from loopback import loopback_server
from processes import forked_command

from reconciler.cli import main
from reconciler.client.webhook_sender import POLICY
from reconciler.job.outcome import Outcome, WorkflowOutcome
from reconciler.render import ACTIONS
from reconciler.schema import validate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

START = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
POLICY_WITHOUT_SLEEP = POLICY._replace(sleep=lambda _: None, random=lambda: 0.0)


def planned(**counts: int) -> dict[str, int]:
    """Return the counts of a plan; the others are zero."""
    return {name: counts.get(name, 0) for name in ACTIONS}


def outcome(**changes: Any) -> Outcome:
    """Return the outcome of a run of 2.5 seconds without changes."""
    plain: dict[str, Any] = {
        "run_id": "20300102T030405.678Z-abc123",
        "started": START,
        "ended": START + timedelta(seconds=2.5),
        "exit_code": 0,
        "planned": planned(unchanged=3),
    }
    return Outcome(**{**plain, **changes})


def workflow_outcome(
    name: str = "flow", action: str = "update", status: str = "done", error: str = ""
) -> WorkflowOutcome:
    """Return the outcome of one workflow."""
    return WorkflowOutcome(name=name, action=action, status=status, id=7, error=error)


@dataclass(frozen=True)
class Received:
    """A request that the receiver got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Receiver:
    """A server on loopback that keeps every request.

    Args:
        statuses: The statuses of its answers in order; 200 after the last.
    """

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[Received] = []
        self.url = ""

    def text(self) -> str:
        """Return all requests as text, headers and paths included."""
        return "\n".join(
            f"{item.method} {item.path} {item.headers} {item.body.decode()}" for item in self.received
        )


@contextmanager
def receiver(*statuses: int) -> Iterator[Receiver]:
    """Yield a receiver that answers with `statuses`, one after the other, and then with 200."""
    kept = Receiver(*statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            kept.received.append(Received(self.command, self.path, dict(self.headers), body))
            status = kept.statuses.pop(0) if kept.statuses else 200
            answer = f"you sent {self.path}".encode()  # a hostile one repeats the address
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with loopback_server(Handler) as kept.url:
        yield kept


TOKEN = "token-canary-0123456789"


@dataclass(frozen=True)
class Ran:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of the log, each checked against the documented schema."""
        found = [json.loads(line) for line in self.err.splitlines()]
        for event in found:
            assert [*validate(event, "log-event")] == []
            assert event["message"].isprintable()
        return found

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the events called `name`."""
        return [event for event in self.events if event["event"] == name]


class Site:
    """A directory with manifests, and their tenant."""

    def __init__(self, server: EmulatorServer, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self.home = home
        self.folder = home / "workflows"
        self.folder.mkdir()
        self._capfd = capfd

    def write(self, name: str = "flow", command: str = "echo hi", file: str = "", **fields: Any) -> None:
        """Write a manifest of a small workflow."""
        body = {"name": name, "steps": {"one": {"imageId": 1, "imageVersionId": 2, "command": command}}}
        text = json.dumps({"body": {**body, **fields}})
        (self.folder / (file or f"{name}.yaml")).write_text(text, encoding="utf-8")

    def run(self, *words: str) -> Ran:
        """Run `reconcile` in this process."""
        with pytest.raises(SystemExit) as ended:
            main(["reconcile", *words])
        out, err = self._capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    def job(self, *words: str) -> Ran:
        """Run it with a log in JSON on all manifests."""
        return self.run("workflows", "--log-format", "json", *words)

    def start(self, *words: str, place: Path | None = None) -> subprocess.Popen[str]:
        """Start it as a process with a log in JSON, in the home directory or in `place`."""
        return subprocess.Popen(
            [*forked_command(), "reconcile", "workflows", "--log-format", "json", *words],
            cwd=place or self.home,
            env={**os.environ, "PWD": str(place or self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def writes(self) -> list[Any]:
        """Return the requests so far, except reads."""
        return [request for request in self.server.requests if request.method != "GET"]


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for a process, and return its result."""
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def await_event(process: subprocess.Popen[str], name: str) -> list[dict[str, Any]]:
    """Read the log of a process up to the event called `name`, and return what was read."""
    assert process.stderr is not None
    found: list[dict[str, Any]] = []
    for line in process.stderr:
        found.append(json.loads(line))
        if found[-1]["event"] == name:
            return found
    raise AssertionError(f"no event {name}: {found}, {process.wait(10)}")
