"""Faults: rules that a test or a user writes to inject errors and delays into requests.

A rule is written `KIND[:SETTING…][@[METHOD][/PATH]]`.

`KIND` is one of

- `latency`: the request waits before it is handled (takes a duration, default 0.1 s);
- a status from `400` to `599`, with any of these endings: `-seconds` and `-date` add a `Retry-After` in
  that form (takes a duration, default 1 s), `-text` and `-message` answer plain text or `{"message": …}`
  instead of `{"detail": …}`, `-after` sends the error after the request was handled, as a gateway may;
- `queue-full`: 429 to an execute request;
- `drop-before`: the connection is closed before the request is handled; `drop-after`: closed afterwards;
- `truncated`: the request is handled, and the connection is closed half-way through the answer;
- `slow-body`: the answer arrives slowly (takes a duration, default 0.1 s);
- `not-json`: 200 with plain text, and the request is not handled; `html`: 200 with a sign-in page.

A `SETTING` is a duration (`50ms`, `1.5s`), a probability (`0.2`, `20%`), `xN` (only the first N times), `+N`
(the first N matching requests pass) or `N/s` (of any second's matching requests the first N pass). For a kind
that takes a duration, a bare number is the duration in seconds; a second one is the probability. `METHOD` is
one HTTP method; `/PATH` is a shell pattern for the whole path.

Rules apply in order: delays add up, the first outcome wins, and rules after it are not evaluated. Telemetry
is exempt. Each rule has a random generator of its own, seeded by the emulator's seed, so that a sequence of
requests always meets the same faults.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DELAYS: Final = frozenset({"latency", "slow-body"})
_OUTCOMES: Final = frozenset({"queue-full", "drop-before", "drop-after", "truncated", "not-json", "html"})
_STATUS = re.compile(r"([45]\d\d)((?:-(?:seconds|date|text|message|after))*)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_DEFAULT_DELAY: Final = 0.1
_DEFAULT_RETRY_AFTER: Final = 1.0
_TELEMETRY: Final = "/resource-usage/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule.

    Args:
        kind: A kind of the module's docstring.
        seconds: The duration, for the kinds that take one; None is the kind's default.
        probability: The probability, 0 to 1, that a matching request meets the fault.
        times: The maximum number of requests that meet the fault; None is no maximum.
        skip: The number of matching requests that pass first.
        rate: The number of matching requests that pass within any second; None lets none pass for it.
        method: The HTTP method to match; None matches any.
        path: A shell pattern to match the path; None matches any.

    Raises:
        UsageError: For an unknown kind, or settings that do not go with it.
    """

    kind: str
    seconds: float | None = None
    probability: float = 1.0
    times: int | None = None
    skip: int = 0
    rate: int | None = None
    method: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in _DELAYS | _OUTCOMES and not _STATUS.fullmatch(self.kind):
            known = ", ".join(sorted(_DELAYS | _OUTCOMES))
            raise UsageError(f"unknown fault {self.kind!r}: use {known} or a status from 400 to 599")
        if self.seconds is not None and not _takes_duration(self.kind):
            raise UsageError(f"the fault {self.kind!r} takes no duration")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"the probability of the fault {self.kind!r} must be between 0 and 1")

    @property
    def status(self) -> int | None:
        """The error status that the fault answers with; None for a fault without one."""
        if self.kind == "queue-full":
            return 429
        match = _STATUS.fullmatch(self.kind)
        return int(match.group(1)) if match else None

    @property
    def endings(self) -> frozenset[str]:
        """The endings of a status, such as `seconds` and `after`."""
        match = _STATUS.fullmatch(self.kind)
        return frozenset(match.group(2).split("-")[1:]) if match else frozenset()

    @property
    def duration(self) -> float:
        """The delay, or the wait that `Retry-After` asks for, in seconds."""
        if self.seconds is not None:
            return self.seconds
        return _DEFAULT_DELAY if self.is_delay else _DEFAULT_RETRY_AFTER

    @property
    def is_delay(self) -> bool:
        """Whether the fault only delays the request's own answer."""
        return self.kind in _DELAYS

    @property
    def is_after_handling(self) -> bool:
        """Whether the request is handled before the fault happens."""
        return self.kind in {"drop-after", "truncated"} or "after" in self.endings

    def matches(self, method: str, path: str) -> bool:
        """Return whether the rule applies to such a request."""
        if self.kind == "queue-full" and not (method == "POST" and path.endswith("/execute")):
            return False
        if self.path is None and path.startswith(_TELEMETRY):
            return False
        path_matches = self.path is None or fnmatchcase(path, self.path)
        return path_matches and self.method in {None, method}


