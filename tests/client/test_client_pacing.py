"""The pace of a session against servers that refuse requests in different ways, simulated without threads."""

from __future__ import annotations

import heapq
import itertools
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reconciler.client.pacing import LONGEST_GAP, Pace
from reconciler.client.retrying import RetryPolicy

Accepts = Callable[[float, int], bool]
"""Whether a server accepts a request at a moment, with that many in flight."""

_COUNT = 400
_LATENCY = 0.1
_MOST = 10


def _at_random(refused: float, seed: int) -> Accepts:
    chance = random.Random(seed)  # noqa: S311 - no secret
    return lambda _now, _flying: chance.random() >= refused


def _bucket(per_second: float, _seed: int = 0) -> Accepts:
    """Return a server that accepts `limit` requests a second, refused ones not counted."""
    full = max(1.0, per_second / 4)
    level, last = full, 0.0

    def accepts(now: float, _flying: int) -> bool:
        nonlocal level, last
        level, last = min(full, level + (now - last) * per_second), now
        accepted = level >= 1
        level -= accepted
        return accepted

    return accepts


def _window(per_second: float, _seed: int = 0) -> Accepts:
    """Return a server that accepts the first requests of each second, refused ones counted."""
    counted: dict[int, int] = {}

    def accepts(now: float, _flying: int) -> bool:
        counted[int(now)] = counted.get(int(now), 0) + 1
        return counted[int(now)] <= per_second

    return accepts


def _both(per_second: float, seed: int) -> Accepts:
    bucket, chance = _bucket(per_second), _at_random(0.3, seed)
    return lambda now, flying: chance(now, flying) and bucket(now, flying)


@dataclass(frozen=True)
class _Run:
    seconds: float
    refused: int
    longest_gap: float


def _run(accepts: Accepts, seed: int = 0, workers: int = _MOST) -> _Run:
    """Simulate `workers` threads that send the requests, each until it is accepted."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    pace, policy = Pace(_MOST), RetryPolicy(random=chance.random)
    ready = [(0.0, worker, 0) for worker in range(workers)]
    flying: list[tuple[float, int, int, bool, int]] = []
    now = next_moment = longest_gap = 0.0
    begun, done, refused = workers, 0, 0
    while done < _COUNT:
        while ready and ready[0][0] <= now and len(flying) < pace.limit:
            _, request, failed = heapq.heappop(ready)
            moment = max(now, next_moment)
            next_moment = moment + pace.gap
            accepted = accepts(moment, len(flying) + 1)
            heapq.heappush(flying, (moment + _LATENCY, request, failed, accepted, pace.round))
        may_send = ready and len(flying) < pace.limit
        now = max(now, min(([flying[0][0]] if flying else []) + ([ready[0][0]] if may_send else [])))
        if not flying or flying[0][0] > now:
            continue
        _, request, failed, accepted, round_ = heapq.heappop(flying)
        if accepted:
            done += 1
            pace.succeeded(round_)
            if begun < _COUNT:
                heapq.heappush(ready, (now, begun, 0))
                begun += 1
        else:
            refused += 1
            pace.refused(round_)
            pause = policy.pause_after_refusal(failed + 1, at_random=pace.tolerates)
            heapq.heappush(ready, (now + pause, request, failed + 1))
        longest_gap = max(longest_gap, pace.gap)
    return _Run(now, refused, longest_gap)


def _mean(server: Callable[[int], Accepts], workers: int) -> float:
    return statistics.mean(_run(server(seed), seed, workers).seconds for seed in range(10))


@pytest.mark.parametrize("workers", [_MOST, 4 * _MOST])
@pytest.mark.parametrize("refused", [0.0, 0.02, 0.1, 0.2, 0.25, 0.3, 0.4])
def test_random_refusals_cost_little_more_than_their_repetition(refused: float, workers: int) -> None:
    """Within twice the least time: a server that refuses at random is not pressed less."""
    least = _COUNT / (1 - refused) * _LATENCY / _MOST
    assert _mean(lambda seed: _at_random(refused, seed), workers) <= 2 * least


@pytest.mark.parametrize("refused", [0.25, 0.3, 0.35, 0.4])
def test_random_refusals_never_lead_to_the_longest_gap(refused: float) -> None:
    """There is no drift: slowing down does not help, so it is undone."""
    assert all(_run(_at_random(refused, seed), seed).longest_gap < LONGEST_GAP / 2 for seed in range(20))


@pytest.mark.parametrize("workers", [_MOST, 4 * _MOST])
@pytest.mark.parametrize("per_second", [1, 2, 5, 10, 30, 60])
@pytest.mark.parametrize("server", [_bucket, _window], ids=["bucket", "window"])
def test_a_limit_per_second_is_used_and_respected(
    server: Callable[[float, int], Accepts], per_second: float, workers: int
) -> None:
    """A server with a limit gets requests at that rate, within twice the least time."""
    runs = [_run(server(per_second, seed), seed, workers) for seed in range(5)]
    assert statistics.mean(run.seconds for run in runs) <= 2 * _COUNT / per_second
    assert statistics.mean(run.refused for run in runs) <= 2 * _COUNT
    if per_second >= 30:
        assert statistics.mean(run.refused for run in runs) <= _COUNT / 2


@pytest.mark.parametrize("per_second", [5, 30])
def test_a_limit_and_random_refusals_together(per_second: float) -> None:
    """A limit per second is still found where some requests are refused at random as well."""
    assert _mean(lambda seed: _both(per_second, seed), _MOST) <= 2.5 * _COUNT / per_second


def test_one_cut_a_window() -> None:
    """Answers to requests that were sent before a cut do not cut again."""
    pace = Pace(32)
    for _ in range(32):
        pace.refused(0)
    assert (pace.limit, pace.round) == (16, 1)


def test_a_cut_that_does_not_help_is_undone() -> None:
    """As many refusals after it as before: the pace is what it was, and that fraction is tolerated."""
    pace = Pace(10)
    answers = itertools.cycle([True, True, False])
    for _ in range(60):
        (pace.succeeded if next(answers) else pace.refused)(pace.round)
    assert (pace.limit, pace.gap, pace.tolerates) == (10, 0.0, True)


def test_a_cut_that_helps_stays() -> None:
    """No refusals after it: the cut stays, nothing is tolerated, and successes go faster again."""
    pace = Pace(10)
    for _ in range(10):
        pace.refused(0)
    for _ in range(12):
        pace.succeeded(1)
    assert (pace.limit, pace.tolerates) == (5, False)
    for _ in range(5):
        pace.succeeded(pace.round)
    assert pace.limit == 6
