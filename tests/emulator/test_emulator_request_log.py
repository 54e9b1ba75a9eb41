"""The request log: what is recorded, in memory and in a file."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from emulator_helpers import WORKFLOWS, Api, body

from reconciler.emulator.middleware import RecordedRequest, RequestLog
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_are_recorded(api: Api) -> None:
    """Every request is recorded, in order, before its answer arrives: method, path, query, body, status."""
    api.get(searchTerm="ä b", workflowStatus=["Draft", "Paused"])
    api.create(body())
    api.send("DELETE", "99")
    recorded = api.server.requests
    assert [(item.method, item.path, item.status) for item in recorded] == [
        ("GET", WORKFLOWS, 200),
        ("POST", WORKFLOWS, 200),
        ("DELETE", WORKFLOWS + "99", 404),
    ]
    assert recorded[0].query == (
        ("searchTerm", "ä b"),
        ("workflowStatus", "Draft"),
        ("workflowStatus", "Paused"),
    )
    assert [item.body for item in recorded] == [None, body(), None]
    with pytest.raises(dataclasses.FrozenInstanceError):
        recorded[0].status = 500  # type: ignore[misc]
    api.server.clear_requests()
    assert api.server.requests == []


def test_token_is_not_recorded(api: Api) -> None:
    """Headers are recorded, except the value of `Authorization`."""
    api.send("GET", "", headers={"Authorization": "secret-token", "X-Other": "kept"})
    headers = dict(api.server.requests[0].headers)
    assert (headers["authorization"], headers["x-other"]) == ("(hidden)", "kept")
    assert "secret-token" not in repr(api.server.requests)


def test_invalid_json_is_recorded_as_text(api: Api) -> None:
    """A body that is not JSON is recorded as text."""
    api.send("POST", "", data=b"{oops")
    assert (api.server.requests[0].body, api.server.requests[0].status) == ("{oops", 400)


def test_faults_are_recorded(api: Api) -> None:
    """A request that met a fault is recorded with it."""
    api.server.faults = ("503:x1",)
    api.send("GET", "")
    api.send("GET", "")
    assert [(item.status, item.fault) for item in api.server.requests] == [(503, "503"), (200, "")]


def test_requests_are_written_as_json_lines(tmp_path: Path) -> None:
    """With a log file each request is one line of JSON, written at once."""
    path = tmp_path / "requests.jsonl"
    with EmulatorServer(request_log=path, faults=("drop-before:x1@DELETE",)) as server:
        api = Api(server)
        with api.session:
            api.create(body("ü"))
            with pytest.raises(OSError, match="aborted"):
                api.send("DELETE", "1")
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["method"], line["status"]) for line in lines] == [("POST", 200), ("DELETE", "dropped")]
    assert lines[0]["body"] == body("ü")


def test_unwritable_log_is_a_usage_error(tmp_path: Path) -> None:
    """A log file in a missing directory is a usage error on start."""
    with pytest.raises(UsageError, match="cannot write"):
        EmulatorServer(request_log=tmp_path / "missing" / "log").start()


def test_memory_is_bounded() -> None:
    """The oldest requests are dropped when there are too many, or their bodies are too large together."""

    def request(number: int) -> RecordedRequest:
        return RecordedRequest(method="GET", path=f"/{number}", query=(), headers=(), body=None, status=200)

    log = RequestLog(max_requests=3, max_bytes=100)
    for number in range(5):
        log.add(request(number), 10)
    assert [item.path for item in log.requests()] == ["/2", "/3", "/4"]
    log.add(request(5), 85)
    assert [item.path for item in log.requests()] == ["/4", "/5"]
