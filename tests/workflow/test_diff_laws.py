"""What holds for every pair of bodies: valid ones, and any JSON at all."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import strategies
from diff_helpers import SCHEMA, changes, with_value
from forms import forms_of
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS

from reconciler.schema import documented_default
from reconciler.values import ABSENT, JsonObject, Path, dump_compact, lookup
from reconciler.workflow import FieldChange, diff

_PAIRS = st.tuples(strategies.workflow_bodies(), strategies.workflow_bodies())
_HOSTILE_PAIRS = st.tuples(strategies.hostile_bodies(), strategies.hostile_bodies())


def _key(change: FieldChange) -> tuple[str, str, str]:
    return tuple(repr(part) for part in (change.path, change.before, change.after))  # type: ignore[return-value]


def _applied(form: JsonObject, changes_: tuple[FieldChange, ...], *, back: bool = False) -> Any:
    """Return `form` with each change made on it (or undone), a default being the same as nothing."""
    result: Any = copy.deepcopy(form)
    for change in changes_:
        value = change.before if back else change.after
        inner = result
        for part in change.path[:-1]:
            inner = inner.setdefault(part, {})
        if value is ABSENT or _is_default(change.path, value, result):
            inner.pop(change.path[-1], None)
        else:
            inner[change.path[-1]] = copy.deepcopy(value)
    return _without_empty(result)


def _is_default(path: Path, value: Any, form: JsonObject) -> bool:
    if path[0] == "steps" and path[2:3] == ("resources",):
        return dump_compact(value) == dump_compact(DEFAULT_RESOURCE.get(str(path[-1])))
    kind = ABSENT if path[2:] == ("type",) else lookup(form, (*path[:2], "type"))
    default = documented_default(path, kind if isinstance(kind, str) else "standard")
    return default is not ABSENT and dump_compact(value) == dump_compact(default)


def _without_empty(value: Any, path: Path = ()) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _without_empty(item, (*path, key)) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item != {} or (path == ("steps",) and key in value)}


def _check(live: Any, desired: Any) -> None:
    aligned = forms_of(live, desired, DEFAULT_RESOURCE)
    found = diff(aligned.live, aligned.desired, DEFAULT_RESOURCE)
    assert (not found) == aligned.equal
    assert len({change.path for change in found}) == len(found)
    mirrored = diff(aligned.desired, aligned.live, DEFAULT_RESOURCE)
    assert sorted(map(_key, mirrored)) == sorted(
        _key(FieldChange(path=change.path, before=change.after, after=change.before)) for change in found
    )
    # The type of a step comes first: it decides what the defaults of its other fields are.
    ordered = tuple(sorted(found, key=lambda change: change.path[-1:] != ("type",)))
    assert dump_compact(_applied(aligned.live, ordered)) == dump_compact(_without_empty(aligned.desired))
    assert dump_compact(_applied(aligned.desired, ordered, back=True)) == dump_compact(
        _without_empty(aligned.live)
    )


@given(_PAIRS)
@LAWS
def test_the_diff_of_valid_bodies_is_whole(pair: Any) -> None:
    """Nothing differs only when the forms are equal; the changes done make one form the other, and back."""
    _check(*pair)


@given(_HOSTILE_PAIRS)
@LAWS
def test_the_diff_of_any_json_is_whole(pair: Any) -> None:
    """The same for any JSON objects: whatever a server answers, no difference is lost and none made up."""
    _check(*pair)


@given(strategies.workflow_bodies())
@LAWS
def test_a_body_does_not_differ_from_itself(body: Any) -> None:
    """A workflow is what it is."""
    assert changes(body, copy.deepcopy(body), DEFAULT_RESOURCE) == ()


@given(
    strategies.workflow_bodies().flatmap(lambda body: st.tuples(st.just(body), strategies.as_returned(body)))
)
@LAWS
def test_other_words_for_a_workflow_are_no_difference(pair: Any) -> None:
    """However a platform returns a workflow, in any mix of ways: nothing differs."""
    body, told = pair
    assert changes(told, body, DEFAULT_RESOURCE) == ()
    assert changes(body, told, DEFAULT_RESOURCE) == ()


@given(
    strategies.workflow_bodies().flatmap(
        lambda body: st.tuples(
            st.just(body), strategies.as_returned(body, spread=False), strategies.workflow_bodies()
        )
    )
)
@LAWS
def test_what_differs_does_not_depend_on_the_words(triple: Any) -> None:
    """A live workflow differs from Git by the same fields, however the platform returns it."""
    body, told, desired = triple
    plain = {change.path: change for change in changes(body, desired, DEFAULT_RESOURCE)}
    other = {change.path: change for change in changes(told, desired, DEFAULT_RESOURCE)}
    assert plain == other


def _own_options(step: Any) -> bool:
    return strategies.states_options((step.get("runConfiguration") or {}).get("retryOptions"))


def _single_fields(schema: dict[str, Any], value: Any, place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the single fields that are, or may be, below `place`."""
    schema = strategies.resolved(schema)
    if "properties" in schema:
        return [
            leaf
            for key, field in schema["properties"].items()
            if key not in {"type", "steps", "triggers", "watchers", "tags"}
            for leaf in _single_fields(field, (value or {}).get(key), (*place, key))
        ]
    if isinstance(schema.get("additionalProperties"), dict):
        return [((*place, key), schema["additionalProperties"]) for key in [*(value or {}), "NEW"]]
    return [(place, schema)]


