"""Plan files: a plan that a person approves, and the part of it that is still valid later.

A plan file holds no secret: a reference to where the value comes from takes its place. It is not state, and
nothing in it is trusted: applying it makes a new plan, and does what both plans have in common.
"""

from reconciler.planfile.plan_file import (
    PLAN_FILE_BYTES,
    PlanContext,
    PlanFile,
    check_context,
    dump_options,
    load_compare_options,
    load_scope,
    parse_plan_file,
    plan_file_pieces,
    read_plan_file,
)
from reconciler.planfile.records import action_record, manifests_digest
from reconciler.planfile.revalidating import Dropped, Revalidated, revalidate_plan

__all__ = [
    "PLAN_FILE_BYTES",
    "Dropped",
    "PlanContext",
    "PlanFile",
    "Revalidated",
    "action_record",
    "check_context",
    "dump_options",
    "load_compare_options",
    "load_scope",
    "manifests_digest",
    "parse_plan_file",
    "plan_file_pieces",
    "read_plan_file",
    "revalidate_plan",
]
