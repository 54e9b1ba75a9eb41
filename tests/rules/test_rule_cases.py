"""Every rule's cases and examples; see `case_files` for how to add a case."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from case_files import BAD_BY_RULES, GOOD, environment, expected
from rule_helpers import CANARY, RULE_IDS, STEPS, check, rules, shown

from reconciler.findings import Severity
from reconciler.rules import ALL_RULES, RULES, Rule, check_paths, rule_ids

if TYPE_CHECKING:
    from pathlib import Path

_ERRORS = {
    "unknown-parent",
    "self-parent",
    "dependency-cycle",
    "http-output",
    "masked-value",
    "sql-query",
    "cron-syntax",
    "unrendered-template",
    "name-spelling",
}
_SEVERITIES = {rule.id: rule.severity for rule in RULES}


def _rule_of(case: Path) -> str:
    fitting = [rule for rule in RULE_IDS if case.stem.startswith(f"rule-{rule}")]
    return max(fitting, key=len, default="")


@pytest.mark.parametrize("case", BAD_BY_RULES, ids=lambda case: case.stem)
def test_bad_case_gives_its_findings(case: Path) -> None:
    """A manifest that breaks a rule gives exactly the expected findings, and shows no credential."""
    result = check_paths((str(case),), environment(case))
    wanted = expected(case)
    missing = [one for one in wanted if not any(one.matches(finding) for finding in result.findings)]
    assert (missing, len(result.findings)) == ([], len(wanted)), result.findings
    assert _rule_of(case) in rules(result)
    assert CANARY not in shown(result)
    assert {finding.file for finding in result.findings} == {str(case)}


@pytest.mark.parametrize("case", BAD_BY_RULES, ids=lambda case: case.stem)
def test_messages_are_one_line_in_plain_words(case: Path) -> None:
    """A message is a printable line without an end mark, and has the rule's severity."""
    for finding in check_paths((str(case),), environment(case)).findings:
        assert finding.message.isprintable()
        assert 15 < len(finding.message) <= 500
        assert not finding.message.endswith((".", " ", ":"))
        assert finding.severity is _SEVERITIES[finding.rule]
        assert finding.position is not None
        assert finding.path


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.stem)
def test_good_case_gives_no_finding_at_all(case: Path) -> None:
    """A good case is good by every rule as well: not even a warning."""
    result = check_paths((str(case),), environment(case))
    assert result.findings == ()
    assert result.manifests


def test_every_rule_has_cases() -> None:
    """Every rule has at least two bad cases and a good one."""
    bad = Counter(map(_rule_of, BAD_BY_RULES))
    good = Counter(_rule_of(case) for case in GOOD if case.stem.startswith("rule-"))
    assert {rule: number for rule, number in bad.items() if number >= 2}.keys() == set(RULE_IDS)
    assert set(good) == set(RULE_IDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_of_a_rule(tmp_path: Path, rule: Rule) -> None:
    """The examples of `--list-rules` are right: the bad one gives exactly that finding, the good one none."""
    rest = "" if "steps:" in rule.bad else STEPS
    rest += "" if rule.bad.startswith("name:") else "name: x\n"
    assert rules(check(tmp_path, f"{rule.good}\n{rest}")) == []
    assert rules(check(tmp_path, f"{rule.bad}\n{rest}")) == [rule.id]


def test_ids_are_unique_and_stable() -> None:
    """An id names one rule, in lower case and hyphens, and is no id of the loader's."""
    ids = [rule.id for rule in ALL_RULES]
    assert len(set(ids)) == len(ids)
    assert rule_ids() == set(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", rule) for rule in ids)
    assert not [rule for rule in ids if rule.startswith(("schema-", "yaml-"))]
    assert set(ids) >= {*_ERRORS, "literal-credential", "cron-never", "status-parent"}


def test_severities() -> None:
    """An error is what cannot run or be found again; what no document says is refused is a warning."""
    assert {rule.id for rule in RULES if rule.severity is Severity.ERROR} == _ERRORS


def test_duplicate_names_are_errors(tmp_path: Path) -> None:
    """Two manifests of one name, or one id, are an error of both."""
    text = f"---\nname: x\n{STEPS}reconcile: {{id: 1}}\n"
    result = check(tmp_path, text * 2)
    assert Counter(rules(result)) == {"duplicate-name": 2, "duplicate-id": 2}
    assert {finding.severity for finding in result.findings} == {Severity.ERROR}


def test_reasons_are_sentences() -> None:
    """A reason is one line that ends in a full stop."""
    for rule in ALL_RULES:
        assert rule.reason.endswith(".")
        assert rule.reason.isprintable()
        assert len(rule.reason) < 100
