"""The public client and this project's client, compared by their requests and results."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_contract import contract_of
from wire_compare import Recording, differences
from wire_differences import DIFFERENCES, Difference
from wire_scenarios import EXECUTION, KEYWORDS, SCENARIOS, Scenario

from reconciler.client import Session, Workflow, get_client
from reconciler.client.wire_contract import CONTRACT_FILE
from reconciler.emulator.server import EmulatorServer

_DRIVE = Path(__file__).with_name("drive.py")
_SDK_PYTHON = os.environ.get("PEAK_SDK_PYTHON")
_TELEMETRY = "/resource-usage/"

needs_sdk = pytest.mark.skipif(
    not _SDK_PYTHON, reason="PEAK_SDK_PYTHON does not name an interpreter that has peak-sdk"
)


class _Driver:
    """A process that drives one client in its own working directory."""

    def __init__(self, python: str, which: str, directory: Path) -> None:
        self._directory = directory
        self._process = subprocess.Popen(
            [python, str(_DRIVE), which],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=directory,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(directory)},
        )

    def record(self, scenario: Scenario) -> Recording:
        """Make the call of `scenario` on a new emulator, and return its requests and outcome."""
        with EmulatorServer(
            profile=scenario.profile, step_seconds=0.0, clock=lambda: 1_600_000_000.0
        ) as server:
            arguments = _prepare(server, scenario)
            answer = self._send({"url": server.url, "method": scenario.method, "arguments": arguments})
            requests = [
                {
                    "method": request.method,
                    "path": request.path,
                    "query": list(request.query),
                    "body": request.body,
                    "status": request.status,
                }
                for request in server.requests
                if not request.path.startswith(_TELEMETRY)
            ]
        text = json.dumps({"requests": requests, "files": self._take_files(), **answer})
        return Recording(**json.loads(text.replace(server.url, "<url>")))

    def _send(self, call: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def _take_files(self) -> list[str]:
        found = sorted(path for path in self._directory.iterdir() if path.suffix == ".log")
        names = [f"{path.name}: {path.read_text()}" for path in found]
        for path in found:
            path.unlink()
        return names

    def close(self) -> None:
        """End the process."""
        with self._process:
            pass


def _prepare(server: EmulatorServer, scenario: Scenario) -> dict[str, Any]:
    """Create the scenario's workflows and executions, and return the arguments of the call."""
    execution = ""
    with Session("token", base_url=server.url, env={}) as session:
        api = get_client(session)
        for body in scenario.given:
            api.create_workflow(body)
        for _ in range(scenario.executions):
            execution = str(api.execute_workflow(1)["executionId"])
    server.clear_requests()
    server.faults = scenario.faults
    return {key: execution if value == EXECUTION else value for key, value in scenario.arguments.items()}


@contextmanager
def _drivers() -> Iterator[tuple[_Driver, _Driver]]:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        drivers = _Driver(_SDK_PYTHON or "", "sdk", Path(one)), _Driver(sys.executable, "ours", Path(other))
        try:
            yield drivers
        finally:
            for driver in drivers:
                driver.close()


@pytest.fixture(scope="session")
def recorded() -> dict[str, tuple[Recording, Recording]]:
    """Return the recordings of both clients by scenario."""
    with _drivers() as (sdk, ours):
        return {str(scenario): (sdk.record(scenario), ours.record(scenario)) for scenario in SCENARIOS}


@pytest.fixture(scope="session")
def compared(recorded: dict[str, tuple[Recording, Recording]]) -> dict[str, list[str]]:
    """Return the differences of the clients by scenario."""
    return {name: differences(sdk, ours) for name, (sdk, ours) in recorded.items()}


def sdk_recordings() -> list[tuple[Scenario, Recording]]:
    """Return what the public client sends and returns in each scenario."""
    with _drivers() as (sdk, _):
        return [(scenario, sdk.record(scenario)) for scenario in SCENARIOS]


