"""Findings as text and as JSON."""

from __future__ import annotations

import json

from reconciler.findings import Finding, Severity
from reconciler.manifests import LoadResult
from reconciler.text import printable
from reconciler.values import JsonObject


def findings_text(result: LoadResult) -> str:
    """Return the findings of `result`, one a line as `file:line:column: severity: message [rule]`."""
    lines = [finding_line(finding) for finding in result.findings]
    lines.append(summary_line(result))
    return "\n".join(lines)


def finding_line(finding: Finding) -> str:
    """Return one finding as one line."""
    # A line that begins with two colons is a command to some pipelines.
    place = f"./{finding.file}" if finding.file.lstrip().startswith(":") else finding.file
    if finding.position is not None:
        place += f":{finding.position.line}:{finding.position.column}"
    return printable(f"{place}: {finding.severity.value}: {finding.message} [{finding.rule}]")


def summary_line(result: LoadResult) -> str:
    """Return how much was checked and found, in one line."""
    errors = sum(finding.severity is Severity.ERROR for finding in result.findings)
    warnings = len(result.findings) - errors
    checked = f"{_count(len(result.manifests), 'valid manifest')} in {_count(result.files, 'file')}"
    found = ", ".join(
        _count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number
    )
    return f"{checked}; {found or 'nothing wrong'}"


def findings_json(result: LoadResult) -> str:
    """Return `result` as one JSON object: `format_version`, `summary` and `findings`."""
    errors = sum(finding.severity is Severity.ERROR for finding in result.findings)
    document: JsonObject = {
        "format_version": 1,
        "summary": {
            "files": result.files,
            "manifests": len(result.manifests),
            "errors": errors,
            "warnings": len(result.findings) - errors,
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
