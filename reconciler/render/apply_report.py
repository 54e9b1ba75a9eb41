"""The result of an apply as text, as JSON, and as lines of progress."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.apply import Report, Result, Status
from reconciler.client import Traffic
from reconciler.json_documents import document_text, versioned
from reconciler.manifests import WhenRunning
from reconciler.plan import Action, Delete, Update, live_id
from reconciler.render.actions import WORDS, action_method, action_name, status_word
from reconciler.render.layout import hanging
from reconciler.render.markup import paint
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import JsonObject, dump_compact

FORMAT_VERSION: Final = 1

_MOST_ALIKE: Final = 5
"""The most workflows with the same error whose progress shows it."""

_MOST_NAMED: Final = 20
"""The most workflows with the same reason that are named."""

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")
"""The ids and numbers in an error that differ from workflow to workflow."""


def report_json(report: Report, traffic: Traffic, redactor: Redactor) -> str:
    """Return `report` as one JSON object, without any secret."""
    return document_text(report_document(report, traffic, redactor))


def report_document(report: Report, traffic: Traffic, redactor: Redactor) -> JsonObject:
    """Return the JSON document of a report, without any secret."""
    fields: JsonObject = {
        "summary": {status.value: report.count(status) for status in Status},
        "traffic": traffic_document(traffic),
        "results": [_result(result, redactor) for result in report.results],
    }
    return versioned(FORMAT_VERSION, fields)


def traffic_document(traffic: Traffic) -> JsonObject:
    """Return the numbers of requests as the JSON formats have them."""
    return {
        "requests": traffic.requests,
        "retries": traffic.retries,
        "throttled": traffic.throttled,
        "waited": round(traffic.waited, 3),
    }


def _result(result: Result, redactor: Redactor) -> JsonObject:
    action = result.action
    return {
        "name": action.name,
        "action": action_name(action),
        "status": result.status.value,
        "id": result.id if result.id is not None else live_id(action),
        "method": action_method(action),
        "error": redactor.prose(result.error) or None,
        "notes": [redactor.prose(note) for note in result.notes],
    }


def report_text(report: Report, traffic: Traffic, redactor: Redactor, width: int | None = None) -> str:
    """Return the reasons and notes of each workflow, then the counts of workflows and of requests.

    Args:
        report: The report.
        traffic: The numbers of requests.
        redactor: Removes known secrets.
        width: The columns of the terminal; `None` for lines of any length.
    """
    lines = [
        part
        for line in _remarks(report, redactor)
        for part in hanging(printable(line), width, first="  ", rest="    ")
    ]
    if report.interrupted:
        last = [
            *hanging(f"Interrupted: {_interrupted(report)}.", width, rest="  "),
            *hanging("Apply again to go on: what is applied is not written a second time.", width, rest="  "),
        ]
    else:
        last = hanging(f"Applied: {reports_total([report])}.", width, rest="  ")
    whole = all(result.status is Status.DONE for result in report.results)
    painted = [paint(line, "green" if whole else "red") for line in last]
    return "\n".join([*lines, *painted, *hanging(_traffic_line(traffic), width, rest="  ")])


def _interrupted(report: Report) -> str:
    """Return the number of workflows for each way in which an interrupted run left them, in words."""
    in_doubt = sum(result.in_doubt for result in report.results)
    numbers = {
        "applied": report.count(Status.DONE),
        "in doubt": in_doubt,
        "failed": report.count(Status.FAILED) - in_doubt,
        "blocked": report.count(Status.BLOCKED),
        "not started": report.count(Status.NOT_TRIED),
    }
    always = ("applied", "in doubt", "not started")
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number or word in always)


def reports_total(reports: Sequence[Report]) -> str:
    """Return the number of workflows of several reports for each status, in words."""
    counts = {status: sum(report.count(status) for report in reports) for status in Status}
    return ", ".join(f"{counts[status]} {status_word(status.value)}" for status in Status)


def _traffic_line(traffic: Traffic) -> str:
    """Return the numbers of requests in one line."""
    retries = "1 retry" if traffic.retries == 1 else f"{traffic.retries} retries"
    times = "once" if traffic.throttled == 1 else f"{traffic.throttled} times"
    throttled = f", throttled {times}" if traffic.throttled else ""
    return f"Requests: {traffic.requests} ({retries}{throttled}), waited {traffic.waited:.1f} s."


def _remarks(report: Report, redactor: Redactor) -> Iterator[str]:
    """Yield why workflows are not done, and notes; those with the same reason share a line.

    Of an interrupted run, the workflows that were not started are only counted, in the last line.
    """
    same: dict[tuple[Status, str], list[Result]] = {}
    for result in report.results:
        if result.status is not Status.DONE and not (report.interrupted and _not_started(result)):
            same.setdefault(_kind(result), []).append(result)
    for (status, _), alike in same.items():
        yield f"{status_word(status.value)}: {_workflows(alike)}: {redactor.prose(alike[0].error)}"
    for result in report.results:
        for note in result.notes:
            yield f"note: {result.action.name}: {redactor.prose(note)}"


def _not_started(result: Result) -> bool:
    return result.status is Status.NOT_TRIED


def _workflows(alike: Sequence[Result]) -> str:
    """Return the names of the workflows with the same reason; those after the 20th are counted."""
    names = [result.action.name for result in alike]
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    differ = ", the first one" if len({result.error for result in alike}) > 1 else ""
    return f"{len(names)} workflows ({', '.join(names[:_MOST_NAMED])}{more}){differ}"


class AlikeErrors:
    """The errors that were printed so far, to print the same one a few times only."""

    def __init__(self) -> None:
        self._names: dict[tuple[Status, str], list[str]] = {}

    def note(self, event: Result | str | None) -> str:
        """Note a result, and return the first workflow with the same error once enough others had it."""
        if not isinstance(event, Result) or event.status is Status.DONE:
            return ""
        names = self._names.setdefault(_kind(event), [])
        names.append(event.action.name)
        return names[0] if len(names) > _MOST_ALIKE else ""


def _kind(result: Result) -> tuple[Status, str]:
    """Return what results with the same reason share, whatever the ids and numbers in it."""
    return result.status, _ID.sub("#", result.error)


def progress_line(
    action: Action, event: Result | str | None, redactor: Redactor, *, same_as: str = ""
) -> str:
    """Return one line about the progress of an action.

    Args:
        action: The action.
        event: `None` at its start, a text while it waits, and its result at the end.
        redactor: Hides secrets.
        same_as: The workflow whose error is the same and was printed.
    """
    if event is None:
        words = f"{WORDS[action_name(action)].running} …{_waiting(action)}"
    elif isinstance(event, str):
        words = event
    elif same_as:
        words = f"{status_word(event.status.value)}: the same as {same_as}"
    else:
        words = _ended(action, event) + "".join(f"; note: {note}" for note in event.notes)
    return printable(f"{_subject(action)}: {redactor.prose(words)}")


def _ended(action: Action, result: Result) -> str:
    if result.status is not Status.DONE:
        return f"{status_word(result.status.value)}: {result.error}"
    return f"{WORDS[action_name(action)].done} (id {result.id}), verified"


def _subject(action: Action) -> str:
    # In quotes where a CI system would run the line as a command.
    return dump_compact(action.name) if action.name.lstrip().startswith(":") else action.name


def _waiting(action: Action) -> str:
    running = isinstance(action, Update | Delete) and action.live.running
    waits = isinstance(action, Delete) or (
        isinstance(action, Update) and action.manifest.settings.when_running is WhenRunning.WAIT
    )
    return " once its execution has ended" if running and waits else ""