@needs_sdk
def test_the_contract_of_the_reads_is_recorded(recorded: dict[str, tuple[Recording, Recording]]) -> None:
    """The contract that `doctor` compares a tenant with is what the public client reads."""
    found = contract_of((scenario, recorded[str(scenario)][0]) for scenario in SCENARIOS)
    assert CONTRACT_FILE.read_text(encoding="utf-8") == found


@needs_sdk
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_same_on_the_wire(compared: dict[str, list[str]], scenario: Scenario) -> None:
    """Both clients send and return the same, except for the listed differences."""
    unexplained = [
        line
        for line in compared[str(scenario)]
        if not any(difference.covers(scenario.method, scenario.name, line) for difference in DIFFERENCES)
    ]
    assert unexplained == [], "\n".join(unexplained)


@needs_sdk
@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.summary)
def test_every_listed_difference_occurs(compared: dict[str, list[str]], difference: Difference) -> None:
    """Every listed difference, and every line of it, occurs."""
    for pattern in difference.lines:
        single = replace(difference, lines=(pattern,))
        assert any(
            single.covers(scenario.method, scenario.name, line)
            for scenario in SCENARIOS
            for line in compared[str(scenario)]
        ), pattern


def test_scenarios_call_every_method_with_every_parameter() -> None:
    """The comparison covers every method and parameter of the client's documented interface."""
    called: dict[str, set[str]] = {}
    for scenario in SCENARIOS:
        called.setdefault(scenario.method, set()).update(scenario.arguments)
    methods = inspect.getmembers(Workflow, inspect.isfunction)
    assert called == {
        name: set(inspect.signature(method).parameters) - {"self"}
        for name, method in methods
        if not name.startswith("_")
    }
    assert KEYWORDS.keys() == called["patch_workflow"] - {"workflow_id", "body", "step_names"}
    assert len({str(scenario) for scenario in SCENARIOS}) == len(SCENARIOS)


def _recording(**changes: Any) -> Recording:
    whole = {"requests": [], "raised": None, "result": None, "files": [], **changes}
    return Recording(**whole)


def _request(method: str = "PUT", path: str = "/x", query: Any = (), body: Any = None) -> dict[str, Any]:
    return {"method": method, "path": path, "query": query, "body": body}


@pytest.mark.parametrize(
    ("sdk", "ours", "lines"),
    [
        (_recording(), _recording(), []),
        (
            _recording(requests=[_request(), _request("GET")]),
            _recording(requests=[_request("GET"), _request("POST")]),
            ["PUT /x: sent -> not sent", "POST /x: not sent -> sent"],
        ),
        (
            _recording(requests=[_request(query=[("a", "1"), ("b", "2")])]),
            _recording(requests=[_request(query=[("b", "2"), ("b", "3"), ("c", "")])]),
            ["PUT /x query a: 1 -> absent", "PUT /x query b: 2 -> 2,3", "PUT /x query c: absent -> "],
        ),
        (
            _recording(requests=[_request(body={"a": {"b": 1, "c": [1]}, "t": True})]),
            _recording(requests=[_request(body={"a": {"b": 2, "c": [1]}, "t": 1, "n": None})]),
            ["PUT /x body a.b: 1 -> 2", "PUT /x body n: absent -> null", "PUT /x body t: true -> 1"],
        ),
        (
            _recording(requests=[_request(body={})]),
            _recording(requests=[_request()]),
            ["PUT /x body: {} -> absent"],
        ),
        (_recording(raised="TypeError"), _recording(), ["outcome: TypeError -> returned"]),
        (_recording(result=1), _recording(result={}), ["result: 1 -> {}"]),
        (_recording(files=["a"]), _recording(), ['files: ["a"] -> []']),
    ],
)
def test_differences_are_found(sdk: Recording, ours: Recording, lines: list[str]) -> None:
    """Each difference is one line; equal recordings have none."""
    assert differences(sdk, ours) == lines
