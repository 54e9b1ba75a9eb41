"""Planning: what differs between Git and the tenant, and what would be done about it.

Reads through the port (`reconciler.api`) and writes nothing; what comes out is a `Plan`, a value. It knows
manifests and the canonical form, and nothing of commands, files or output.
"""

from reconciler.plan.comparing import Tenancy
from reconciler.plan.live import Listed, LiveWorkflow
from reconciler.plan.model import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Method,
    Orphan,
    Plan,
    Refusal,
    SetPaused,
    Subject,
    Unchanged,
    Update,
    Write,
    live_id,
)
from reconciler.plan.planning import make_plan
from reconciler.plan.scope import Scope
from reconciler.plan.selection import Selection, Shard
from reconciler.plan.snapshot import Snapshot, take_snapshot
from reconciler.plan.tenant import DefaultResource

__all__ = [
    "Action",
    "Blocked",
    "BlockedDelete",
    "Create",
    "DefaultResource",
    "Delete",
    "Listed",
    "LiveWorkflow",
    "Method",
    "Orphan",
    "Plan",
    "Refusal",
    "Scope",
    "Selection",
    "SetPaused",
    "Shard",
    "Snapshot",
    "Subject",
    "Tenancy",
    "Unchanged",
    "Update",
    "Write",
    "live_id",
    "make_plan",
    "take_snapshot",
]
