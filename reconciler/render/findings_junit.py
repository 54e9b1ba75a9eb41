"""Findings as a JUnit report: a test case for each file with findings, and one for the rest."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as ET

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.render.findings import finding_line, summary_line


def findings_junit(result: CheckResult) -> str:
    """Return `result` as JUnit XML: errors are failures, warnings stand in a passed case's output."""
    errors = [finding for finding in result.findings if finding.severity is Severity.ERROR]
    groups = [(file, list(found)) for file, found in groupby(result.findings, key=lambda item: item.file)]
    failed = len({finding.file for finding in errors})
    counts = {"tests": str(len(groups) + 1), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", {"name": "peak-reconciler validate", **counts, "time": "0"})
    for file, found in groups:
        _case(suite, file, found)
    rest = ET.SubElement(
        suite, "testcase", {"name": "all other manifests", "classname": "validate", "time": "0"}
    )
    ET.SubElement(rest, "system-out").text = summary_line(result)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _case(suite: ET.Element, file: str, found: list[Finding]) -> None:
    case = ET.SubElement(suite, "testcase", {"name": file, "classname": "validate", "time": "0"})
    failing = [finding for finding in found if finding.severity is Severity.ERROR]
    lines = "\n".join(map(finding_line, found))
    if failing:
        attributes = {"message": failing[0].message, "type": failing[0].rule}
        ET.SubElement(case, "failure", attributes).text = lines
    else:
        ET.SubElement(case, "system-out").text = lines
