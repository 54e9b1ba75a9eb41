"""A live workflow as the body of a manifest: only what Git needs to say, always in the same words and order.

Built from the canonical form, so that a default, a null, an id and a time, and whatever else makes no
difference is left out. Pure.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from reconciler.schema import Field, FieldKind, body_fields, step_fields
from reconciler.values import JsonObject, JsonValue, as_list, as_object, dump_compact
from reconciler.workflow import canonical
from reconciler.workflow.retry_options import stated_options, step_options
from reconciler.workflow.step_graph import StepGraph

_ALL_DEFAULT: Final[JsonObject] = {"numberOfRetries": 3}
"""Retry options that say that a step has the defaults, whatever the workflow has."""


def manifest_body(
    live: JsonObject, default_resource: JsonObject, *, lift: bool = True, defaults_inherit: bool = False
) -> JsonObject:
    """Return the body of the manifest for a described workflow.

    Args:
        live: The answer of `describe_workflow`.
        default_resource: The answer of `get_default_resource`: resources that equal it are left out.
        lift: Whether retry options that steps share may stand at the workflow.
        defaults_inherit: Whether a step that tells nothing but defaults has the options of the workflow: a
            platform may have filled these in.
    """
    form = canonical(live)
    steps = as_object(form.get("steps"))
    bare = as_object(canonical(live, default_resource).get("steps"))
    top = as_object(canonical({"steps": {"": {}}, "retryOptions": live.get("retryOptions")}).get("steps"))
    shared = _retry(as_object(top.get("")))
    written = {
        name: _without_default_resource(as_object(steps[name]), as_object(bare[name]))
        for name in StepGraph.of(live).order
    }
    if stated_options(live.get("retryOptions")) and shared:
        told = {name: bool(step_options(as_object(live["steps"])[name])) for name in written}
        own = {name: told[name] and not (defaults_inherit and not _retry(written[name])) for name in written}
        written = {name: _stated(step) if own[name] else _inherited(step) for name, step in written.items()}
    else:
        shared, written = _lifted(written) if lift else ({}, written)
    body: JsonObject = {
        "name": live.get("name"),
        "metadata": form.get("metadata"),
        "tags": [{"name": name} for name in as_list(form.get("tags"))],
        "triggers": _triggers(live, as_object(form.get("triggers"))),
        "watchers": [_watcher(item) for _, item in sorted(as_object(form.get("watchers")).items())],
        "retryOptions": shared,
        "steps": {name: _ordered(step, _fields(step)) for name, step in written.items()},
    }
    return {key: value for key, value in body.items() if value or key == "steps"}


def _without_default_resource(step: JsonObject, bare: JsonObject) -> JsonObject:
    """Return `step` without resources that are all the default's; else they stay whole, and so say more."""
    return step if "resources" in bare else {key: item for key, item in step.items() if key != "resources"}


def _triggers(live: JsonObject, form: JsonObject) -> list[JsonValue]:
    """Return the schedules, each once, and every webhook: an update by fewer would take URLs away."""
    crons: list[JsonValue] = [{"cron": cron} for key, cron in form.items() if key != "webhook"]
    webhooks: list[JsonValue] = [
        {"webhook": True} for item in as_list(live.get("triggers")) if as_object(item).get("webhook")
    ]
    return [*crons, *webhooks]


def _watcher(item: JsonValue) -> JsonValue:
    """Return a watcher that says who first, and then about what."""
    watcher = as_object(item)
    return {**{key: watcher[key] for key in watcher if key != "events"}, **watcher}


def _lifted(steps: dict[str, JsonObject]) -> tuple[JsonObject, dict[str, JsonObject]]:
    """Return the retry options that most steps share, and the steps without these.

    A platform may have spread the workflow's over the steps. Where a step has none, all of them stay.
    """
    found = Counter(dump_compact(_retry(step)) for step in steps.values())
    most, number = min(found.items(), key=lambda item: (-item[1], item[0]), default=("{}", 0))
    if dump_compact({}) in found or number < 2:  # noqa: PLR2004 - shared by one is its own
        return {}, steps
    shared = next(_retry(step) for step in steps.values() if dump_compact(_retry(step)) == most)
    lifted = {
        name: _inherited(step) if dump_compact(_retry(step)) == most else step for name, step in steps.items()
    }
    return shared, lifted


def _retry(step: JsonObject) -> JsonObject:
    return as_object(as_object(step.get("runConfiguration")).get("retryOptions"))


def _stated(step: JsonObject) -> JsonObject:
    """Return a step that has retry options of its own, which it states even where they are the defaults."""
    if _retry(step):
        return step
    return {
        **step,
        "runConfiguration": {**as_object(step.get("runConfiguration")), "retryOptions": _ALL_DEFAULT},
    }


def _inherited(step: JsonObject) -> JsonObject:
    """Return a step without the retry options that it has from the workflow."""
    configuration = as_object(step.get("runConfiguration"))
    rest = {key: item for key, item in configuration.items() if key != "retryOptions"}
    kept = {key: item for key, item in step.items() if key != "runConfiguration"}
    return {**kept, "runConfiguration": rest} if rest else kept


def _fields(step: JsonObject) -> Field:
    return step_fields(str(step.get("type", "standard")))


def _ordered(value: JsonValue, field: Field) -> JsonValue:
    """Return `value` with documented keys in the order of the schema, and the user's own ones sorted."""
    if not isinstance(value, dict):
        return value
    if field.kind is FieldKind.MAP:
        return {key: value[key] for key in sorted(value)}
    known = [key for key in field.children if key in value]
    return {key: _ordered(value[key], field.children[key]) for key in known}


def undocumented_triggers(live: JsonObject) -> int:
    """Return how many triggers of a described workflow are of a kind that nobody has documented."""
    known = body_fields().children["triggers"].item
    names = known.children if known is not None else {}
    return sum(
        not any(as_object(item).get(name) for name in names)
        and any(value for key, value in as_object(item).items() if key != "scheduled")
        for item in as_list(live.get("triggers"))
    )
