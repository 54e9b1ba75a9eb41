"""Plan files: a plan that a person approves, and the part of it that is still valid later.

A plan file holds no secret: a reference to where the value comes from takes its place. It is not state, and
nothing in it is trusted: applying it makes a new plan, and does what both plans have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy_face import lazy_face

if TYPE_CHECKING:
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

__getattr__ = lazy_face(  # a plan that nobody saves needs none of it
    __name__,
    plan_file="check_context dump_options load_compare_options load_scope parse_plan_file PLAN_FILE_BYTES "
    "plan_file_pieces PlanContext PlanFile read_plan_file",
    records="action_record manifests_digest",
    revalidating="Dropped revalidate_plan Revalidated",
)
