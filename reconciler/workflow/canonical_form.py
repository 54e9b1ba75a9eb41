"""Canonical form of a workflow's body, in which equal meaning is equal text."""

from __future__ import annotations

from typing import Final

from reconciler.schema import Field, body_fields, step_fields
from reconciler.values import ABSENT, JsonObject, JsonValue
from reconciler.workflow.canonical_value import canonical_value
from reconciler.workflow.named_lists import tag_names, trigger_forms, watcher_items
from reconciler.workflow.step import Step, stated_options, steps_by_name

_OWN_RULES: Final = frozenset({"triggers", "watchers", "tags", "retryOptions", "steps"})


def canonical(body: JsonObject) -> JsonObject:
    """Return the canonical form of `body`; that of a canonical form is itself.

    Args:
        body: The body of a manifest, or the answer of `describe_workflow`.

    Returns:
        A nested map without nulls, empty values and documented defaults, with only the keys that the schema
        knows. `triggers` and `watchers` are maps by name (`reconciler.workflow.named_lists`), `tags` a
        sorted list of names, and each step carries the retry options that take effect in it: its own, else
        the workflow's, which the documentation says "will be applied to all steps". A step that is all
        defaults stays, as `{}`.
    """
    fields = body_fields().children
    form: JsonObject = {}
    for key, field in fields.items():
        value = ABSENT if key in _OWN_RULES else canonical_value(body.get(key), field)
        if value is not ABSENT:
            form[key] = value
    options = stated_options(body.get("retryOptions"))
    parts: JsonObject = {
        "triggers": trigger_forms(body.get("triggers")),
        "watchers": _watchers(body.get("watchers"), fields["watchers"]),
        "tags": tag_names(body.get("tags")),
        "steps": {name: _step(step, options) for name, step in steps_by_name(body.get("steps")).items()},
    }
    return {**form, **{key: part for key, part in parts.items() if part}}


def _watchers(value: JsonValue, field: Field) -> JsonObject:
    form: JsonObject = {}
    for name, item in watcher_items(value):
        watcher = canonical_value(item, field.item) if field.item is not None else ABSENT
        if watcher is not ABSENT:
            form[name] = watcher
    return form


def _step(step: Step, inherited: JsonObject) -> JsonObject:
    stated: JsonObject = {
        **step.raw,
        "type": step.raw.get("type") or None,
        "runConfiguration": {**step.run_configuration, "retryOptions": step.retry_options or inherited},
    }
    form = canonical_value(stated, step_fields(step.type))
    return form if isinstance(form, dict) else {}
