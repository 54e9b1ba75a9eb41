"""A forecast as text, JSON and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from itertools import groupby
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.render.layout import hanging, table
from reconciler.render.report_as_html import html_report
from reconciler.render.report_page import Count, Fact, Remark, ReportEntry, ReportPage
from reconciler.render.times import clock_time, duration_text
from reconciler.schedules import Basis, ClockEffect, Forecast, HourLoad, KnownRules, Overlap, WorkflowForecast
from reconciler.secrecy import Redactor
from reconciler.text import clip, counted, printable
from reconciler.timestamps import rfc3339_seconds
from reconciler.values import JsonObject, JsonValue

FORMAT_VERSION: Final = 1
_MOST_HOURS: Final = 25
_BAR: Final = 10
_COLOURS: Final = {"paused": "yellow", "never": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """A forecast with what is needed to show it.

    Args:
        forecast: The forecast.
        offline: Whether it is of the manifests alone.
        without: The number of workflows without a schedule.
        redactor: Removes known secrets.
        utc: Whether to show times in UTC rather than by the platform's clock.
        width: The columns of the terminal; `None` for no limit.
    """

    forecast: Forecast
    offline: bool
    without: int
    redactor: Redactor
    utc: bool = False
    width: int | None = None

    @property
    def zone(self) -> tzinfo:
        """The time zone of the times that are shown."""
        return timezone.utc if self.utc else self.forecast.known.rules.zone

    def name(self, workflow: WorkflowForecast | ClockEffect) -> str:
        """Return the name of a workflow, fit to be shown."""
        name = workflow.workflow.name if isinstance(workflow, WorkflowForecast) else workflow.name
        return clip(printable(self.redactor.text(name)), 100)

    def cron(self, cron: str) -> str:
        """Return a cron expression, fit to be shown."""
        return clip(printable(self.redactor.text(cron)), 100)

    def time(self, moment: datetime | None) -> str:
        """Return a moment in a few words: `Sat 28 Nov 06:00`; `never` for none."""
        if moment is None:
            return "never"
        shown = moment.astimezone(self.zone)
        return clock_time(shown, year=shown.year != self.forecast.start.astimezone(self.zone).year)

    def times(self, moments: Iterable[datetime]) -> str:
        """Return several moments, each day once: `Sat 28 Nov 06:00, 18:00, Sun 29 Nov 06:00`."""
        parts: list[str] = []
        day = ""
        for moment in moments:
            begin, _, clock = self.time(moment).rpartition(" ")
            parts.append(clock if begin == day else f"{begin} {clock}")
            day = begin
        return ", ".join(parts) or "never"


def forecast_text(view: ForecastView) -> str:
    """Return a forecast as text: next runs, changes, overlaps, the load by hour, and clock changes."""
    forecast, width = view.forecast, view.width
    lines = [*hanging(_head(view), width)]
    for fact in rule_facts(view):
        lines += hanging(fact, width)
    sections: tuple[tuple[str, Callable[[ForecastView], list[str]]], ...] = (
        ("", _schedule_rows),
        ("Changes", _changes),
        ("Overlaps", _overlaps),
        (f"Load by hour, {_zone_word(view)}", _load),
        ("Clock changes", _clock_changes),
    )
    for title, part in sections:
        if found := part(view):
            lines += ["", *([title] if title else []), *found]
    lines += ["", *hanging(_summary(view), width)] if forecast.workflows else ["", _summary(view)]
    return "\n".join(lines)


def _head(view: ForecastView) -> str:
    start, end = view.forecast.start, view.forecast.end
    hours = (end - start).total_seconds() / 3600
    lasts = f"{hours:.0f} h" if hours.is_integer() else _span(hours * 3600)
    return f"Forecast for {lasts}: {view.time(start)} to {view.time(end)}, {_zone_word(view)}"


def _zone_word(view: ForecastView) -> str:
    return "UTC" if view.utc else view.forecast.known.zone_name


def rule_facts(view: ForecastView) -> list[str]:
    """Return what is known and what is assumed of the platform's clock, a sentence each."""
    known = view.forecast.known
    facts = []
    if view.offline:
        facts.append("Of the manifests alone: the tenant was not asked (--offline).")
    zone = {
        Basis.GIVEN: f"Time zone of schedules: {known.zone_name}, as given.",
        Basis.LEARNT: f"Time zone of schedules: {known.zone_name}, learnt from what is scheduled; so would "
        "be another zone with the same time until its next clock change.",
        Basis.ASSUMED: f"Time zone of schedules: {known.zone_name}, assumed; set it with --time-zone.",
    }
    facts += [zone[known.zone], _weekdays(known)]
    if known.unexplained:
        facts.append(
            f"warning: the platform starts {known.unexplained} of {known.observed} schedules at another time "
            "than reckoned here"
        )
    return facts


