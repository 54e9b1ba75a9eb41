"""The case files below `tests/cases/validate`: the findings that each expects, and the variables it needs.

A new case is a new file. In `bad` its first lines list the expected findings, one comment each:

    # expect: rule=schema-unknown-key line=7 column=3 message~"did you mean 'steps'"

`line=-` means that the finding has no position, `line=?` that its position is not checked. In `bad` and
`good`, `# env: NAME=value` sets a variable for `!env`; values that begin with `canary` must never be shown.
The names of cases for rules beyond the schema are `rule-` and the rule's ID; the loader alone accepts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.findings import Finding

CASES = Path(__file__).parent / "cases" / "validate"
BAD_BY_RULES = sorted((CASES / "bad").glob("rule-*.yaml"))
BAD = sorted({*(CASES / "bad").glob("*.yaml")} - {*BAD_BY_RULES})
GOOD = sorted((CASES / "good").glob("*.yaml"))

_EXPECT = re.compile(
    r'^# expect: rule=(?P<rule>\S+) line=(?P<line>\S+) column=(?P<column>\S+) message~"(?P<message>.*)"$',
    re.MULTILINE,
)
_ENV = re.compile(r"^# env: (\w+)=(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Expected:
    """One finding that a comment of a case file expects."""

    rule: str
    line: str
    column: str
    message: str

    def matches(self, finding: Finding) -> bool:
        """Return whether `finding` is the expected one."""
        position = finding.position
        place = (str(position.line), str(position.column)) if position else ("-", "-")
        return (
            finding.rule == self.rule
            and (self.line == "?" or place == (self.line, self.column))
            and self.message in finding.message
        )


def _text(case: Path) -> str:
    return case.read_text(encoding="utf-8", errors="replace")


def expected(case: Path) -> list[Expected]:
    """Return the findings that the case expects."""
    return [Expected(**match.groupdict()) for match in _EXPECT.finditer(_text(case))]


def environment(case: Path) -> dict[str, str]:
    """Return the variables that the case needs."""
    return dict(_ENV.findall(_text(case)))
