"""What holds of the canonical form for every body, and for any JSON at all."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import strategies
from canonical_helpers import form_of, same
from forms import canonical_of, digests_in, forms_of, live_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS

from reconciler.schema import STEP_TYPES, step_fields, validate
from reconciler.values import ABSENT, as_list, dump_compact, lookup
from reconciler.workflow import Digester, by_name_path, diff, lists_back, lists_by_name

_ANY = st.one_of(strategies.workflow_bodies(), strategies.hostile_bodies())


@given(strategies.workflow_bodies())
@LAWS
def test_generated_bodies_validate(body: Any) -> None:
    """Every body that these tests are made of is a valid manifest, and can be written as JSON."""
    assert list(validate(body, "workflow")) == []
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_generated_steps_have_every_field(kind: str) -> None:
    """Every documented field of a step of each type is among what these tests are made of."""
    missing = _paths(kind)

    @given(strategies.steps(kind))
    @LAWS
    def generate(step: Any) -> None:
        missing.difference_update([path for path in missing if lookup(step, path) is not ABSENT])

    generate()
    assert missing - {("type",)} == set()


def _paths(kind: str) -> set[tuple[str, ...]]:
    def below(field: Any, path: tuple[str, ...]) -> set[tuple[str, ...]]:
        children = [below(child, (*path, name)) for name, child in field.children.items()]
        return set.union(*children) if children else {path}

    return below(step_fields(kind), ())


@given(_ANY)
@LAWS
def test_twice_is_as_once(body: Any) -> None:
    """The canonical form of a canonical form is itself, to the last letter."""
    once = canonical_of(body, DEFAULT_RESOURCE)
    assert dump_compact(canonical_of(once, DEFAULT_RESOURCE)) == dump_compact(once)


@given(strategies.workflow_bodies())
@LAWS
def test_the_form_does_not_depend_on_the_order_of_keys(body: Any) -> None:
    """The order in which a document states its fields means nothing."""
    assert form_of(_reversed(body)) == form_of(body)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(strategies.workflow_bodies(), st.randoms(use_true_random=False))
@LAWS
def test_shuffling_any_list_never_matters(body: Any, chance: Any) -> None:
    """All lists of a workflow mean sets: in any order they are the same."""
    assert same(_shuffled(body, chance), body)


def _shuffled(value: Any, chance: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(item, chance) for key, item in value.items()}
    if isinstance(value, list):
        items = [_shuffled(item, chance) for item in value]
        chance.shuffle(items)
        return items
    return value


@given(
    strategies.workflow_bodies().flatmap(lambda body: st.tuples(st.just(body), strategies.as_returned(body)))
)
@LAWS
def test_other_words_have_the_same_form(pair: Any) -> None:
    """However a platform returns a workflow, its form is the same, not only what is compared."""
    body, told = pair
    assert form_of(told) == form_of(body)


@given(strategies.hostile_bodies(), strategies.hostile_bodies())
@LAWS
def test_nothing_makes_it_raise(live: Any, desired: Any) -> None:
    """Whatever JSON a server answers, and whatever a manifest holds: no error, and nothing is changed."""
    before = copy.deepcopy((live, desired))
    aligned = forms_of(live, desired, live)
    diff(aligned.live, aligned.desired, desired)
    canonical_of(live, desired)
    lists_back(lists_by_name(live))
    for key in ("triggers", "watchers", "tags"):
        for index in range(len(as_list(live.get(key))) + 1):
            by_name_path((key, index, "x"), live)
    memory = digests_in(live)
    Digester(b"key", "w").agrees(memory, ("name",), live)
    workflow = live_of(live)
    assert len(workflow.fingerprint) == 64
    assert workflow.webhooks == workflow.webhooks
    assert repr((live, desired)) == repr(before)


@given(strategies.hostile_bodies())
@LAWS
def test_the_form_holds_nothing_that_is_nothing(body: Any) -> None:
    """In a form there is no null and nothing empty, except steps, which are there though all default."""
    form = canonical_of(body)
    steps = form.pop("steps", {})
    assert all(_says_something(value) for value in form.values())
    assert all(_says_something(field) for step in steps.values() for field in step.values())


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(map(_says_something, value.values()))
    return value is not None and value != []


@given(_ANY)
@LAWS
def test_the_form_shares_nothing_with_the_body(body: Any) -> None:
    """Changing the form does not change the body that it was made of."""
    before = copy.deepcopy(body)
    _spoil(canonical_of(body, DEFAULT_RESOURCE))
    assert repr(body) == repr(before)
    assert DEFAULT_RESOURCE == {"instanceTypeId": 21, "storage": "10GB"}


def _spoil(value: Any) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in list(inner):
        _spoil(item)
    if isinstance(value, (dict, list)):
        value.clear()


def test_deep_nesting_within_the_clients_bound_is_fine() -> None:
    """The client refuses what is nested deeper than 100: all that it passes on has a form."""
    value: Any = 1
    for number in range(100):
        value = {"x": value} if number % 2 else [value]
    body = {
        "name": value,
        "steps": {"x": {"command": value, "parents": value}},
        "watchers": value,
        "tags": value,
    }
    assert canonical_of(canonical_of(body)) == canonical_of(body)
    assert live_of(body).fingerprint
    aligned = forms_of(body, {})
    assert diff(aligned.live, aligned.desired)


@pytest.mark.parametrize("steps", [None, [], "x", 5, {"x": None}, {"x": []}, {"x": "y"}])
def test_steps_of_no_known_shape_have_no_fields(steps: Any) -> None:
    """Steps that are none are seen as such: no error, and a step that is no object is an empty one."""
    assert canonical_of({"steps": steps}) in ({}, {"steps": {"x": {}}})
