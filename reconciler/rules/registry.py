"""The list of all rules, in the order in which their findings count."""

from __future__ import annotations

from typing import Final

from reconciler.rules import credentials, graph, names, parameters, steptypes, triggers
from reconciler.rules.model import BaseRule, Rule
from reconciler.rules.online import ONLINE_RULES

RULES: Final[tuple[Rule, ...]] = (
    *graph.RULES,
    *parameters.RULES,
    *steptypes.RULES,
    *triggers.RULES,
    *names.RULES,
    *credentials.RULES,
)
"""Every rule that needs no tenant; where two find one cause, the earlier one reports it."""

ALL_RULES: Final[tuple[BaseRule, ...]] = (*RULES, *ONLINE_RULES)
"""Every rule, those that need the tenant last."""


def rule_ids() -> frozenset[str]:
    """Return the ids of all rules."""
    return frozenset(rule.id for rule in ALL_RULES)
