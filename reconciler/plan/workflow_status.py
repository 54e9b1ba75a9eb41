"""Status of each workflow: its sync state and its last execution. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
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
from reconciler.plan.next_runs import known_rules
from reconciler.plan.tenant import Snapshot
from reconciler.schedules import Basis, KnownRules, next_run
from reconciler.timestamps import parse_timestamp, rfc3339_seconds
from reconciler.values import JsonObject, JsonValue, as_list, as_object
from reconciler.workflow import Listed, Ownership


class Sync(str, Enum):
    """The sync state of a workflow."""

    SYNCED = "synced"
    DIFFERS = "differs"
    MISSING = "missing"
    BLOCKED = "blocked"
    ORPHANED = "orphaned"
    UNMANAGED = "unmanaged"


STATES: Final = {
    "in-sync": Sync.SYNCED,
    "out-of-sync": Sync.DIFFERS,
    "missing": Sync.MISSING,
    "blocked": Sync.BLOCKED,
    "orphaned": Sync.ORPHANED,
    "unmanaged": Sync.UNMANAGED,
}
"""The sync states by the words that a user filters by."""

LAST_FAILED: Final = "failed"
"""The word for workflows whose last execution failed, whatever their sync state."""

_MODIFIERS: Final = ("lastModifiedBy", "modifiedBy", "updatedBy")
"""The keys under which a platform may name who changed a workflow last; none is documented."""

_ASLEEP: Final = frozenset({"Paused", "Draft"})
"""The statuses in which no trigger starts a workflow."""

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
class NextRun:
    """The next start of a workflow by its triggers.

    Args:
        at: The time: as the server writes it, else in UTC.
        computed: Whether it is computed from the cron expressions, because the server returns none.
        zone: The time zone by whose clock it is computed; empty where it is not.
        assumed: Whether that zone is assumed, because nothing that the server schedules shows it.
    """

    at: str
    computed: bool = False
    zone: str = ""
    assumed: bool = False


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
        executed: Whether it may have executions: not, if the platform says that there was no last one.
        next_run: When its triggers start it next; `None` if they do not, or it is paused.
        owners: Who owns it.
        modified_at: When it was changed last, as the server writes it.
        modified_by: Who changed it last.
    """

    name: str
    id: int | None
    sync: Sync
    reason: str = ""
    source: Source | None = None
    status: str | None = None
    last_execution: LastExecution | None = None
    executed: bool = False
    next_run: NextRun | None = None
    owners: tuple[str, ...] = ()
    modified_at: str | None = None
    modified_by: str | None = None

    @property
    def failed(self) -> bool:
        """Whether its last execution failed."""
        return self.last_execution is not None and self.last_execution.status == "Failed"

    def is_one_of(self, words: Collection[str]) -> bool:
        """Return whether `words` (of `STATES`, and `LAST_FAILED`) name its state; without words, they do."""
        return not words or (self.failed and LAST_FAILED in words) or self.sync in map(STATES.get, words)


def workflow_statuses(plan: Plan, snapshot: Snapshot, now: datetime) -> tuple[WorkflowStatus, ...]:
    """Return the status of each workflow of a plan: problems first, then by name.

    Args:
        plan: The plan.
        snapshot: The snapshot that it was made from.
        now: The current time, for next runs that the server does not return.
    """
    others = (*snapshot.known.values(), *plan.orphaned, *plan.unmanaged)

    @cache
    def rules() -> KnownRules:
        return known_rules(snapshot.live.values(), others, now)

    found = (
        *(_of_action(action, snapshot, now, rules) for action in plan.actions),
        *(_of_listed(item, Sync.ORPHANED, now, rules) for item in plan.orphaned),
        *(_of_listed(item, Sync.UNMANAGED, now, rules) for item in plan.unmanaged),
    )
    return tuple(sorted(found, key=lambda item: (_URGENCY.index(item.sync), not item.failed, item.name)))


def _of_action(
    action: Action, snapshot: Snapshot, now: datetime, rules: Callable[[], KnownRules]
) -> WorkflowStatus:
    identity = live_id(action)
    live = snapshot.live.get(identity) if identity is not None else None
    status = WorkflowStatus(
        name=action.name,
        id=identity,
        sync=_sync(action),
        reason=action.reason if isinstance(action, Refusal) else "",
        source=action.source,
    )
    if live is not None:
        return _with_live(status, live.body.raw, live.ownership, now, rules)
    known = snapshot.known.get(identity) if identity is not None else None
    if known is None:
        return status
    return _with_live(status, known.health, known.ownership, now, rules)


def _with_live(
    status: WorkflowStatus,
    body: JsonObject,
    ownership: Ownership | None,
    now: datetime,
    rules: Callable[[], KnownRules],
) -> WorkflowStatus:
    """Return `status` with what the platform says of the workflow, in its list or by itself."""
    live_status, last = _text(body.get("status")), _last_execution(body)
    return dataclasses.replace(
        status,
        status=live_status,
        last_execution=last,
        executed=last is not None or "lastExecution" not in body,
        next_run=None if live_status in _ASLEEP else _next_run(body, now, rules),
        owners=tuple(sorted(ownership.owners)) if ownership else (),
        modified_at=_text(body.get("updatedAt")),
        modified_by=next(filter(None, (_person(body.get(key)) for key in _MODIFIERS)), None),
    )


def _next_run(body: JsonObject, now: datetime, rules: Callable[[], KnownRules]) -> NextRun | None:
    """Return the first start for which the server says that they are scheduled, else that of their crons."""
    scheduled: dict[datetime, str] = {}
    computed: list[datetime] = []
    for trigger in map(as_object, as_list(body.get("triggers"))):
        stated, cron = _text(trigger.get("scheduled")), _text(trigger.get("cron"))
        with suppress(ValueError, OverflowError):
            if stated:
                scheduled[parse_timestamp(stated)] = stated
            elif cron and (at := next_run(cron, now, rules().rules)):
                computed.append(at)
    if scheduled:
        return NextRun(at=scheduled[min(scheduled)])
    if not computed:
        return None
    known = rules()
    return NextRun(
        at=rfc3339_seconds(min(computed)),
        computed=True,
        zone=known.zone_name,
        assumed=known.zone is Basis.ASSUMED,
    )


def _person(value: JsonValue) -> str | None:
    """Return the address or the name of a user, who may be given as a text or as an object."""
    user = as_object(value)
    return _text(value) or next(filter(None, (_text(user.get(key)) for key in ("email", "name"))), None)


def _sync(action: Action) -> Sync:
    if isinstance(action, Refusal):
        return Sync.BLOCKED
    if isinstance(action, Unchanged):
        return Sync.SYNCED
    return Sync.MISSING if isinstance(action, Create) else Sync.DIFFERS


def _of_listed(item: Listed, sync: Sync, now: datetime, rules: Callable[[], KnownRules]) -> WorkflowStatus:
    status = WorkflowStatus(name=item.name, id=item.id, sync=sync)
    return _with_live(status, item.health, item.ownership, now, rules)


def _last_execution(body: JsonObject) -> LastExecution | None:
    last = as_object(body.get("lastExecution"))
    identity, status, at = (_text(last.get(key)) for key in ("executionId", "status", "executedAt"))
    return LastExecution(id=identity, status=status, at=at) if identity or status else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
