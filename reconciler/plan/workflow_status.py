"""Status of each workflow: its sync state and its last execution. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Final

from reconciler.manifests import Source
from reconciler.plan.model import (
    Action,
    Create,
    Plan,
    Refusal,
    Unchanged,
    live_id,
)
from reconciler.plan.tenant import Snapshot
from reconciler.values import JsonObject, JsonValue, as_object
from reconciler.workflow import Listed


class Sync(str, Enum):
    """The sync state of a workflow."""

    SYNCED = "synced"
    DIFFERS = "differs"
    MISSING = "missing"
    BLOCKED = "blocked"
    ORPHANED = "orphaned"
    UNMANAGED = "unmanaged"


_URGENCY: Final = (Sync.BLOCKED, Sync.DIFFERS, Sync.MISSING, Sync.ORPHANED, Sync.SYNCED, Sync.UNMANAGED)
"""The states in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExecution:
    """The last execution of a workflow; `None` for what is not returned.

    Args:
        id: The execution's id.
        status: Its status, such as `Success`.
        at: The time when it began, as the server writes it.
    """

    id: str | None
    status: str | None
    at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStatus:
    """The status of one workflow.

    Args:
        name: Its name.
        id: Its id, where it is live.
        sync: Its sync state.
        reason: Why it is blocked.
        source: Its manifest, if there is one.
        status: Its live status, such as `Available`; `None` where it is not returned.
        last_execution: Its last execution, if there was one.
    """

    name: str
    id: int | None
    sync: Sync
    reason: str = ""
    source: Source | None = None
    status: str | None = None
    last_execution: LastExecution | None = None

    @property
    def failed(self) -> bool:
        """Whether its last execution failed."""
        return self.last_execution is not None and self.last_execution.status == "Failed"


def workflow_statuses(plan: Plan, snapshot: Snapshot) -> tuple[WorkflowStatus, ...]:
    """Return the status of each workflow of a plan: problems first, then by name.

    Args:
        plan: The plan.
        snapshot: The snapshot that it was made from.
    """
    found = (
        *(_of_action(action, snapshot) for action in plan.actions),
        *(_of_listed(item, Sync.ORPHANED) for item in plan.orphaned),
        *(_of_listed(item, Sync.UNMANAGED) for item in plan.unmanaged),
    )
    return tuple(sorted(found, key=lambda item: (_URGENCY.index(item.sync), not item.failed, item.name)))


def _of_action(action: Action, snapshot: Snapshot) -> WorkflowStatus:
    identity = live_id(action)
    live = snapshot.live.get(identity) if identity is not None else None
    if identity in snapshot.known:
        return dataclasses.replace(
            _of_listed(snapshot.known[identity], Sync.SYNCED), name=action.name, source=action.source
        )
    return WorkflowStatus(
        name=action.name,
        id=identity,
        sync=_sync(action),
        reason=action.reason if isinstance(action, Refusal) else "",
        source=action.source,
        status=live.status if live else None,
        last_execution=_last_execution(live.body.raw) if live else None,
    )


def _sync(action: Action) -> Sync:
    if isinstance(action, Refusal):
        return Sync.BLOCKED
    if isinstance(action, Unchanged):
        return Sync.SYNCED
    return Sync.MISSING if isinstance(action, Create) else Sync.DIFFERS


def _of_listed(item: Listed, sync: Sync) -> WorkflowStatus:
    return WorkflowStatus(
        name=item.name,
        id=item.id,
        sync=sync,
        status=_text(item.health.get("status")),
        last_execution=_last_execution(item.health),
    )


def _last_execution(body: JsonObject) -> LastExecution | None:
    last = as_object(body.get("lastExecution"))
    identity, status, at = (_text(last.get(key)) for key in ("executionId", "status", "executedAt"))
    return LastExecution(id=identity, status=status, at=at) if identity or status else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
