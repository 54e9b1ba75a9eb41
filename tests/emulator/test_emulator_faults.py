"""Faults: the effect of each kind, which requests meet them, and their written form."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests
from emulator_helpers import Api, body

from reconciler.emulator.faults import Fault, FaultPlan, parse_fault
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from _pytest.capture import CaptureFixture
    from _pytest.logging import LogCaptureFixture


@pytest.mark.parametrize("kind", ["401", "409", "429", "500", "502", "503", "504"])
def test_status(api: Api, kind: str) -> None:
    """A status is answered instead of the API's answer, and the request is not handled."""
    api.server.faults = (kind,)
    answer = api.send("POST", "", json=body())
    assert (answer.status_code, answer.json()) == (int(kind), {"detail": f"fault {kind}"})
    assert "retry-after" not in answer.headers
    assert api.server.store.workflows() == {}


def test_retry_after_in_both_forms(api: Api) -> None:
    """`-seconds` gives the wait as a number, `-date` as a date that far in the future."""
    api.server.faults = ("429-seconds:2",)
    assert api.send("GET", "").headers["retry-after"] == "2"
    api.server.faults = ("503-date:3600",)
    answer = api.send("GET", "")
    assert answer.status_code == 503
    wait = parsedate_to_datetime(answer.headers["retry-after"]).timestamp() - time.time()
    assert 3500 < wait <= 3601
    api.server.faults = ("429-seconds",)
    assert api.send("GET", "").headers["retry-after"] == "1"


def test_bodies_of_errors(api: Api) -> None:
    """An error's body can be plain text, or have `message` instead of `detail`."""
    api.server.faults = ("500-text",)
    answer = api.send("GET", "")
    assert (answer.headers["content-type"], answer.text) == ("text/plain", "fault 500-text")
    api.server.faults = ("500-message",)
    assert api.send("GET", "").json() == {"message": "fault 500-message"}


def test_status_after_handling(api: Api) -> None:
    """`-after` answers an error after the request was handled."""
    api.server.faults = ("504-after",)
    assert api.send("POST", "", json=body()).status_code == 504
    assert len(api.server.store.workflows()) == 1


def test_queue_full(api: Api) -> None:
    """`queue-full` is 429 on execute, and on nothing else."""
    api.server.faults = ("queue-full",)
    number = api.create(body())
    answer = api.send("POST", f"{number}/execute")
    assert (answer.status_code, answer.json()) == (429, {"detail": "queue is full"})
    assert api.get(f"executions/{number}")["executions"] == []


@pytest.mark.parametrize(("kind", "stored"), [("drop-before", 0), ("drop-after", 1)])
def test_dropped_connection(api: Api, kind: str, stored: int, caplog: LogCaptureFixture) -> None:
    """The connection closes without an answer, before or after handling; the server continues."""
    api.server.faults = (f"{kind}:x1",)
    with pytest.raises(requests.ConnectionError):
        api.send("POST", "", json=body())
    assert len(api.server.store.workflows()) == stored
    assert [(request.status, request.fault) for request in api.server.requests] == [("dropped", kind)]
    assert api.get()["workflowsCount"] == stored
    assert caplog.records == []


def test_truncated_answer(api: Api, caplog: LogCaptureFixture) -> None:
    """The answer ends before its announced length; the request was handled."""
    api.server.faults = ("truncated:x1",)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="Connection broken"):
        api.send("POST", "", json=body())
    assert api.get()["workflowsCount"] == 1
    assert [(request.status, request.fault) for request in api.server.requests] == [
        (200, "truncated"),
        (200, ""),
    ]
    assert caplog.records == []


@pytest.mark.parametrize(("fault", "kind"), [("not-json", "text/plain"), ("html", "text/html")])
def test_answer_that_is_not_json(api: Api, fault: str, kind: str) -> None:
    """A text or a page with status 200 replaces the answer, and the request is not handled."""
    api.server.faults = (fault,)
    answer = api.send("POST", "", json=body())
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert api.server.store.workflows() == {}


def test_slow_body_is_whole(api: Api) -> None:
    """A slow answer arrives in many pieces and is complete."""
    api.create(body())
    api.server.faults = ("slow-body:100ms",)
    answer = api.send("GET", "1", stream=True)
    pieces = []
    while piece := answer.raw.read1():
        pieces.append(piece)
    assert len(pieces) > 5
    assert len(b"".join(pieces)) == int(answer.headers["content-length"])


def test_delays_add_up(api: Api) -> None:
    """Delays of all matching rules add up, and combine with an outcome."""
    plan = FaultPlan()
    plan.replace(["latency:30ms", "latency:20ms@GET", "slow-body:1ms", "503", "latency:1s"])
    effects = plan.effects("GET", "/")
    assert (effects.wait, effects.trickle, effects.outcome) == (0.05, 0.001, Fault(kind="503"))
    api.server.faults = ("latency:1ms",)
    assert api.send("GET", "").status_code == 200
    api.server.faults = ("latency:1ms", "slow-body:1ms", "503")
    assert api.send("GET", "").json() == {"detail": "fault 503"}


def test_delay_has_a_default() -> None:
    """A delay without a duration lasts a tenth of a second."""
    plan = FaultPlan()
    plan.replace(["latency", "slow-body:50%:x0", "slow-body:x1"])
    effects = plan.effects("GET", "/")
    assert (effects.wait, effects.trickle) == (0.1, 0.1)


