"""What came of an apply, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from reconciler.apply import Report, Result, Status
from reconciler.client.exchanges import Traffic
from reconciler.manifests import WhenRunning
from reconciler.plan import Action, Delete, Update, live_id
from reconciler.render.actions import action_method, action_name
from reconciler.render.requests import traffic_document, traffic_line
from reconciler.render.style import paint
from reconciler.text import Redactor, printable
from reconciler.values import JsonObject, dump_compact

FORMAT_VERSION = 1
_DOING: Final = {
    "create": "creating",
    "update": "updating",
    "rename": "renaming",
    "pause": "pausing",
    "resume": "resuming",
    "delete": "deleting",
}
_DONE: Final = {
    "create": "created",
    "update": "updated",
    "rename": "renamed",
    "pause": "paused",
    "resume": "resumed",
    "delete": "deleted",
}


def report_json(report: Report, traffic: Traffic, redactor: Redactor) -> str:
    """Return `report` as one JSON object: `format_version`, `summary`, `traffic`, `results`; no secrets."""
    return json.dumps(redactor.value(report_document(report, traffic)), indent=2, ensure_ascii=True)


def report_document(report: Report, traffic: Traffic) -> JsonObject:
    """Return what the JSON of a report says, texts not yet redacted."""
    return {
        "format_version": FORMAT_VERSION,
        "summary": {status.value: report.count(status) for status in Status},
        "traffic": traffic_document(traffic),
        "results": [_result(result) for result in report.results],
    }


def report_text(report: Report, traffic: Traffic, redactor: Redactor) -> str:
    """Return `report` as text: whatever is not done with its reason, and the counts, also of requests."""
    lines: list[str] = []
    for result in report.results:
        lines += [printable(redactor.text(line)) for line in _not_done(result)]
    counts = ", ".join(f"{report.count(status)} {status.value.replace('_', ' ')}" for status in Status)
    whole = all(result.status is Status.DONE for result in report.results)
    applied = paint(f"Applied: {counts}.", "green" if whole else "red")
    return "\n".join([*lines, applied, traffic_line(traffic)])


def progress_line(action: Action, event: Result | str | None, redactor: Redactor) -> str:
    """Return what is said when an action begins, what it waits for, or how it ended, in one line.

    Args:
        action: What is done.
        event: `None` for the beginning, a text for what is waited for, else the result.
        redactor: What removes known secrets.
    """
    if event is None:
        said = f"{_DOING[action_name(action)]} …{_waiting(action)}"
    elif isinstance(event, str):
        said = event
    else:
        said = _ended(action, event) + "".join(f"; note: {note}" for note in event.notes)
    return printable(redactor.text(f"{_subject(action)}: {said}"))


def _ended(action: Action, result: Result) -> str:
    if result.status is not Status.DONE:
        return f"{result.status.value.replace('_', ' ')}: {result.error}"
    seen = "seen to be gone" if isinstance(action, Delete) else "read back and as Git wants"
    return f"{_DONE[action_name(action)]} (id {result.id}), {seen}"


def _subject(action: Action) -> str:
    """Return the name as it may begin a line: in quotes where a pipeline would take it for a command."""
    return dump_compact(action.name) if action.name.lstrip().startswith(":") else action.name


def _waiting(action: Action) -> str:
    running = isinstance(action, Update | Delete) and action.live.running
    waits = isinstance(action, Delete) or (
        isinstance(action, Update) and action.manifest.settings.when_running is WhenRunning.WAIT
    )
    return " once its run has ended" if running and waits else ""


def _result(result: Result) -> JsonObject:
    action = result.action
    return {
        "name": action.name,
        "action": action_name(action),
        "status": result.status.value,
        "id": result.id if result.id is not None else live_id(action),
        "method": action_method(action),
        "error": result.error or None,
        "notes": list(result.notes),
    }


def _not_done(result: Result) -> Iterator[str]:
    if result.status is not Status.DONE:
        word = result.status.value.replace("_", " ")
        yield f"  {word}: {result.action.name}: {result.error}"
    for note in result.notes:
        yield f"  note: {result.action.name}: {note}"
