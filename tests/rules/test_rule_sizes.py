"""Manifests of hostile sizes: checked in bounded time, with a bounded number of findings.

No time is asserted: what is quadratic here would take minutes, which the limit of a test does not allow.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from rule_helpers import check, rules
from strategies import DEPTH

from reconciler.findings import CheckResult, Severity
from reconciler.manifests import ReadOptions, load_manifests
from reconciler.manifests.file_findings import MAX_FINDINGS, MAX_RUN_FINDINGS
from reconciler.rules import check_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(60)

_MANY = 3_000 if DEPTH > 1 else 1_000
_LONG = 2_000_000 if DEPTH > 1 else 500_000


def _steps(**steps: Any) -> dict[str, Any]:
    return {"steps": steps or {"a": {}}}


def _http(**more: str) -> dict[str, Any]:
    return _steps(a={"type": "http", "method": "post", "url": "https://example.com", "payload": "1", **more})


def _wide(count: int) -> dict[str, Any]:
    return {f"s{i}": {"parents": [f"s{j}" for j in range(max(0, i - 10), i)]} for i in range(count)}


def _chain_of_conditions() -> dict[str, Any]:
    steps: dict[str, Any] = {}
    for i in range(_MANY // 2):
        before = [f"s{i - 1}"] if i else []
        steps[f"s{i}"] = {
            "parents": before,
            "outputParameters": {"o": "o.txt"},
            "parameters": {"inherit": {"A": "o"}} if i else {},
            "executionParameters": {
                "conditional": [{"condition": "equals", "stepName": "s0", "paramName": "o", "value": "1"}]
                if i
                else [],
                "parentStatus": [{"condition": "all-of", "parents": before, "status": ["failure"]}]
                if i
                else [],
            },
        }
    return steps


_QUIET = {
    "steps-with-ten-parents": {"steps": _wide(_MANY)},
    "chain-of-conditions": {"steps": _chain_of_conditions()},
    "long-command": _steps(a={"command": "a" * _LONG}),
    "long-command-of-beginnings": _steps(a={"command": "eyJhbGciOi" * (_LONG // 10)}),
    "long-command-of-hosts": _steps(a={"command": "http://aaaaaa:bbbbbb" * (_LONG // 20)}),
    "many-suspicious-values": _steps(
        a={"parameters": {"env": {f"K{i}": "eyJhbGciOi" * 200 for i in range(_MANY // 3)}}}
    ),
    "many-variables": _steps(
        a={"parameters": {"env": {f"K{i}": f"value number {i}" for i in range(10 * _MANY)}}}
    ),
}

_LOUD = {
    "unknown-parents": (
        _steps(a={"parents": [f"p{i}" for i in range(_MANY)]}, **{f"n{i}": {} for i in range(290)}),
        "unknown-parent",
        MAX_FINDINGS,
    ),
    "one-unknown-parent-again-and-again": (
        _steps(a={"parents": ["gone"] * _MANY}, **{f"n{i}": {} for i in range(290)}),
        "unknown-parent",
        1,
    ),
    "ring": (
        _steps(**{f"s{i}": {"parents": [f"s{(i + 1) % _MANY}"]} for i in range(_MANY)}),
        "dependency-cycle",
        1,
    ),
    "self-parents": (
        _steps(**{f"s{i}": {"parents": [f"s{i}"]} for i in range(_MANY)}),
        "self-parent",
        MAX_FINDINGS,
    ),
    "long-parent": (_steps(a={"parents": ["b" * _LONG]}, b={}), "unknown-parent", 1),
    "long-url": (_http(url="http " * (_LONG // 5)), "malformed-url", 1),
    "long-payload-of-quotes": (_http(payload='"' + '\\"' * (_LONG // 4) + "\\"), "http-payload", 1),
    "long-payload-of-braces": (_http(payload="{{" * (_LONG // 2)), "http-payload", 1),
    "long-payload-of-digits": (_http(payload="1" * _LONG), "http-payload", 1),
    "deep-payload": (_http(payload="[" * (_LONG // 5)), "http-payload", 1),
    "long-cron": (
        {"triggers": [{"cron": "1," * (_LONG // 2) + "1 * * * *"}], **_steps()},
        "cron-syntax",
        1,
    ),
    "long-email": (
        {
            "watchers": [
                {
                    "email": {"name": "n", "recipients": {"to": ["a@" + "b." * (_LONG // 2) + "@"]}},
                    "events": {"fail": True},
                }
            ],
            **_steps(),
        },
        "malformed-email",
        1,
    ),
    "many-outputs": (
        _steps(
            z={"outputParameters": {f"o{i}": "x" for i in range(7 * _MANY)}},
            **{
                f"s{i}": {
                    "parents": ["z"],
                    "executionParameters": {
                        "conditional": [
                            {"condition": "equals", "stepName": "z", "paramName": "none", "value": "1"}
                        ]
                    },
                }
                for i in range(600)
            },
        ),
        "condition-parameter",
        MAX_FINDINGS,
    ),
}


@pytest.mark.parametrize("size", _QUIET)
def test_large_and_good(tmp_path: Path, size: str) -> None:
    """A large valid manifest has no finding."""
    assert rules(check(tmp_path, json.dumps({"name": "x", **_QUIET[size]}))) == []


@pytest.mark.parametrize("size", _LOUD)
def test_large_and_bad(tmp_path: Path, size: str) -> None:
    """Thousands of errors give a bounded number of findings, each of a bounded length."""
    body, rule, number = _LOUD[size]
    result = check(tmp_path, json.dumps({"name": "x", **body}))
    assert Counter(rules(result))[rule] == number
    assert len(result.findings) <= MAX_FINDINGS + 1
    assert all(len(finding.message) <= 500 and len(finding.excerpt) <= 400 for finding in result.findings)


def test_thousands_of_documents(tmp_path: Path) -> None:
    """Documents with one warning each give a bounded number of findings; an error after them is not lost."""
    documents = [{"name": f"x{i}", "tags": [{"name": "a"}] * 2, **_steps()} for i in range(1000)]
    text = "\n---\n".join(map(json.dumps, documents))
    warned = check(tmp_path, text)
    assert Counter(rules(warned)) == {"duplicate-tag": MAX_FINDINGS, "too-many-findings": 1}
    assert {finding.severity for finding in warned.findings} == {Severity.WARNING}
    failed = check(tmp_path, text + '\n---\n{"name": "y", "steps": {"a": {"parents": ["a"]}}}')
    assert "self-parent" in rules(failed)
    assert failed.count(Severity.ERROR) == 2


def test_thousands_of_equal_names(tmp_path: Path) -> None:
    """Each manifest of a name that thousands have names a few of the others."""
    result = check(tmp_path, "\n---\n".join(['{"name": "x", "steps": {"a": {}}}'] * 1500))
    assert rules(result) == [*["duplicate-name"] * MAX_RUN_FINDINGS, "too-many-findings"]
    assert result.findings[0].message.endswith(" and 1494 more")
    assert all(len(finding.message) < 1000 for finding in result.findings)


@pytest.mark.parametrize(
    "read", [check_paths, partial(load_manifests, options=ReadOptions(require_env=False))]
)
def test_findings_of_a_run_are_bounded(tmp_path: Path, read: Callable[..., Any]) -> None:
    """Of the findings of many files errors are shown first, and those that are not shown are counted."""
    for number in range(8):
        unset = ", ".join(["!env V"] * 150)
        warned = f"name: n{number}\nsteps: {{a: {{parents: [{unset}]}}}}\n"
        failed = {"name": 1, "steps": {f"s{index}": {"imageId": "x"} for index in range(99)}}
        (tmp_path / f"a{number}.yaml").write_text(warned, encoding="utf-8")
        (tmp_path / f"b{number}.yaml").write_text(json.dumps(failed), encoding="utf-8")
    found = read((str(tmp_path),), {}).findings
    assert len(found) == MAX_RUN_FINDINGS + 1
    assert [finding.severity for finding in found[:800]] == [Severity.ERROR] * 800
    assert (found[-1].rule, found[-1].severity) == ("too-many-findings", Severity.WARNING)
    assert found[-1].message.startswith("1000 warnings more in all files; fix those shown")
    assert CheckResult(findings=found, files=16, manifests=8).count(Severity.WARNING) == 1200


def test_thousands_of_unset_variables(tmp_path: Path) -> None:
    """Parents that are not known cost no search for what they might have been."""
    text = "name: x\nsteps:\n  a:\n    parents:\n" + "".join(f"    - !env V{i}\n" for i in range(_MANY))
    result = check(tmp_path, text + "".join(f"  n{i}: {{}}\n" for i in range(290)))
    assert Counter(rules(result)) == {"env": MAX_FINDINGS, "too-many-findings": 1}
