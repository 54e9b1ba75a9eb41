"""Findings and rules as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.json_documents import document_text, versioned
from reconciler.render.layout import hanging
from reconciler.render.markup import paint
from reconciler.text import counted, printable
from reconciler.values import JsonObject

if TYPE_CHECKING:
    from reconciler.rules import BaseRule

FORMAT_VERSION: Final = 1
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def findings_text(result: CheckResult, width: int | None = None) -> str:
    """Return each finding as `file:line:column: severity: message [rule]` with its line, and the counts.

    Args:
        result: The findings.
        width: The columns of the terminal; `None` for lines of any length.
    """
    lines = [line for finding in result.findings for line in _with_excerpt(finding, width)]
    return "\n".join([*lines, *hanging(summary_line(result), width, rest="  ")])


def finding_line(finding: Finding) -> str:
    """Return one finding as one line, without colour."""
    return printable(f"{_place(finding)}: {finding.severity.value}: {finding.message} [{finding.rule}]")


def _with_excerpt(finding: Finding, width: int | None) -> Iterator[str]:
    place, severity = printable(_place(finding)), f"{finding.severity.value}:"
    first, *rest = hanging(finding_line(finding), width, rest="  ")
    if first.startswith(f"{place}: {severity}"):  # not where the place has the line for itself
        after = first[len(f"{place}: {severity}") :]
        first = f"{paint(place, 'bold')}: {paint(severity, _COLOURS[finding.severity])}{after}"
    yield first
    yield from rest
    if finding.excerpt and finding.position is not None:
        before = printable(finding.excerpt[: finding.position.column - 1])
        number = str(finding.position.line)
        yield f"    {number} | {printable(finding.excerpt)}"
        yield f"    {' ' * len(number)} | {' ' * len(before)}{paint('^', _COLOURS[finding.severity])}"


def _place(finding: Finding) -> str:
    # Some CI systems run a line that begins with two colons as a command.
    place = f"./{finding.file}" if finding.file.lstrip().startswith(":") else finding.file
    if finding.position is not None:
        place += f":{finding.position.line}:{finding.position.column}"
    return place


def summary_line(result: CheckResult) -> str:
    """Return the counts of files and findings in one line; manifests count as valid only without errors."""
    files = counted(result.files, "file")
    valid = f"{counted(result.manifests, 'valid manifest')} in {files}"
    checked = f"{files} checked" if result.count(Severity.ERROR) else valid
    return f"{checked}; {findings_total([result])}"


def findings_total(results: Iterable[CheckResult]) -> str:
    """Return the number of errors and of warnings in several results, in words."""
    every = list(results)
    counts = ((severity, sum(result.count(severity) for result in every)) for severity in Severity)
    found = ", ".join(counted(number, severity.value) for severity, number in counts if number)
    return found or "no problems found"


def findings_json(result: CheckResult) -> str:
    """Return `result` as one JSON object: `format_version`, `summary` and `findings`."""
    return document_text(findings_document(result))


def findings_document(result: CheckResult) -> JsonObject:
    """Return the JSON document of the findings."""
    fields: JsonObject = {
        "summary": {
            "files": result.files,
            "manifests": result.manifests,
            "errors": result.count(Severity.ERROR),
            "warnings": result.count(Severity.WARNING),
        },
        "findings": [_finding(finding) for finding in result.findings],
    }
    return versioned(FORMAT_VERSION, fields)


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


def rules_text(rules: Sequence[BaseRule]) -> str:
    """Return each rule with its id, severity, whether it needs `--online`, reason, good and bad example."""
    return "\n\n".join(
        f"{paint(rule.id, 'bold')} ({rule.severity.value}{_online(rule)}): {rule.reason}\n"
        f"  good: {rule.good}\n"
        f"  bad:  {rule.bad}"
        for rule in rules
    )


def rules_json(rules: Sequence[BaseRule]) -> str:
    """Return the rules as one JSON object: `format_version` and `rules`."""
    listed: list[JsonObject] = [
        {
            "id": rule.id,
            "severity": rule.severity.value,
            "online": rule.needs_tenant,
            "reason": rule.reason,
            "good": rule.good,
            "bad": rule.bad,
        }
        for rule in rules
    ]
    return document_text(versioned(FORMAT_VERSION, {"rules": [*listed]}))


def _online(rule: BaseRule) -> str:
    return ", with --online" if rule.needs_tenant else ""
