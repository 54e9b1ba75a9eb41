"""The result of an apply as text, as JSON, as a report, and as lines of progress."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from reconciler.apply import Report, Result, Status
from reconciler.client import Traffic
from reconciler.json_documents import document_text, versioned
from reconciler.manifests import WhenRunning
from reconciler.plan import Action, Delete, Plan, Unchanged, Update, live_id
from reconciler.render.actions import WORDS, action_method, action_name, count_actions, status_word
from reconciler.render.layout import hanging
from reconciler.render.markup import paint
from reconciler.render.plan_as_page import action_entry, action_words, environment_fact
from reconciler.render.report_page import Count, EntriesInTurn, Fact, Remark, ReportEntry, ReportPage
from reconciler.secrecy import Redactor
from reconciler.text import first_few, printable
from reconciler.values import JsonObject, dump_compact

FORMAT_VERSION: Final = 1

_COLOURS: Final = {"failed": "red", "blocked": "red", "skipped": "yellow"}
"""The colours of the words for a status."""

_MOST_REASONS: Final = 5
"""The most shared reasons at the top of a report."""

_MOST_NAMED: Final = 20
"""The most workflows with the same reason that are named."""

_ORDER: Final = (Status.FAILED, Status.BLOCKED, Status.NOT_TRIED, Status.DONE)
"""The statuses, those that a reader must see first."""

_LEFT_OUT: Final = "left out"
"""The word for what a plan file had, and no longer applied."""

_GO_ON: Final = "Apply again to go on: what is applied is not written a second time."

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")
"""The ids and numbers in an error that differ from workflow to workflow."""


def report_json(report: Report, traffic: Traffic, redactor: Redactor) -> str:
    """Return `report` as one JSON object, without any secret."""
    return document_text(report_document(report, traffic, redactor))


def report_document(report: Report, traffic: Traffic, redactor: Redactor) -> JsonObject:
    """Return the JSON document of a report, without any secret."""
    fields: JsonObject = {
        "summary": {status.value: report.count(status) for status in Status},
        "interrupted": report.interrupted,
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
        "in_doubt": result.in_doubt,
        "seconds": result.seconds,
    }


def report_text(report: Report, traffic: Traffic, redactor: Redactor, width: int | None = None) -> str:
    """Return the reasons and notes of each workflow, then the counts of workflows and of requests.

    Args:
        report: The report.
        traffic: The numbers of requests.
        redactor: Removes known secrets.
        width: The columns of the terminal; `None` for lines of any length.
    """
    lines = [part for line in _remarks(report, redactor) for part in _remark_lines(line, width)]
    last = hanging(report_summary(report), width, rest="  ")
    last += hanging(_GO_ON, width, rest="  ") if report.interrupted else []
    whole = all(result.status is Status.DONE for result in report.results)
    painted = [paint(line, "green" if whole else "red") for line in last]
    return "\n".join([*lines, *painted, *hanging(_traffic_line(traffic), width, rest="  ")])


def _remark_lines(remark: str, width: int | None) -> list[str]:
    """Return a remark as lines that fit, its first word in the colour of its status."""
    first, *rest = hanging(printable(remark), width, first="  ", rest="    ")
    word = remark.partition(":")[0]
    return [first.replace(word, paint(word, _COLOURS[word]), 1) if word in _COLOURS else first, *rest]


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


def report_summary(report: Report) -> str:
    """Return the number of workflows for each status, in one line."""
    if report.interrupted:
        return f"Interrupted: {_interrupted(report)}."
    return f"Applied: {reports_total([report])}."


def reports_total(reports: Sequence[Report]) -> str:
    """Return the number of workflows of several reports for each status, in words."""
    counts = {status: sum(report.count(status) for report in reports) for status in Status}
    return ", ".join(f"{counts[status]} {status_word(status.value)}" for status in Status)


def _traffic_line(traffic: Traffic) -> str:
    """Return the numbers of requests in one line."""
    return f"Requests: {_traffic_words(traffic)}."


def _traffic_words(traffic: Traffic) -> str:
    retries = "1 retry" if traffic.retries == 1 else f"{traffic.retries} retries"
    times = "once" if traffic.throttled == 1 else f"{traffic.throttled} times"
    throttled = f", throttled {times}" if traffic.throttled else ""
    return f"{traffic.requests} ({retries}{throttled}), waited {traffic.waited:.1f} s"


def _remarks(report: Report, redactor: Redactor) -> Iterator[str]:
    """Yield why workflows are not done, and notes; those with the same reason share a line."""
    for alike in _alike(report):
        word = status_word(alike[0].status.value)
        yield f"{word}: {_workflows(alike)}: {redactor.prose(alike[0].error)}"
    for result in report.results:
        for note in result.notes:
            yield f"note: {result.action.name}: {redactor.prose(note)}"


def _alike(report: Report) -> list[list[Result]]:
    """Return the results of workflows that are not done, those with the same reason together.

    Of an interrupted run, the workflows that were not started are left out: the summary counts them.
    """
    same: dict[tuple[Status, str], list[Result]] = {}
    for result in report.results:
        if result.status is not Status.DONE and not (report.interrupted and _not_started(result)):
            same.setdefault(_kind(result), []).append(result)
    return list(same.values())


def _shared_reasons(report: Report, redactor: Redactor) -> list[Fact]:
    """Return the reasons that several workflows share, the most frequent first, each with its number."""
    shared = sorted((alike for alike in _alike(report) if len(alike) > 1), key=len, reverse=True)
    facts = [
        Fact(
            f"{len(alike)} {status_word(alike[0].status.value)} alike",
            f"{redactor.prose(alike[0].error)} ({first_few(result.action.name for result in alike)})",
            stands_out=True,
        )
        for alike in shared[:_MOST_REASONS]
    ]
    more = len(shared) - len(facts)
    return [*facts, Fact("More shared reasons", str(more))] if more else facts


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


class StaleChange(NamedTuple):
    """A change of a plan file that no longer applies: the workflow, the action, and why it is left out."""

    name: str
    action: str
    reason: str


def apply_page(  # noqa: PLR0913 - all but three by name
    plan: Plan,
    report: Report,
    traffic: Traffic,
    redactor: Redactor,
    *,
    environment: str | None = None,
    left_out: Sequence[StaleChange] = (),
) -> ReportPage:
    """Return the result of an apply as a report: what failed first, then what was not done, then the rest.

    Args:
        plan: The plan that was applied.
        report: Its results.
        traffic: The numbers of requests.
        redactor: Removes known secrets.
        environment: The name of the environment to show at the top.
        left_out: What the plan file had, and no longer applied.
    """
    results = sorted(report.results, key=lambda result: _ORDER.index(result.status))
    counts = {
        **{status_word(status.value): report.count(status) for status in Status},
        _LEFT_OUT: len(left_out),
        "unchanged": count_actions(plan)["unchanged"],
    }
    dropped = f" {len(left_out)} left out." if left_out else ""
    return ReportPage(
        kind="apply",
        title="Apply",
        summary=f"{report_summary(report)}{dropped}",
        facts=(
            *environment_fact(environment),
            *([Fact("Interrupted", _GO_ON, stands_out=True)] if report.interrupted else []),
            *_shared_reasons(report, redactor),
            Fact("Requests", _traffic_words(traffic)),
        ),
        counts=tuple(Count(*item) for item in counts.items()),
        entries=EntriesInTurn(
            make=partial(_entries, plan, results, left_out, redactor),
            words=frozenset(_words(plan, results, left_out)),
        ),
        rest="The run record (--run-record) has all of it.",
    )


def _entries(
    plan: Plan, results: Sequence[Result], left_out: Sequence[StaleChange], redactor: Redactor
) -> Iterator[ReportEntry]:
    """Yield what is not done, what a plan file had and no longer applied, what is done, and the rest."""
    yield from (_result_entry(result, redactor) for result in results if result.status is not Status.DONE)
    yield from (_left_out_entry(item, redactor) for item in left_out)
    yield from (_result_entry(result, redactor) for result in results if result.status is Status.DONE)
    yield from (action_entry(action, redactor) for action in plan.actions if isinstance(action, Unchanged))


def _words(plan: Plan, results: Iterable[Result], left_out: Sequence[StaleChange]) -> Iterator[str]:
    """Yield the words and marks of these entries."""
    for result in results:
        _, *marks = action_words(result.action)
        yield from (status_word(result.status.value), *marks)
    if left_out:
        yield _LEFT_OUT
    for action in plan.actions:
        if isinstance(action, Unchanged):
            yield from action_words(action)


def _result_entry(result: Result, redactor: Redactor) -> ReportEntry:
    planned = action_entry(result.action, redactor)
    done = result.status is Status.DONE
    remarks = [Remark("Error" if result.status is Status.FAILED else "Reason", redactor.prose(result.error))]
    remarks += [remark for remark in planned.remarks if remark.kind != "Reason"]
    remarks += [Remark("Note", redactor.prose(note)) for note in result.notes]
    facts = [f"{WORDS[planned.word].done}, verified" if done else planned.word]
    facts += ["in doubt: it may have been written"] if result.in_doubt else []
    facts += [f"{result.seconds:.1f} s"] if result.seconds is not None else []
    return dataclasses.replace(
        planned,
        word=status_word(result.status.value),
        id=planned.id if result.id is None else result.id,
        facts=tuple(facts),
        remarks=tuple(remark for remark in dict.fromkeys(remarks) if remark.text),
        is_first=not done,
    )


def _left_out_entry(item: StaleChange, redactor: Redactor) -> ReportEntry:
    return ReportEntry(
        name=item.name,
        word=_LEFT_OUT,
        facts=(item.action,),
        remarks=(Remark("Reason", redactor.prose(item.reason)),),
        is_first=True,
    )


class AlikeErrors:
    """The errors that were printed so far, to print the same one only once."""

    def __init__(self) -> None:
        self._first: dict[tuple[Status, str], str] = {}

    def note(self, event: Result | str | None) -> str:
        """Note a result, and return the workflow whose error was the same; empty for the first one."""
        if not isinstance(event, Result) or event.status is Status.DONE:
            return ""
        name = event.action.name
        first = self._first.setdefault(_kind(event), name)
        return first if first != name else ""


def _kind(result: Result) -> tuple[Status, str]:
    """Return what results with the same reason share, whatever the ids and numbers in it."""
    return result.status, without_ids(result.error)


def without_ids(error: str) -> str:
    """Return an error without the ids and numbers in it, which differ where the reason is the same."""
    return _ID.sub("#", error)


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
