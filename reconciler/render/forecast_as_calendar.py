"""A forecast as a calendar (RFC 5545): an event for each run, for a calendar program."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reconciler import __version__
from reconciler.render.forecast import ForecastView, overlap_line, rule_facts
from reconciler.schedules import WorkflowForecast

MOST_EVENTS: Final = 10_000
"""The most events that calendar programs can be expected to take."""

_LONGEST_LINE: Final = 75
"""The octets of a line, without its end."""

_SPECIAL: Final = re.compile(r"[\\;,]")


def forecast_calendar(view: ForecastView) -> str:
    """Return a forecast as a calendar whose lines end with CRLF; the last line feed is left to the caller."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//peak-reconciler//forecast {__version__}//EN",
        "CALSCALE:GREGORIAN",
        "X-WR-CALNAME:Peak workflows",
        f"X-WR-CALDESC:{_text(' '.join(rule_facts(view)))}",
    ]
    for item in view.forecast.workflows:
        for schedule in item.schedules:
            for run in schedule.runs:
                lines += _event(item, schedule.cron, run, view)
    lines.append("END:VCALENDAR")
    return "\r\n".join(folded for line in lines for folded in _folded(line)) + "\r"


def _event(item: WorkflowForecast, cron: str, run: datetime, view: ForecastView) -> list[str]:
    workflow = item.workflow
    about = [f"Schedule: {view.cron(cron)}"]
    if workflow.changed:
        about.append("The manifests change this schedule.")
    if line := overlap_line(item, view):
        about.append(f"Overlap: {line}")
    identity = hashlib.sha256(f"{workflow.name}\n{cron}\n{run.isoformat()}".encode()).hexdigest()[:32]
    return [
        "BEGIN:VEVENT",
        f"UID:{identity}@peak-reconciler",
        f"DTSTAMP:{_stamp(view.forecast.start)}",
        f"DTSTART:{_stamp(run)}",
        f"DURATION:PT{max(round(workflow.duration or 0), 60)}S",
        f"SUMMARY:{_text(view.name(item))}",
        f"DESCRIPTION:{_text(chr(10).join(about))}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"\\{match.group()}", text).replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 octets, all but the first with a space before it."""
    begin, size = "", 0
    for char in line:
        octets = len(char.encode())
        if size + octets > _LONGEST_LINE:
            yield begin
            begin, size = " ", 1
        begin += char
        size += octets
    yield begin
