"""Findings in every format: each follows its specification, all report the same, and no text escapes.

No schema of SARIF, GitLab's report or JUnit ships in a package that could be installed here, so the rules
below are written down from their documentation: SARIF 2.1.0 (OASIS), GitLab's "Code Quality report format",
and the JUnit schema that Jenkins and GitLab read.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from reconciler import __version__
from reconciler.findings import CheckResult, Finding, Position, Severity
from reconciler.render import (
    findings_github,
    findings_json,
    findings_junit,
    findings_sarif,
    findings_text,
    summary_line,
)
from reconciler.render.findings_for_ci import findings_gitlab, fingerprint

_HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07",
    "two\nlines\r\n::error file=x::owned",
    "::error::owned",
    "]]><script>alert(1)</script>&amp;<!--",
    "100%0A::warning::%25",
    "a,b:c=d",
    "\u202ertl\u2028\x85\x9b",
    "\ud800\udfff lone",
    "\x00\ufffe\uffff",
    "ü☃😀",
    "'\"`$(id)",
)
_FORMATS = {
    "text": findings_text,
    "json": findings_json,
    "github": findings_github,
    "gitlab": findings_gitlab,
    "sarif": findings_sarif,
    "junit": findings_junit,
}


def _finding(file: str = "a.yaml", message: str = "wrong", **more: Any) -> Finding:
    return Finding(
        **{"file": file, "message": message, "rule": "unknown-parent", "position": Position(3, 5), **more}
    )


def _result(*findings: Finding) -> CheckResult:
    return CheckResult(findings=tuple(sorted(findings, key=Finding.sort_key)), files=4, manifests=2)


_USUAL = _result(
    _finding(path=("steps", "a", "parents", 0), excerpt="    parents: [gone]"),
    _finding("b.yaml", "also wrong", position=None, rule="unreadable"),
    _finding("a.yaml", "odd", severity=Severity.WARNING, rule="cron-never", position=Position(9, 1)),
    _finding("sub/c d.yaml", "odd, too", severity=Severity.WARNING, rule="cron-never"),
)
_NASTY = _result(
    *(
        _finding(text, text, path=("steps", text, 0), excerpt=text, severity=severity)
        for text in _HOSTILE
        for severity in Severity
    )
)
_NOTHING = _result()

# SARIF 2.1.0, the parts that are written here: "log", "run", "tool", "reportingDescriptor", "result".
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
_SEMANTIC_VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+][0-9A-Za-z.+-]+)?$"
_URI = r"^[A-Za-z0-9._~!$&'()*+,;=@/%:-]+$"
_SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": "^https://.*sarif-schema-2\\.1\\.0\\.json$"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {
                                        "type": "string",
                                        "pattern": _SEMANTIC_VERSION,
                                    },
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": _MESSAGE,
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "level", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _MESSAGE,
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string", "minLength": 1},
                                },
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": _URI,
                                                            }
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
# GitLab: "description", "check_name", "fingerprint", "severity", "location.path", "location.lines.begin".
_GITLAB: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}(-[0-9]+)?$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": "^\\./"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
_COMMAND = re.compile(r"::(?P<command>error|warning) (?P<properties>[^:]*)::(?P<message>.*)")


def _unescaped(text: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def _commands(text: str) -> list[dict[str, str]]:
    """Read workflow commands as the runner of GitHub does: one a line."""
    found = []
    for line in text.split("\n") if text else []:
        match = _COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match["properties"].split(","))
        properties = {key: _unescaped(value) for key, _, value in pairs}
        found.append({"command": match["command"], "message": _unescaped(match["message"]), **properties})
    return found


@pytest.mark.parametrize("result", [_USUAL, _NASTY, _NOTHING], ids=["usual", "nasty", "nothing"])
def test_sarif_is_sarif(result: CheckResult) -> None:
    """The log holds to SARIF 2.1.0: rules once, indices that fit, regions from 1, URIs that are ones."""
    log = json.loads(findings_sarif(result))
    Draft202012Validator(_SARIF).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(set(rules)) == rules
    assert run["tool"]["driver"]["semanticVersion"] == __version__
    for found in run["results"]:
        assert rules[found["ruleIndex"]] == found["ruleId"]
        uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert urlsplit(uri).scheme in {"", "file"}
        assert not uri.startswith("./")


def test_sarif_uri() -> None:
    """A relative name is a relative reference, also with a colon; an absolute one is a file's."""
    files = ["a b/c:d#e?.yaml", "./x.yaml", "/srv/a b.yaml", "<stdin>"]
    log = json.loads(findings_sarif(_result(*(_finding(file) for file in files))))
    uris = {
        item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for item in log["runs"][0]["results"]
    }
    assert uris == {"a%20b/c%3Ad%23e%3F.yaml", "x.yaml", "file:///srv/a%20b.yaml", "%3Cstdin%3E"}


