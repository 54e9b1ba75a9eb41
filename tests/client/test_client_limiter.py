"""How hard a session presses a server: how many requests at a time, how soon, how many retries."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from client_helpers import BODY, TOKEN, FakeTime, RawRequest, RawServer, Reply, client, http

from reconciler.client import Session, Workflow
from reconciler.client.calls import RequestRecord, Traffic
from reconciler.client.exceptions import BaseHttpException, InternalServerErrorException
from reconciler.client.limiter import LONGEST_PAUSE, RETRY_BUDGET, AdaptiveLimiter, NoTimeError, Slot
from reconciler.client.pacing import LONGEST_GAP, SHORTEST_GAP
from reconciler.client.retrying import RetryPolicy
from reconciler.emulator.server import EmulatorServer


def _slot(limiter: AdaptiveLimiter, time_: FakeTime, end: float = 1000.0) -> Slot:
    with limiter.slot(time_.now + end) as slot:
        return slot


def _pushed_back(limiter: AdaptiveLimiter, time_: FakeTime, times: int, retry_after: float = 0.0) -> None:
    for _ in range(times):
        limiter.pushed_back(_slot(limiter, time_), retry_after)


def _succeeded(limiter: AdaptiveLimiter) -> None:
    limiter.succeeded(Slot(0.0, limiter._pace.round))


def test_the_number_in_flight_halves_and_recovers(fake_time: FakeTime) -> None:
    """It halves at a push back, and again when nothing is accepted then; successes take it back by one."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, None)
    limits = []
    for refused in (1, 4, 4, 4):
        _pushed_back(limiter, fake_time, refused)
        limits.append(limiter.limit)
    assert limits == [5, 2, 1, 1]
    limits = [limiter.limit]
    for _ in range(200):
        _succeeded(limiter)
        limits.append(limiter.limit)
    assert [after - before for before, after in itertools.pairwise(limits) if after != before] == [1] * 9
    assert [limits.count(limit) for limit in range(2, 10)] == list(range(2, 10))
    assert limiter.limit == 10


def test_answers_to_requests_in_flight_together_count_as_one(fake_time: FakeTime) -> None:
    """Ten requests that are refused at once say one thing, not ten."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, None)
    together = [_slot(limiter, fake_time) for _ in range(10)]
    for turn in together:
        limiter.pushed_back(turn, 0.0)
    assert limiter.limit == 5


def test_a_retry_after_holds_for_all(fake_time: FakeTime) -> None:
    """What the server asks of one request, all wait for; more than a minute is not believed."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, None)
    _pushed_back(limiter, fake_time, 1, 30.0)
    assert _slot(limiter, fake_time).waited == 30.0
    _pushed_back(limiter, fake_time, 1, LONGEST_PAUSE + 1)
    assert _slot(limiter, fake_time).waited == 0.0


def test_a_shorter_retry_after_takes_nothing_back(fake_time: FakeTime) -> None:
    """Of two answers that ask all to wait, the one that asks for longer holds."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, None)
    together = [_slot(limiter, fake_time) for _ in range(2)]
    for turn, seconds in zip(together, (30.0, 1.0), strict=True):
        limiter.pushed_back(turn, seconds)
    assert _slot(limiter, fake_time).waited == 30.0


@pytest.mark.parametrize(("status", "limit"), [(429, 2), (503, 2), (500, 4)])
def test_what_counts_as_pushing_back(fake_time: FakeTime, status: int, limit: int) -> None:
    """429 and 503 ask for less, other failures do not."""
    once = RetryPolicy(tries=1, deadline=0.1)
    with (
        RawServer(http(status)) as raw,
        client(raw.url, time_=fake_time, pool_size=4, retry=once).session as session,
    ):
        with pytest.raises(BaseHttpException):
            Workflow(session).list_resources()
        assert session._transport._limiter.limit == limit


def test_a_session_recovers(server: EmulatorServer, fake_time: FakeTime) -> None:
    """Requests that succeed after the server pushed back make a session as quick as it was."""
    server.faults = ("429:x2@GET",)
    with client(server.url, time_=fake_time, pool_size=4).session as session:
        api = Workflow(session)
        api.list_resources()
        assert session._transport._limiter.limit < 4
        for _ in range(20):
            api.list_resources()
        assert session._transport._limiter.limit == 4


def test_a_retry_whose_turn_does_not_come_raises_what_failed(fake_time: FakeTime) -> None:
    """A read that failed and finds no time for another try says what failed, not that nothing was sent."""
    policy = RetryPolicy(deadline=30.0)
    with RawServer(http(500)) as raw, client(raw.url, time_=fake_time, retry=policy).session as session:
        limiter = session._transport._limiter
        _pushed_back(limiter, fake_time, 1)
        sleep = fake_time.policy.sleep

        def others_are_asked_to_wait(seconds: float) -> None:
            sleep(seconds)
            _pushed_back(limiter, fake_time, 1, LONGEST_PAUSE)

        session._transport._policy = fake_time.policy._replace(sleep=others_are_asked_to_wait)
        with pytest.raises(InternalServerErrorException) as caught:
            Workflow(session).list_resources()
        assert len(raw.requests) == 1
    assert "answered 500" in caught.value.message


def test_a_retry_after_holds_for_who_waits_already(fake_time: FakeTime) -> None:
    """A request whose moment was fixed when the server asked all to wait goes after that, at its own pace."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, 1.0)
    first = _slot(limiter, fake_time)
    sleep, asked = fake_time.sleep, []

    def asked_meanwhile(seconds: float) -> None:
        if not asked:
            asked.append(seconds)
            limiter.pushed_back(first, 30.0)
        sleep(seconds)

    policy = fake_time.policy._replace(sleep=asked_meanwhile)
    limiter._policy = policy
    start = fake_time.now
    assert _slot(limiter, fake_time).waited == 30.0
    _slot(limiter, fake_time)
    assert fake_time.now - start == 31.0


