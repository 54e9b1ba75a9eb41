"""Checks that the modules and tests that the threat model names exist."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_TEXT = (_ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")


def _rows() -> list[list[str]]:
    """Return the rows of the tables of threats: threat, measure, modules, tests."""
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in _TEXT.splitlines()
        if line[:1] == "|"
    ]
    return [row for row in cells if len(row) == 4 and row[0] != "threat" and not row[0].startswith("---")]


def test_modules_and_tests_of_each_threat_exist() -> None:
    """Each row names at least one module and one test, and all of them exist."""
    rows = _rows()
    assert len(rows) >= 15
    for threat, _, where, tests in rows:
        modules = re.findall(r"`([a-z_/*.]+(?:\.py|/))`", where)
        assert modules, threat
        assert all(list((_ROOT / "reconciler").glob(module.rstrip("/"))) for module in modules), (
            threat,
            where,
        )
        named = re.findall(r"`(tests/[a-z_/.]+)`", tests)
        assert named, threat
        assert all((_ROOT / name).exists() for name in named), (threat, tests)


def test_security_policy_links_the_threat_model() -> None:
    """SECURITY.md says how to report, what is supported, and links the threat model."""
    text = (_ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "## Reporting a vulnerability" in text
    assert "## Supported versions" in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links == ["docs/explanation/threat-model.md"]
    assert all((_ROOT / link).is_file() for link in links)