@pytest.mark.parametrize("result", [_USUAL, _NASTY, _NOTHING], ids=["usual", "nasty", "nothing"])
def test_gitlab_report(result: CheckResult) -> None:
    """The report holds to GitLab's format, and no fingerprint occurs twice."""
    issues = json.loads(findings_gitlab(result))
    Draft202012Validator(_GITLAB).validate(issues)
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(result.findings)


def test_fingerprints_of_equal_findings_differ() -> None:
    """Two findings that differ in their place only have two fingerprints."""
    issues = json.loads(
        findings_gitlab(_result(*(_finding(position=Position(line, 1)) for line in (1, 2, 3))))
    )
    assert len({issue["fingerprint"] for issue in issues}) == 3


def test_fingerprint_stays_when_lines_move() -> None:
    """Lines that move, also those of which a message speaks, leave the fingerprint; all else changes it."""
    one = _finding(message="the key 'a' stands twice, first at line 3, column 5", path=("a",))
    moved = _finding(
        message="the key 'a' stands twice, first at line 13, column 7", path=("a",), position=Position(14, 7)
    )
    assert fingerprint(one) == fingerprint(moved)
    names = [fingerprint(_finding(message=f"the name 'x' is also used in b.yaml:{line}")) for line in (1, 20)]
    assert names[0] == names[1]
    others = [
        _finding(message="the key 'b' stands twice, first at line 3, column 5", path=("a",)),
        _finding("b.yaml", message=one.message, path=("a",)),
        _finding(message=one.message, path=("b",)),
        _finding(message=one.message, path=("a",), rule="self-parent"),
    ]
    assert len({fingerprint(finding) for finding in [one, *others]}) == 5


@pytest.mark.parametrize("result", [_USUAL, _NASTY, _NOTHING], ids=["usual", "nasty", "nothing"])
def test_junit_is_junit(result: CheckResult) -> None:
    """The report is XML of the known elements and attributes, and its counts are those of its cases."""
    text = findings_junit(result)
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert text.isascii()
    assert (root.tag, [child.tag for child in root]) == ("testsuites", ["testsuite"])
    suite = root[0]
    assert set(suite.attrib) == {"name", "tests", "failures", "errors", "time"}
    assert {case.tag for case in suite} == {"testcase"}
    names = [case.attrib["name"] for case in suite]
    assert len(set(names)) == len(names), "a file is one case"
    for case in suite:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert [child.tag for child in case] in (["failure"], ["system-out"])
        for child in case:
            assert set(child.attrib) == ({"message", "type"} if child.tag == "failure" else set())
            assert child.text
    assert int(suite.attrib["tests"]) == len(suite)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert suite.attrib["errors"] == "0"


def test_junit_fails_for_errors_only() -> None:
    """A file with an error fails, with its warnings in the same text; one with warnings only passes."""
    suite = ET.fromstring(findings_junit(_USUAL))[0]  # noqa: S314 - our own
    cases = {case.attrib["name"]: case[0] for case in suite}
    assert {name: case.tag for name, case in cases.items()} == {
        "a.yaml": "failure",
        "b.yaml": "failure",
        "sub/c d.yaml": "system-out",
        "all other manifests": "system-out",
    }
    assert cases["a.yaml"].attrib == {"message": "wrong", "type": "unknown-parent"}
    assert cases["a.yaml"].text == (
        "a.yaml:3:5: error: wrong [unknown-parent]\na.yaml:9:1: warning: odd [cron-never]"
    )
    assert cases["all other manifests"].text == summary_line(_USUAL)


