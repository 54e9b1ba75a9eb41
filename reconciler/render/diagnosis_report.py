"""Diagnosis as text, a line for each check with what to do below it, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.render.layout import hanging
from reconciler.render.markup import paint

if TYPE_CHECKING:
    from reconciler.diagnosis import Diagnosis

_COLOURS: Final = {"ok": "green", "note": "cyan", "warning": "yellow", "failed": "red"}


def diagnosis_text(diagnosis: Diagnosis, width: int | None = None) -> str:
    """Return a diagnosis as text that fits a width; `None` for no limit."""
    lines: list[str] = []
    widest = max(len(check.name) for check in diagnosis.checks)
    for check in diagnosis.checks:
        word = check.state.value
        head = f"{word:<7}  {check.name:<{widest}}  "
        first, *rest = hanging(check.text, width, first=head)
        lines += [paint(first[: len(word)], _COLOURS[word]) + first[len(word) :], *rest]
        if check.advice:
            lines += hanging(check.advice, width, first=" " * (len(head) - 2) + "→ ")
    counts = Counter(check.state.value for check in diagnosis.checks)
    lines.append("")
    lines.append(", ".join(f"{counts[word]} {word}" for word in _COLOURS if counts[word]) + ".")
    return "\n".join(lines)


def diagnosis_json(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as JSON."""
    checks = [
        {"name": check.name, "state": check.state.value, "text": check.text, "advice": check.advice}
        for check in diagnosis.checks
    ]
    return json.dumps({"format_version": 1, "checks": checks}, indent=2, ensure_ascii=False)
