"""What came of a run of the job, as one value: logs, metrics and notifications are all made of it.

Its texts are redacted, escaped and bounded when it is made, so that nothing that reads it can forget to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from reconciler.apply import Report, Status
from reconciler.client.exchanges import Traffic
from reconciler.exits import ExitCode
from reconciler.plan import Plan, Refusal, Unchanged, live_id
from reconciler.render import action_name, count_actions
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable

PLANNED: Final = "planned"
"""The status of what a dry run found to be done."""

LONGEST_TEXT: Final = 1000
_LONGEST_NAME: Final = 200
_FINE: Final = frozenset({int(ExitCode.OK), int(ExitCode.DIFFERENCES)})


class OutcomeKind(str, Enum):
    """What a run can be told about for."""

    CHANGE = "change"
    DRIFT = "drift"
    FAILURE = "failure"


def fit(text: str, redactor: Redactor, limit: int = LONGEST_TEXT) -> str:
    """Return `text` without secrets and control characters, and not longer than `limit`."""
    # Redacted as a whole, so that no secret is cut in two; the rest is not longer than it may be.
    return clip(printable(clip(redactor.text(text), limit)), limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What became of one workflow that is not as Git wants it, or was not.

    Args:
        name: Its name, fit to be shown.
        action: What was to be done: one of `ACTIONS`.
        status: How far it got: `done`, `failed`, `not_tried`, `blocked`, or `planned` in a dry run.
        id: Its id, where it is known.
        error: Why it is not done; empty when it is.
    """

    name: str
    action: str
    status: str
    id: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Args:
        run_id: Names the run, in the logs, the record and the backups.
        started: When it began, in UTC.
        ended: When it ended.
        exit_code: How.
        dry_run: Whether it only planned.
        environment: The configured environment; empty when none was chosen.
        tenant: The tenant's address; empty when the run did not get that far.
        stage: Its stage; empty likewise.
        planned: How many workflows were planned for what; `None` when no plan could be made.
        touched: What became of each workflow that is not unchanged.
        error: What ended the run before its end; empty when nothing did.
        findings: The first of the mistakes in manifests, a line each.
        traffic: What was sent to the tenant.
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
    touched: tuple[Touched, ...] = ()
    error: str = ""
    findings: tuple[str, ...] = ()
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.started).total_seconds()

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was to do: a dry run that finds differences did."""
        return self.exit_code in _FINE

    @property
    def drift(self) -> int | None:
        """How many workflows were not as Git wants them when the plan was made; `None` without a plan."""
        if self.planned is None:
            return None
        return sum(count for name, count in self.planned.items() if name != "unchanged")

    @property
    def kinds(self) -> tuple[OutcomeKind, ...]:
        """What there is to tell of it, the worst first."""
        found = (
            (OutcomeKind.FAILURE, not self.succeeded),
            (OutcomeKind.DRIFT, self.dry_run and bool(self.drift)),
            (OutcomeKind.CHANGE, any(item.status == Status.DONE.value for item in self.touched)),
        )
        return tuple(kind for kind, holds in found if holds)

    def counted(self) -> dict[tuple[str, str], int]:
        """Return how many workflows got how far, by action and status."""
        pairs = [(item.action, item.status) for item in self.touched]
        return {pair: pairs.count(pair) for pair in dict.fromkeys(pairs)}

    def by_status(self) -> dict[str, int]:
        """Return how many workflows got how far; every status of an apply is there."""
        statuses = [item.status for item in self.touched]
        names = [PLANNED, Status.BLOCKED.value] if self.dry_run else [status.value for status in Status]
        return {name: statuses.count(name) for name in names}


def planned_counts(plan: Plan) -> dict[str, int]:
    """Return how many workflows are planned for what; all names are there."""
    return count_actions(plan)


def touched_by_plan(plan: Plan, redactor: Redactor) -> tuple[Touched, ...]:
    """Return what a dry run found: what would be done, and what a guard keeps from being done."""
    return tuple(
        Touched(
            name=fit(action.name, redactor, _LONGEST_NAME),
            action=action_name(action),
            status=Status.BLOCKED.value if isinstance(action, Refusal) else PLANNED,
            id=live_id(action),
            error=fit(action.reason, redactor) if isinstance(action, Refusal) else "",
        )
        for action in plan.actions
        if not isinstance(action, Unchanged)
    )


def touched_by_apply(report: Report, redactor: Redactor) -> tuple[Touched, ...]:
    """Return what became of each workflow of an apply."""
    return tuple(
        Touched(
            name=fit(result.action.name, redactor, _LONGEST_NAME),
            action=action_name(result.action),
            status=result.status.value,
            id=result.id if result.id is not None else live_id(result.action),
            error=fit(result.error, redactor),
        )
        for result in report.results
    )
