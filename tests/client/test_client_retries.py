from __future__ import annotations

import re
import socket
from email.utils import formatdate
from typing import Any

import pytest
from client_helpers import BODY, TOKEN, FakeTime, RawServer, Reply, client, http
from hypothesis import given
from hypothesis import strategies as st

from reconciler.client import Session, Workflow, get_client
from reconciler.client.exceptions import (
    AnswerLostError,
    BaseHttpException,
    InternalServerErrorException,
    NotSentError,
    TooManyRequestsException,
    UnreadableAnswerError,
    may_have_taken_effect,
)
from reconciler.client.failures import retry_after
from reconciler.client.retrying import RetryPolicy
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ReconcilerError, UnexpectedAnswerError

_SILENCE = Reply(b"", keep=False)
_WORKFLOW = http(200, {"id": 1, "name": "x", "steps": {}})
_LIST = "/workflows/api/v1/workflows/"

_WRITES: dict[str, Any] = {
    "POST": lambda api: api.create_workflow(BODY),
    "PUT": lambda api: api.update_workflow(1, BODY),
    "DELETE": lambda api: api.delete_workflow(1),
    "pause": lambda api: api.pause_workflow(1),
    "execute": lambda api: api.execute_workflow(1),
}


def _nobody_listens() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    "fault", ["429", "500", "502", "503", "504", "drop-before", "drop-after", "truncated", "not-json"]
)
def test_reads_are_repeated(server: EmulatorServer, api: Workflow, fake_time: FakeTime, fault: str) -> None:
    """A GET that met a passing trouble is asked again, and its answer is as if nothing had been."""
    server.faults = (f"{fault}:x3@GET",)
    assert list(api.list_workflows()) == []
    assert len(server.requests) == 4
    assert fake_time.sleeps == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("503", InternalServerErrorException),
        ("drop-before", AnswerLostError),
        ("truncated", UnexpectedAnswerError),
        ("not-json", UnexpectedAnswerError),
    ],
)
def test_reads_are_given_up_after_four_tries(
    server: EmulatorServer, api: Workflow, fault: str, kind: type[ReconcilerError]
) -> None:
    """A fault that stays is raised after the fourth try, as what it was."""
    server.faults = (fault,)
    with pytest.raises(kind, match=f"GET {_LIST}") as caught:
        list(api.list_workflows())
    assert "taken effect" not in caught.value.message, "a read has no effect"
    assert len(server.requests) == 4


@pytest.mark.parametrize("fault", ["400", "401", "403", "404", "409", "413", "422", "501", "505"])
def test_refusals_are_not_repeated(server: EmulatorServer, api: Workflow, fault: str) -> None:
    """What the server refuses it would refuse again."""
    server.faults = (fault,)
    with pytest.raises(BaseHttpException, match=fault):
        list(api.list_workflows())
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["500", "502", "503", "504", "503-after", "drop-before", "drop-after"])
def test_writes_are_never_sent_twice(server: EmulatorServer, api: Workflow, fault: str) -> None:
    """A create that failed in any way that leaves its effect open is sent once: there is never a twin."""
    server.faults = (f"{fault}:x1@POST",)
    kind = AnswerLostError if fault.startswith("drop") else InternalServerErrorException
    with pytest.raises(kind):
        api.create_workflow(BODY)
    assert len(server.requests) == 1
    assert len(server.store.workflows()) == (1 if fault.endswith("after") else 0)


@pytest.mark.parametrize("fault", ["truncated", "not-json"])
def test_a_write_whose_answer_cannot_be_read(server: EmulatorServer, api: Workflow, fault: str) -> None:
    """A success that cannot be read is a lost answer and an unexpected one, and is not sent again."""
    server.faults = (f"{fault}:x1@POST",)
    with pytest.raises(UnreadableAnswerError, match="probably taken effect") as caught:
        api.create_workflow(BODY)
    assert isinstance(caught.value, AnswerLostError)
    assert isinstance(caught.value, UnexpectedAnswerError)
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 1


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_no_write_is_repeated_after_429(
    server: EmulatorServer, api: Workflow, fake_time: FakeTime, write: Any
) -> None:
    """A gateway may say 429 of a write that took effect: whoever sends it again looks first.

    When the server asks for a pause, the caller gets that error, and every other request waits.
    """
    api.create_workflow(BODY)
    server.clear_requests()
    server.faults = ("429-seconds:7:x1",)
    with pytest.raises(TooManyRequestsException) as caught:
        write(api)
    assert [request.status for request in server.requests] == [429]
    assert (caught.value.retry_after, fake_time.sleeps) == (7.0, [])
    api.list_resources()
    assert fake_time.sleeps == [7.0]


