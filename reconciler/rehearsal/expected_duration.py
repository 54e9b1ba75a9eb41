"""Expected duration of an apply: what each workflow takes by itself, done several at a time. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple


class WorkPart(NamedTuple):
    """A part of the work on one workflow.

    Attributes:
        kind: A request, a wait, or what this machine computes: for one workflow at a time.
        seconds: How long it takes; a request takes the latency.
    """

    kind: Literal["request", "wait", "compute"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPace:
    """How fast requests are sent.

    Args:
        latency: The seconds that a request takes.
        workers: The number of workflows at a time.
        in_flight: The most requests at a time.
        gap: The seconds between the starts of two requests, at least.
    """

    latency: float
    workers: int
    in_flight: int
    gap: float = 0.0


def expected_seconds(works: Iterable[Sequence[WorkPart]], pace: RequestPace) -> float:
    """Return how long works take that are begun in their order, by as many workers as there are.

    Args:
        works: The parts of each.
        pace: How fast requests are sent.
    """
    waiting = [list(parts) for parts in works][::-1]
    slots = [0.0] * pace.in_flight
    next_start = idle_from = end = 0.0
    # What is due first goes on first; workers that are due at once, in the order in which they began.
    due = [(0.0, number, waiting.pop()[::-1]) for number in range(min(pace.workers, len(waiting)))]
    begun = len(due)
    while due:
        now, number, parts = heapq.heappop(due)
        if not parts:
            end = max(end, now)
            if waiting:
                heapq.heappush(due, (now, begun, waiting.pop()[::-1]))
                begun += 1
            continue
        part = parts.pop()
        if part.kind == "request":
            start = max(now, heapq.heappop(slots), next_start)
            next_start = start + pace.gap
            now = start + pace.latency
            heapq.heappush(slots, now)
        elif part.kind == "compute":
            now = idle_from = max(now, idle_from) + part.seconds
        else:
            now += part.seconds
        heapq.heappush(due, (now, number, parts))
    return end
