"""Findings as a Code Quality report of GitLab."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Final

from reconciler.findings import CheckResult, Finding, Severity
from reconciler.values import JsonObject, JsonValue, dump_compact

_PLACE: Final = re.compile(r"\b(?:line|column) [0-9]+|:[0-9]+\b")
"""Where something else stands, as some messages say."""


def findings_gitlab(result: CheckResult) -> str:
    """Return the findings of `result` as a JSON list; a fingerprint stays when other lines move."""
    seen: Counter[str] = Counter()
    issues = []
    for finding in result.findings:
        key = fingerprint(finding)
        issues.append(_issue(finding, f"{key}-{seen[key]}" if seen[key] else key))
        seen[key] += 1
    return json.dumps(issues, indent=2, ensure_ascii=True)


def fingerprint(finding: Finding) -> str:
    """Return what tells a finding from others, whichever line it moves to."""
    path: list[JsonValue] = list(finding.path)
    message = _PLACE.sub("", finding.message)
    told: list[JsonValue] = [finding.file, finding.rule, path, message]
    return hashlib.sha256(dump_compact(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _issue(finding: Finding, key: str) -> JsonObject:
    line = finding.position.line if finding.position else 1
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": key,
        "severity": "major" if finding.severity is Severity.ERROR else "minor",
        "location": {"path": finding.file.removeprefix("./"), "lines": {"begin": line}},
    }