def test_a_server_that_pushes_back_is_asked_again_until_the_deadline(
    server: EmulatorServer, api: Workflow, fake_time: FakeTime
) -> None:
    """429 is a reason to go slowly, not to give up: a read is asked again as long as there is time."""
    server.faults = ("429",)
    with pytest.raises(TooManyRequestsException) as caught:
        list(api.list_workflows())
    assert re.search(r"given up after \d+ tries in 1\d\d s", caught.value.message)
    assert 100 < sum(fake_time.sleeps) <= 120


def test_a_full_queue(server: EmulatorServer, api: Workflow) -> None:
    """A queue that stays full is raised as the 429 it is, which is a bad request, too (public client)."""
    api.create_workflow(BODY)
    server.faults = ("queue-full",)
    with pytest.raises(TooManyRequestsException, match="queue is full"):
        api.execute_workflow(1)


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_connection_that_cannot_be_made_is_tried_again(fake_time: FakeTime, write: Any) -> None:
    """Nothing was sent, so any request may be repeated; the last error says that nothing was."""
    workflows = client(_nobody_listens(), time_=fake_time)
    with workflows.session, pytest.raises(NotSentError, match=r"no connection .*\(Connection refused\)"):
        write(workflows)
    assert len(fake_time.sleeps) == 3