def test_github_annotations() -> None:
    """One command a finding, with file, place and rule."""
    assert findings_github(_USUAL).splitlines() == [
        "::error file=a.yaml,line=3,col=5,title=unknown-parent::wrong",
        "::error file=b.yaml,title=unreadable::also wrong",
        "::warning file=a.yaml,line=9,col=1,title=cron-never::odd",
        "::warning file=sub/c d.yaml,line=3,col=5,title=cron-never::odd, too",
    ]
    assert findings_github(_NOTHING) == ""


def test_github_escapes() -> None:
    """Percent signs, line ends, colons and commas are escaped as the runner undoes it."""
    text = findings_github(_result(_finding("a,b:c%2C.yaml", "50% ::error:: a, b")))
    assert text == (
        "::error file=a%2Cb%3Ac%252C.yaml,line=3,col=5,title=unknown-parent::50%25 ::error:: a, b"
    )
    (command,) = _commands(text)
    assert (command["file"], command["message"]) == ("a,b:c%2C.yaml", "50% ::error:: a, b")
    assert len(_commands(findings_github(_NASTY))) == len(_NASTY.findings)


@pytest.mark.parametrize("name", _FORMATS)
def test_hostile_words_stay_harmless(name: str) -> None:
    """No control character, no line that begins like a command, no lone surrogate, in any format."""
    text = _FORMATS[name](_NASTY)
    text.encode("utf-8")
    without_colour = re.sub(r"\x1b\[(0|1|31|33)m", "", text) if name == "text" else text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", without_colour)
    if name == "github":
        assert all(line.startswith(("::error file=", "::warning file=")) for line in text.split("\n"))
    else:
        assert not [line for line in without_colour.split("\n") if line.lstrip().startswith("::")]
    if name == "junit":
        assert "<script" not in text
        assert "]]>" not in text


def test_all_formats_report_the_same() -> None:
    """Whichever format is read: the same findings in the same order, with file, place, severity and rule."""
    expected = [
        (item["file"], item["line"] or 1, item["severity"], item["rule"], item["message"])
        for item in json.loads(findings_json(_USUAL))["findings"]
    ]
    gitlab = [
        (
            item["location"]["path"],
            item["location"]["lines"]["begin"],
            {"major": "error", "minor": "warning"}[item["severity"]],
            item["check_name"],
            item["description"],
        )
        for item in json.loads(findings_gitlab(_USUAL))
    ]
    github = [
        (item["file"], int(item.get("line", 1)), item["command"], item["title"], item["message"])
        for item in _commands(findings_github(_USUAL))
    ]
    sarif = []
    for item in json.loads(findings_sarif(_USUAL))["runs"][0]["results"]:
        place = item["locations"][0]["physicalLocation"]
        line = place.get("region", {}).get("startLine", 1)
        uri = unquote(place["artifactLocation"]["uri"])
        sarif.append((uri, line, item["level"], item["ruleId"], item["message"]["text"]))
    assert expected == gitlab == github == sarif
    junit = ET.fromstring(findings_junit(_USUAL))  # noqa: S314 - our own
    lines = "\n".join(case[0].text or "" for case in junit[0])
    text = re.sub(r"\x1b\[[0-9]+m", "", findings_text(_USUAL))
    for file, _, severity, rule, message in expected:
        for report in (lines, text):
            assert re.search(
                rf"^{re.escape(file)}(:\d+:\d+)?: {severity}: {re.escape(message)} \[{rule}\]$",
                report,
                re.MULTILINE,
            )


@pytest.mark.parametrize(
    ("excerpt", "column", "caret"),
    [
        ("    parents: [gone]", 15, 14),
        ("a: b", 1, 0),
        ("\ta: b", 2, 2),
        ("a: '\x1b[31m' b", 12, 14),
        ("ü: ☃", 4, 3),
        ("short", 40, 5),
    ],
)
def test_caret_is_under_the_place(excerpt: str, column: int, caret: int) -> None:
    """The caret is under the right character, also where escapes have made the line longer."""
    text = findings_text(_result(_finding(excerpt=excerpt, position=Position(12, column))))
    line, mark = re.sub(r"\x1b\[[0-9]+m", "", text).splitlines()[1:3]
    assert line.startswith("    12 | ")
    assert mark == "       | " + " " * caret + "^"


def test_no_excerpt_no_caret() -> None:
    """Where no line may be shown the finding is one line."""
    assert len(findings_text(_result(_finding())).splitlines()) == 2
