"""Packed values and bodies: they say what the others say."""

from __future__ import annotations

import dataclasses
from typing import Any

from forms import live_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS, as_returned, hostile_bodies, workflow_bodies

from reconciler.plan import CompareOptions, PlatformFacts
from reconciler.values import ABSENT, Packed, dump_compact, same_json
from reconciler.workflow import Body, ComparableForms, FieldChange, Origin, PackedChanges

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
_PAIRS = workflow_bodies().flatmap(
    lambda body: st.tuples(st.just(body), as_returned(body) | workflow_bodies() | hostile_bodies())
)


class _Text(str):
    __slots__ = ()


@LAWS
@given(_JSON)
def test_what_is_packed_comes_back(value: Any) -> None:
    """A value is the same JSON after packing, and a new copy each time."""
    packed = Packed.of(value)
    assert same_json(packed.value, value)
    assert not isinstance(value, dict | list) or packed.value is not packed.value


@LAWS
@given(_JSON, _JSON)
def test_the_digest_is_that_of_the_value(one: Any, other: Any) -> None:
    """Digests are equal where values are the same JSON, whether they are computed early or when asked for."""
    packed = Packed.of(one).with_digest()
    assert packed.digest == Packed.of(one).digest == packed.with_digest().digest
    assert (packed.digest == Packed.of(other).digest) == (dump_compact(one) == dump_compact(other))


def test_a_text_of_a_class_of_its_own_stays() -> None:
    """What bytes cannot hold is kept as it is."""
    value: Any = {"a": _Text("b")}
    assert Packed.of(value).value is value


@LAWS
@given(_PAIRS)
def test_a_packed_body_compares_like_the_body(pair: tuple[Any, Any]) -> None:
    """Whether two bodies differ, and in what, does not depend on how the live one is kept."""
    wanted, live = pair
    forms, packed = (ComparableForms(body, Body(wanted)) for body in (Body(live), Body(live).packed()))
    assert forms.equal == packed.equal
    assert dump_compact(forms.live) == dump_compact(packed.live)
    assert dump_compact(forms.desired) == dump_compact(packed.desired)


@LAWS
@given(_PAIRS)
def test_a_packed_workflow_teaches_the_same(pair: tuple[Any, Any]) -> None:
    """What a platform returns is learned from a packed workflow as from any other."""
    live = live_of(pair[1])
    options = CompareOptions(key=b"key")
    learned = (PlatformFacts().learned_from([one], options) for one in (live, live.packed()))
    assert next(learned) == next(learned)
    assert live.packed().fingerprint == live.fingerprint


@LAWS
@given(_PAIRS)
def test_an_unpacked_workflow_is_the_same(pair: tuple[Any, Any]) -> None:
    """What was packed and unpacked again is unchanged, and says what it did."""
    live = live_of(pair[1])
    packed = live.packed()
    unpacked = packed.unpacked()
    assert same_json(unpacked.body.raw, live.body.raw)
    assert unpacked.unchanged_since(packed)
    assert unpacked.unchanged_since(live)
    assert (unpacked.fingerprint, unpacked.updated) == (live.fingerprint, live.updated)


_PATHS = st.lists(st.text(max_size=3) | st.integers(0, 9), min_size=1, max_size=4).map(tuple)
_NAMES = st.dictionaries(
    st.lists(st.text(max_size=3), max_size=2).map(tuple), st.text(max_size=4), max_size=2
)
_CHANGES = st.builds(
    FieldChange,
    path=_PATHS,
    before=st.just(ABSENT) | _JSON,
    after=st.just(ABSENT) | _JSON,
    sensitive=st.booleans(),
    names_before=_NAMES,
    names_after=_NAMES,
    origin=st.none() | st.sampled_from(Origin),
)


@LAWS
@given(st.lists(_CHANGES, max_size=4))
def test_packed_changes_come_back(changes: list[FieldChange]) -> None:
    """Every part of every change is as it was, each time; nothing is not null."""
    packed = PackedChanges(iter(changes))
    for _ in range(2):
        again = list(packed)
        assert again == changes
        assert [(one.names_before, one.names_after) for one in again] == [
            (one.names_before, one.names_after) for one in changes
        ]


def test_some_of_packed_changes() -> None:
    """Changes are found by their path, and replaced by others; the rest stays as it is, in its order."""
    a, b = (FieldChange(path=("steps", name), before=ABSENT, after=name) for name in "ab")
    packed = PackedChanges([a, b])
    assert packed.where(lambda path: path[-1] == "b") == [b]
    named = dataclasses.replace(b, names_after={(): "name of b"}, origin=Origin.GIT)
    again = list(packed.with_others({b.path: named}))
    assert again == [a, named]
    assert again[1].names_after == {(): "name of b"}
    assert list(packed) == [a, b]
