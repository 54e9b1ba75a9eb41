"""Helpers of the emulator's tests: a client that returns raw answers, a manual clock, workflow bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

WORKFLOWS = "/workflows/api/v1/workflows/"


class Clock:
    """A clock that moves only when a test advances it."""

    def __init__(self) -> None:
        self.now = 1_600_000_000.0

    def __call__(self) -> float:
        """Return the current time in epoch seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self.now += seconds


class Api:
    """A client of an emulator that returns each answer unchanged."""

    def __init__(self, server: EmulatorServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = "token"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request; `path` is relative to the list of workflows unless it starts with a slash."""
        url = self.server.url + (path if path.startswith("/") else WORKFLOWS + path)
        return self.session.request(method, url, timeout=10, **options)

    def get(self, path: str = "", **query: Any) -> Any:
        """Send a GET, which must succeed, and return the answer's JSON."""
        answer = self.send("GET", path, params=query)
        answer.raise_for_status()
        return answer.json()

    def create(self, body: dict[str, Any]) -> int:
        """Create a workflow and return its ID."""
        answer = self.send("POST", "", json=body)
        answer.raise_for_status()
        number: int = answer.json()["id"]
        return number

    def put(self, number: int, body: dict[str, Any]) -> Any:
        """Replace a workflow and return the answer's JSON."""
        answer = self.send("PUT", str(number), json=body)
        answer.raise_for_status()
        return answer.json()

    def execute(self, number: int, body: dict[str, Any] | None = None) -> str:
        """Start an execution and return its ID."""
        answer = self.send("POST", f"{number}/execute", json=body)
        answer.raise_for_status()
        execution: str = answer.json()["executionId"]
        return execution


def step(command: str = "echo hi", **fields: Any) -> dict[str, Any]:
    """Return a standard step."""
    return {"type": "standard", "imageId": 100, "imageVersionId": 100, "command": command, **fields}


def body(name: str = "flow", **fields: Any) -> dict[str, Any]:
    """Return a workflow body, with one step unless `steps` are given."""
    return {"name": name, "steps": {"one": step()}, **fields}
