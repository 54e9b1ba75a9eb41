"""Search of all states that runs can bring a small model of the world into.

What a run does is the real code of the product. Its injected calls answer from a history, and stop it at the
first call that the history has no answer for. So what a run does next is a function of the answers it got,
and is computed once for each history.

States are searched breadth first, so the first violation found has the shortest trace.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, NoReturn, TypeAlias, TypeVar

Answer: TypeAlias = "tuple[Any, ...]"
Call: TypeAlias = "tuple[Any, ...]"
S = TypeVar("S", bound=Hashable)


class StoppedRun(BaseException):
    """A run made a call that its history has no answer for."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


class Answers:
    """The answers of one history, which a run is given one after the other."""

    def __init__(self, history: list[Answer]) -> None:
        self._answers = iter(history)
        self._stopped_at: Call = ()

    def next(self, *call: Any) -> Answer:
        """Return the answer to a call.

        Raises:
            StoppedRun: The history has none.
        """
        answer = next(self._answers, None)
        if answer is None:
            self._stopped_at = self._stopped_at or call  # and not at what the run does to clean up
            raise StoppedRun(self._stopped_at)
        return answer


class Histories:
    """What each run does next, after each history, which has a number.

    Args:
        play: Returns the next call of the run with a number after the given answers; `("end", …)` when it is
            over.
    """

    def __init__(self, play: Callable[[int, list[Answer]], Call]) -> None:
        self._play = play
        self._answers: list[tuple[int, Answer]] = [(-1, ())]
        self._numbers: dict[tuple[int, Answer], int] = {}
        self._calls: dict[tuple[int, int], Call] = {}

    def call(self, run: int, number: int) -> Call:
        """Return the next call of a run after a history."""
        key = (run, number)
        if key not in self._calls:
            self._calls[key] = self._play(run, [*self.answers(number)][::-1])
        return self._calls[key]

    def number(self, before: int, answer: Answer) -> int:
        """Return the number of the history that has `answer` after the history `before`."""
        key = (before, answer)
        if key not in self._numbers:
            self._numbers[key] = len(self._answers)
            self._answers.append(key)
        return self._numbers[key]

    def ended(self, run: int, call: Call) -> int:
        """Return the one history of all runs that ended in `call`."""
        number = self.number(-1, call)
        self._calls[run, number] = call
        return number

    def answers(self, number: int) -> Iterator[Answer]:
        """Yield the answers of a history, the last one first."""
        while number > 0:
            number, answer = self._answers[number]
            yield answer


class Step(NamedTuple):
    """A step from one state to another.

    Args:
        text: What happens.
        state: The state after it.
        wrong: What law it breaks; empty for none.
        window: What it breaks that no client can prevent; empty for nothing.
    """

    text: str
    state: Any
    wrong: str = ""
    window: str = ""


@dataclass(kw_only=True)
class Explored:
    """The result of an exploration.

    Args:
        states: The number of states.
        interleavings: The number of different ways through them, from the start to an end.
        in_windows: How many of these have a step that no client can prevent.
        windows: What these steps are.
        ends: How the runs ended, over all ends.
        violation: What went wrong; empty when nothing did.
        trace: The shortest way there.
    """

    states: int = 0
    interleavings: int = 0
    in_windows: int = 0
    windows: set[str] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    violation: str = ""
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = "\n".join([self.violation, *self.trace]) if self.violation else "no violation"
        return f"{self.states:,} states, {self.interleavings:,} interleavings: {found}"


class Model(Generic[S]):
    """The world of an exploration; a model overrides what it has laws for."""

    most = 10**7
    """The most states to visit."""

    def start(self) -> S:
        """Return the first state."""
        raise NotImplementedError

    def steps(self, state: S) -> Iterator[Step]:
        """Yield every step from a state; none at an end."""
        raise NotImplementedError

    def end(self, state: S) -> str:
        """Return how the runs ended."""
        raise NotImplementedError

    def violation(self, state: S) -> str:
        """Return what is wrong at an end; empty when nothing is."""
        raise NotImplementedError


def search(model: Model[S]) -> Explored:
    """Return what every interleaving in the world of `model` comes to."""
    start = model.start()
    found = Explored()
    numbers = {start: 0}
    reached: list[tuple[int, str]] = [(-1, "")]
    steps: list[list[int]] = []
    clean: list[list[int]] = []
    waiting = deque([start])
    while waiting and not found.violation:
        state = waiting.popleft()
        following = list(model.steps(state))
        for step in following:
            if step.state not in numbers:
                numbers[step.state] = len(numbers)
                reached.append((len(steps), sys.intern(step.text)))
                waiting.append(step.state)
            if step.wrong and not found.violation:
                found.violation = step.wrong
                found.trace = [*_trace(reached, len(steps)), step.text]
            if step.window:
                found.windows.add(step.window)
        if not following and not found.violation:
            found.ends.add(model.end(state))
            found.violation = model.violation(state)
            found.trace = _trace(reached, len(steps)) if found.violation else []
        if len(numbers) > model.most:
            found.violation = found.violation or "too many states"
        steps.append([numbers[step.state] for step in following])
        clean.append([numbers[step.state] for step in following if not step.window])
    found.states = len(numbers)
    if not found.violation:
        ends = [not later for later in steps]
        found.interleavings = _paths(steps, ends)
        found.in_windows = found.interleavings - _paths(clean, ends) if found.windows else 0
    return found


def unanswered(name: str) -> NoReturn:
    """Fail for a call that no model has an answer for."""
    raise NotImplementedError(f"no run needs {name}")


def _trace(reached: list[tuple[int, str]], number: int) -> list[str]:
    texts: list[str] = []
    while number > 0:
        number, text = reached[number]
        texts.append(text)
    return texts[::-1]


def _paths(steps: list[list[int]], ends: list[bool]) -> int:
    """Return the number of ways from the first state to an end."""
    counts: dict[int, int] = {}
    stack = [0]
    while stack:
        missing = [later for later in steps[stack[-1]] if later not in counts]
        if missing:
            stack += missing
        else:
            number = stack.pop()
            counts[number] = 1 if ends[number] else sum(counts[later] for later in steps[number])
    return counts[0]
