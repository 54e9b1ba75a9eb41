"""Timestamps of the platform, of users and of our files: parsing and writing."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(timezone.utc)


def parse_timestamp(text: str) -> datetime:
    """Return the time that `text` gives in ISO format; in UTC if it has no time zone.

    Raises:
        ValueError: It is not a timestamp.
        OverflowError: It is out of the range of dates.
    """
    time = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    return time.astimezone(timezone.utc) if time.tzinfo else time.replace(tzinfo=timezone.utc)


def platform_timestamp(time: datetime) -> str:
    """Return `time`, in UTC, as the platform writes timestamps."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def rfc3339_seconds(time: datetime) -> str:
    """Return `time`, in UTC, as RFC 3339: the form in plan files, backups and run records."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_milliseconds(time: datetime) -> str:
    """Return `time` as RFC 3339 in UTC with milliseconds: the form in logs and notifications."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
