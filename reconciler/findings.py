"""What is wrong with a manifest, as a value: forty mistakes give forty findings and one exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconciler.values import Path


class Severity(str, Enum):
    """Whether a finding fails the check."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake, and where it stands.

    Args:
        file: The file as the user named it; the directory or path itself when no file can be named.
        position: Line and column; `None` when the finding is about the file as a whole.
        path: Where the value stands inside the document, from its root.
        rule: The stable id of the rule that found it.
        severity: Whether it fails the check.
        message: What was found, what is allowed and what to do. Never a sensitive value.
        excerpt: The line it stands on; empty where there is none, or it must not be shown.
    """

    file: str
    rule: str
    message: str
    position: Position | None = None
    path: Path = ()
    severity: Severity = Severity.ERROR
    excerpt: str = ""

    def sort_key(self) -> tuple[bool, str, int, int, str, str]:
        """Return a key that puts errors first, and then orders findings by file and place."""
        line, column = (self.position.line, self.position.column) if self.position else (0, 0)
        return (self.severity is not Severity.ERROR, self.file, line, column, self.rule, self.message)


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Return whether any of `findings` fails the check."""
    return any(finding.severity is Severity.ERROR for finding in findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check of manifests found.

    Args:
        findings: Every mistake: errors first, then by file and place.
        files: How many files were read.
        manifests: How many valid manifests were in them.
    """

    findings: tuple[Finding, ...]
    files: int
    manifests: int

    def count(self, severity: Severity) -> int:
        """Return how many findings are of that severity."""
        return sum(finding.severity is severity for finding in self.findings)
