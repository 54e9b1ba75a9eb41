"""Moments as the files and messages of a job say them."""

from __future__ import annotations

from datetime import datetime, timezone


def time_text(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC, with milliseconds."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
