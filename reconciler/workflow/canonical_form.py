"""A workflow's body, as Git or the platform has it, to its canonical form."""

from __future__ import annotations

from typing import Final

from reconciler.schema import Field, body_fields, step_fields
from reconciler.values import ABSENT, JsonObject, JsonValue, as_object, dump_compact
from reconciler.workflow.canonical_value import canonical_value, plain
from reconciler.workflow.named_lists import tag_names, trigger_forms, watcher_items
from reconciler.workflow.retry_options import effective_options

_OWN_RULES: Final = frozenset({"triggers", "watchers", "tags", "retryOptions", "steps"})


def canonical(body: JsonObject, default_resource: JsonObject | None = None) -> JsonObject:
    """Return the canonical form of `body`: twice is as once.

    Args:
        body: What a manifest says, or what `describe_workflow` answered.
        default_resource: The answer of `get_default_resource`: resources that equal it are left out.

    Returns:
        A nested map without nulls, empty values and documented defaults, with only the keys that the schema
        knows. `triggers` and `watchers` are maps by name (`reconciler.workflow.named_lists`), `tags` a
        sorted list of names, and each step carries the retry options that take effect in it; a step that
        is all defaults stays, as `{}`.
    """
    fields = body_fields().children
    form: JsonObject = {}
    for key, field in fields.items():
        value = ABSENT if key in _OWN_RULES else canonical_value(body.get(key), field)
        if value is not ABSENT:
            form[key] = value
    parts: JsonObject = {
        "triggers": trigger_forms(body.get("triggers")),
        "watchers": _watchers(body.get("watchers"), fields["watchers"]),
        "tags": tag_names(body.get("tags")),
        "steps": _steps(body, default_resource or {}),
    }
    return {**form, **{key: part for key, part in parts.items() if part}}


def _watchers(value: JsonValue, field: Field) -> JsonObject:
    form: JsonObject = {}
    for name, item in watcher_items(value):
        watcher = canonical_value(item, field.item) if field.item is not None else ABSENT
        if watcher is not ABSENT:
            form[name] = watcher
    return form


def _steps(body: JsonObject, default_resource: JsonObject) -> JsonObject:
    return {
        name: _step(as_object(step), effective_options(step, body), default_resource)
        for name, step in as_object(body.get("steps")).items()
    }


def _step(step: JsonObject, retry: JsonObject, default_resource: JsonObject) -> JsonObject:
    configuration = {**as_object(step.get("runConfiguration")), "retryOptions": retry}
    kind = step.get("type")
    fields = step_fields(kind if isinstance(kind, str) else "standard")
    form = as_object(_present(canonical_value({**step, "runConfiguration": configuration}, fields)))
    if isinstance(form.get("resources"), dict):
        _strip_default_resource(form, default_resource, fields.children.get("resources"))
    return form


def _strip_default_resource(form: JsonObject, default_resource: JsonObject, field: Field | None) -> None:
    if field is None:
        return
    defaults = as_object(_present(canonical_value(default_resource, field)))
    resources = {
        key: value
        for key, value in as_object(form["resources"]).items()
        if key not in defaults or dump_compact(value) != dump_compact(defaults[key])
    }
    if resources:
        form["resources"] = resources
    else:
        del form["resources"]


def _present(value: object) -> JsonValue:
    return plain(value) if isinstance(value, dict) else {}
