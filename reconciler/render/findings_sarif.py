"""Findings as SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from reconciler import __version__
from reconciler.findings import CheckResult, Finding, Severity
from reconciler.render.findings_gitlab import fingerprint
from reconciler.rules import ALL_RULES
from reconciler.text import printable
from reconciler.values import JsonObject, JsonValue

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def findings_sarif(result: CheckResult) -> str:
    """Return the findings of `result` as one SARIF log with one run."""
    ids = sorted({finding.rule for finding in result.findings})
    driver: JsonObject = {
        "name": "peak-reconciler",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in ids],
    }
    results: list[JsonValue] = [_result(finding, ids.index(finding.rule)) for finding in result.findings]
    run: JsonObject = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True)


def _rule(rule_id: str) -> JsonObject:
    reason = next((rule.reason for rule in ALL_RULES if rule.id == rule_id), "")
    description: JsonObject = {"shortDescription": {"text": reason}} if reason else {}
    return {"id": rule_id, **description}


def _result(finding: Finding, index: int) -> JsonObject:
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
