"""Findings: the errors and warnings about manifests, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from reconciler.values import Path


class Severity(str, Enum):
    """The severity of a finding: an error fails the check."""

    ERROR = "error"
    WARNING = "warning"


class Position(NamedTuple):
    """A position in a file: line and column, both from 1.

    Args:
        line: The line.
        column: The column.
        file: The file, if it is not the one that the position is looked up in: an included one.
    """

    line: int
    column: int
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One error or warning, with its place.

    Args:
        file: The file, as the user named it; the directory or path if there is no file.
        rule: The stable id of the rule.
        message: What is wrong, what is allowed and what to do; never a sensitive value.
        position: Line and column; `None` if the finding is about the whole file.
        path: The path of the value inside the document.
        severity: The severity.
        excerpt: The line; empty if there is none, or if it must not be shown.
        number: The number of findings that it counts as, for one that says how many are not shown.
    """

    file: str
    rule: str
    message: str
    position: Position | None = None
    path: Path = ()
    severity: Severity = Severity.ERROR
    excerpt: str = ""
    number: int = 1

    def __post_init__(self) -> None:
        # What is wrong in an included file is a finding of that file.
        if self.position is not None and self.position.file:
            object.__setattr__(self, "file", self.position.file)
            object.__setattr__(self, "position", Position(self.position.line, self.position.column))

    def sort_key(self) -> tuple[bool, str, int, int, str, str]:
        """Return a key that sorts errors first, then by file and position."""
        line, column = (self.position.line, self.position.column) if self.position else (0, 0)
        return (self.severity is not Severity.ERROR, self.file, line, column, self.rule, self.message)


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Return whether any of `findings` is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


class CheckResult(NamedTuple):
    """The result of a check of manifests.

    Args:
        findings: The findings, errors first, then by file and position.
        files: The number of files that were read.
        manifests: The number of valid manifests in them.
    """

    findings: tuple[Finding, ...]
    files: int
    manifests: int

    def count(self, severity: Severity) -> int:
        """Return the number of findings with that severity."""
        return sum(finding.number for finding in self.findings if finding.severity is severity)


def joined(results: Sequence[CheckResult]) -> CheckResult:
    """Return several checks of the same files as one: what they have in common is there once."""
    if len(results) == 1:
        return results[0]
    findings = dict.fromkeys(finding for result in results for finding in result.findings)
    return CheckResult(
        findings=tuple(sorted(findings, key=Finding.sort_key)),
        files=max((result.files for result in results), default=0),
        manifests=max((result.manifests for result in results), default=0),
    )
