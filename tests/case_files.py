"""The case files below `tests/cases/validate`: what each expects, and the environment it wants.

A new case is a new file. In `bad` its first lines say what must be found, one comment for each finding:

    # expect: rule=schema-unknown-key line=7 column=3 message~"did you mean 'steps'"

`line=-` means that the finding has no place, `line=?` that its place is not looked at. In `bad` and `good`
alike, `# env: NAME=value` sets a variable for `!env`; the values that are `canary…` must never be shown.
Cases of the rules beyond the schema are called `rule-` and the rule's id; the loader alone finds them good.
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
    """What one comment of a case file says must be found."""

    rule: str
    line: str
    column: str
    message: str

    def fits(self, finding: Finding) -> bool:
        """Return whether `finding` is this one."""
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
    """Return what the case says must be found."""
    return [Expected(**match.groupdict()) for match in _EXPECT.finditer(_text(case))]


def environment(case: Path) -> dict[str, str]:
    """Return the variables that the case wants."""
    return dict(_ENV.findall(_text(case)))
