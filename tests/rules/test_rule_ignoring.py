"""The comment `# reconciler: ignore[rule-id]`: it switches rules off for its own line, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rule_helpers import STEPS, check, rules

from reconciler.rules import check_paths

if TYPE_CHECKING:
    from pathlib import Path


def _tags(comment: str) -> str:
    return f"name: x\ntags: [{{name: a}}, {{name: a}}]{comment}\n{STEPS}"


@pytest.mark.parametrize(
    "comment",
    [
        "  # reconciler: ignore[duplicate-tag]",
        "  #reconciler:ignore[duplicate-tag]",
        "  # why not. reconciler: # reconciler:  ignore[ duplicate-tag ]",
        "  # reconciler: ignore[cron-never, duplicate-tag]",
        "  # reconciler: ignore[duplicate-tag,no-such-rule]",
    ],
)
def test_comment_switches_a_rule_off(tmp_path: Path, comment: str) -> None:
    """One id or several, known or not, with blanks or without."""
    assert rules(check(tmp_path, _tags(comment))) == []


@pytest.mark.parametrize(
    "comment",
    [
        "  # reconciler: ignore[cron-never]",
        "  # reconciler: ignore[duplicate]",
        "  # reconciler: ignore[]",
        "  # reconciler: ignore",
        "  # reconciler: ignore duplicate-tag",
        "  # ignore[duplicate-tag]",
        "  # reconciler: ignore[Duplicate-Tag]",
        "  # reconciler: ignore[duplicate-tag",
    ],
)
def test_another_comment_does_not(tmp_path: Path, comment: str) -> None:
    """Another rule's id, none, or another form: the finding stays."""
    assert rules(check(tmp_path, _tags(comment))) == ["duplicate-tag"]


def test_comment_on_another_line_does_not_count(tmp_path: Path) -> None:
    """The line before, after, or above the whole counts for nothing."""
    ignore = "# reconciler: ignore[duplicate-tag]"
    text = (
        f"{ignore}\nname: x\n{ignore}\ntags:  {ignore}\n  - name: a\n  - name: a\n{ignore}\n{STEPS}{ignore}\n"
    )
    (finding,) = check(tmp_path, text).findings
    assert finding.rule == "duplicate-tag"
    assert finding.position is not None
    assert finding.position.line == 6


def test_only_that_rule_on_that_line(tmp_path: Path) -> None:
    """Other findings of the line, and the rule's findings elsewhere, stay."""
    text = (
        "name: x\nsteps:\n  a: {parents: [gone, a]}  # reconciler: ignore[unknown-parent]\n"
        "  b: {parents: [gone]}\n"
    )
    found = [
        (finding.rule, finding.position.line)
        for finding in check(tmp_path, text).findings
        if finding.position
    ]
    assert found == [("self-parent", 3), ("unknown-parent", 4)]


def test_schema_and_duplicates_cannot_be_ignored(tmp_path: Path) -> None:
    """What the loader finds is not a rule's to ignore."""
    text = f"name: x\nname_: 1 # reconciler: ignore[schema-unknown-key]\n{STEPS}"
    assert rules(check(tmp_path, text)) == ["schema-unknown-key"]
    twice = f"---\nname: x # reconciler: ignore[duplicate-name]\n{STEPS}" * 2
    assert rules(check(tmp_path, twice)) == ["duplicate-name"] * 2


def test_rule_that_is_off_everywhere(tmp_path: Path) -> None:
    """A rule that the configuration switches off finds nothing; what it hid is found by another rule."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "name: x\nsteps: {a: {parents: [gone], executionParameters: {parentStatus: "
        "[{condition: all-of, parents: [lost], status: [success]}]}}}\n",
        encoding="utf-8",
    )
    paths = (str(file),)
    assert rules(check_paths(paths, {})) == ["unknown-parent", "status-parent"]
    assert rules(check_paths(paths, {}, off=frozenset({"unknown-parent"}))) == ["status-parent"]
    assert rules(check_paths(paths, {}, off=frozenset({"unknown-parent", "status-parent"}))) == []
