"""Moments as the platform and users write them, to values that can be compared. Pure."""

from __future__ import annotations

from datetime import datetime, timezone


def read_moment(text: str) -> datetime:
    """Return the moment that `text` writes in ISO format; in UTC where it tells no time zone.

    Raises:
        ValueError: It writes none.
        OverflowError: It is out of the range of dates.
    """
    moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def write_moment(moment: datetime) -> str:
    """Return `moment` as the platform writes one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
