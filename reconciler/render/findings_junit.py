"""Findings as a JUnit report: a test case for each file with findings, and one for the rest."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.render.findings import finding_line, summary_line
from reconciler.text import printable


def findings_junit(result: CheckResult) -> str:
    """Return `result` as JUnit XML: errors are failures, warnings stand in a passed case's output."""
    groups: dict[str, list[Finding]] = {}
    for finding in result.findings:
        groups.setdefault(finding.file, []).append(finding)
    failed = len({finding.file for finding in result.findings if finding.severity is Severity.ERROR})
    counts = {"tests": str(len(groups) + 1), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", {"name": "peak-reconciler validate", **counts, "time": "0"})
    for file in sorted(groups):
        _case(suite, file, groups[file])
    rest = ET.SubElement(
        suite, "testcase", {"name": "all other manifests", "classname": "validate", "time": "0"}
    )
    ET.SubElement(rest, "system-out").text = summary_line(result)
    ET.indent(suites)
    # Nothing but ASCII, so that it is the same in every encoding that a terminal or a file may have.
    encoded: bytes = ET.tostring(suites, encoding="us-ascii")
    return encoded.decode("ascii")


def _case(suite: ET.Element, file: str, found: list[Finding]) -> None:
    case = ET.SubElement(suite, "testcase", {"name": printable(file), "classname": "validate", "time": "0"})
    failing = [finding for finding in found if finding.severity is Severity.ERROR]
    lines = "\n".join(map(finding_line, found))
    if failing:
        attributes = {"message": printable(failing[0].message), "type": failing[0].rule}
        ET.SubElement(case, "failure", attributes).text = lines
    else:
        ET.SubElement(case, "system-out").text = lines