def test_a_name_that_does_not_resolve() -> None:
    """A host that is not there is named as the cause."""
    session = Session(TOKEN, base_url="https://nowhere.invalid", env={}, retry=FakeTime().policy)
    with session, pytest.raises(NotSentError, match="nothing was sent"):
        get_client(session).list_resources()


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_connect_timeout_is_not_sent(
    fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    """A write whose connection times out was never sent: it took no effect, and is tried again."""

    def time_out(*_arguments: object, **_options: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", time_out)
    workflows = client("http://127.0.0.1:1", time_=fake_time)
    with workflows.session, pytest.raises(NotSentError, match=r"no connection .*nothing was sent") as caught:
        write(workflows)
    assert not may_have_taken_effect(caught.value)
    assert fake_time.sleeps == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_a_connection_that_dies_is_a_lost_answer(write: Any) -> None:
    """A write whose connection was closed without an answer is not repeated, and its cause is kept."""
    with RawServer(_SILENCE) as raw, client(raw.url).session as session:
        with pytest.raises(AnswerLostError, match="may have taken effect") as caught:
            write(get_client(session))
        assert len(raw.requests) == 1
    assert type(caught.value) is AnswerLostError
    assert caught.value.__cause__ is not None


def test_an_answer_that_does_not_come_in_time() -> None:
    """Waiting has an end: a read is asked again, a write is lost."""
    late = Reply(http(200, []).data, pause=0.5)
    with RawServer(late, http(200, [])) as raw, client(raw.url, timeout=(5.0, 0.1)).session as session:
        assert get_client(session).list_resources() == []
        assert raw.methods == ["GET", "GET"]
    with RawServer(late) as raw, client(raw.url, timeout=(5.0, 0.1)).session as session:
        with pytest.raises(AnswerLostError, match="timed out"):
            get_client(session).create_workflow(BODY)
        assert raw.methods == ["POST"]


def test_an_answer_that_trickles_in_meets_the_deadline() -> None:
    """Every piece is in time for the timeout, but the whole is not for the deadline."""
    slow = http(200, [{"id": number} for number in range(100)])
    trickling = Reply(slow.data, pause=0.01, piece=20)
    policy = RetryPolicy(deadline=0.15)
    with RawServer(trickling) as raw, Session(TOKEN, base_url=raw.url, env={}, retry=policy) as session:
        with pytest.raises(AnswerLostError, match="timed out"):
            get_client(session).list_resources()
        with pytest.raises(AnswerLostError, match="timed out"):
            get_client(session).create_workflow(BODY)
        assert raw.methods == ["GET", "POST"]


def test_the_deadline_ends_the_tries(fake_time: FakeTime) -> None:
    """No try begins after the deadline, however many are left."""
    policy = RetryPolicy(tries=100, deadline=10.0, backoff=3.0, longest_backoff=3.0)
    with RawServer(http(503)) as raw, client(raw.url, time_=fake_time, retry=policy).session as session:
        with pytest.raises(InternalServerErrorException):
            get_client(session).list_resources()
        assert len(raw.requests) == 4
    assert fake_time.sleeps == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(("chance", "sleeps"), [(0.0, [0.25, 0.5, 1.0]), (1.0, [0.5, 1.0, 2.0])])
def test_backoff_grows_and_is_jittered(chance: float, sleeps: list[float]) -> None:
    """Each wait is at most twice the one before, and chance takes up to half of it off."""
    time = FakeTime(chance)
    with RawServer(http(503)) as raw:
        workflows = client(raw.url, time_=time)
        with workflows.session, pytest.raises(InternalServerErrorException):
            workflows.list_resources()
    assert time.sleeps == sleeps


def test_backoff_has_a_ceiling() -> None:
    """The wait does not grow beyond its longest."""
    time = FakeTime()
    policy = RetryPolicy(tries=6, backoff=1.0, longest_backoff=3.0)
    with RawServer(http(503)) as raw:
        workflows = client(raw.url, time_=time, retry=policy)
        with workflows.session, pytest.raises(InternalServerErrorException):
            workflows.list_resources()
    assert time.sleeps == [1.0, 2.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize("fault", ["429-seconds:7s", "503-seconds:7s"])
def test_retry_after_in_seconds(
    server: EmulatorServer, api: Workflow, fake_time: FakeTime, fault: str
) -> None:
    """The server says how long to wait, and is heard."""
    server.faults = (f"{fault}:x1",)
    assert api.list_resources()
    assert fake_time.sleeps == [7.0]


def test_retry_after_as_a_date(fake_time: FakeTime) -> None:
    """The other form of the header counts from the clock's present."""
    busy = http(429, {}, Retry_After=formatdate(fake_time.now + 9, usegmt=True))
    with RawServer(busy, _WORKFLOW) as raw, client(raw.url, time_=fake_time).session as session:
        get_client(session).describe_workflow(1)
    assert fake_time.sleeps == [9.0]


def test_retry_after_beyond_the_deadline(fake_time: FakeTime) -> None:
    """A wait that does not fit is not begun: asking earlier than the server wants would be in vain."""
    with RawServer(http(429, {}, Retry_After="3600")) as raw:
        with client(raw.url, time_=fake_time).session as session, pytest.raises(TooManyRequestsException):
            get_client(session).list_resources()
        assert len(raw.requests) == 1
    assert fake_time.sleeps == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("nan", 0.0),
        ("٣", 0.0),
        ("9" * 5000, 999_999_999_999.0),
        (formatdate(60, usegmt=True), 50.0),
        (formatdate(60), 50.0),
        (formatdate(5, usegmt=True), 0.0),
    ],
)
def test_retry_after_forms(value: str, seconds: float) -> None:
    """Seconds and dates are understood, the past and nonsense ask for nothing, and nothing is endless."""
    assert retry_after(value, now=10.0) == seconds


@given(st.text())
def test_retry_after_never_fails(value: str) -> None:
    """Whatever the header says, it is a finite time that is not negative."""
    assert 0.0 <= retry_after(value, now=10.0) < 1e15


def test_the_default_clock_is_real() -> None:
    """Left to itself, the client uses the machine's time and real chance."""
    clock = RetryPolicy()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.wall() > 1_600_000_000
    assert 0.0 <= clock.random() < 1.0
    clock.sleep(0.0)
