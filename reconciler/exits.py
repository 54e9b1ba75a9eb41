"""The exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process's exit status says."""

    OK = 0
    """Fine."""
    FAILED = 1
    """The operation failed."""
    DIFFERENCES = 2
    """Differences were found, by `plan` or `status` with `--detailed-exitcode` or `reconcile --dry-run`."""
    INVALID = 3
    """Manifests or the configuration are invalid."""
    BLOCKED = 4
    """A saved plan is stale, a guard blocks a change, a run holds the lock, or a file is there already."""
    USAGE = 64
    """The command was used wrongly."""
