"""Sync states of workflows, and how their executions went, as a table, JSON, a report and changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.executions import ListedExecution
from reconciler.json_documents import document_text, versioned
from reconciler.plan import LAST_FAILED, STATES, NextRun, Sync, WorkflowStatus
from reconciler.render import executions
from reconciler.render.executions import (
    duration_cell,
    history_legend,
    history_text,
    listed_execution_document,
)
from reconciler.render.layout import Display, hanging, table
from reconciler.render.plan_as_page import environment_fact
from reconciler.render.report_page import Count, Remark, ReportEntry, ReportPage
from reconciler.render.times import time_text
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import JsonObject

FORMAT_VERSION: Final = 1
_SYNC_WORDS: Final = {Sync.SYNCED: "in sync", Sync.DIFFERS: "out of sync"}
"""The words for people, where they are not the JSON value."""

COLOURS: Final = {
    "in sync": "green",
    "out of sync": "yellow",
    "missing": "yellow",
    "blocked": "red",
    **executions.COLOURS,
}
_COMPUTED: Final = "~"
"""The mark of a next run that the server did not return."""

_WHOLE: Final = frozenset({"LAST 10", "STARTED", "NEXT RUN"})
"""The columns whose cells are never folded."""

_WIDE: Final = 140
"""The width of a terminal from which on all columns are shown."""

_OPTIONAL: Final = frozenset({"LAST 10", "NEXT RUN", "DURATION", "MODIFIED BY", "OWNER"})
"""The columns that are left out where all their cells are empty."""

_ALIKE: Final = frozenset({"MODIFIED BY", "OWNER"})
"""The columns that a terminal which is not wide leaves out where all rows say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """Statuses of workflows, and what of them to show.

    Args:
        statuses: The statuses, in the order to show.
        only: The words for the states of those to show; all without any.
        histories: The last executions by the id of the workflow, the latest first, where they were read.
        redactor: Removes known secrets.
    """

    statuses: Sequence[WorkflowStatus]
    only: frozenset[str] = frozenset()
    histories: Mapping[int, Sequence[ListedExecution]] = field(default_factory=dict)
    redactor: Redactor

    @property
    def shown(self) -> tuple[WorkflowStatus, ...]:
        """Those to show."""
        return tuple(item for item in self.statuses if item.is_one_of(self.only))

    def history(self, item: WorkflowStatus) -> Sequence[ListedExecution] | None:
        """Return the last executions of one of them; `None` if they were not read."""
        return None if item.id is None else self.histories.get(item.id)

    def last_seconds(self, item: WorkflowStatus) -> float | None:
        """Return how long the last execution of one of them took; `None` if that is not known."""
        last, history = item.last_execution, self.history(item)
        found = next((run for run in history or () if last and run.id == last.id), None)
        return found.seconds if found else None


def status_text(view: StatusView, display: Display) -> str:
    """Return a table with a line for each workflow, the reasons of blocked ones, and the counts of all."""
    shown = view.shown
    rows = [_cells(view, item, display) for item in shown]
    heads = [head for head in (rows[0] if rows else _HEADS) if _is_needed(head, rows, display)]
    reasons = [
        printable(f"blocked: {item.name}: {view.redactor.prose(item.reason)}")
        for item in shown
        if item.reason
    ]
    legend = [f"LAST 10, the latest on the right: {history_legend(display)}."] if "LAST 10" in heads else []
    computed = next((item.next_run for item in shown if item.next_run and item.next_run.computed), None)
    if computed is not None:
        legend.append(f"{_COMPUTED} NEXT RUN is {_computed(computed)}.")
    left = f" {len(shown)} of {len(view.statuses)} shown." if view.only else ""
    lines = table(
        heads, [[row[head] for head in heads] for row in rows], COLOURS, display.width, whole=_WHOLE
    )
    notes = [*reasons, *legend, _summary(view.statuses) + left]
    return "\n".join([*lines, *(line for note in notes for line in hanging(note, display.width))])


_HEADS: Final = ("SYNC", "WORKFLOW", "ID", "STATUS", "LAST EXECUTION", "STARTED")
"""The columns of a table without rows."""


