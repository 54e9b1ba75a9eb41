"""Every documented field is seen when it is added, changed or removed, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from diff_helpers import (
    WATCHERS,
    Spot,
    another,
    changes,
    example,
    full_body,
    paths,
    step_spots,
    top_spots,
    value_at,
    with_value,
)

from reconciler.schema import STEP_TYPES, documented_default, validate
from reconciler.values import ABSENT, dump_compact
from reconciler.workflow import written_sides

_STEP_SPOTS = [
    pytest.param(kind, spot, id=f"{kind}-{spot}") for kind in STEP_TYPES for spot in step_spots(kind)
]
_IDENTITIES = {
    ("watchers", 0, "user"): "it is what the watcher is known by: the old one goes, a new one comes",
    ("watchers", 1, "webhook", "name"): "likewise",
    ("watchers", 2, "email", "name"): "likewise",
}
_SILENT = {
    (
        "triggers",
        1,
        "webhookPolicy",
    ): "it says how to update, not what is wanted; the platform never tells it",
}
_SWITCHES = {
    ("triggers", 1, "webhook"): "a webhook that is off is none, so there is no other value",
}
_TOP_SPOTS = [spot for spot in top_spots() if spot.place not in {*_IDENTITIES, *_SILENT}]


def _shown(spot: Spot, value: Any, default: Any) -> Any:
    """Return how the diff shows `value`: tags by name, a set in order, nothing as the default."""
    if value is ABSENT:
        return default
    if spot.path == ("tags",):
        return [tag["name"] for tag in value]
    return sorted(value, key=dump_compact) if isinstance(value, list) else value


def _see(spot: Spot, live: Any, desired: Any, default: Any) -> None:
    """Assert that the two bodies differ in `spot` only, and that its two values are shown."""
    (change,) = changes(live, desired)
    assert change.path == spot.path
    for shown, body in zip(written_sides(change), (live, desired), strict=True):
        try:
            value = value_at(body, spot.place)
        except KeyError:
            value = ABSENT
        assert shown == _shown(spot, value, default)


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_the_full_body_is_valid_and_states_no_default(kind: str) -> None:
    """What these tests start from is a manifest that validates, and each field of it says something."""
    body = full_body(kind)
    assert list(validate(body, "workflow")) == []
    for spot in [*step_spots(kind), *top_spots()]:
        if spot.place not in _SILENT:
            assert value_at(body, spot.place) != spot.schema.get("default", ABSENT)


@pytest.mark.parametrize(("kind", "spot"), _STEP_SPOTS)
def test_a_step_field_that_changes(kind: str, spot: Spot) -> None:
    """Another value of a field of a step is one change at the field's path, with both values."""
    body = full_body(kind)
    desired = with_value(body, spot.place, another(spot.schema, value_at(body, spot.place)))
    assert list(validate(desired, "workflow")) == []
    _see(spot, body, desired, ABSENT)
    _see(spot, desired, body, ABSENT)


@pytest.mark.parametrize(("kind", "spot"), _STEP_SPOTS)
def test_a_step_field_that_comes_or_goes(kind: str, spot: Spot) -> None:
    """A field of a step added or removed is one change, from or to its documented default."""
    body = full_body(kind)
    without = with_value(body, spot.place, ABSENT)
    default = documented_default(spot.path, kind)
    _see(spot, body, without, default)
    _see(spot, without, body, default)


@pytest.mark.parametrize("spot", [spot for spot in _TOP_SPOTS if spot.place not in _SWITCHES], ids=str)
def test_a_field_outside_of_steps_that_changes(spot: Spot) -> None:
    """Another value of a field outside of steps is one change; retry options are one, not one per step."""
    body = full_body("standard")
    desired = with_value(body, spot.place, another(spot.schema, value_at(body, spot.place)))
    assert list(validate(desired, "workflow")) == []
    _see(spot, body, desired, ABSENT)
    _see(spot, desired, body, ABSENT)


@pytest.mark.parametrize("spot", _TOP_SPOTS, ids=str)
def test_a_field_outside_of_steps_that_comes_or_goes(spot: Spot) -> None:
    """A field outside of steps added or removed is one change, from or to its documented default."""
    body = full_body("standard")
    without = with_value(body, spot.place, ABSENT)
    default = documented_default(spot.path)
    _see(spot, body, without, default)
    _see(spot, without, body, default)


@pytest.mark.parametrize("spot", [spot for spot in top_spots() if spot.place in _IDENTITIES], ids=str)
def test_a_watcher_of_another_recipient(spot: Spot) -> None:
    """A watcher is known by its user or its name: with another one, it is another watcher."""
    body = full_body("standard")
    name = spot.path[1]
    desired = with_value(body, spot.place, another(spot.schema, value_at(body, spot.place)))
    found = changes(body, desired)
    kind = str(name).partition(":")[0]
    new = f"{kind}:1{str(name).partition(':')[2]}"
    assert {change.path for change in found} == {("watchers", name), ("watchers", new)}
    by_path = {change.path: change for change in found}
    assert by_path["watchers", name].after is ABSENT
    assert by_path["watchers", new].before is ABSENT


@pytest.mark.parametrize("spot", [spot for spot in top_spots() if spot.place in _SILENT], ids=str)
def test_a_field_that_is_never_a_difference(spot: Spot) -> None:
    """A webhook's policy says how an update is done: it is never a difference."""
    body = full_body("standard")
    for value in ("generate", "preserve"):
        assert paths(body, with_value(body, spot.place, value)) == []


@pytest.mark.parametrize("old", STEP_TYPES)
@pytest.mark.parametrize("new", STEP_TYPES)
def test_a_step_that_changes_its_type(old: str, new: str) -> None:
    """The type is a change next to the fields that only one type has; each side has its own defaults."""
    live, desired = full_body(old), full_body(new)
    found = {change.path[2:]: change for change in changes(live, desired)}
    if old == new:
        assert found == {}
        return
    assert (found["type",].before, found["type",].after) == (
        documented_default(("steps", "s", "type"), old) if old == "standard" else old,
        documented_default(("steps", "s", "type"), new) if new == "standard" else new,
    )
    only_old = {spot.path[2:] for spot in step_spots(old)} - {spot.path[2:] for spot in step_spots(new)}
    only_new = {spot.path[2:] for spot in step_spots(new)} - {spot.path[2:] for spot in step_spots(old)}
    assert only_old | only_new | {("type",)} <= found.keys()
    assert all(found[path].after is ABSENT for path in only_old)
    assert all(found[path].before is ABSENT for path in only_new)


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_a_step_that_comes_or_goes(kind: str) -> None:
    """A whole step added or removed is one change, whatever it states."""
    body = full_body(kind)
    without = with_value(body, ("steps", "s"), ABSENT)
    assert paths(without, body) == [("steps", "s")]
    assert paths(body, without) == [("steps", "s")]


@pytest.mark.parametrize("index", range(len(WATCHERS)))
def test_a_watcher_that_comes_or_goes(index: int) -> None:
    """A whole watcher added or removed is one change, whatever it states."""
    body = full_body("standard")
    without = with_value(body, ("watchers", index), ABSENT)
    path = ("watchers", list(WATCHERS.values())[index])
    assert paths(without, body) == [path]
    assert paths(body, without) == [path]


def test_examples_of_the_schema_say_something() -> None:
    """The schema's examples, which these tests are made of, are whole."""
    assert set(example({"$ref": "#/$defs/retryOptions"})) == {
        "duration",
        "numberOfRetries",
        "exponentialBackoff",
        "exitCodes",
    }
