"""Body of an exported manifest: only what Git needs to state, always in the same order.

It is built from the canonical form, so that defaults, nulls, ids, times and whatever else makes no difference
are left out. What no manifest can state is left out, too, and listed under `reconcile.ignore`.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from itertools import takewhile
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.schema import Field, FieldKind, body_fields, step_fields, validate
from reconciler.secrecy import credential_kind
from reconciler.values import JsonObject, JsonValue, Path, as_list, as_object, dump_compact, nodes, remove
from reconciler.workflow import (
    Body,
    Step,
    StepGraph,
    as_written,
    by_name_path,
    list_item_name,
    without_default_resource,
    without_retry_options,
)

_ALL_DEFAULT: Final[JsonObject] = {"numberOfRetries": 3}
"""Retry options of a step that has the defaults, whatever the workflow states."""

_NAMESAKE: Final = "another one of its name is left out"
_MAX_LEFT_OUT: Final = 200
_STEP_DEPTH: Final = 3


class NotExpressibleError(ReconcilerError):
    """No manifest can describe this workflow."""


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
    form = live.form
    whole = Body(form).steps
    bare = Body(without_default_resource(form, default_resource)).steps
    # Where one resource is not the default's, all of them are stated.
    steps = {name: whole[name] if bare[name].resources else bare[name] for name in StepGraph.of(live).order}
    retry_options = _inherited_retry_options(live)
    if retry_options:
        for name, step in steps.items():
            own = live.steps[name].retry_options and (step.retry_options or not defaults_inherit)
            steps[name] = _with_stated_retry_options(step) if own else Step(without_retry_options(step.raw))
    elif hoist:
        retry_options, steps = _hoisted(steps)
    body: JsonObject = {
        "name": live.raw.get("name"),
        "metadata": form.get("metadata"),
        "tags": [{"name": name} for name in as_list(form.get("tags"))],
        "triggers": _triggers(live),
        "watchers": [_watcher(item) for _, item in sorted(as_object(form.get("watchers")).items())],
        "retryOptions": retry_options,
        "steps": {name: _ordered(step.raw, step_fields(step.type)) for name, step in steps.items()},
    }
    return {key: as_written(value) for key, value in body.items() if value or key == "steps"}


def _inherited_retry_options(live: Body) -> JsonObject:
    """Return the workflow's retry options, as they take effect in a step; empty for none or the defaults."""
    if not live.retry_options:
        return {}
    form = Body({"steps": {"": {}}, "retryOptions": live.raw["retryOptions"]}).form
    return Body(form).steps[""].retry_options


def _with_stated_retry_options(step: Step) -> Step:
    """Return a step that states its retry options even when they are the defaults."""
    if step.retry_options:
        return step
    configuration: JsonObject = {**step.run_configuration, "retryOptions": _ALL_DEFAULT}
    return Step({**step.raw, "runConfiguration": configuration})


def _hoisted(steps: Mapping[str, Step]) -> tuple[JsonObject, dict[str, Step]]:
    """Return the retry options that most steps share, and the steps without them.

    A platform may have copied the workflow's options to the steps. When a step has none, nothing is hoisted.
    """
    texts = {name: dump_compact(step.retry_options) for name, step in steps.items()}
    found = Counter(texts.values())
    most, number = min(found.items(), key=lambda item: (-item[1], item[0]), default=("{}", 0))
    if "{}" in found or number < 2:  # noqa: PLR2004 - one step shares nothing
        return {}, dict(steps)
    sharing = {name for name in steps if texts[name] == most}
    return steps[min(sharing)].retry_options, {
        name: Step(without_retry_options(step.raw)) if name in sharing else step
        for name, step in steps.items()
    }


def _triggers(live: Body) -> list[JsonValue]:
    """Return each schedule once and every webhook: an update with fewer webhooks would remove URLs."""
    form = as_object(live.form.get("triggers"))
    crons: list[JsonValue] = [{"cron": cron} for key, cron in form.items() if key != "webhook"]
    webhooks: list[JsonValue] = [{"webhook": True} for trigger in live.triggers if trigger.get("webhook")]
    return [*crons, *webhooks]


