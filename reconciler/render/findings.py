"""Findings as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.render.style import paint
from reconciler.text import printable
from reconciler.values import JsonObject

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def findings_text(result: CheckResult) -> str:
    """Return the findings of `result`, each as `file:line:column: severity: message [rule]` with its line."""
    lines = [line for finding in result.findings for line in _told(finding)]
    return "\n".join([*lines, summary_line(result)])


def finding_line(finding: Finding) -> str:
    """Return one finding as one line."""
    return printable(f"{_place(finding)}: {finding.severity.value}: {finding.message} [{finding.rule}]")


def _told(finding: Finding) -> Iterator[str]:
    severity = paint(f"{finding.severity.value}:", _COLOURS[finding.severity])
    rest = printable(f"{finding.message} [{finding.rule}]")
    yield f"{paint(printable(_place(finding)), 'bold')}: {severity} {rest}"
    if finding.excerpt and finding.position is not None:
        before = printable(finding.excerpt[: finding.position.column - 1])
        number = str(finding.position.line)
        yield f"    {number} | {printable(finding.excerpt)}"
        yield f"    {' ' * len(number)} | {' ' * len(before)}{paint('^', _COLOURS[finding.severity])}"


def _place(finding: Finding) -> str:
    # A line that begins with two colons is a command to some pipelines.
    place = f"./{finding.file}" if finding.file.lstrip().startswith(":") else finding.file
    if finding.position is not None:
        place += f":{finding.position.line}:{finding.position.column}"
    return place


def summary_line(result: CheckResult) -> str:
    """Return how much was checked and found, in one line; nothing is called valid beside an error."""
    files = _count(result.files, "file")
    valid = f"{_count(result.manifests, 'valid manifest')} in {files}"
    checked = f"{files} checked" if result.count(Severity.ERROR) else valid
    counts = ((severity, result.count(severity)) for severity in Severity)
    found = ", ".join(_count(number, severity.value) for severity, number in counts if number)
    return f"{checked}; {found or 'nothing wrong'}"


def findings_json(result: CheckResult) -> str:
    """Return `result` as one JSON object: `format_version`, `summary` and `findings`."""
    document: JsonObject = {
        "format_version": 1,
        "summary": {
            "files": result.files,
            "manifests": result.manifests,
            "errors": result.count(Severity.ERROR),
            "warnings": result.count(Severity.WARNING),
        },
        "findings": [_finding(finding) for finding in result.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=True)


def _finding(finding: Finding) -> JsonObject:
    position = finding.position
    return {
        "file": finding.file,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "path": list(finding.path),
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