def _takes_duration(kind: str) -> bool:
    return kind in _DELAYS or not {"seconds", "date"}.isdisjoint(kind.split("-")[1:])


def parse_fault(spec: str) -> Fault:
    """Return the rule written as `spec`.

    Raises:
        UsageError: When `spec` does not follow the grammar in the module's docstring.
    """
    rule, _, target = spec.strip().partition("@")
    kind, *settings = rule.split(":")
    method, slash, path = target.partition("/")
    seconds, probability, times, skip, rate = None, 1.0, None, 0, None
    for setting in settings:
        duration = _DURATION.fullmatch(setting)
        if duration:
            seconds = float(duration.group(1)) / (1000 if duration.group(2) == "ms" else 1)
        elif setting[:1] in {"x", "+"} and setting[1:].isdecimal():
            times, skip = (int(setting[1:]), skip) if setting[0] == "x" else (times, int(setting[1:]))
        elif setting.endswith("/s") and setting[:-2].isdecimal():
            rate = int(setting[:-2])
        elif _NUMBER.fullmatch(setting) and _takes_duration(kind) and seconds is None:
            seconds = float(setting)
        elif _NUMBER.fullmatch(setting.removesuffix("%")):
            probability = float(setting.removesuffix("%")) / (100 if setting.endswith("%") else 1)
        else:
            raise UsageError(
                f"invalid setting {setting!r} in the fault {spec!r}: use a duration, a probability, xN, +N "
                "or N/s"
            )
    return Fault(
        kind=kind,
        seconds=seconds,
        probability=probability,
        times=times,
        skip=skip,
        rate=rate,
        method=method.strip().upper() or None,
        path=f"/{path}" if slash else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The effects of all rules on one request.

    `wait` is the delay before it and `trickle` the duration of its answer, in seconds; `outcome` is the fault
    that decides its answer, if any.
    """

    wait: float = 0.0
    trickle: float = 0.0
    outcome: Fault | None = None


class _CountedRule:
    """A rule with the counts of requests that it matched and hit."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self._random = random.Random(seed)  # noqa: S311 - not for secrecy
        self._matched = 0
        self._hits = 0
        self._passed: deque[float] = deque()

    def hits(self, method: str, path: str) -> bool:
        if not self.fault.matches(method, path):
            return False
        self._matched += 1
        if self._is_within_rate():
            return False
        spent = self.fault.times is not None and self._hits >= self.fault.times
        if spent or self._matched <= self.fault.skip or self._random.random() >= self.fault.probability:
            return False
        self._hits += 1
        return True

    def _is_within_rate(self) -> bool:
        """Return whether a request passes because few did within the last second, and count it then."""
        if self.fault.rate is None:
            return False
        now = time.monotonic()
        while self._passed and self._passed[0] <= now - 1:
            self._passed.popleft()
        if len(self._passed) >= self.fault.rate:
            return False
        self._passed.append(now)
        return True


class FaultPlan:
    """The rules in force, which may change while requests arrive; `seed` seeds their random generators."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._rules: list[_CountedRule] = []
        self._created = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The rules in force, in order."""
        return tuple(rule.fault for rule in self._rules)

    def replace(self, faults: Sequence[Fault | str]) -> None:
        """Replace all rules, and reset their counts and random generators.

        Raises:
            UsageError: When a rule is invalid; then nothing changes.
        """
        parsed = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        with self._lock:
            self._rules = [
                _CountedRule(fault, f"{self._seed}:{number}") for number, fault in enumerate(parsed)
            ]
            self._created = len(parsed)

    def add(self, fault: Fault | str) -> None:
        """Add one rule after the others, without a reset of their counts.

        Raises:
            UsageError: When the rule is invalid.
        """
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        with self._lock:
            self._rules.append(_CountedRule(parsed, f"{self._seed}:{self._created}"))
            self._created += 1

    def effects(self, method: str, path: str) -> Effects:
        """Return the effects of the rules on one request, and count it."""
        wait = trickle = 0.0
        with self._lock:
            for rule in self._rules:
                fault = rule.fault
                if not rule.hits(method, path):
                    continue
                if not fault.is_delay:
                    return Effects(wait=wait, trickle=trickle, outcome=fault)
                wait += fault.duration if fault.kind == "latency" else 0.0
                trickle += fault.duration if fault.kind == "slow-body" else 0.0
        return Effects(wait=wait, trickle=trickle)
