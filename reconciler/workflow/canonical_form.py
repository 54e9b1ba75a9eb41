"""Canonical form of a workflow's body, in which equal meaning is equal text."""

from __future__ import annotations

from functools import cache
from typing import Final

from reconciler.schema import body_fields, step_fields
from reconciler.values import ABSENT, JsonObject, JsonValue, as_object
from reconciler.workflow.canonical_value import Rule, canonical_rule, canonical_value
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
    form: JsonObject = {}
    for key, rule in _plain_rules():
        value = body.get(key)
        if value is not None and (part := rule(value)) is not ABSENT:
            form[key] = part
    options = stated_options(body.get("retryOptions"))
    parts: JsonObject = {
        "triggers": trigger_forms(body.get("triggers")),
        "watchers": _watchers(body.get("watchers")),
        "tags": tag_names(body.get("tags")),
        "steps": {name: _step(step, options) for name, step in steps_by_name(body.get("steps")).items()},
    }
    form.update((key, part) for key, part in parts.items() if part)
    return form


@cache
def _plain_rules() -> tuple[tuple[str, Rule], ...]:
    """Return the rules of the fields that have none of their own here."""
    fields = body_fields().children
    return tuple((key, canonical_rule(field)) for key, field in fields.items() if key not in _OWN_RULES)


def _watchers(value: JsonValue) -> JsonObject:
    field = body_fields().children["watchers"].item
    form: JsonObject = {}
    for name, item in watcher_items(value):
        watcher = canonical_value(item, field) if field is not None else ABSENT
        if watcher is not ABSENT:
            form[name] = watcher
    return form


def _step(step: Step, inherited: JsonObject) -> JsonObject:
    raw = step.raw
    configuration = as_object(raw.get("runConfiguration"))
    options = stated_options(configuration.get("retryOptions")) or inherited
    stated: JsonObject = {
        **raw,
        "type": raw.get("type") or None,
        "runConfiguration": {**configuration, "retryOptions": options} if options else configuration,
    }
    form = canonical_value(stated, step_fields(step.type))
    return form if isinstance(form, dict) else {}
