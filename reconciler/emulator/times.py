"""Moments as the API writes them: ISO 8601 in UTC with milliseconds. Nothing here reads a clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from reconciler.emulator.refusal import Refusal


def iso(moment: float) -> str:
    """Return the epoch seconds `moment` as `2020-01-01T18:00:00.000Z`."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def milliseconds(moment: float) -> int:
    """Return the epoch seconds `moment` in whole milliseconds."""
    return round(moment * 1000)


def parse(text: str, name: str) -> float:
    """Return the epoch seconds of the ISO date or time `text`; UTC when it names no zone.

    Raises:
        Refusal: 400, naming the parameter `name`, when `text` is no date.
    """
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in {"Z", "z"} else text)
    except ValueError as error:
        raise Refusal(400, f"{name} must be an ISO date, not {text[:40]!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def next_hour(moment: float) -> float:
    """Return the first full hour after `moment`: what stands for a cron trigger's next run."""
    hour = datetime.fromtimestamp(moment, tz=timezone.utc).replace(minute=0, second=0, microsecond=0)
    return (hour + timedelta(hours=1)).timestamp()
