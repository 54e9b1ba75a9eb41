"""Saved plans: a plan as a file that a person approves, and the exact part of it that still holds later.

A plan file holds no secret: each stands as a reference to where it comes from. It is no state either, and
nothing in it is trusted: applying it plans anew, and does what both plans say.
"""

from reconciler.planfile.file import PlanContext, PlanFile, check_made, plan_file_text, read_plan_file
from reconciler.planfile.options import saved_compare_options, saved_options, saved_scope
from reconciler.planfile.records import manifests_digest, record
from reconciler.planfile.revalidating import Dropped, Revalidated, still_holding

__all__ = [
    "Dropped",
    "PlanContext",
    "PlanFile",
    "Revalidated",
    "check_made",
    "manifests_digest",
    "plan_file_text",
    "read_plan_file",
    "record",
    "saved_compare_options",
    "saved_options",
    "saved_scope",
    "still_holding",
]