def test_first_matching_requests_only(api: Api) -> None:
    """`xN` hits the first N matching requests, `+N` lets N pass first."""
    api.server.faults = ("500:+1:x2@GET",)
    api.send("POST", "", json=body())
    assert [api.send("GET", "").status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_first_outcome_wins(api: Api) -> None:
    """When several rules match, the first decides, and the rules after it are not counted."""
    api.server.faults = ("500:x1", "502:x1", "503")
    assert [api.send("GET", "").status_code for _ in range(3)] == [500, 502, 503]


def test_rules_change_while_the_server_runs(api: Api) -> None:
    """A rule is added as a value or in its written form; all can be read and removed."""
    api.server.add_fault(Fault(kind="500", times=1, method="GET"))
    api.server.add_fault("502:x1")
    assert api.server.faults == (Fault(kind="500", times=1, method="GET"), Fault(kind="502", times=1))
    assert [api.send("GET", "").status_code for _ in range(3)] == [500, 502, 200]
    api.server.faults = ("503",)
    assert api.send("GET", "").status_code == 503
    api.server.faults = ()
    assert api.send("GET", "").status_code == 200


def test_rules_choose_by_method_and_path(api: Api) -> None:
    """A rule may match a method, a pattern of paths, or both."""
    number = api.create(body())
    api.server.faults = ("500@/workflows/*/1", "503@POST/*/pause")
    assert api.send("GET", str(number)).status_code == 500
    assert api.send("GET", "").status_code == 200
    assert api.send("POST", f"{number}/pause").status_code == 503
    assert api.send("POST", f"{number}/resume").status_code == 200


def test_probability_follows_the_seed() -> None:
    """One seed always hits the same requests, another seed others, with about the given probability."""

    def hit(seed: int) -> list[bool]:
        plan = FaultPlan(seed)
        plan.replace(["500:0.3"])
        return [plan.effects("GET", "/").outcome is not None for _ in range(1000)]

    assert hit(1) == hit(1)
    assert hit(1) != hit(2)
    assert 250 < sum(hit(1)) < 350


def test_rules_have_independent_generators() -> None:
    """The requests that one rule hits do not depend on the rules after it."""
    alone, together = FaultPlan(5), FaultPlan(5)
    alone.replace(["latency:1ms:0.5"])
    together.replace(["latency:1ms:0.5", "500:0.5"])
    waits = [[plan.effects("GET", "/").wait for _ in range(50)] for plan in (alone, together)]
    assert waits[0] == waits[1]


def test_a_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the matching requests of any second the first N pass; a refused one does not count."""
    now = 10.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    plan = FaultPlan()
    plan.replace(("429:2/s@GET",))

    def passes(method: str = "GET") -> bool:
        return plan.effects(method, "/a").outcome is None

    assert [passes(), passes("POST"), passes(), passes(), passes()] == [True, True, True, False, False]
    now += 0.6
    assert not passes()
    now += 0.4
    assert [passes(), passes(), passes()] == [True, True, False]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("latency:50ms", Fault(kind="latency", seconds=0.05)),
        ("latency:1.5s:0.5", Fault(kind="latency", seconds=1.5, probability=0.5)),
        ("latency:2", Fault(kind="latency", seconds=2)),
        ("500:0.2", Fault(kind="500", probability=0.2)),
        ("500:.5", Fault(kind="500", probability=0.5)),
        ("500:20%@get", Fault(kind="500", probability=0.2, method="GET")),
        ("429-seconds:1:0.5", Fault(kind="429-seconds", seconds=1, probability=0.5)),
        ("429-date-after:1", Fault(kind="429-date-after", seconds=1)),
        ("drop-after:x1@POST", Fault(kind="drop-after", times=1, method="POST")),
        ("503:+2:x3@PUT/a/*", Fault(kind="503", skip=2, times=3, method="PUT", path="/a/*")),
        (" truncated@/b ", Fault(kind="truncated", path="/b")),
        ("429-seconds:1:20/s@GET", Fault(kind="429-seconds", seconds=1, rate=20, method="GET")),
    ],
)
def test_written_form(spec: str, fault: Fault) -> None:
    """Each written form parses to one rule."""
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "unknown fault"),
        ("explode", "unknown fault"),
        ("200", "unknown fault"),
        ("500-loudly", "unknown fault"),
        ("500:often", "invalid setting 'often'"),
        ("500:x", "invalid setting 'x'"),
        ("500:2", "between 0 and 1"),
        ("500:50ms", "takes no duration"),
    ],
)
def test_invalid_rule_is_refused(server: EmulatorServer, spec: str, words: str) -> None:
    """An invalid rule is a usage error that names the problem, and changes nothing."""
    server.faults = ("500",)
    with pytest.raises(UsageError, match=words):
        server.faults = ("503", spec)
    with pytest.raises(UsageError, match=words):
        server.add_fault(spec)
    with pytest.raises(UsageError, match=words):
        EmulatorServer(faults=(spec,))
    assert server.faults == (Fault(kind="500"),)


def test_broken_connections_print_nothing(capfd: CaptureFixture[str]) -> None:
    """Broken connections print nothing on stdout or stderr."""
    with EmulatorServer(faults=("drop-before:x1", "drop-after:x1", "truncated:x1")) as server:
        api = Api(server)
        with api.session:
            for _ in range(3):
                with pytest.raises(requests.RequestException):
                    api.send("GET", "")
    assert capfd.readouterr() == ("", "")