def _weekdays(known: KnownRules) -> str:
    return (
        f"Sunday is {known.rules.crontab_sunday} in five fields ({known.crontab_days.value}), "
        f"{known.rules.quartz_sunday} in six and seven ({known.quartz_days.value})."
    )


def _schedule_rows(view: ForecastView) -> list[str]:
    rows = []
    for item in view.forecast.workflows:
        for schedule in item.schedules:
            paused = item.workflow.after.paused
            coming = "paused" if paused else f"not read: {schedule.error}" if schedule.error else ""
            rows.append(
                (
                    view.name(item),
                    view.cron(schedule.cron),
                    None if paused or schedule.error else str(len(schedule.runs)),
                    coming or view.times(schedule.coming),
                )
            )
    return table(("WORKFLOW", "SCHEDULE", "RUNS", "NEXT"), rows, _COLOURS, view.width) if rows else []


def _changes(view: ForecastView) -> list[str]:
    lines: list[str] = []
    for item in view.forecast.changed:
        before, after = item.workflow.before, item.workflow.after
        lines += hanging(view.name(item), view.width, first="  ")
        was = _triggers(before.crons, view, paused=before.paused) if before else "does not exist"
        facts = [
            f"schedule: {was} → {_triggers(after.crons, view, paused=after.paused)}",
            f"next run: {view.time(item.next_before)} → {view.time(item.next_after)}"
            if before
            else f"first run: {view.time(item.next_after)}",
            f"runs: {item.runs_before} → {item.count}",
        ]
        if item.overlap or item.overlap_before:
            facts.append(f"overlapping starts: {_starts(item.overlap_before)} → {_starts(item.overlap)}")
        for fact in facts:
            lines += hanging(fact, view.width, first="    ")
    return lines


def _starts(overlap: Overlap | None) -> int:
    return overlap.count if overlap else 0


def _triggers(crons: Sequence[str], view: ForecastView, *, paused: bool) -> str:
    text = ", ".join(view.cron(cron) for cron in crons) or "none"
    return f"{text} (paused)" if paused else text


def overlap_line(item: WorkflowForecast, view: ForecastView) -> str:
    """Return how a workflow overlaps with itself, in words; empty if it does not."""
    overlap, workflow = item.overlap, item.workflow
    if overlap is None or workflow.duration is None:
        return ""
    then = "" if workflow.concurrent else "; it does not allow concurrent executions"
    starts = "start comes" if overlap.count == 1 else "starts come"
    return (
        f"{overlap.count} {starts} before the last execution ends, from {view.time(overlap.first)}: every "
        f"{_span(overlap.shortest)} at the shortest, and 9 of 10 of the last {workflow.sampled} took up to "
        f"{_span(workflow.duration)}{then}"
    )


def _overlaps(view: ForecastView) -> list[str]:
    lines: list[str] = []
    for item in view.forecast.workflows:
        if line := overlap_line(item, view):
            lines += hanging(f"{view.name(item)}: {line}", view.width, first="  ", rest="    ")
    return lines


def _load(view: ForecastView) -> list[str]:
    hours = view.forecast.hours
    shown = sorted(sorted(hours, key=lambda load: (-load.starts, load.hour))[:_MOST_HOURS], key=_hour)
    if not shown:
        return []
    most = max(max(load.starts, load.starts_before) for load in shown) or 1
    differs = any(load.starts != load.starts_before for load in hours)
    heads = ("HOUR", "STARTS", *(("NOW",) if differs else ()), "AT ONCE", "")
    rows = [
        (
            view.time(load.hour),
            str(load.starts),
            *((str(load.starts_before),) if differs else ()),
            str(load.running) if load.running else None,
            "#" * max(round(load.starts / most * _BAR), 1 if load.starts else 0) or " ",
        )
        for load in shown
    ]
    lines = table(heads, rows, None, view.width)
    left = len(hours) - len(shown)
    if left:
        lines += hanging(
            f"further hours: {left}, with at most {min(load.starts for load in shown)} starts each",
            view.width,
        )
    unknown = sum(item.workflow.duration is None and item.count > 0 for item in view.forecast.workflows)
    if unknown:
        lines += hanging(
            f"AT ONCE leaves out {counted(unknown, 'workflow')} whose duration is unknown", view.width
        )
    return lines


