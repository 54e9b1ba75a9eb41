"""Diagnosis: what was checked of a configuration, a connection and a tenant, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconciler.errors import ExitCode


class CheckState(str, Enum):
    """How a check ended."""

    GOOD = "ok"
    NOTE = "note"
    WARNING = "warning"
    BAD = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosed:
    """One check.

    Args:
        name: What was checked.
        state: How it ended.
        text: What was found.
        advice: What to do; empty when nothing needs to be done.
    """

    name: str
    state: CheckState
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All checks, in their order.

    Args:
        checks: The checks.
    """

    checks: tuple[Diagnosed, ...]

    @property
    def exit_code(self) -> ExitCode:
        """`FAILED` when a check failed; a warning fails nothing."""
        return ExitCode.FAILED if any(check.state is CheckState.BAD for check in self.checks) else ExitCode.OK
