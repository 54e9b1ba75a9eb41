"""Findings as annotations of GitHub Actions: one workflow command a line, everything in it escaped."""

from __future__ import annotations

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.text import printable


def findings_github(result: CheckResult) -> str:
    """Return the findings of `result` as `::error file=…,line=…,col=…,title=…::message`, one a line."""
    return "\n".join(map(_annotation, result.findings))


def _annotation(finding: Finding) -> str:
    command = "error" if finding.severity is Severity.ERROR else "warning"
    properties = {"file": printable(finding.file)}
    if finding.position is not None:
        properties |= {"line": str(finding.position.line), "col": str(finding.position.column)}
    properties["title"] = finding.rule
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{command} {listed}::{_data(printable(finding.message))}"


def _data(text: str) -> str:
    """Escape as the runner's own toolkit does: otherwise a message could be a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