def _hour(load: HourLoad) -> datetime:
    return load.hour


def _clock_changes(view: ForecastView) -> list[str]:
    return [
        line
        for text in clock_change_lines(view)
        for line in hanging(text.strip(), view.width, first="  " if text[0] != " " else "    ")
    ]


def clock_change_lines(view: ForecastView) -> Iterator[str]:
    """Yield a line for each clock change of the coming year, and an indented one for what it does."""
    if not view.forecast.changes and view.forecast.known.zone is Basis.ASSUMED:
        yield f"{_zone(view)}, which is assumed, has none; see those of another zone with --time-zone"
    for change in view.forecast.changes:
        hours = (change.after - change.before).total_seconds()
        way = "forward" if hours > 0 else "back"
        effects = [effect for effect in view.forecast.effects if effect.change == change]
        nothing = "" if effects else "; no schedule is affected"
        yield f"{view.time(change.at)}: {_zone(view)} goes {way} by {_span(abs(hours))}{nothing}"
        for effect in effects:
            shown = ", ".join(clock_time(time).rpartition(" ")[2] for time in effect.times)
            more = f" and {effect.count - len(effect.times)} more" if effect.count > len(effect.times) else ""
            does = "starts twice at" if effect.twice else "does not start at"
            yield f"  {view.name(effect)}, {view.cron(effect.cron)}: {does} {shown}{more}"


def _zone(view: ForecastView) -> str:
    return view.forecast.known.zone_name


def _span(seconds: float) -> str:
    return duration_text(seconds).removesuffix(" 0 min").removesuffix(" 0 s")


def _summary(view: ForecastView) -> str:
    forecast = view.forecast
    if not forecast.workflows:
        return f"No workflow has a schedule ({counted(view.without, 'workflow')})."
    runs = sum(item.count for item in forecast.workflows)
    schedules = sum(len(item.schedules) for item in forecast.workflows)
    parts = [
        (
            f"{counted(len(forecast.workflows), 'workflow')} with {counted(schedules, 'schedule')}: "
            f"{counted(runs, 'run')}"
        ),
        f"{len(forecast.changed)} changed" if forecast.changed else "",
        f"{count} overlapping" if (count := _overlapping(forecast)) else "",
        f"{count} paused" if (count := _paused(forecast)) else "",
    ]
    others = "other workflow has" if view.without == 1 else "other workflows have"
    rest = f"; {view.without} {others} no schedule" if view.without else ""
    return f"{', '.join(filter(None, parts))}{rest}."


def _overlapping(forecast: Forecast) -> int:
    return sum(item.overlap is not None for item in forecast.workflows)


def _paused(forecast: Forecast) -> int:
    return sum(item.workflow.after.paused for item in forecast.workflows)


def forecast_json(view: ForecastView) -> str:
    """Return a forecast as one JSON object; all times are in UTC."""
    return document_text(forecast_document(view))


def forecast_document(view: ForecastView) -> JsonObject:
    """Return the JSON document of a forecast, without any secret."""
    forecast, known = view.forecast, view.forecast.known
    fields: JsonObject = {
        "from": rfc3339_seconds(forecast.start),
        "until": rfc3339_seconds(forecast.end),
        "offline": view.offline,
        "time_zone": {"name": known.zone_name, "basis": known.zone.value},
        "sunday": {
            "crontab": {"number": known.rules.crontab_sunday, "basis": known.crontab_days.value},
            "quartz": {"number": known.rules.quartz_sunday, "basis": known.quartz_days.value},
        },
        "observed": known.observed,
        "unexplained": known.unexplained,
        "summary": {
            "workflows": len(forecast.workflows),
            "schedules": sum(len(item.schedules) for item in forecast.workflows),
            "runs": sum(item.count for item in forecast.workflows),
            "changed": len(forecast.changed),
            "overlapping": _overlapping(forecast),
            "paused": _paused(forecast),
            "without_schedule": view.without,
        },
        "workflows": [_workflow(item) for item in forecast.workflows],
        "hours": [
            {
                "hour": rfc3339_seconds(load.hour),
                "starts": load.starts,
                "starts_now": load.starts_before,
                "running": load.running,
            }
            for load in forecast.hours
        ],
        "clock_changes": [
            {
                "at": rfc3339_seconds(change.at),
                "seconds": int((change.after - change.before).total_seconds()),
                "effects": [_effect(effect) for effect in forecast.effects if effect.change == change],
            }
            for change in forecast.changes
        ],
    }
    document = view.redactor.value(versioned(FORMAT_VERSION, fields))
    return document if isinstance(document, dict) else fields


