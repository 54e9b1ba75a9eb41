"""Errors: the root of all errors that this package raises on purpose, and the exit code of each.

The command line catches the root in one place, and its subclass gives the exit code; nothing below it prints
or exits. The HTTP exceptions with the documented names are in `reconciler.client`.
"""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import Final


class ReconcilerError(Exception):
    """An error for the user.

    Args:
        message: What is wrong, where, and what is allowed. Never a secret.
        hint: What to do about it; empty if the message says so.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """An invalid command line (exit 64)."""


class InvalidInputError(ReconcilerError):
    """Invalid manifests or configuration (exit 3)."""


class PeakBaseException(ReconcilerError):  # noqa: N818 - the documented name
    """The root of the documented exceptions."""


class InvalidParameterException(PeakBaseException, InvalidInputError):  # noqa: N818 - documented
    """An invalid parameter, found before anything was sent (or, for `step_names`, written)."""


class BlockedError(ReconcilerError):
    """A refusal by a guard, or a stale plan (exit 4)."""


class UnexpectedAnswerError(ReconcilerError):
    """An answer of the API that is not as documented (exit 1)."""


INTERRUPTED: Final = 128 + signal.SIGINT
"""Exit code of a run that is interrupted before it writes, by the convention of shells."""


class ExitCode(IntEnum):
    """Exit status of the process, the same for every command."""

    OK = 0
    """Success."""
    FAILED = 1
    """The operation failed."""
    DIFFERENCES = 2
    """Differences were found, by `plan` or `status` with `--detailed-exitcode`, `reconcile --dry-run` or
    `probe`; or `rehearse` leaves something undone."""
    INVALID = 3
    """Manifests or the configuration are invalid."""
    BLOCKED = 4
    """A guard blocks a change, a plan file is stale, a run holds the lock, or a file exists already."""
    USAGE = 64
    """The command was used wrongly."""


def exit_code(error: ReconcilerError) -> ExitCode:
    """Return the exit code for the family of `error`."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, InvalidInputError):
        return ExitCode.INVALID
    if isinstance(error, BlockedError):
        return ExitCode.BLOCKED
    return ExitCode.FAILED


def reason_of(error: OSError) -> str:
    """Return the operating system's text for `error`, in lower case, for use inside a sentence."""
    return (error.strerror or str(error)).lower()