def test_one_at_a_time_and_still_too_many(fake_time: FakeTime) -> None:
    """With one in flight the gap between requests grows, to an end, and successes take it back first."""
    limiter = AdaptiveLimiter(fake_time.policy, 2, None)
    _pushed_back(limiter, fake_time, 1)
    gaps = []
    for _ in range(8):
        _pushed_back(limiter, fake_time, 4)
        _slot(limiter, fake_time)
        gaps.append(round(_slot(limiter, fake_time).waited, 2))
    assert gaps[0] == SHORTEST_GAP
    assert gaps[-1] == LONGEST_GAP
    assert gaps == sorted(gaps)
    for _ in range(100):
        _succeeded(limiter)
    assert _slot(limiter, fake_time).waited == LONGEST_GAP, "the slot was taken before"
    assert _slot(limiter, fake_time).waited == 0.0
    assert limiter.limit == 2


def test_a_limit_of_requests_a_second(fake_time: FakeTime) -> None:
    """No more requests begin in a second than were asked for, whatever the number of threads."""
    limiter = AdaptiveLimiter(fake_time.policy, 10, 4.0)
    start = fake_time.now
    begun = []
    for _ in range(9):
        _slot(limiter, fake_time)
        begun.append(fake_time.now - start)
    assert begun == [number / 4 for number in range(9)]


def test_a_gap_and_a_limit_do_not_add_up(fake_time: FakeTime) -> None:
    """Where the server wants a gap and the user fewer requests, the longer of the two holds."""
    limiter = AdaptiveLimiter(fake_time.policy, 1, 1 / SHORTEST_GAP / 3)
    _pushed_back(limiter, fake_time, 1)
    assert limiter._pace.gap == SHORTEST_GAP
    _slot(limiter, fake_time)
    assert _slot(limiter, fake_time).waited == pytest.approx(3 * SHORTEST_GAP)


def _waiting(limiter: AdaptiveLimiter, end: float) -> tuple[threading.Thread, list[str]]:
    """Return a thread that waits for a place, and what becomes of it."""
    ends: list[str] = []

    def wait() -> None:
        try:
            with limiter.slot(end):
                ends.append("sent")
        except NoTimeError:
            ends.append("gave up")

    thread = threading.Thread(target=wait)
    thread.start()
    while not limiter._free._waiters:  # type: ignore[attr-defined]
        time.sleep(0.001)
    return thread, ends


@pytest.mark.parametrize("freed", ["a place", "a higher limit"])
def test_who_waits_for_a_place_is_woken(
    fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch, freed: str
) -> None:
    """A place that becomes free is taken at once, whether a request ended or one more is allowed."""
    monkeypatch.setattr("reconciler.client.limiter._LOOK", 3600.0)
    limiter = AdaptiveLimiter(fake_time.policy, 2, None)
    _pushed_back(limiter, fake_time, 1)
    held = limiter.slot(fake_time.now + 1000)
    held.__enter__()
    thread, ends = _waiting(limiter, fake_time.now + 1000)
    if freed == "a place":
        held.__exit__(None, None, None)
    else:
        while limiter.limit == 1:
            _succeeded(limiter)
    thread.join(10)
    assert ends == ["sent"]


