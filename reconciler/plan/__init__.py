"""Planning: what differs between Git and the tenant, and what would be done about it.

Reads through the port (`reconciler.api`) and writes nothing; what comes out is a `Plan`, a value. It knows
manifests and the canonical form, and nothing of commands, files or output.
"""

from reconciler.plan.building import Snapshot, make_plan
from reconciler.plan.comparing import Tenancy
from reconciler.plan.model import (
    Action,
    Blocked,
    Create,
    LiveWorkflow,
    Method,
    Plan,
    SetPaused,
    Subject,
    Unchanged,
    Update,
    live_id,
)
from reconciler.plan.snapshot import take_snapshot
from reconciler.plan.tenant import DefaultResource

__all__ = [
    "Action",
    "Blocked",
    "Create",
    "DefaultResource",
    "LiveWorkflow",
    "Method",
    "Plan",
    "SetPaused",
    "Snapshot",
    "Subject",
    "Tenancy",
    "Unchanged",
    "Update",
    "live_id",
    "make_plan",
    "take_snapshot",
]
