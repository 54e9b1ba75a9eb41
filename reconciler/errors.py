"""The root of every error this package raises on purpose, and the families a caller can act on.

The command line catches the root in one place and turns the family into an exit code; nothing below it
prints or exits. The HTTP exceptions with the documented names are in `reconciler.client.exceptions`.
"""

from __future__ import annotations


class ReconcilerError(Exception):
    """Something went wrong that the user can be told about in words.

    Args:
        message: What was found and what is allowed, in one or more sentences. Never a secret.
        hint: What to do about it; empty when the message says so already.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command was called in a way that cannot work (exit 64)."""


class InvalidInputError(ReconcilerError):
    """Manifests or configuration are invalid (exit 3)."""


class PeakBaseException(ReconcilerError):  # noqa: N818 - the documented name
    """The root of the documented exceptions."""


class InvalidParameterException(PeakBaseException, InvalidInputError):  # noqa: N818 - documented
    """A parameter cannot work, found out before anything was sent (or, for `step_names`, written)."""


class BlockedError(ReconcilerError):
    """A guard refused, or the plan is stale (exit 4)."""


class UnexpectedAnswerError(ReconcilerError):
    """The API answered something that is not what its documentation describes (exit 1)."""


def reason_of(error: OSError) -> str:
    """Return what the system says of `error`, as a part of a sentence."""
    return (error.strerror or str(error)).lower()
