"""The list of all rules, in the order in which their findings count."""

from __future__ import annotations

from typing import Final

from reconciler.rules import credentials, graph, names, parameters, steptypes, triggers
from reconciler.rules.model import Rule

RULES: Final[tuple[Rule, ...]] = (
    *graph.RULES,
    *parameters.RULES,
    *steptypes.RULES,
    *triggers.RULES,
    *names.RULES,
    *credentials.RULES,
)
"""Every rule; where two find one cause, the earlier one reports it."""


def rule_ids() -> frozenset[str]:
    """Return the ids of all rules."""
    return frozenset(rule.id for rule in RULES)
