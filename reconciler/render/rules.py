"""The list of rules, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.render.style import paint
from reconciler.rules import BaseRule, OnlineRule


def rules_text(rules: Sequence[BaseRule]) -> str:
    """Return the rules: id, severity, whether only `--online` checks it, reason, a good and a bad example."""
    return "\n\n".join(
        f"{paint(rule.id, 'bold')} ({rule.severity.value}{_online(rule)}): {rule.reason}\n"
        f"  good: {rule.good}\n"
        f"  bad:  {rule.bad}"
        for rule in rules
    )


def rules_json(rules: Sequence[BaseRule]) -> str:
    """Return the rules as one JSON object."""
    listed = [
        {
            "id": rule.id,
            "severity": rule.severity.value,
            "online": isinstance(rule, OnlineRule),
            "reason": rule.reason,
            "good": rule.good,
            "bad": rule.bad,
        }
        for rule in rules
    ]
    return json.dumps({"format_version": 1, "rules": listed}, indent=2)


def _online(rule: BaseRule) -> str:
    return ", with --online" if isinstance(rule, OnlineRule) else ""
