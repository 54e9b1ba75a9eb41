"""Rule as a value: a stable id, a reason, two examples, and a function that checks one body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from reconciler.findings import Severity
from reconciler.values import Path
from reconciler.workflow import Body


class Unknown(str):
    """The text in place of a value from `!env`, in the body that rules see; equal to no other text.

    No rule reports such a value, whether the variable is set or not, and none can quote it.
    """

    __slots__ = ()


class Problem(NamedTuple):
    """One thing that a rule found in a manifest.

    Args:
        path: The path of the value, from the root of the body.
        message: What is wrong, what is allowed, and what to do.
        at_key: Whether the problem is the key at the end of `path`, not its value.
        cause: The cause; of several problems with the same cause only the first is reported.
        secret: Whether the line may contain a secret and must not be shown.
    """

    path: Path
    message: str
    at_key: bool = False
    cause: tuple[str, ...] = ()
    secret: bool = False


Check: TypeAlias = Callable[[Body], Iterator[Problem]]
"""A function that yields the problems of a body that is valid by the schema."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaseRule:
    """The description of a rule.

    Args:
        id: The stable id, by which it is reported and turned off.
        severity: The severity of its findings.
        reason: Why the rule exists, in one sentence.
        good: A part of a workflow that passes.
        bad: The same part with the error.
    """

    id: str
    severity: Severity
    reason: str
    good: str
    bad: str

    @property
    def needs_tenant(self) -> bool:
        """Whether it is checked only with facts about the tenant."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule(BaseRule):
    """A rule that needs only the body of a workflow.

    Args:
        check: The function that checks a body.
        of_patches: Whether the rule holds for every single value, and so for those that a patch states. Then
            `check` is given the patch, with its `body` and `set`.
    """

    check: Check = field(repr=False)
    of_patches: bool = False


def repeated(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield each name that is in `names` already before it, with its index."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)
