"""Check of manifests against the rules that need the tenant, and the list of all rules.

A module of its own, because most checks need neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from reconciler.findings import Finding
from reconciler.manifests import Manifest
from reconciler.rules.checking import MOST_FINDINGS, RULES, reported_findings
from reconciler.rules.online import NAME_RULES, ONLINE_RULES, TenantFacts, references_of
from reconciler.rules.rule import BaseRule

ALL_RULES: Final[tuple[BaseRule, ...]] = (*RULES, *ONLINE_RULES)
"""Every rule, those that need the tenant last."""


def rule_ids() -> frozenset[str]:
    """Return the ids of all rules."""
    return frozenset(rule.id for rule in ALL_RULES)


def check_online(
    manifest: Manifest, facts: TenantFacts, off: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield the findings of the online rules in a manifest; takes the rest as `check_manifest` does."""
    references = references_of(manifest)
    found = (
        (rule, problem)
        for rule in ONLINE_RULES
        if rule.id not in off
        for problem in islice(rule.check(references, facts), MOST_FINDINGS)
    )
    yield from reported_findings(manifest, found)


def check_names(manifest: Manifest, facts: TenantFacts) -> Iterator[Finding]:
    """Yield a finding for each image and instance type whose name has no id; none can be suppressed.

    Args:
        manifest: A manifest that is valid by the schema.
        facts: What was read of the tenant for its names.
    """
    references = references_of(manifest)
    found = (
        (rule, problem)
        for rule in NAME_RULES
        for problem in islice(rule.check(references, facts), MOST_FINDINGS)
    )
    yield from reported_findings(manifest, found, suppressible=False)
