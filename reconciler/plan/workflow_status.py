"""The status of each workflow: its sync state, and its last execution. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

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


class Sync(str, Enum):
    """The sync state of a workflow."""

    SYNCED = "synced"
    DIFFERS = "differs"
    MISSING = "missing"
    BLOCKED = "blocked"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last run of a workflow; `None` for what is not told of it.

    Args:
        id: The execution's id.
        status: How it went, such as `Success`.
        at: When it began, as the server writes it.
    """

    id: str | None
    status: str | None
    at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStatus:
    """How one workflow stands.

    Args:
        name: Its name.
        id: Its id, where it is live.
        sync: Whether it is as Git wants it.
        reason: Why it is blocked.
        source: Its manifest, if there is one.
        status: Its live status, such as `Available`; `None` where it is not told.
        run: Its last run, if there was one.
    """

    name: str
    id: int | None
    sync: Sync
    reason: str = ""
    source: Source | None = None
    status: str | None = None
    run: LastRun | None = None


def workflow_statuses(plan: Plan, snapshot: Snapshot) -> tuple[WorkflowStatus, ...]:
    """Return how each workflow of a plan stands, by name, and then those that no manifest means.

    Args:
        plan: The plan.
        snapshot: What it was made from.
    """
    return (*(_of_action(action, snapshot) for action in plan.actions), *_unmanaged(plan))


def _of_action(action: Action, snapshot: Snapshot) -> WorkflowStatus:
    identity = live_id(action)
    live = snapshot.live.get(identity) if identity is not None else None
    return WorkflowStatus(
        name=action.name,
        id=identity,
        sync=_sync(action),
        reason=action.reason if isinstance(action, Refusal) else "",
        source=action.source,
        status=live.status if live else None,
        run=_run(live.body.raw) if live else None,
    )


def _sync(action: Action) -> Sync:
    if isinstance(action, Refusal):
        return Sync.BLOCKED
    if isinstance(action, Unchanged):
        return Sync.SYNCED
    return Sync.MISSING if isinstance(action, Create) else Sync.DIFFERS


def _unmanaged(plan: Plan) -> Iterator[WorkflowStatus]:
    for item in plan.unmanaged:
        yield WorkflowStatus(
            name=item.name,
            id=item.id,
            sync=Sync.UNMANAGED,
            status=_text(item.health.get("status")),
            run=_run(item.health),
        )


def _run(body: JsonObject) -> LastRun | None:
    told = as_object(body.get("lastExecution"))
    identity, status, at = (_text(told.get(key)) for key in ("executionId", "status", "executedAt"))
    return LastRun(id=identity, status=status, at=at) if identity or status else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
