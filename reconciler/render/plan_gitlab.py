"""A plan as GitLab's `artifacts:reports:terraform`: three counts, which the merge request then shows."""

from __future__ import annotations

import json

from reconciler.plan import Plan
from reconciler.render.actions import count_actions


def plan_gitlab(plan: Plan) -> str:
    """Return how many workflows are to be created, changed in any way, and deleted, as JSON."""
    counts = count_actions(plan)
    updated = sum(counts[name] for name in ("update", "rename", "pause", "resume"))
    return json.dumps({"create": counts["create"], "update": updated, "delete": counts["delete"]})
