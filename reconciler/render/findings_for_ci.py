"""Findings for CI systems: GitHub annotations, GitLab Code Quality, JUnit and SARIF.

Every text from a manifest is escaped as its format asks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from reconciler import __version__
from reconciler.findings import CheckResult, Finding, Severity
from reconciler.render.findings import finding_line, summary_line
from reconciler.rules import ALL_RULES
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue, dump_compact

_SARIF_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_PLACE_IN_MESSAGE: Final = re.compile(r"\b(?:line|column) [0-9]+|:[0-9]+\b")
"""A line or column number in a message, which changes when other lines move."""


def findings_github(result: CheckResult) -> str:
    """Return `result` as workflow commands of GitHub Actions, one a line.

    Each is `::error file=…,line=…,col=…,title=…::message`, or `::warning …`.
    """
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
    # As in the runner's own toolkit; unescaped, a message could end this command and begin another.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def findings_gitlab(result: CheckResult) -> str:
    """Return `result` as a Code Quality report of GitLab: a JSON list with a unique fingerprint for each."""
    seen: Counter[str] = Counter()
    issues = []
    for finding in result.findings:
        key = fingerprint(finding)
        issues.append(_issue(finding, f"{key}-{seen[key]}" if seen[key] else key))
        seen[key] += 1
    return json.dumps(issues, indent=2, ensure_ascii=True)


def fingerprint(finding: Finding) -> str:
    """Return 32 hex digits that identify a finding and stay the same when it moves to another line."""
    path: list[JsonValue] = list(finding.path)
    identity: list[JsonValue] = [
        finding.file,
        finding.rule,
        path,
        _PLACE_IN_MESSAGE.sub("", finding.message),
    ]
    return hashlib.sha256(dump_compact(identity).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _issue(finding: Finding, key: str) -> JsonObject:
    line = finding.position.line if finding.position else 1
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": key,
        "severity": "major" if finding.severity is Severity.ERROR else "minor",
        "location": {"path": finding.file.removeprefix("./"), "lines": {"begin": line}},
    }


def findings_junit(result: CheckResult) -> str:
    """Return `result` as JUnit XML: a test case for each file with findings, and one for all other files.

    A case with errors fails; warnings alone are the output of a case that passes.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in result.findings:
        groups.setdefault(finding.file, []).append(finding)
    failed = len({finding.file for finding in result.findings if finding.severity is Severity.ERROR})
    counts = {"tests": str(len(groups) + 1), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", {"name": "peak-reconciler validate", **counts, "time": "0"})
    for file in sorted(groups):
        _add_case(suite, file, groups[file])
    rest = ET.SubElement(
        suite, "testcase", {"name": "all other manifests", "classname": "validate", "time": "0"}
    )
    ET.SubElement(rest, "system-out").text = summary_line(result)
    ET.indent(suites)
    # ASCII is the same in every encoding that a terminal or a file may have.
    encoded: bytes = ET.tostring(suites, encoding="us-ascii")
    return encoded.decode("ascii")


def _add_case(suite: ET.Element, file: str, found: list[Finding]) -> None:
    case = ET.SubElement(suite, "testcase", {"name": printable(file), "classname": "validate", "time": "0"})
    failing = [finding for finding in found if finding.severity is Severity.ERROR]
    lines = "\n".join(map(finding_line, found))
    if failing:
        attributes = {"message": printable(failing[0].message), "type": failing[0].rule}
        ET.SubElement(case, "failure", attributes).text = lines
    else:
        ET.SubElement(case, "system-out").text = lines


def findings_sarif(result: CheckResult) -> str:
    """Return `result` as one SARIF 2.1.0 log with one run, for code scanning."""
    ids = sorted({finding.rule for finding in result.findings})
    driver: JsonObject = {
        "name": "peak-reconciler",
        "semanticVersion": __version__,
        "rules": [_sarif_rule(rule) for rule in ids],
    }
    results: list[JsonValue] = [
        _sarif_result(finding, ids.index(finding.rule)) for finding in result.findings
    ]
    run: JsonObject = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log: JsonObject = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True)


def _sarif_rule(rule_id: str) -> JsonObject:
    reason = next((rule.reason for rule in ALL_RULES if rule.id == rule_id), "")
    description: JsonObject = {"shortDescription": {"text": reason}} if reason else {}
    return {"id": rule_id, **description}


def _sarif_result(finding: Finding, index: int) -> JsonObject:
    place: JsonObject = {"artifactLocation": {"uri": _uri(finding.file)}}
    if finding.position is not None:
        place["region"] = {"startLine": finding.position.line, "startColumn": finding.position.column}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": "error" if finding.severity is Severity.ERROR else "warning",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"finding/v1": fingerprint(finding)},
    }


def _uri(file: str) -> str:
    path = Path(printable(file))
    return path.as_uri() if path.is_absolute() else quote(str(path))
