"""Body of an exported manifest: only what Git needs to state, always in the same order.

It is built from the canonical form, so that defaults, nulls, ids, times and whatever else makes no difference
are left out.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from reconciler.schema import Field, FieldKind, body_fields, step_fields
from reconciler.values import JsonObject, JsonValue, as_list, as_object, dump_compact
from reconciler.workflow import (
    Body,
    Step,
    StepGraph,
    as_written,
    without_default_resource,
    without_retry_options,
)

_ALL_DEFAULT: Final[JsonObject] = {"numberOfRetries": 3}
"""Retry options of a step that has the defaults, whatever the workflow states."""


def manifest_body(
    live: Body, default_resource: JsonObject, *, hoist: bool = True, defaults_inherit: bool = False
) -> JsonObject:
    """Return the body of the manifest for a described workflow.

    Args:
        live: The described body.
        default_resource: The default resource of the tenant: resources that equal it are left out.
        hoist: Whether retry options that steps share may be stated at the workflow.
        defaults_inherit: Whether a step with default options inherits those of the workflow: a platform may
            have filled in the defaults.
    """
    form = as_object(as_written(live.form))
    steps = as_object(form.get("steps"))
    bare = as_object(without_default_resource(form, default_resource).get("steps"))
    top = as_object(Body({"steps": {"": {}}, "retryOptions": live.raw.get("retryOptions")}).form.get("steps"))
    shared = _retry(as_object(top.get("")))
    written = {
        name: _without_default_resource(as_object(steps[name]), as_object(bare[name]))
        for name in StepGraph.of(live).order
    }
    if live.retry_options and shared:
        stated = {name: bool(live.steps[name].retry_options) for name in written}
        own = {
            name: stated[name] and not (defaults_inherit and not _retry(written[name])) for name in written
        }
        written = {
            name: _stated(step) if own[name] else without_retry_options(step)
            for name, step in written.items()
        }
    else:
        shared, written = _hoisted(written) if hoist else ({}, written)
    body: JsonObject = {
        "name": live.raw.get("name"),
        "metadata": form.get("metadata"),
        "tags": [{"name": name} for name in as_list(form.get("tags"))],
        "triggers": _triggers(live, as_object(form.get("triggers"))),
        "watchers": [_watcher(item) for _, item in sorted(as_object(form.get("watchers")).items())],
        "retryOptions": shared,
        "steps": {name: _ordered(step, step_fields(Step(step).type)) for name, step in written.items()},
    }
    return {key: value for key, value in body.items() if value or key == "steps"}


def _without_default_resource(step: JsonObject, bare: JsonObject) -> JsonObject:
    """Return `step` without resources that are all the default's; otherwise all of them stay."""
    return step if "resources" in bare else {key: item for key, item in step.items() if key != "resources"}


def _triggers(live: Body, form: JsonObject) -> list[JsonValue]:
    """Return each schedule once and every webhook: an update with fewer webhooks would remove URLs."""
    crons: list[JsonValue] = [{"cron": cron} for key, cron in form.items() if key != "webhook"]
    webhooks: list[JsonValue] = [{"webhook": True} for trigger in live.triggers if trigger.get("webhook")]
    return [*crons, *webhooks]


def _watcher(item: JsonValue) -> JsonValue:
    """Return a watcher with its events last."""
    watcher = as_object(item)
    return {**{key: watcher[key] for key in watcher if key != "events"}, **watcher}


def _hoisted(steps: dict[str, JsonObject]) -> tuple[JsonObject, dict[str, JsonObject]]:
    """Return the retry options that most steps share, and the steps without them.

    A platform may have copied the workflow's options to the steps. When a step has none, nothing is hoisted.
    """
    found = Counter(dump_compact(_retry(step)) for step in steps.values())
    most, number = min(found.items(), key=lambda item: (-item[1], item[0]), default=("{}", 0))
    if dump_compact({}) in found or number < 2:  # noqa: PLR2004 - one step shares nothing
        return {}, steps
    shared = next(_retry(step) for step in steps.values() if dump_compact(_retry(step)) == most)
    hoisted = {
        name: without_retry_options(step) if dump_compact(_retry(step)) == most else step
        for name, step in steps.items()
    }
    return shared, hoisted


def _retry(step: JsonObject) -> JsonObject:
    return Step(step).retry_options


def _stated(step: JsonObject) -> JsonObject:
    """Return a step that states its retry options even when they are the defaults."""
    if _retry(step):
        return step
    return {
        **step,
        "runConfiguration": {**Step(step).run_configuration, "retryOptions": _ALL_DEFAULT},
    }


def _ordered(value: JsonValue, field: Field) -> JsonValue:
    """Return `value` with documented keys in the order of the schema, and user-defined keys sorted."""
    if not isinstance(value, dict):
        return value
    if field.kind is FieldKind.MAP:
        return {key: value[key] for key in sorted(value)}
    known = [key for key in field.children if key in value]
    return {key: _ordered(value[key], field.children[key]) for key in known}


def has_undocumented_trigger(live: Body) -> bool:
    """Return whether a live workflow has a trigger of an undocumented kind."""
    known = body_fields().children["triggers"].item
    kinds = known.children if known is not None else {}
    return any(
        not any(trigger.get(kind) for kind in kinds)
        and any(value for key, value in trigger.items() if key != "scheduled")
        for trigger in live.triggers
    )
