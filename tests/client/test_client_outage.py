"""A server that stops answering: all requests wait together, one probes, and the wait has an end."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client_helpers import BODY, TOKEN, FakeTime, RawRequest, RawServer, Reply, client, http

from reconciler.client import (
    AnswerLostError,
    InternalServerErrorException,
    NotSentError,
    RetryPolicy,
    ServerUnreachableError,
    Session,
    may_have_taken_effect,
)
from reconciler.client.limiter import LONGEST_PROBE
from reconciler.client.workflows import Workflow
from reconciler.errors import ReconcilerError

_DOWN: dict[str, Reply] = {
    "silent": Reply(keep=False),
    "502": http(502, b"<html>bad gateway</html>"),
    "503": http(503),
    "504": http(504),
}


class _Restarting(RawServer):
    """A server that is down from one moment of `time_` to another; it counts what it got meanwhile."""

    def __init__(self, time_: FakeTime, down: Reply, seconds: float) -> None:
        super().__init__(http(200, []))
        self._time = time_
        self._down = down
        self.end = time_.now + seconds
        self.probes: list[tuple[float, str]] = []
        self.up = True

    def take(self, request: RawRequest) -> Reply:
        reply = super().take(request)
        if self.up or self._time.now >= self.end:
            return reply
        self.probes.append((self._time.now, request.method))
        return self._down


@pytest.mark.parametrize("down", _DOWN.values(), ids=_DOWN)
@pytest.mark.parametrize("seconds", [0.3, 4, 20, 59])
def test_a_server_that_restarts_is_waited_for(fake_time: FakeTime, down: Reply, seconds: float) -> None:
    """A read that meets a restarting server is answered once it is back, and the pauses are bounded."""
    with (
        _Restarting(fake_time, down, seconds) as raw,
        client(raw.url, time_=fake_time).session as session,
    ):
        api = Workflow(session)
        api.list_resources()
        raw.up = False
        start = fake_time.now
        assert api.list_resources() == []
        assert seconds <= fake_time.now - start <= seconds + LONGEST_PROBE
        moments = [moment for moment, _ in raw.probes]
        assert all(after - before <= LONGEST_PROBE for before, after in itertools.pairwise(moments))
        assert len(raw.probes) <= 18


@pytest.mark.parametrize("down", _DOWN.values(), ids=_DOWN)
@pytest.mark.parametrize("retry_for", [5.0, 60.0, 300.0])
def test_the_wait_has_an_end(fake_time: FakeTime, down: Reply, retry_for: float) -> None:
    """A server that stays away is given up on time, as unreachable; what comes after fails quickly."""
    policy = RetryPolicy(retry_for=retry_for)
    with (
        _Restarting(fake_time, down, 10_000) as raw,
        client(raw.url, time_=fake_time, retry=policy).session as session,
    ):
        api = Workflow(session)
        api.list_resources()
        raw.up = False
        start = fake_time.now
        with pytest.raises(
            ServerUnreachableError, match=f"server unreachable: no answer for {retry_for:.0f} s"
        ):
            api.list_resources()
        assert fake_time.now - start == retry_for
        before = len(raw.probes)
        with pytest.raises(ServerUnreachableError):
            api.list_resources()
        assert (len(raw.probes), fake_time.now - start <= retry_for + LONGEST_PROBE) == (before + 1, True)
        raw.up = True
        assert api.list_resources() == [], "a session recovers"


@pytest.mark.parametrize("down", _DOWN.values(), ids=_DOWN)
def test_a_write_is_never_a_probe_twice(fake_time: FakeTime, down: Reply) -> None:
    """A write whose answer is lost to an outage is in doubt: it is returned to the caller, sent once."""
    with _Restarting(fake_time, down, 4) as raw, client(raw.url, time_=fake_time).session as session:
        api = Workflow(session)
        api.list_resources()
        raw.up = False
        with pytest.raises((AnswerLostError, InternalServerErrorException)) as caught:
            api.create_workflow(BODY)
        assert may_have_taken_effect(caught.value)
        assert raw.methods == ["GET", "POST"]
        assert api.list_resources() == [], "the look that follows waits for the server"


def test_a_write_that_cannot_be_sent_waits(fake_time: FakeTime) -> None:
    """A write without a connection took no effect: it waits, then says so."""
    with RawServer(http(200, [])) as raw:
        session = client(raw.url, time_=fake_time).session
        Workflow(session).list_resources()
    session._transport._http.close()
    start = fake_time.now
    with session, pytest.raises(ServerUnreachableError, match="Connection refused") as caught:
        Workflow(session).create_workflow(BODY)
    assert (fake_time.now - start, may_have_taken_effect(caught.value)) == (60.0, False)


def test_a_server_that_never_answered_is_not_waited_for(fake_time: FakeTime) -> None:
    """At a wrong address there is no server to wait for: a few tries, as for any failure."""
    with RawServer(http(200)) as raw:
        url = raw.url
    with (
        client(url, time_=fake_time).session as session,
        pytest.raises(NotSentError) as caught,
    ):
        Workflow(session).list_resources()
    assert not isinstance(caught.value, ServerUnreachableError)
    assert "4 tries" in caught.value.message


@pytest.mark.parametrize("down", [*_DOWN.values(), http(429), http(429, retry_after="50")])
def test_a_stopped_run_waits_for_nothing(fake_time: FakeTime, down: Reply) -> None:
    """Once the run is stopped, a read is not repeated, whatever it would wait for."""
    with _Restarting(fake_time, down, 10_000) as raw, client(raw.url, time_=fake_time).session as session:
        api = Workflow(session)
        api.list_resources()
        raw.up = False
        start = fake_time.now
        session.end_waits(lambda: fake_time.now >= start + 2)
        with pytest.raises(ReconcilerError):
            api.list_resources()
        assert fake_time.now - start <= 2.5
        before = len(raw.requests)
        with pytest.raises(ReconcilerError):
            api.list_resources()
        assert (len(raw.requests) - before <= 1, fake_time.now - start <= 3) == (True, True)


def test_no_wait_where_none_is_wanted(fake_time: FakeTime) -> None:
    """`retry_for` of zero leaves the tries of each request."""
    policy = fake_time.policy._replace(retry_for=0.0)
    with (
        RawServer(http(200, []), http(503)) as raw,
        client(raw.url, time_=fake_time, retry=policy).session as session,
    ):
        Workflow(session).list_resources()
        with pytest.raises(InternalServerErrorException) as caught:
            Workflow(session).list_resources()
    assert "4 tries" in caught.value.message


class _OneBadPath(RawServer):
    """A server that answers 503 to one path only."""

    def take(self, request: RawRequest) -> Reply:
        reply = super().take(request)
        return http(503) if "defaults" in request.target else reply


def test_one_bad_endpoint_is_no_outage() -> None:
    """While others are answered, a request that always fails is given up after its tries."""
    policy = RetryPolicy(backoff=0.05)
    with _OneBadPath(http(200, [])) as raw, Session(TOKEN, base_url=raw.url, env={}, retry=policy) as session:
        api = Workflow(session)
        over = threading.Event()

        def others() -> int:
            answered = 0
            while not over.is_set():
                api.list_resources()
                answered += 1
            return answered

        with ThreadPoolExecutor(2) as pool:
            counted = pool.submit(others)
            start = time.monotonic()
            try:
                with pytest.raises(InternalServerErrorException):
                    api.get_default_resource()
            finally:
                over.set()
            assert counted.result() > 3
        assert time.monotonic() - start < 10


class _Gone(RawServer):
    """A server that is gone for a while, and notes how many requests it had at once meanwhile."""

    def __init__(self) -> None:
        super().__init__(http(200, []))
        self.end = 0.0
        self.at_once = self.most = self.probes = 0
        self._count = threading.Lock()

    def take(self, request: RawRequest) -> Reply:
        reply = super().take(request)
        if time.monotonic() >= self.end:
            return reply
        with self._count:
            self.probes += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.05)
        with self._count:
            self.at_once -= 1
        return Reply(keep=False)


def test_one_probe_at_a_time() -> None:
    """Of many threads that meet a server that is gone, one asks at a time, and all go on when it is back."""
    with _Gone() as raw, Session(TOKEN, base_url=raw.url, env={}, pool_size=8) as session:
        api = Workflow(session)
        api.list_resources()
        raw.end = time.monotonic() + 1.5
        with pytest.raises(AnswerLostError):
            api.create_workflow(BODY)
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: api.list_resources(), range(40)))
        assert answers == [[]] * 40
        assert raw.most == 1
        assert raw.probes <= 6
        assert time.monotonic() - start < 8
