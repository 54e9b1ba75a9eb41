"""Pace of a session: the most requests in flight and the gap between two, learned from refusals (429, 503).

As in TCP, a refusal halves the pace, once a window: an answer to a request that was sent before a cut does
not cut again. With one request in flight, the gap between two doubles instead. Successes take both back, the
gap first.

A server may refuse requests at random, however few it gets. Then slowing down costs time and avoids nothing,
so each cut is on trial: if as many requests are refused after it as before, it is undone, and that fraction
is tolerated. Only more refusals than that cut again; the fraction shrinks slowly, to try again.

It only counts; the limiter has the clock and the threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Final

SHORTEST_GAP: Final = 0.05
"""The gap, in seconds, after the first cut with one request in flight; then doubled."""

LONGEST_GAP: Final = 2.0
"""The limit of that gap, in seconds."""

_EASING: Final = 0.8
"""The factor by which a success shortens the gap."""

_TRIAL: Final = 12
"""The answers after which a cut is judged."""

_ALL: Final = 4
"""The refusals in a row after a cut that cut again before it is judged."""

_NEARLY_ALL: Final = 0.7
"""The fraction of refusals above which a server is overloaded, not random."""

_FEW: Final = 0.25
"""The fraction of refusals up to which a cut that helped is enough."""

_WINDOW: Final = 20
"""The answers over which refusals are compared with the tolerated fraction."""

_FORGETTING: Final = 0.85
"""The factor by which the tolerated fraction shrinks with each window without a cut."""


@dataclass(slots=True, eq=False)
class _Tally:
    """The answers at one pace."""

    answers: int = 0
    refused: int = 0

    def add(self, *, refused: bool) -> None:
        self.answers += 1
        self.refused += refused

    @property
    def fraction(self) -> float:
        """The fraction of refusals, of at least one answer."""
        return self.refused / self.answers

    @property
    def accepted(self) -> float:
        """The likely fraction of accepted requests, never 0 or 1: few answers prove little."""
        return 1 - (self.refused + 0.5) / (self.answers + 1)


@dataclass(slots=True, eq=False)
class _Trial:
    """One cut, or several in a row, not judged yet.

    Attributes:
        limit: The most requests in flight before.
        gap: The gap before.
        round: The round before; its answers still arrive after the cut.
        before: The answers of that round.
        cuts: The number of cuts.
        after: The answers since the last cut.
    """

    limit: int
    gap: float
    round: int
    before: _Tally
    cuts: int = 0
    after: _Tally = field(default_factory=_Tally)

    @property
    def helped(self) -> bool:
        """Whether the accepted fraction grew as it does where a server has a limit per second."""
        before = self.before.accepted
        predicted = min(1.0, before * 2.0**self.cuts)
        return self.after.accepted**2 >= before * predicted


class Pace:
    """The most requests in flight and the gap between two; not safe to use from many threads.

    Args:
        most: The most requests in flight.

    Attributes:
        limit: The most requests in flight at present.
        gap: The seconds from one request to the next.
        round: The number of changes of the pace by refusals; each request is noted with the one at its start.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self.gap = 0.0
        self.round = 0
        self._most = most
        self._successes = 0
        self._tally = _Tally()
        self._tolerated = 0.0
        self._trial: _Trial | None = None

    @property
    def tolerates(self) -> bool:
        """Whether the server refuses requests at random, so that slowing down does not help."""
        return self._tolerated > 0

    def succeeded(self, sent_in: int) -> None:
        """Note an accepted request of the round `sent_in`; go faster unless a cut is on trial."""
        if self._note(sent_in, refused=False) and self._trial:
            return
        if self.gap:
            self.gap = self.gap * _EASING if self.gap > SHORTEST_GAP / 4 else 0.0
            return
        self._successes += 1
        if self._successes >= self.limit and self.limit < self._most:
            self.limit += 1
            self._successes = 0

    def refused(self, sent_in: int) -> None:
        """Note a refused request of the round `sent_in`; slow down if that may help."""
        if not self._note(sent_in, refused=True):
            return
        if self._trial:
            after = self._trial.after
            if after.refused == after.answers >= _ALL:
                self._cut(self._trial)
        elif self._tally.refused > _most_by_chance(self._tolerated):
            self._cut(_Trial(self.limit, self.gap, self.round, self._tally))

    def _note(self, sent_in: int, *, refused: bool) -> bool:
        """Count an answer, and return whether it was sent at the present pace."""
        trial = self._trial
        if sent_in != self.round:
            if trial and sent_in == trial.round:
                trial.before.add(refused=refused)
            return False
        if trial:
            trial.after.add(refused=refused)
            if trial.after.answers >= _TRIAL:
                self._judge(trial)
            return True
        self._tally.add(refused=refused)
        if self._tally.answers >= _WINDOW:
            self._tally = _Tally()
            self._tolerated *= _FORGETTING
        return True

    def _cut(self, trial: _Trial) -> None:
        if self.limit > 1:
            self.limit //= 2
        else:
            self.gap = min(LONGEST_GAP, max(SHORTEST_GAP, self.gap * 2))
        trial.cuts += 1
        trial.after = _Tally()
        self._start_round(trial, _Tally())

    def _judge(self, trial: _Trial) -> None:
        before, after = trial.before, trial.after
        if after.fraction > _NEARLY_ALL:
            self._cut(trial)
        elif not trial.helped:
            self._tolerated = (before.refused + after.refused) / (before.answers + after.answers)
            self.limit, self.gap = trial.limit, trial.gap
            self._start_round(None, _Tally())
        else:
            self._tolerated = 0.0
            if after.fraction > _FEW:
                self._cut(trial)
            else:
                self._start_round(None, after)

    def _start_round(self, trial: _Trial | None, tally: _Tally) -> None:
        self.round += 1
        self._successes = 0
        self._trial = trial
        self._tally = tally


def _most_by_chance(tolerated: float) -> float:
    """Return the refusals of a window that a server with that fraction of random ones rarely exceeds."""
    return tolerated * _WINDOW + 2 * sqrt(tolerated * (1 - tolerated) * _WINDOW)
