"""Returned views of workflows: responses altered by the profiles in force.

Pure: takes the documented answer, returns a changed copy. Nothing here is stored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.emulator.accepted_bodies import copy_json
from reconciler.emulator.profiles import RETURNED, STORED, rewrites_of
from reconciler.emulator.shapes import (
    SUMMARY,
    WORKFLOW,
    Shape,
    fill_defaults,
    fill_empties,
    fill_nulls,
    spread_retry_options,
    steps_of,
    walk,
)
from reconciler.values import as_object

if TYPE_CHECKING:
    import random

    from reconciler.values import JsonObject, JsonValue

_STORAGE = re.compile(r"(\d+)([A-Za-z]+)")


def read_workflow(view: JsonObject, profile: frozenset[str], generator: random.Random) -> JsonObject:
    """Return a described workflow as a platform with `profile` reads it back.

    Args:
        view: The documented answer.
        profile: The switches in force.
        generator: The random generator of shuffling.
    """
    shown = as_object(copy_json(view))
    _drop_empty_lists(shown, view, profile)
    if "defaults-filled" in profile:
        fill_defaults(shown)
    if "retry-spread" in profile:
        spread_retry_options(shown)
    for step in steps_of(shown):
        _distort_step(step, profile)
    _distort_common(shown, WORKFLOW, profile)
    if "retry-spread" in profile:
        shown.pop("retryOptions", None)
    _rewrite(shown, profile)
    return as_object(shuffled(shown, generator)) if "shuffled" in profile else shown


def read_page(views: list[JsonObject], profile: frozenset[str], generator: random.Random) -> list[JsonValue]:
    """Return the listed workflows of one page as a platform with `profile` reads them back.

    Args:
        views: The documented answers.
        profile: The switches in force.
        generator: The random generator of shuffling.
    """
    page: list[JsonValue] = []
    for view in views:
        shown = as_object(copy_json(view))
        _drop_empty_lists(shown, view, profile)
        _distort_common(shown, SUMMARY, profile)
        _rewrite(shown, profile)
        page.append(shuffled(shown, generator) if "shuffled" in profile else shown)
    if "shuffled" in profile:
        generator.shuffle(page)
    return page


def shuffled(value: JsonValue, generator: random.Random) -> JsonValue:
    """Return `value` with its lists and the keys of its maps in random order, at any depth."""
    if isinstance(value, dict):
        keys = list(value)
        generator.shuffle(keys)
        return {key: shuffled(value[key], generator) for key in keys}
    if isinstance(value, list):
        items = [shuffled(item, generator) for item in value]
        generator.shuffle(items)
        return items
    return value


def _rewrite(shown: JsonObject, profile: frozenset[str]) -> None:
    effects = (RETURNED, STORED) if "rewrites-returned" in profile else (RETURNED,)
    for rewrite, parameter in rewrites_of(profile, *effects):
        rewrite(shown, parameter)


def _drop_empty_lists(shown: JsonObject, view: JsonObject, profile: frozenset[str]) -> None:
    """Remove the documented empty lists when `nulls` is to return `null` for them."""
    if "nulls" in profile and "empties" not in profile:
        for key in ("triggers", "watchers", "tags"):
            if view.get(key) == []:
                shown.pop(key, None)


def _distort_step(step: JsonObject, profile: frozenset[str]) -> None:
    repository, resources = step.get("repository"), step.get("resources")
    if isinstance(repository, dict) and repository.get("token") is not None:
        if "token-omitted" in profile:
            del repository["token"]
        elif "token-null" in profile:
            repository["token"] = None
        elif profile & {"token-masked", "token-empty"}:
            repository["token"] = "********" if "token-masked" in profile else ""
    if "storage-spaced" in profile and isinstance(resources, dict):
        amount = _STORAGE.fullmatch(str(resources.get("storage")))
        if amount:
            resources["storage"] = f"{amount.group(1)} {amount.group(2)}"


def _distort_common(shown: JsonObject, shape: Shape, profile: frozenset[str]) -> None:
    """Apply the quirks that a described and a listed workflow share."""
    if "unknown-fields" in profile:
        walk(shown, shape, _add_unknown)
    if profile & {"empties", "nulls"}:
        walk(shown, shape, lambda node, kind: _fill(node, kind, profile))
    if "floats" in profile:
        for key, value in shown.items():
            if key != "id":
                shown[key] = _as_floats(value)


def _fill(node: JsonObject, shape: Shape, profile: frozenset[str]) -> None:
    """Fill in absent fields: lists and maps by `empties`, which wins over `nulls`; the rest by `nulls`."""
    if "empties" in profile:
        fill_empties(node, shape)
    if "nulls" in profile:
        fill_nulls(node, shape)


def _add_unknown(node: JsonObject, shape: Shape) -> None:
    node.setdefault("futureMode", f"{shape.name}-v2")
    if shape.name in {"workflow", "step"}:
        node.setdefault("futureOptions", {"level": 3, "labels": ["x", "y"], "enabled": True})


def _as_floats(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
