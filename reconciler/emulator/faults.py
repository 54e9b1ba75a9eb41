"""Faults: which request meets which misfortune, decided by rules that a test or a user writes down.

One rule is written `KIND[:SETTING…][@[METHOD][/PATH]]`.

`KIND` is one of

- `latency`: the request waits before it is handled (takes a duration, else 0.1 s);
- a status from `400` to `599`, with any of these endings: `-seconds` and `-date` add a `Retry-After` in
  that form (takes a duration, else 1 s), `-text` and `-message` answer plain text or `{"message": …}` in
  place of `{"detail": …}`, `-after` answers it although the request was carried out, as a gateway may;
- `queue-full`: 429 to an execute request;
- `drop-before`: the connection is closed and nothing was done; `drop-after`: the same after it was done;
- `truncated`: done, but the answer breaks off half-way;
- `slow-body`: the answer trickles in (takes a duration, else 0.1 s);
- `not-json`: 200 with a page of HTML, and nothing was done.

A `SETTING` is a duration (`50ms`, `1.5s`), a probability (`0.2`, `20%`), `xN` (only the first N times) or
`+N` (the first N matching requests pass). For a kind that takes a duration, a bare number is it, in seconds;
a second one is the probability. `METHOD` is one HTTP method; `/PATH` is a shell pattern for the whole path.

Rules are asked in their order: delays add up, the first outcome that strikes wins, and rules after it are
not asked. Telemetry is left alone. Each rule draws from a generator of its own, seeded by the emulator's
seed, so a sequence of requests always meets the same faults.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DELAYS: Final = frozenset({"latency", "slow-body"})
_OUTCOMES: Final = frozenset({"queue-full", "drop-before", "drop-after", "truncated", "not-json"})
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
        kind: What happens, as in the module's docstring.
        seconds: The duration, for the kinds that take one; None: as the module's docstring says.
        probability: How likely a matching request is struck.
        times: Strike at most this often; None: always.
        skip: Let this many matching requests pass first.
        method: Only requests of this method; None: any.
        path: Only paths that match this shell pattern; None: any.

    Raises:
        UsageError: For a kind that does not exist, or settings that make no sense with it.
    """

    kind: str
    seconds: float | None = None
    probability: float = 1.0
    times: int | None = None
    skip: int = 0
    method: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in _DELAYS | _OUTCOMES and not _STATUS.fullmatch(self.kind):
            known = ", ".join(sorted(_DELAYS | _OUTCOMES))
            raise UsageError(f"unknown fault {self.kind!r}; known are {known} and the statuses 400 to 599")
        if self.seconds is not None and not _takes_duration(self.kind):
            raise UsageError(f"the fault {self.kind!r} takes no duration")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"the probability of the fault {self.kind!r} must be between 0 and 1")

    @property
    def status(self) -> int | None:
        """The error status that the fault answers with, if it does."""
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
        """How long the fault lasts, or asks to wait, in seconds."""
        if self.seconds is not None:
            return self.seconds
        return _DEFAULT_DELAY if self.is_delay else _DEFAULT_RETRY_AFTER

    @property
    def is_delay(self) -> bool:
        """Whether the request still gets its own answer, only later."""
        return self.kind in _DELAYS

    @property
    def lets_through(self) -> bool:
        """Whether the request is carried out all the same."""
        return self.kind in {"drop-after", "truncated"} or "after" in self.endings

    def matches(self, method: str, path: str) -> bool:
        """Return whether the rule is about such a request."""
        if self.kind == "queue-full" and not (method == "POST" and path.endswith("/execute")):
            return False
        if self.path is None and path.startswith(_TELEMETRY):
            return False
        right_path = self.path is None or fnmatchcase(path, self.path)
        return right_path and self.method in {None, method}


def _takes_duration(kind: str) -> bool:
    return kind in _DELAYS or not {"seconds", "date"}.isdisjoint(kind.split("-")[1:])


def parse_fault(spec: str) -> Fault:
    """Return the rule that `spec` writes down.

    Raises:
        UsageError: When it does not follow the grammar in the module's docstring.
    """
    rule, _, target = spec.strip().partition("@")
    kind, *settings = rule.split(":")
    method, slash, path = target.partition("/")
    seconds, probability, times, skip = None, 1.0, None, 0
    for setting in settings:
        duration = _DURATION.fullmatch(setting)
        if duration:
            seconds = float(duration.group(1)) / (1000 if duration.group(2) == "ms" else 1)
        elif setting[:1] in {"x", "+"} and setting[1:].isdecimal():
            times, skip = (int(setting[1:]), skip) if setting[0] == "x" else (times, int(setting[1:]))
        elif _NUMBER.fullmatch(setting) and _takes_duration(kind) and seconds is None:
            seconds = float(setting)
        elif _NUMBER.fullmatch(setting.removesuffix("%")):
            probability = float(setting.removesuffix("%")) / (100 if setting.endswith("%") else 1)
        else:
            raise UsageError(f"cannot read {setting!r} in the fault {spec!r}")
    return Fault(
        kind=kind,
        seconds=seconds,
        probability=probability,
        times=times,
        skip=skip,
        method=method.strip().upper() or None,
        path=f"/{path}" if slash else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What happens to one request: seconds to wait before it and over its answer, and at most one outcome."""

    wait: float = 0.0
    trickle: float = 0.0
    outcome: Fault | None = None


class _Armed:
    """A rule with what it has seen so far."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._matched = 0
        self._struck = 0

    def strikes(self, method: str, path: str) -> bool:
        if not self.fault.matches(method, path):
            return False
        self._matched += 1
        spent = self.fault.times is not None and self._struck >= self.fault.times
        if spent or self._matched <= self.fault.skip or self._random.random() >= self.fault.probability:
            return False
        self._struck += 1
        return True


class FaultPlan:
    """The rules in force; they may be changed while requests come in.

    Args:
        seed: What the rules' dice are seeded with.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._made = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The rules in force, in their order."""
        return tuple(armed.fault for armed in self._armed)

    def put(self, faults: Sequence[Fault | str]) -> None:
        """Replace all rules, with fresh counts and dice.

        Raises:
            UsageError: When one of them is written wrongly; then nothing changes.
        """
        parsed = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        with self._lock:
            self._armed = [_Armed(fault, f"{self._seed}:{place}") for place, fault in enumerate(parsed)]
            self._made = len(parsed)

    def add(self, fault: Fault | str) -> None:
        """Add one rule after the others, whose counts go on.

        Raises:
            UsageError: When it is written wrongly.
        """
        parsed = parse_fault(fault) if isinstance(fault, str) else fault
        with self._lock:
            self._armed.append(_Armed(parsed, f"{self._seed}:{self._made}"))
            self._made += 1

    def effects(self, method: str, path: str) -> Effects:
        """Return what the rules do to one request, and count it."""
        wait = trickle = 0.0
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if not armed.strikes(method, path):
                    continue
                if not fault.is_delay:
                    return Effects(wait=wait, trickle=trickle, outcome=fault)
                wait += fault.duration if fault.kind == "latency" else 0.0
                trickle += fault.duration if fault.kind == "slow-body" else 0.0
        return Effects(wait=wait, trickle=trickle)