def _is_needed(head: str, rows: Sequence[Mapping[str, str | None]], display: Display) -> bool:
    """Return whether a column says something; on a terminal, also whether it is worth its room."""
    cells = {row[head] for row in rows}
    if head in _OPTIONAL and not any(cells):
        return False
    if display.width is None or display.width >= _WIDE:
        return True
    if head in _ALIKE and len(rows) > 1:
        return len(cells) > 1
    return head != "ID" and (head != "STATUS" or not cells <= {"Available", None})


def _cells(view: StatusView, item: WorkflowStatus, display: Display) -> dict[str, str | None]:
    """Return the cells of a row by the heads of their columns, the most important first."""
    last = item.last_execution
    return {
        "SYNC": sync_word(item.sync),
        "WORKFLOW": item.name,
        "LAST 10": history_text(view.history(item) or (), display),
        "LAST EXECUTION": last.status if last else None,
        "STARTED": time_text(last.at, display.now) if last else None,
        "NEXT RUN": _next_run(item.next_run, display),
        "DURATION": duration_cell(view.last_seconds(item)),
        "STATUS": item.status,
        "ID": None if item.id is None else str(item.id),
        "MODIFIED BY": item.modified_by,
        "OWNER": ", ".join(item.owners),
    }


def _next_run(run: NextRun | None, display: Display) -> str | None:
    if run is None:
        return None
    return f"{_COMPUTED if run.computed else ''}{time_text(run.at, display.now)}"


def _computed(run: NextRun) -> str:
    """Return how a next run is known that the server does not return."""
    return f"computed from the cron expression, in {run.zone}{', which is assumed' * run.assumed}"


def status_changes(before: StatusView, now: StatusView) -> Iterator[str]:
    """Yield a line for each workflow to show that was not shown `before`, has changed, or is gone."""
    old = {_key(item): item for item in before.shown}
    new = {_key(item): item for item in now.shown}
    for key, item in new.items():
        was = old.get(key)
        if was is None or _state(was) != _state(item):
            words = (
                [_change(*pair) for pair in zip(_state(was), _state(item), strict=True)]
                if was
                else [*_state(item)]
            )
            text = "; ".join(filter(None, words)) + (f"; {item.reason}" if item.reason else "")
            yield printable(now.redactor.prose(f"{item.name}: {text}"))
    for key, item in old.items():
        if key not in new:
            yield printable(
                now.redactor.prose(f"{item.name}: no longer {'in these states' if now.only else 'listed'}")
            )


def changed_documents(before: StatusView | None, now: StatusView) -> Iterator[JsonObject]:
    """Yield the JSON object of each workflow that is shown and differs from `before`, and its `event`.

    The event is `listed` for one that was not shown before, `changed`, or `gone` for one that is no more.
    """
    old = {_key(item): item for item in before.shown} if before else {}
    new = {_key(item): item for item in now.shown}
    for key, item in new.items():
        was = old.get(key)
        if was is None or _state(was) != _state(item):
            yield {"event": "changed" if was else "listed", **_workflow(now, item)}
    if before:
        yield from (
            {"event": "gone", **_workflow(before, item)} for key, item in old.items() if key not in new
        )


def _key(item: WorkflowStatus) -> tuple[str, int | None]:
    return item.name, item.id


def _state(item: WorkflowStatus) -> tuple[str, str, str]:
    """Return what counts as a change of a workflow: its sync state, its status and its last execution."""
    last = item.last_execution
    execution = f"execution {last.id or ''} {last.status or 'unknown'}" if last else ""
    return sync_word(item.sync), item.status or "", execution


def _change(was: str, now: str) -> str:
    return "" if was == now else f"{was or 'none'} → {now or 'none'}"


def statuses_total(statuses: Sequence[WorkflowStatus]) -> str:
    """Return the number of workflows in each sync state, in words."""
    counts = Counter(item.sync for item in statuses)
    return ", ".join(f"{counts[sync]} {sync_word(sync)}" for sync in Sync if counts[sync]) or "no workflows"


