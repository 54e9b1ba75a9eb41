"""What came of a plan: one result for each workflow that was to be touched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconciler.errors import ReconcilerError
from reconciler.plan import Action


class Status(str, Enum):
    """How far a workflow got."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not_tried"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one action.

    Args:
        action: What was to be done.
        status: How far it got. `DONE` means: written, and read back as Git wants it.
        id: The workflow's id, where it is known.
        error: Why it is not done, and what to do; empty when it is.
        notes: What a user should know all the same.
    """

    action: Action
    status: Status
    id: int | None = None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a plan, in its order; what was unchanged is not in it."""

    results: tuple[Result, ...]

    def count(self, status: Status) -> int:
        """Return how many workflows got that far."""
        return sum(result.status is status for result in self.results)


class StoppedError(ReconcilerError):
    """The run was stopped before anything was written for this workflow."""


class UnsettledError(ReconcilerError):
    """A workflow was written, and does not read back as it was sent."""


def words(error: ReconcilerError) -> str:
    """Return what a result says about `error`: the message and what to do."""
    return f"{error.message}. {error.hint}" if error.hint else error.message