def has_undocumented_trigger(live: Body) -> bool:
    """Return whether a live workflow has a trigger of an undocumented kind."""
    known = body_fields().children["triggers"].item
    kinds = known.children if known is not None else {}
    return any(
        not any(trigger.get(kind) for kind in kinds)
        and any(value for key, value in trigger.items() if key != "scheduled")
        for trigger in live.triggers
    )


def _watcher(item: JsonValue) -> JsonValue:
    """Return a watcher with its events last."""
    watcher = as_object(item)
    return {**{key: watcher[key] for key in watcher if key != "events"}, **watcher}


def _ordered(value: JsonValue, field: Field) -> JsonValue:
    """Return `value` with documented keys in the order of the schema, and user-defined keys sorted."""
    if not isinstance(value, dict):
        return value
    if field.kind is FieldKind.MAP:
        return {key: value[key] for key in sorted(value)}
    known = [key for key in field.children if key in value]
    return {key: _ordered(value[key], field.children[key]) for key in known}


def without_invalid_fields(body: JsonObject) -> tuple[JsonObject, dict[Path, str]]:
    """Return `body` without what the schema does not allow, and the reason for each field left out.

    Returns:
        The body, and the fields by their paths in the canonical form, as `reconcile.ignore` takes them.

    Raises:
        NotExpressibleError: A workflow needs one of these fields, or a key looks like a credential.
    """
    if any(credential_kind(str(path[-1])) for path, _ in nodes(body) if path):
        raise NotExpressibleError(
            "one of its keys looks like a credential, and a variable cannot replace a key"
        )
    left: dict[Path, str] = {}
    body = copy.deepcopy(body)
    while (problem := next(validate(body, "workflow"), None)) is not None:
        path = _field(problem.path)
        if path is None or len(left) >= _MAX_LEFT_OUT:
            raise NotExpressibleError(problem.message)
        left |= _leave_out(body, {path: problem.message})
    return body, left


def without_secrets(body: JsonObject, secrets: Mapping[Path, str]) -> tuple[JsonObject, dict[Path, str]]:
    """Return `body` without the secrets that `reconcile.ignore` can leave to the tenant.

    Args:
        body: The body.
        secrets: Why each is a secret, by path.

    Returns:
        The body, and why each field was left out, by its path in the canonical form.
    """
    body = copy.deepcopy(body)
    fields = {field: why for path, why in secrets.items() if (field := _field(path)) is not None}
    return body, _leave_out(body, fields)


def _leave_out(body: JsonObject, fields: Mapping[Path, str]) -> dict[Path, str]:
    """Remove fields of `body`, and return why, by their paths in the canonical form.

    With an item of a list go those of the same name: they would have another number without it.
    """
    fields = {**{path: _NAMESAKE for field in fields for path in _namesakes(body, field)}, **fields}
    left = {by_name_path(field, body): why for field, why in fields.items()}
    for field in sorted(fields, key=_place, reverse=True):  # the last item of a list first
        remove(body, field)
    return left


def _place(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (0, part) for part in path]


def _namesakes(body: JsonObject, field: Path) -> list[Path]:
    """Return the paths of the items that have the name of the one at `field`; none for other fields."""
    match field:
        case (("watchers" | "triggers") as key, int(index)):
            names = [list_item_name(item, key) for item in as_list(body.get(key))]
            return [(key, number) for number, name in enumerate(names) if name == names[index]]
    return []


def _field(path: Path) -> Path | None:
    """Return the field at or above `path` that `reconcile.ignore` can name; `None` when there is none."""
    match path:
        case (("watchers" | "triggers") as key, int(index), *_):
            return (key, index)
        case ("tags" | "metadata" | "retryOptions", *_):
            return _named(path)
        case ("steps", _, _, *_):
            named = _named(path)
            return named if len(named) >= _STEP_DEPTH and named[2:] != ("type",) else None
    return None


def _named(path: Path) -> Path:
    """Return the part of `path` before the first list that it leads into."""
    return tuple(takewhile(lambda part: isinstance(part, str), path))
