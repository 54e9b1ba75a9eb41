"""Profiles: the ways in which the platform may read a workflow back differently from how it was sent.

Each is a named switch, and any of them go together, save that at most one says what becomes of a token.
Without any, the API reads back as documented.

- `env-map`: `env` is a map, not a list of one-key maps
- `nulls`: what is left out is `null`, at every level; `empties`: lists and maps left out are `[]` and `{}`
- `defaults-filled`: documented defaults stand where something is left out
- `shuffled`: lists and keys come in another order at each read
- `token-masked`, `token-omitted`, `token-null`, `token-empty`: what becomes of `repository.token`
- `retry-hidden`, `metadata-hidden`: workflow-level `retryOptions` and `metadata` are not told
- `retry-spread`: workflow-level `retryOptions` come back in the steps that have none of their own
- `unknown-fields`: keys that nobody has heard of, in every object
- `floats`: numbers come back as floats (the workflow's own ID stays); `storage-spaced`: `10GB` as `10 GB`
- `unique-names`: a name that is taken is refused; `spoke`: the tenant says that it is one

Pure: takes what the API documents as its answer, gives a changed copy. Nothing here is stored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.emulator.bodies import copy_json, merged_env
from reconciler.emulator.filling import fill_defaults, fill_empties, fill_nulls, spread_retry
from reconciler.emulator.shapes import SUMMARY, WORKFLOW, Shape, steps_of, walk
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
"""As many of them as can be in force at once on a tenant that is no spoke: `--profile all`."""

_STORAGE = re.compile(r"(\d+)([A-Za-z]+)")


def checked(names: Iterable[str]) -> frozenset[str]:
    """Return `names` as a profile.

    Raises:
        UsageError: When a name is unknown, or two say what becomes of a token.
    """
    chosen = frozenset(names)
    if unknown := sorted(chosen - PROFILES):
        known = ", ".join(sorted(PROFILES))
        raise UsageError(f"unknown profile {', '.join(unknown)}; known are {known} and all")
    if len(chosen & _TOKENS) > 1:
        raise UsageError(f"of {', '.join(sorted(chosen & _TOKENS))} only one can be in force")
    return chosen


def parse_profiles(words: Iterable[str]) -> frozenset[str]:
    """Return the profile that `words` ask for: names, several in a word joined by commas, or `all`.

    A token profile named beside `all` takes the place of `token-masked`.

    Raises:
        UsageError: As for `checked`.
    """
    named = {name.strip() for word in words for name in word.split(",") if name.strip()}
    if "all" in named:
        named -= {"all"}
        named |= ALL_PROFILES_TOGETHER - (_TOKENS if named & _TOKENS else set())
    return checked(named)


def read_workflow(view: JsonObject, profile: frozenset[str], chance: random.Random) -> JsonObject:
    """Return a described workflow as a platform with `profile` reads it back.

    Args:
        view: What the API documents as the answer.
        profile: The quirks in force.
        chance: What shuffling draws from.
    """
    shown = as_object(copy_json(view))
    _leave_to_nulls(shown, view, profile)
    if "defaults-filled" in profile:
        fill_defaults(shown)
    if "retry-spread" in profile:
        spread_retry(shown)
    for step in steps_of(shown):
        _bend_step(step, profile)
    _finish(shown, WORKFLOW, profile)
    if "env-map" in profile:
        _env_as_maps(shown)
    if profile & {"retry-hidden", "retry-spread"}:
        shown.pop("retryOptions", None)
    if "metadata-hidden" in profile:
        shown.pop("metadata", None)
    return as_object(shuffled(shown, chance)) if "shuffled" in profile else shown


def read_page(views: list[JsonObject], profile: frozenset[str], chance: random.Random) -> list[JsonValue]:
    """Return the listed workflows of one page as a platform with `profile` reads them back.

    Args:
        views: What the API documents as the answer, in a list of the caller's own.
        profile: The quirks in force.
        chance: What shuffling draws from.
    """
    page: list[JsonValue] = []
    for view in views:
        shown = as_object(copy_json(view))
        _leave_to_nulls(shown, view, profile)
        _finish(shown, SUMMARY, profile)
        page.append(shuffled(shown, chance) if "shuffled" in profile else shown)
    if "shuffled" in profile:
        chance.shuffle(page)
    return page


def shuffled(value: JsonValue, chance: random.Random) -> JsonValue:
    """Return `value` with the items of its lists and the keys of its maps in another order, at any depth."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        items = [shuffled(item, chance) for item in value]
        chance.shuffle(items)
        return items
    return value


def _leave_to_nulls(shown: JsonObject, view: JsonObject, profile: frozenset[str]) -> None:
    """Take out the empty lists that the API documents, where `nulls` is what stands for an empty one."""
    if "nulls" in profile and "empties" not in profile:
        for key in ("triggers", "watchers", "tags"):
            if view.get(key) == []:
                shown.pop(key, None)


def _bend_step(step: JsonObject, profile: frozenset[str]) -> None:
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


def _finish(shown: JsonObject, shape: Shape, profile: frozenset[str]) -> None:
    """Do what is the same for a described and a listed workflow."""
    if "unknown-fields" in profile:
        walk(shown, shape, _add_unknown)
    if profile & {"empties", "nulls"}:
        walk(shown, shape, lambda node, kind: _fill(node, kind, profile))
    if "floats" in profile:
        for key, value in shown.items():
            if key != "id":
                shown[key] = _as_floats(value)


def _fill(node: JsonObject, shape: Shape, profile: frozenset[str]) -> None:
    """Fill what is absent: lists and maps by `empties` where both are in force, the rest by `nulls`."""
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
