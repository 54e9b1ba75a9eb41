"""The rules: checks of a workflow that no schema can express, each with a stable id.

A rule is pure: it takes a body and yields problems; an online rule also takes facts about the tenant.
`check_paths` is the whole check, from paths to findings. Nothing here talks to the API except
`read_facts`, which reads through the client and is loaded only when it is needed.
"""

from typing import TYPE_CHECKING, Any

from reconciler.rules.many_files import ExtraCheck, check_paths, load_checked
from reconciler.rules.one_manifest import ALL_RULES, RULES, check_manifest, check_online, rule_ids
from reconciler.rules.online import ONLINE_RULES, Lookup, OnlineRule, TenantFacts, lookup_of
from reconciler.rules.rule import BaseRule, Rule

if TYPE_CHECKING:
    from reconciler.rules.tenant_reading import read_facts

__all__ = [
    "ALL_RULES",
    "ONLINE_RULES",
    "RULES",
    "BaseRule",
    "ExtraCheck",
    "Lookup",
    "OnlineRule",
    "Rule",
    "TenantFacts",
    "check_manifest",
    "check_online",
    "check_paths",
    "load_checked",
    "lookup_of",
    "read_facts",
    "rule_ids",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type is declared above
    """Load `read_facts`, which needs the client, on first use."""
    if name == "read_facts":
        from reconciler.rules.tenant_reading import read_facts  # noqa: PLC0415 - loads the client

        return read_facts
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
