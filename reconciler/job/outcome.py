"""Outcome of a run of the job: the one value behind logs, metrics and notifications.

Its texts are redacted, escaped and bounded when it is made, so every reader can show them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from reconciler.apply import Report, Status
from reconciler.client import Traffic
from reconciler.errors import ExitCode
from reconciler.plan import Plan, Refusal, Unchanged, live_id
from reconciler.render import action_name
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable

PLANNED: Final = "planned"
"""The status of a workflow that a dry run would change."""

LONGEST_TEXT: Final = 1000
_LONGEST_NAME: Final = 200
_SUCCESSFUL: Final = frozenset({int(ExitCode.OK), int(ExitCode.DIFFERENCES)})


class OutcomeKind(str, Enum):
    """A reason to notify someone of a run."""

    CHANGE = "change"
    DRIFT = "drift"
    FAILURE = "failure"
    PLATFORM = "platform"


def safe_text(text: str, redactor: Redactor, limit: int = LONGEST_TEXT) -> str:
    """Return at most `limit` characters of `text`, without secrets and control characters."""
    # Redacted as a whole, so that no secret is cut in two.
    return clip(printable(clip(redactor.prose(text), limit)), limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowOutcome:
    """The outcome of one workflow that was not in sync.

    Args:
        name: Its name, safe to show.
        action: Its action in the plan: one of `ACTIONS`.
        status: `done`, `failed`, `not_tried` or `blocked`; in a dry run `planned` or `blocked`.
        id: Its id, if known.
        error: Why it is not done; empty if it is.
    """

    name: str
    action: str
    status: str
    id: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one run.

    Args:
        run_id: The id of the run in logs, run record and backups.
        started: Its start, in UTC.
        ended: Its end, in UTC.
        exit_code: Its exit code.
        dry_run: Whether it only planned.
        environment: The configured environment; empty if none was chosen.
        tenant: The tenant's address; empty if the run failed before it was known.
        stage: The stage of the tenant; empty likewise.
        planned: The number of workflows for each action; `None` if no plan was made.
        workflows: The outcome of each workflow that is not unchanged.
        error: The error that ended the run early; empty if none did.
        findings: The first findings in manifests, one line each.
        platform_changes: What the platform does otherwise than the profile of the tenant says, one line each.
        traffic: The numbers of requests to the tenant.
    """

    run_id: str
    started: datetime
    ended: datetime
    exit_code: int
    dry_run: bool = False
    environment: str = ""
    tenant: str = ""
    stage: str = ""
    planned: Mapping[str, int] | None = None
    workflows: tuple[WorkflowOutcome, ...] = ()
    error: str = ""
    findings: tuple[str, ...] = ()
    platform_changes: tuple[str, ...] = ()
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def seconds(self) -> float:
        """The duration of the run."""
        return (self.ended - self.started).total_seconds()

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded; a dry run that finds differences did."""
        return self.exit_code in _SUCCESSFUL

    @property
    def drift(self) -> int | None:
        """The number of workflows that were not in sync when the plan was made; `None` without a plan."""
        if self.planned is None:
            return None
        return sum(count for name, count in self.planned.items() if name != "unchanged")

    @property
    def kinds(self) -> tuple[OutcomeKind, ...]:
        """The reasons to notify someone, the worst first."""
        found = (
            (OutcomeKind.FAILURE, not self.succeeded),
            (OutcomeKind.PLATFORM, bool(self.platform_changes)),
            (OutcomeKind.DRIFT, self.dry_run and bool(self.drift)),
            (OutcomeKind.CHANGE, any(item.status == Status.DONE.value for item in self.workflows)),
        )
        return tuple(kind for kind, holds in found if holds)

    def by_action_and_status(self) -> dict[tuple[str, str], int]:
        """Return the number of workflows for each pair of action and status that occurs."""
        pairs = [(item.action, item.status) for item in self.workflows]
        return {pair: pairs.count(pair) for pair in dict.fromkeys(pairs)}

    def by_status(self) -> dict[str, int]:
        """Return the number of workflows for each status that this kind of run can give."""
        statuses = [item.status for item in self.workflows]
        names = [PLANNED, Status.BLOCKED.value] if self.dry_run else [status.value for status in Status]
        return {name: statuses.count(name) for name in names}


def planned_workflows(plan: Plan, redactor: Redactor) -> tuple[WorkflowOutcome, ...]:
    """Return the outcomes of a dry run: the workflows that an apply would change, and the blocked ones."""
    return tuple(
        WorkflowOutcome(
            name=safe_text(action.name, redactor, _LONGEST_NAME),
            action=action_name(action),
            status=Status.BLOCKED.value if isinstance(action, Refusal) else PLANNED,
            id=live_id(action),
            error=safe_text(action.reason, redactor) if isinstance(action, Refusal) else "",
        )
        for action in plan.actions
        if not isinstance(action, Unchanged)
    )


def applied_workflows(report: Report, redactor: Redactor) -> tuple[WorkflowOutcome, ...]:
    """Return the outcomes of an apply."""
    return tuple(
        WorkflowOutcome(
            name=safe_text(result.action.name, redactor, _LONGEST_NAME),
            action=action_name(result.action),
            status=result.status.value,
            id=result.id if result.id is not None else live_id(result.action),
            error=safe_text(result.error, redactor),
        )
        for result in report.results
    )
