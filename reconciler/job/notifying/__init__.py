"""Notifications: whether a run is told about, and the body of the message for each kind of receiver.

Pure: an `Outcome` to JSON. Whatever came from a manifest or the API stays text in every format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.job.notifying.generic import generic_message
from reconciler.job.notifying.slack import slack_message
from reconciler.job.notifying.teams import teams_message
from reconciler.job.outcome import Outcome
from reconciler.values import JsonObject

FORMATS: Final[Mapping[str, Callable[[Outcome], JsonObject]]] = {
    "generic": generic_message,
    "slack": slack_message,
    "teams": teams_message,
}
"""What a message can be shaped for."""


def notification(outcome: Outcome, form: str) -> bytes:
    """Return the body of the message about a run, as JSON in ASCII.

    Args:
        outcome: What came of it.
        form: One of `FORMATS`.
    """
    return json.dumps(FORMATS[form](outcome), ensure_ascii=True).encode("ascii")


__all__ = ["FORMATS", "notification"]