def _workflow(item: WorkflowForecast) -> JsonObject:
    workflow, overlap = item.workflow, item.overlap
    before = workflow.before
    return {
        "name": workflow.name,
        "orphaned": workflow.orphaned,
        "unmanaged": workflow.unmanaged,
        "paused": workflow.after.paused,
        "changed": workflow.changed,
        "next_run": _stamp(item.next_after),
        "schedules": [
            {
                "cron": schedule.cron,
                "error": schedule.error or None,
                "next": [rfc3339_seconds(moment) for moment in schedule.coming],
                "runs": [rfc3339_seconds(moment) for moment in schedule.runs],
            }
            for schedule in item.schedules
        ],
        "now": {
            "crons": [*before.crons],
            "paused": before.paused,
            "next_run": _stamp(item.next_before),
            "runs": item.runs_before,
            "overlapping_starts": _starts(item.overlap_before),
        }
        if workflow.changed and before
        else None,
        "duration_seconds": workflow.duration,
        "executions_sampled": workflow.sampled,
        "overlap": {
            "starts": overlap.count,
            "first": rfc3339_seconds(overlap.first),
            "shortest_interval_seconds": overlap.shortest,
        }
        if overlap
        else None,
    }


def _effect(effect: ClockEffect) -> JsonObject:
    times: list[JsonValue] = [f"{time:%Y-%m-%dT%H:%M:%S}" for time in effect.times]
    return {
        "workflow": effect.name,
        "cron": effect.cron,
        "effect": "twice" if effect.twice else "never",
        "times": times,
        "count": effect.count,
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339_seconds(moment)


def forecast_html(view: ForecastView) -> Iterator[str]:
    """Yield a forecast as a self-contained page, in pieces."""
    entries = [_entry(item, view) for item in view.forecast.workflows]
    words = ("changed", "overlapping", "scheduled", "paused")
    counts = [Count(word, sum(entry.word == word for entry in entries)) for word in words]
    facts = [Fact("Forecast", _head(view)), *(Fact("Rule", text) for text in rule_facts(view))]
    facts += _load_facts(view)
    facts += [Fact("Clock change", line.strip()) for line in clock_change_lines(view)]
    page = ReportPage(
        kind="forecast",
        title="Forecast",
        summary=_summary(view),
        facts=tuple(facts),
        counts=tuple(counts),
        entries=tuple(entries),
    )
    return html_report(page)


def _load_facts(view: ForecastView) -> Iterator[Fact]:
    """Yield the load; hours that follow each other and are alike are one fact."""
    alike = groupby(view.forecast.hours, lambda load: (load.starts, load.starts_before, load.running))
    for (starts, before, running), loads in alike:
        hours = [load.hour for load in loads]
        until = f" to {view.time(hours[-1])}" if len(hours) > 1 else ""
        now = f" ({before} now)" if starts != before else ""
        most = f", up to {running} at once" if running else ""
        each = " each hour" if until else ""
        yield Fact(f"{view.time(hours[0])}{until}", f"{counted(starts, 'start')}{each}{now}{most}")


def _entry(item: WorkflowForecast, view: ForecastView) -> ReportEntry:
    workflow = item.workflow
    word = "paused" if workflow.after.paused else "overlapping" if item.overlap else "scheduled"
    remarks = []
    for schedule in item.schedules:
        runs = schedule.error or f"{len(schedule.runs)} runs; next: {view.times(schedule.coming)}"
        remarks.append(f"{view.cron(schedule.cron)}: {'paused' if workflow.after.paused else runs}")
    if workflow.changed and workflow.before:
        was = _triggers(workflow.before.crons, view, paused=workflow.before.paused)
        remarks.append(
            f"changed: {was}, next run {view.time(item.next_before)} → {view.time(item.next_after)}"
        )
    elif workflow.changed:
        remarks.append(f"new: first run {view.time(item.next_after)}")
    if line := overlap_line(item, view):
        remarks.append(line)
    return ReportEntry(
        name=view.name(item),
        word="changed" if workflow.changed else word,
        facts=(f"next: {view.time(item.next_after)}", counted(item.count, "run")),
        remarks=tuple(Remark("", text) for text in remarks),
    )
