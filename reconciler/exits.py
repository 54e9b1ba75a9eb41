"""The exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process's exit status says."""

    OK = 0
    FAILED = 1
    DIFFERENCES = 2
    INVALID = 3
    BLOCKED = 4
    USAGE = 64
