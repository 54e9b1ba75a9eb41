"""The rules: checks of a workflow that no schema can express, each with a stable id.

A rule is pure: it takes a body and yields problems; an online rule also takes facts about the tenant.
`check_paths` is the whole check, from paths to findings. Nothing here talks to the API.
"""

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face
from reconciler.rules.checking import (
    RULES,
    ExtraCheck,
    check_manifest,
    check_paths,
    load_checked,
)
from reconciler.rules.rule import BaseRule, Rule

if TYPE_CHECKING:
    from reconciler.rules.online import (
        ONLINE_RULES,
        Lookup,
        Named,
        OnlineRule,
        TenantFacts,
        Version,
        lookup_of,
    )
    from reconciler.rules.with_tenant import ALL_RULES, check_names, check_online, rule_ids

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

__getattr__ = lazy_face(  # what needs the tenant is for few checks
    __name__,
    online="ONLINE_RULES Lookup Named OnlineRule TenantFacts Version lookup_of",
    with_tenant="ALL_RULES check_names check_online rule_ids",
)