def _summary(statuses: Sequence[WorkflowStatus]) -> str:
    failed = sum(item.failed for item in statuses)
    failures = f"{failed} last {'execution' if failed == 1 else 'executions'} failed." if failed else ""
    return f"{statuses_total(statuses)}. {failures}".rstrip()


def sync_word(sync: Sync) -> str:
    """Return a sync state in words for people."""
    return _SYNC_WORDS.get(sync, sync.value)


def status_json(view: StatusView) -> str:
    """Return one JSON object: `format_version`, `summary` and `workflows`."""
    return document_text(status_document(view))


def status_document(view: StatusView) -> JsonObject:
    """Return the JSON document of statuses, without any secret."""
    counts = Counter(item.sync for item in view.statuses)
    fields: JsonObject = {
        "summary": {sync.value: counts[sync] for sync in Sync},
        "workflows": [_workflow(view, item) for item in view.shown],
    }
    return versioned(FORMAT_VERSION, fields)


def status_page(view: StatusView, environment: str | None = None) -> ReportPage:
    """Return the statuses as a report; takes the name of the environment to show at the top, too."""
    counts = Counter(_word(item) for item in view.shown)
    counts[LAST_FAILED] = sum(item.failed for item in view.shown)
    in_order = sorted(view.shown, key=lambda item: not item.failed)
    return ReportPage(
        kind="status",
        title="Status",
        summary=_summary(view.statuses),
        facts=environment_fact(environment),
        counts=tuple(Count(word, counts[word]) for word in (*STATES, LAST_FAILED)),
        entries=tuple(_entry(view, item) for item in in_order),
        rest="`status` shows all of it.",
    )


def _word(item: WorkflowStatus) -> str:
    return next(word for word, sync in STATES.items() if sync is item.sync)


def _entry(view: StatusView, item: WorkflowStatus) -> ReportEntry:
    last, seconds = item.last_execution, duration_cell(view.last_seconds(item))
    facts = [item.status] if item.status else []
    facts += [f"last execution {last.status or 'unknown'} {last.at or ''}".rstrip()] if last else []
    facts += [f"took {seconds}"] if seconds else []
    history = view.history(item)
    facts += [f"last {len(history)}: {history_text(history, Display(marks='unicode'))}"] if history else []
    facts += _next_run_facts(item.next_run)
    facts += [f"modified by {item.modified_by}"] if item.modified_by else []
    facts += [f"owner {', '.join(item.owners)}"] if item.owners else []
    in_sync = item.sync is Sync.SYNCED and not item.failed
    return ReportEntry(
        name=item.name,
        word=_word(item),
        id=item.id,
        place=str(item.source) if item.source else "",
        facts=tuple(facts),
        marks=(LAST_FAILED,) if item.failed else (),
        remarks=(Remark("Reason", view.redactor.prose(item.reason)),) if item.reason else (),
        list_under="in sync" if in_sync else "",
    )


def _next_run_facts(run: NextRun | None) -> list[str]:
    if run is None:
        return []
    text = f"next run {time_text(run.at, None)}"
    return [f"{text} ({_computed(run)})" if run.computed else text]


def _workflow(view: StatusView, item: WorkflowStatus) -> JsonObject:
    file, line = item.source.line() if item.source else (None, None)
    last, history, following = item.last_execution, view.history(item), item.next_run
    return {
        "name": item.name,
        "id": item.id,
        "sync": item.sync.value,
        "reason": view.redactor.prose(item.reason) or None,
        "status": item.status,
        "last_execution": {
            "id": last.id,
            "status": last.status,
            "executed_at": last.at,
            "duration_seconds": view.last_seconds(item),
        }
        if last
        else None,
        "history": None if history is None else [listed_execution_document(each) for each in history],
        "next_run": following.at if following else None,
        "next_run_computed": following.computed if following else False,
        "next_run_zone": (following.zone or None) if following else None,
        "modified_at": item.modified_at,
        "modified_by": item.modified_by,
        "owners": [*item.owners],
        "file": file,
        "line": line,
    }
