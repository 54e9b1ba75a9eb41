"""A notification for a webhook of one's own: JSON with a schema (`schemas/notification.json`)."""

from __future__ import annotations

from typing import Final

from reconciler import __version__
from reconciler.job.notifying.words import lines, title, told
from reconciler.job.outcome import Outcome, Touched
from reconciler.moments import in_milliseconds
from reconciler.values import JsonObject, JsonValue

_FORMAT_VERSION: Final = 1


def generic_message(outcome: Outcome) -> JsonObject:
    """Return all that is known of a run, in the documented and versioned format."""
    named, left = told(outcome)
    planned = None if outcome.planned is None else dict[str, JsonValue](outcome.planned)
    return {
        "format_version": _FORMAT_VERSION,
        "tool_version": __version__,
        "kinds": [kind.value for kind in outcome.kinds],
        "title": title(outcome),
        "text": "\n".join(lines(outcome)),
        "run_id": outcome.run_id,
        "started": in_milliseconds(outcome.started),
        "ended": in_milliseconds(outcome.ended),
        "duration_seconds": round(outcome.seconds, 3),
        "exit_code": outcome.exit_code,
        "dry_run": outcome.dry_run,
        "environment": outcome.environment or None,
        "tenant": outcome.tenant or None,
        "stage": outcome.stage or None,
        "planned": planned,
        "results": dict[str, JsonValue](outcome.by_status()),
        "error": outcome.error or None,
        "workflows": [_workflow(item) for item in named],
        "workflows_left_out": left,
    }


def _workflow(item: Touched) -> JsonObject:
    return {
        "name": item.name,
        "action": item.action,
        "status": item.status,
        "id": item.id,
        "error": item.error[:300] or None,
    }
