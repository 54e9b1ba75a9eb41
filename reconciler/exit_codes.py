"""Exit codes, the same for every command."""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import Final

from reconciler.errors import BlockedError, InvalidInputError, ReconcilerError, UsageError

INTERRUPTED: Final = 128 + signal.SIGINT
"""Exit code of a run that is interrupted before it writes, by the convention of shells."""


class ExitCode(IntEnum):
    """Exit status of the process."""

    OK = 0
    """Success."""
    FAILED = 1
    """The operation failed."""
    DIFFERENCES = 2
    """Differences were found, by `plan` or `status` with `--detailed-exitcode` or `reconcile --dry-run`."""
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
