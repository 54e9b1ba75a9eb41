"""The rules beyond the schema: what no schema can say of a workflow, each with a stable id.

A rule is pure: a body in, problems out. `check_paths` is the whole check, from paths to findings, in as many
processes as are worth it. Nothing here talks to the API.
"""

from reconciler.rules.checking import check_manifest
from reconciler.rules.model import Rule
from reconciler.rules.registry import RULES, rule_ids
from reconciler.rules.run import check_paths, load_checked

__all__ = ["RULES", "Rule", "check_manifest", "check_paths", "load_checked", "rule_ids"]
