"""Profiles: the ways in which the platform may read a workflow back differently from how it was sent.

Each is a named switch, and they combine freely, except that at most one may decide about tokens. Without any,
the API reads back as documented.

- `env-map`: `env` is a map, not a list of one-key maps
- `nulls`: absent fields are `null`, at every level; `empties`: absent lists and maps are `[]` and `{}`
- `defaults-filled`: absent fields have their documented defaults
- `shuffled`: lists and keys come in another order at each read
- `token-masked`, `token-omitted`, `token-null`, `token-empty`: the value returned for `repository.token`
- `retry-hidden`, `metadata-hidden`: workflow-level `retryOptions` and `metadata` are not returned
- `retry-spread`: workflow-level `retryOptions` come back in the steps that have none
- `unknown-fields`: undocumented keys in every object
- `floats`: numbers come back as floats (except the workflow's ID); `storage-spaced`: `10GB` as `10 GB`
- `unique-names`: a name that is taken is refused; `spoke`: the tenant is a spoke

Pure: takes the documented answer, returns a changed copy. Nothing here is stored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.emulator.accepted_bodies import copy_json, merged_env
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
from reconciler.errors import UsageError
from reconciler.values import as_object

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from reconciler.values import JsonObject, JsonValue

_TOKENS: Final = frozenset({"token-masked", "token-omitted", "token-null", "token-empty"})

PROFILES: Final = _TOKENS | frozenset(
    {
        "defaults-filled",
        "empties",
        "env-map",
        "floats",
        "metadata-hidden",
        "nulls",
        "retry-hidden",
        "retry-spread",
        "shuffled",
        "spoke",
        "storage-spaced",
        "unique-names",
        "unknown-fields",
    }
)
"""The names of all profiles."""

ALL_PROFILES_TOGETHER: Final = PROFILES - _TOKENS - {"spoke"} | {"token-masked"}
"""The largest combination on a tenant that is not a spoke: `--profile all`."""

_STORAGE = re.compile(r"(\d+)([A-Za-z]+)")


def check_profile(names: Iterable[str]) -> frozenset[str]:
    """Return `names` as a profile.

    Raises:
        UsageError: When a name is unknown, or two of them decide about tokens.
    """
    chosen = frozenset(names)
    if unknown := sorted(chosen - PROFILES):
        known = ", ".join(sorted(PROFILES))
        raise UsageError(f"unknown profile {', '.join(unknown)}: use {known} or all")
    if len(chosen & _TOKENS) > 1:
        raise UsageError(f"conflicting profiles {', '.join(sorted(chosen & _TOKENS))}: use only one of them")
    return chosen


def parse_profiles(words: Iterable[str]) -> frozenset[str]:
    """Return the profile in `words`: names, several in a word joined by commas, or `all`.

    A token profile together with `all` replaces `token-masked`.

    Raises:
        UsageError: As `check_profile`.
    """
    named = {name.strip() for word in words for name in word.split(",") if name.strip()}
    if "all" in named:
        named -= {"all"}
        named |= ALL_PROFILES_TOGETHER - (_TOKENS if named & _TOKENS else set())
    return check_profile(named)


def read_workflow(view: JsonObject, profile: frozenset[str], generator: random.Random) -> JsonObject:
    """Return a described workflow as a platform with `profile` reads it back.

    Args:
        view: The documented answer.
        profile: The quirks in force.
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
    if "env-map" in profile:
        _env_as_maps(shown)
    if profile & {"retry-hidden", "retry-spread"}:
        shown.pop("retryOptions", None)
    if "metadata-hidden" in profile:
        shown.pop("metadata", None)
    return as_object(shuffled(shown, generator)) if "shuffled" in profile else shown


def read_page(views: list[JsonObject], profile: frozenset[str], generator: random.Random) -> list[JsonValue]:
    """Return the listed workflows of one page as a platform with `profile` reads them back.

    Args:
        views: The documented answers.
        profile: The quirks in force.
        generator: The random generator of shuffling.
    """
    page: list[JsonValue] = []
    for view in views:
        shown = as_object(copy_json(view))
        _drop_empty_lists(shown, view, profile)
        _distort_common(shown, SUMMARY, profile)
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


def _env_as_maps(view: JsonObject) -> None:
    for step in steps_of(view):
        parameters = step.get("parameters")
        if isinstance(parameters, dict) and "env" in parameters:
            parameters["env"] = merged_env(parameters["env"])


def _as_floats(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
