"""What a rule is: a stable name, a reason, a good and a bad example, and a function over one body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.findings import Severity
from reconciler.values import JsonObject, Path, as_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a rule found.

    Args:
        path: Where, from the root of the body.
        message: What was found, what is allowed, and what to do.
        at_key: Whether the problem is the key at the end of `path` itself, not its value.
        cause: What is behind it: of several problems with one cause only the first is reported.
        secret: Whether a secret may stand there, so that the line must not be shown.
    """

    path: Path
    message: str
    at_key: bool = False
    cause: tuple[str, ...] = ()
    secret: bool = False


Check = Callable[[JsonObject], Iterator[Problem]]
"""Yields the problems of one workflow's body that the schema has already found valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRule:
    """What every rule beyond the schema says of itself.

    Args:
        id: Its stable name, with which it is reported and switched off.
        severity: Whether it fails the check.
        reason: Why it is a rule, in one line.
        good: A piece of a workflow that is fine.
        bad: The same piece, wrong.
    """

    id: str
    severity: Severity
    reason: str
    good: str
    bad: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(BaseRule):
    """A rule that needs nothing but the workflow's body.

    Args:
        check: Finds it.
    """

    check: Check = field(repr=False)


def steps_of(body: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yield each step of `body` with its name."""
    for name, step in as_object(body.get("steps")).items():
        yield name, as_object(step)


def step_type(step: JsonObject) -> str:
    """Return the type of a step; `standard` where it states none."""
    return str(step.get("type", "standard"))
