"""The rules beyond the schema: what no schema can say of a workflow, each with a stable id.

A rule is pure: a body in, problems out; one that needs the tenant (`online`) is handed what was read of it.
`check_paths` is the whole check, from paths to findings, in as many processes as are worth it. Nothing here
talks to the API but `tenant`, which reads through the client and is loaded only when it is needed.
"""

from reconciler.rules.checking import check_manifest, check_online
from reconciler.rules.model import BaseRule, Rule
from reconciler.rules.online import ONLINE_RULES, OnlineRule
from reconciler.rules.registry import ALL_RULES, RULES, rule_ids
from reconciler.rules.run import Beyond, check_paths, load_checked

__all__ = [
    "ALL_RULES",
    "ONLINE_RULES",
    "RULES",
    "BaseRule",
    "Beyond",
    "OnlineRule",
    "Rule",
    "check_manifest",
    "check_online",
    "check_paths",
    "load_checked",
    "rule_ids",
]
