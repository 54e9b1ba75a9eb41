"""Log entries for plans, results, requests and the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.apply import Result, Status
from reconciler.client import RequestRecord
from reconciler.findings import Finding, Severity
from reconciler.job.log import Entry, Event, Level
from reconciler.job.outcome import Outcome
from reconciler.plan import Action, Plan, Refusal, Unchanged, Update, live_id
from reconciler.render import (
    action_method,
    action_name,
    changes_of,
    count_actions,
    finding_line,
    plan_summary,
    progress_line,
    request_line,
)
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject, JsonValue, display_path

_LEVELS = {
    Status.DONE: Level.INFO,
    Status.NOT_TRIED: Level.WARNING,
    Status.BLOCKED: Level.WARNING,
    Status.FAILED: Level.ERROR,
}


def finding_entry(finding: Finding, redactor: Redactor) -> Entry:
    """Return the entry for a finding in a manifest."""
    position = finding.position
    return Entry(
        event=Event.FINDING,
        level=Level.ERROR if finding.severity is Severity.ERROR else Level.WARNING,
        message=redactor.text(finding_line(finding)),
        fields={
            "file": finding.file,
            "line": position.line if position else None,
            "column": position.column if position else None,
            "rule": finding.rule,
            "severity": finding.severity.value,
        },
    )


def plan_entries(plan: Plan, tenant: str, stage: str) -> Iterator[Entry]:
    """Yield the entries for a plan: one for all of it, and one for each workflow with an action."""
    counts = dict[str, JsonValue](count_actions(plan))
    yield Entry(
        event=Event.PLANNED,
        level=Level.WARNING if plan.blocked else Level.INFO,
        message=plan_summary(plan),
        fields={"tenant": tenant, "stage": stage, "planned": counts, "reason": plan.refusal or None},
    )
    for action in plan.actions:
        if not isinstance(action, Unchanged):
            yield _planned(action)


def _planned(action: Action) -> Entry:
    file, line = action.source.line() if action.source else (None, None)
    paths: list[JsonValue] = [display_path(change.path) for change in changes_of(action)]
    refusal = action.reason if isinstance(action, Refusal) else ""
    return Entry(
        event=Event.WORKFLOW_PLANNED,
        level=Level.WARNING if refusal or action.warnings else Level.INFO,
        message=f"{action.name}: {action_name(action)}" + (f": {refusal}" if refusal else ""),
        fields={
            **_of(action),
            "method": action_method(action),
            "reason": action.reason if isinstance(action, Update | Refusal) else None,
            "fields": paths or None,
            "file": file,
            "line": line,
            "warnings": [*action.warnings] or None,
            "notes": [*action.notes] or None,
        },
    )


def progress_entry(action: Action, event: Result | str | None, redactor: Redactor) -> Entry:
    """Return the entry for the start of an action, for what it waits for, or for its result."""
    message = progress_line(action, event, redactor)
    if not isinstance(event, Result):
        kind = Event.WORKFLOW_STARTED if event is None else Event.WORKFLOW_WAITING
        return Entry(event=kind, message=message, fields=_of(action))
    fields: JsonObject = {
        **_of(action),
        "status": event.status.value,
        "error": event.error or None,
        "notes": [*event.notes] or None,
    }
    if event.id is not None:
        fields["workflow_id"] = event.id
    return Entry(event=Event.WORKFLOW_FINISHED, level=_LEVELS[event.status], message=message, fields=fields)


def request_entry(exchange: RequestRecord, redactor: Redactor) -> Entry:
    """Return the entry for a request, its body masked."""
    return Entry(
        event=Event.REQUEST,
        level=Level.DEBUG,
        message=request_line(exchange, redactor),
        fields={
            "http_method": exchange.method,
            "path": exchange.path,
            "http_status": exchange.status,
            "outcome": exchange.outcome,
            "attempt": exchange.attempt,
            "duration_seconds": round(exchange.seconds, 3),
            "waited_seconds": round(exchange.waited, 3),
        },
    )


def end_entry(outcome: Outcome) -> Entry:
    """Return the entry for the end of a run, with all its numbers."""
    results = dict[str, JsonValue](outcome.by_status())
    return Entry(
        event=Event.RUN_FINISHED,
        level=Level.INFO if outcome.succeeded else Level.ERROR,
        message=f"the run ended with exit code {outcome.exit_code} after {outcome.seconds:.1f} s",
        fields={
            "exit_code": outcome.exit_code,
            "duration_seconds": round(outcome.seconds, 3),
            "dry_run": outcome.dry_run,
            "environment": outcome.environment or None,
            "tenant": outcome.tenant or None,
            "stage": outcome.stage or None,
            "kinds": [kind.value for kind in outcome.kinds],
            "drift": outcome.drift,
            "planned": None if outcome.planned is None else dict[str, JsonValue](outcome.planned),
            "results": None if outcome.planned is None else results,
            "requests": outcome.traffic.requests,
            "retries": outcome.traffic.retries,
            "throttled": outcome.traffic.throttled,
            "waited_seconds": round(outcome.traffic.waited, 3),
        },
    )


def _of(action: Action) -> JsonObject:
    return {"workflow": action.name, "workflow_id": live_id(action), "action": action_name(action)}