@given(strategies.workflow_bodies(), st.data())
@LAWS
def test_one_field_changed_is_that_field(body: Any, data: st.DataObject) -> None:
    """Any one field of any body set to any other valid value: that field is reported, and nothing else."""
    fields = _single_fields(SCHEMA, body, ())
    for name, step in body["steps"].items():
        schema = SCHEMA["$defs"][f"{step.get('type', 'standard')}Step"]
        fields += _single_fields(schema, step, ("steps", name))
    place, schema = data.draw(st.sampled_from(fields))
    desired = copy.deepcopy(body)
    inner = desired
    for part in place[:-1]:
        inner = inner.setdefault(part, {})
    inner[place[-1]] = data.draw(strategies.values(schema))
    owners = [[_own_options(step) for step in side["steps"].values()] for side in (body, desired)]
    assume(owners[0] == owners[1])  # else all that the step has from the workflow comes or goes, too
    found = changes(body, desired, DEFAULT_RESOURCE)
    assert {change.path for change in found} <= {place}
    same = (
        dump_compact(lookup(body, place)) == dump_compact(inner[place[-1]]) if _is_at(body, place) else False
    )
    assert not (same and found)


def _is_at(body: Any, place: Path) -> bool:
    return lookup(body, place) is not ABSENT


@given(strategies.hostile_bodies(), strategies.hostile_bodies())
@LAWS
def test_the_diff_changes_nothing_that_it_is_given(live: Any, desired: Any) -> None:
    """Comparing leaves both bodies as they were."""
    before = copy.deepcopy((live, desired))
    changes(live, desired, DEFAULT_RESOURCE)
    assert repr((live, desired)) == repr(before)


@pytest.mark.parametrize(
    "key", ["a'b", 'a"b', "root['x']", "", ".", "[0]", "__x__", "1", "naïve ☃", "\ud800", "a\nb"]
)
def test_any_key_is_in_a_path_as_it_is(key: str) -> None:
    """A variable's name, whatever is in it, is the last part of the change's path."""
    body: Any = {"name": "w", "steps": {"x": {"parameters": {"env": {key: "1", "other": "1"}}}}}
    place = ("steps", "x", "parameters", "env", key)
    (change,) = changes(body, with_value(body, place, "2"))
    assert change.path == place
    (gone,) = changes(body, with_value(body, place, ABSENT))
    assert (gone.path, gone.after) == (place, ABSENT)
