"""Report of an apply: one result for each action that changes something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from reconciler.client import ServerUnreachableError, StoppedBeforeError
from reconciler.errors import ReconcilerError
from reconciler.plan import Action


class Status(str, Enum):
    """The status of an action after an apply; `NOT_TRIED` is one that was skipped."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not_tried"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one action.

    Args:
        action: The action.
        status: How it ended; `DONE` means written and verified.
        id: The workflow's id, where it is known.
        error: Why it is not done, and what to do; empty when it is.
        notes: Remarks for the user.
        in_doubt: Whether it was written, or may have been, and does not read back as sent.
        seconds: How long it took in seconds, rounded to a millisecond, from its start to its verification;
            `None` for one that was not started.
    """

    action: Action
    status: Status
    id: int | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    in_doubt: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of a plan's actions, in its order, without the unchanged workflows.

    Args:
        results: The results.
        interrupted: Whether the run was stopped, by a signal or another run, before the last of them began.
    """

    results: tuple[Result, ...]
    interrupted: bool = False

    def count(self, status: Status) -> int:
        """Return the number of results with that status."""
        return sum(result.status is status for result in self.results)


class StoppedError(ReconcilerError):
    """The run was stopped before this workflow was written."""


class UnverifiedError(ReconcilerError):
    """A workflow was written, but does not read back as sent."""


@contextmanager
def unverified_after(what: str) -> Iterator[None]:
    """Report a write as unverified if the server is gone, or the run was stopped, before it is read back.

    Args:
        what: What is known of the write.

    Raises:
        UnverifiedError: It cannot be read back.
    """
    try:
        yield
    except ServerUnreachableError as error:
        raise UnverifiedError(f"{what}, and then the server was unreachable", hint="Plan again.") from error
    except StoppedBeforeError as error:
        message = f"{what}, and the run was stopped before it was read back"
        raise UnverifiedError(message, hint="Plan again.") from error


def error_text(error: ReconcilerError) -> str:
    """Return the text of an error in a result: its message and its hint."""
    return f"{error.message}. {error.hint}" if error.hint else error.message