def test_who_waits_for_a_place_gives_up_in_time(fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that never becomes free is waited for until the end of the request, and no longer."""
    monkeypatch.setattr("reconciler.client.limiter._LOOK", 0.01)
    limiter = AdaptiveLimiter(fake_time.policy, 1, None)
    with limiter.slot(fake_time.now + 1000):
        thread, ends = _waiting(limiter, fake_time.now + 1000)
        fake_time.now += 1000
        thread.join(10)
        assert ends == ["gave up"]


def test_a_turn_that_does_not_come(fake_time: FakeTime) -> None:
    """A wait beyond the end is not begun, and a request that gives up leaves its place."""
    limiter = AdaptiveLimiter(fake_time.policy, 1, None)
    _pushed_back(limiter, fake_time, 1, 30.0)
    with pytest.raises(NoTimeError), limiter.slot(fake_time.now + 29.0):
        pass
    assert fake_time.sleeps == []
    assert _slot(limiter, fake_time).waited == 30.0


def test_the_budget_of_retries(fake_time: FakeTime) -> None:
    """All threads share a budget of retries; each success gives one back, up to the budget."""
    limiter = AdaptiveLimiter(fake_time.policy, 1, None)
    assert [limiter.may_retry() for _ in range(int(RETRY_BUDGET) + 1)] == [True] * int(RETRY_BUDGET) + [False]
    _succeeded(limiter)
    assert (limiter.may_retry(), limiter.may_retry()) == (True, False)
    for _ in range(2 * int(RETRY_BUDGET)):
        _succeeded(limiter)
    assert sum(limiter.may_retry() for _ in range(2 * int(RETRY_BUDGET))) == RETRY_BUDGET


def test_a_server_that_is_down_is_not_stormed(fake_time: FakeTime) -> None:
    """Once the budget is spent, a request fails at once, with the reason why it is not repeated."""
    with RawServer(http(503)) as raw, client(raw.url, time_=fake_time).session as session:
        api = Workflow(session)
        for _ in range(40):
            with pytest.raises(InternalServerErrorException) as caught:
                api.list_resources()
        assert len(raw.requests) == 40 + RETRY_BUDGET
    assert "too many requests failed lately" in caught.value.message


class _Limited(RawServer):
    """A server that takes a number of requests in a second, except some at random; 429 to all others."""

    def __init__(self, per_second: int, at_random: float = 0.0) -> None:
        super().__init__(http(200, []))
        self.refused = 0
        self._at_random = at_random
        self._chance = random.Random(7)  # noqa: S311 - no secret
        self._taken: deque[float] = deque(maxlen=per_second)
        self._window = threading.Lock()

    def take(self, request: RawRequest) -> Reply:
        with self._window:
            now = time.monotonic()
            full = len(self._taken) == self._taken.maxlen and now - self._taken[0] < 1.0
            if full or self._chance.random() < self._at_random:
                self.refused += 1
                return http(429)
            self._taken.append(now)
        return super().take(request)


@pytest.mark.parametrize("at_random", [0.0, 0.3])
def test_a_server_with_a_limit_of_its_own(at_random: float) -> None:
    """A server that lets fewer through than would be sent is pressed less: every request succeeds."""
    with _Limited(60, at_random) as raw, Session(TOKEN, base_url=raw.url, env={}) as session:
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: Workflow(session).list_resources(), range(90)))
        assert answers == [[]] * 90
        assert raw.refused > 0
        assert session.traffic.throttled == raw.refused
        assert session.traffic.requests == 90 + raw.refused


def test_a_server_that_refuses_at_random_is_not_pressed_less() -> None:
    """The pauses of 300 reads, a third of them refused, are short: far from one longest gap each."""
    with _Limited(1_000_000, 0.3) as raw, Session(TOKEN, base_url=raw.url, env={}) as session:
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: Workflow(session).list_resources(), range(300)))
        assert answers == [[]] * 300
        assert raw.refused > 60
        assert session.traffic.waited / raw.refused < 0.75, "on average, all threads together"


def test_traffic_is_counted_and_reported(server: EmulatorServer, fake_time: FakeTime) -> None:
    """Each try is reported with its outcome, and the session counts them; never the token."""
    seen: list[RequestRecord] = []
    with Session(TOKEN, base_url=server.url, env={}, retry=fake_time.policy, observe=seen.append) as session:
        server.faults = ("429-seconds:7:x1@GET", "503:x1@GET", "drop-after:x1@POST")
        api = Workflow(session)
        api.list_resources()
        with pytest.raises(Exception, match="may have taken effect"):
            api.create_workflow(BODY)
    told = [(item.method, item.outcome, item.status, item.attempt, item.waited) for item in seen]
    assert told == [
        ("GET", "refused", 429, 1, 0.0),
        ("GET", "refused", 503, 2, 7.0),
        ("GET", "ok", 200, 3, 0.5),
        ("POST", "lost", None, 1, 0.0),
    ]
    assert session.traffic == Traffic(requests=4, retries=2, throttled=1, waited=7.5)
    assert seen[3].body == BODY
    assert TOKEN not in repr(seen)


def test_an_observer_that_fails(server: EmulatorServer) -> None:
    """Whoever watches cannot break a request."""

    def broken(_: RequestRecord) -> Any:
        raise OSError

    with Session(TOKEN, base_url=server.url, env={}, observe=broken) as session:
        assert Workflow(session).list_resources()
