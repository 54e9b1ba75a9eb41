"""What the tests of the rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.rules import RULES, check_paths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.findings import CheckResult

CANARY = "canary-word"
"""The credential in the case files, which must never be shown."""

RULE_IDS = sorted(rule.id for rule in RULES)
STEPS = "steps: {a: {imageId: 1}}\n"


def check(folder: Path, text: str, env: Mapping[str, str] | None = None) -> CheckResult:
    """Return the result of checking a manifest with that text."""
    file = folder / "case.yaml"
    file.write_text(text, encoding="utf-8")
    return check_paths((str(file),), env or {})


def rules(result: CheckResult) -> list[str]:
    """Return the rules that found something, in the order of their findings."""
    return [finding.rule for finding in result.findings]


def shown(result: CheckResult) -> str:
    """Return everything of the findings that a report may show."""
    return "\n".join(f"{finding.message}\n{finding.excerpt}" for finding in result.findings)
