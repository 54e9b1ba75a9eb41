"""A plan as JSON: in its own versioned format, and as the counts that GitLab shows in a merge request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from reconciler.json_documents import document_pieces, versioned
from reconciler.plan import (
    Action,
    Create,
    Plan,
    Refusal,
    ScheduleChange,
    SetPaused,
    Unchanged,
    Update,
    count_origins,
    live_id,
)
from reconciler.render.actions import ACTIONS, action_method, action_name, count_actions, summed
from reconciler.secrecy import Redactor, mask, redact
from reconciler.timestamps import rfc3339_seconds
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path
from reconciler.workflow import FieldChange, Listed, StepGraph

FORMAT_VERSION: Final = 1

ShownBody: TypeAlias = Callable[[Create | Update, Redactor], JsonValue]
"""Returns the body that an action sends, as it may be shown."""


def plan_json(plan: Plan, redactor: Redactor) -> Iterator[str]:
    """Yield `plan` as one JSON object, without any secret, in pieces."""
    return document_pieces(streamed_plan(plan, redactor))


def streamed_plan(plan: Plan, redactor: Redactor) -> dict[str, object]:
    """Return `plan_document`, with an iterator in place of its changes, which are made one by one."""
    return {**_document(plan, redactor, []), "changes": _changes(plan, redactor)}


def plan_document(plan: Plan, redactor: Redactor) -> JsonObject:
    """Return the JSON document of a plan without any secret: values are masked where they are put in.

    Unchanged workflows are counted, and named only in `notes`.
    """
    return _document(plan, redactor, list(_changes(plan, redactor)))


def _changes(plan: Plan, redactor: Redactor) -> Iterator[JsonObject]:
    return (change_json(action, redactor) for action in plan.actions if not isinstance(action, Unchanged))


def _document(plan: Plan, redactor: Redactor, changes: Iterable[JsonObject]) -> JsonObject:
    fields: JsonObject = {
        "summary": {
            **count_actions(plan),
            "orphaned": len(plan.orphaned),
            **(count_origins(plan) if plan.base else {}),
            **({"unknown": plan.unknown_origins} if plan.unknown_origins else {}),
        },
        **({"base": plan.base} if plan.base else {}),
        "changes": [*changes],
        "orphaned": [{"name": item.name, "id": item.id} for item in plan.orphaned],
        "unmanaged": [_unmanaged(item) for item in plan.unmanaged],
        "unselected": plan.unselected,
        "refusal": redactor.prose(plan.refusal) or None,
        "notes": [
            {"name": action.name, "note": redactor.prose(note)}
            for action in plan.actions
            for note in action.notes
        ],
    }
    return versioned(FORMAT_VERSION, fields)


def _unmanaged(item: Listed) -> JsonObject:
    owners: list[JsonValue] = [] if item.ownership is None else [*sorted(item.ownership.owners)]
    return {"name": item.name, "id": item.id, "owners": owners}


def change_json(action: Action, redactor: Redactor, body: ShownBody | None = None) -> JsonObject:
    """Return one item of `changes`, every secret masked; names, paths and keys are as they are.

    Args:
        action: The action.
        redactor: Removes known secrets.
        body: Returns the body that is shown of a create or an update; by default, the masked one.
    """
    body = body or shown_body
    file, line = action.source.line() if action.source else (None, None)
    return {
        "name": action.name,
        "action": action_name(action),
        "id": live_id(action),
        "method": action_method(action),
        "reason": redactor.prose(action.reason) if isinstance(action, Update | Refusal) else None,
        "file": file,
        "line": line,
        **({"origin": action.origin.value} if action.origin else {}),
        "fields": [_field(change, redactor) for change in changes_of(action)],
        "warnings": [redactor.prose(warning) for warning in action.warnings],
        "next_run": _next_run(action.next_run),
        "body": body(action, redactor) if isinstance(action, Create | Update) else None,
        **_step_graph(action),
    }


def _next_run(run: ScheduleChange | None) -> JsonObject | None:
    if run is None:
        return None
    return {
        "before": None if run.before is None else rfc3339_seconds(run.before),
        "after": None if run.after is None else rfc3339_seconds(run.after),
        "time_zone": str(run.zone),
        "assumed": run.assumed,
        "first": run.first,
        "paused": run.paused,
    }


def _step_graph(action: Action) -> JsonObject:
    """Return which step waits for which before and after an update that changes steps."""
    if not isinstance(action, Update) or not changed_steps(action.changes):
        return {}
    graphs = {"before": StepGraph.of(action.live.body), "after": StepGraph.of(action.desired.body)}
    return {
        "step_graph": {
            side: [{"name": name, "parents": [*graph.parents[name]]} for name in graph.order]
            for side, graph in graphs.items()
        }
    }


def changed_steps(changes: Iterable[FieldChange]) -> frozenset[str]:
    """Return the names of the steps that some changes are about."""
    return frozenset(
        str(change.path[1]) for change in changes if change.path[0] == "steps" and change.path[1:]
    )


def shown_body(action: Create | Update, redactor: Redactor) -> JsonValue:
    """Return the body that an action sends, as it may be shown."""
    return redact(mask(action.body, action.sensitive), redactor)


def changes_of(action: Action) -> tuple[FieldChange, ...]:
    """Return the fields that an action changes, masked; none for a delete, and for what changes nothing."""
    return action.changes if isinstance(action, Create | Update | SetPaused) else ()


def _field(change: FieldChange, redactor: Redactor) -> JsonObject:
    return {
        "path": list(change.path),
        "before": change_value(change.before, redactor, change.path),
        "after": change_value(change.after, redactor, change.path),
        **_names("before_name", change.names_before, redactor),
        **_names("after_name", change.names_after, redactor),
        "sensitive": change.sensitive,
        **({"origin": change.origin.value} if change.origin else {}),
    }


def _names(key: str, names: Mapping[Path, str], redactor: Redactor) -> JsonObject:
    """Return the name of the id that a value is, or the names of the ids inside it, by their paths there."""
    inside: list[JsonValue] = [
        {"path": [*path], "name": redactor.text(name)} for path, name in names.items() if path
    ]
    return {
        **({key: redactor.text(names[()])} if () in names else {}),
        **({f"{key}s": inside} if inside else {}),
    }


def change_value(value: JsonValue | Absent, redactor: Redactor, path: Path) -> JsonValue:
    """Return a masked value of a change as it may be shown; null for none."""
    return None if value is ABSENT else redact(value, redactor, path)


def plan_gitlab(plan: Plan) -> str:
    """Return GitLab's `artifacts:reports:terraform` as JSON: the counts `create`, `update` and `delete`."""
    return gitlab_counts([plan])


def gitlab_counts(plans: Iterable[Plan]) -> str:
    """Return the same for several plans together."""
    counts = summed([dict.fromkeys(ACTIONS, 0), *map(count_actions, plans)])
    updated = sum(counts[name] for name in ("update", "rename", "pause", "resume"))
    return json.dumps({"create": counts["create"], "update": updated, "delete": counts["delete"]})
