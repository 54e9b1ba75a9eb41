"""The rules: checks of a workflow that no schema can express, each with a stable id.

A rule is pure: it takes a body and yields problems; an online rule also takes facts about the tenant.
`check_paths` is the whole check, from paths to findings. Nothing here talks to the API.
"""

from reconciler.rules.checking import (
    ALL_RULES,
    RULES,
    ExtraCheck,
    check_manifest,
    check_names,
    check_online,
    check_paths,
    load_checked,
    rule_ids,
)
from reconciler.rules.online import (
    ONLINE_RULES,
    Lookup,
    Named,
    OnlineRule,
    TenantFacts,
    Version,
    lookup_of,
)
from reconciler.rules.rule import BaseRule, Rule

__all__ = [
    "ALL_RULES",
    "ONLINE_RULES",
    "RULES",
    "BaseRule",
    "ExtraCheck",
    "Lookup",
    "Named",
    "OnlineRule",
    "Rule",
    "TenantFacts",
    "Version",
    "check_manifest",
    "check_names",
    "check_online",
    "check_paths",
    "load_checked",
    "lookup_of",
    "rule_ids",
]
