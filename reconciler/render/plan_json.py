"""A plan as one JSON object, in the documented and versioned format."""

from __future__ import annotations

import json

from reconciler.plan import Action, Create, Plan, Refusal, SetPaused, Unchanged, Update, live_id, shown_body
from reconciler.render.actions import action_method, action_name, count_actions
from reconciler.text import Redactor
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue
from reconciler.workflow import FieldChange, Listed

FORMAT_VERSION = 1


def plan_json(plan: Plan, redactor: Redactor) -> str:
    """Return `plan` as JSON: `format_version`, `summary`, `changes` and `notes`, without any secret.

    What is unchanged is counted, and named only where there is a note about it.
    """
    return json.dumps(redactor.value(plan_document(plan)), indent=2, ensure_ascii=True)


def plan_document(plan: Plan) -> JsonObject:
    """Return what the JSON of a plan says, secret fields masked and other texts not yet redacted."""
    return {
        "format_version": FORMAT_VERSION,
        "summary": dict[str, JsonValue](count_actions(plan)),
        "changes": [change_json(action) for action in plan.actions if not isinstance(action, Unchanged)],
        "unmanaged": [_unmanaged(item) for item in plan.unmanaged],
        "unselected": plan.unselected,
        "refusal": plan.refusal or None,
        "notes": [{"name": action.name, "note": note} for action in plan.actions for note in action.notes],
    }


def _unmanaged(item: Listed) -> JsonObject:
    owners: list[JsonValue] = [] if item.ownership is None else [*sorted(item.ownership.owners)]
    return {"name": item.name, "id": item.id, "owners": owners}


def change_json(action: Action) -> JsonObject:
    """Return what the JSON format says of one action, every secret field masked."""
    position = action.source.position(("name",)) if action.source else None
    return {
        "name": action.name,
        "action": action_name(action),
        "id": live_id(action),
        "method": action_method(action),
        "reason": action.reason if isinstance(action, Update | Refusal) else None,
        "file": action.source.file if action.source else None,
        "line": position.line if position else None,
        "fields": [_field(change) for change in changes_of(action)],
        "warnings": list(action.warnings),
        "body": shown_body(action.body, action.sensitive) if isinstance(action, Create | Update) else None,
    }


def changes_of(action: Action) -> tuple[FieldChange, ...]:
    """Return the fields that an action changes, masked; none for one that changes nothing."""
    return action.changes if isinstance(action, Create | Update | SetPaused) else ()


def _field(change: FieldChange) -> JsonObject:
    return {
        "path": list(change.path),
        "before": _value(change.before),
        "after": _value(change.after),
        "sensitive": change.sensitive,
    }


def _value(value: JsonValue | Absent) -> JsonValue:
    return None if value is ABSENT else value
