"""Moments as the platform, our own files and users write them, to values that can be compared."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the time of now, in UTC."""
    return datetime.now(timezone.utc)


def read_moment(text: str) -> datetime:
    """Return the moment that `text` writes in ISO format; in UTC where it tells no time zone.

    Raises:
        ValueError: It writes none.
        OverflowError: It is out of the range of dates.
    """
    moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def write_moment(moment: datetime) -> str:
    """Return `moment`, in UTC, as the platform writes one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def in_seconds(moment: datetime) -> str:
    """Return `moment`, in UTC, as RFC 3339: the form in the files that are kept."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_milliseconds(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC, with milliseconds: the form in what a job tells."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
