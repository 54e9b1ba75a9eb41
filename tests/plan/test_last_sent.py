"""Origins by the manifest that was last sent: every combination of changes in Git and live."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from comparing_helpers import KEY, manifest_of
from forms import live_of
from strategies import DEPTH

from reconciler.plan import (
    CompareOptions,
    Desired,
    Plan,
    PlatformFacts,
    Update,
    decide,
    sent_manifest,
    with_known_origins,
)
from reconciler.workflow import Origin, with_mark

_ABSENT: Final = "-"
_VALUES: Final = ("x", "y", _ABSENT, "z")[: 3 if DEPTH == 1 else 4]
_PATHS: Final = (("command",), ("parameters", "env", "REGION"), ("repository", "branch"))
_MARK: Final = "0abcdefg"
_OPTIONS: Final = CompareOptions(key=KEY)


def _body(*values: str) -> dict[str, Any]:
    """Return a body with values in the first fields; `-` is none."""
    step: dict[str, Any] = {"imageId": 7, "imageVersionId": 8, "repository": {"url": "https://a.example/r"}}
    for path, value in zip(_PATHS, values, strict=False):
        if value != _ABSENT:
            inner = step
            for part in path[:-1]:
                inner = inner.setdefault(part, {})
            inner[path[-1]] = value
    return {"name": "w", "steps": {"a": step}}


def _plan(last: dict[str, Any], now: dict[str, Any], live: dict[str, Any], key: bytes = KEY) -> Plan:
    """Return the plan for a manifest, after `last` was sent and the live workflow became `live`."""
    tags = with_mark([], _MARK + sent_manifest(Desired.of(manifest_of(last)), key))
    desired = Desired.of(manifest_of(now))
    action = decide(desired, live_of({**live, "tags": tags}), _OPTIONS, PlatformFacts())
    return with_known_origins(Plan(actions=(action,)), _OPTIONS)


def _origins(plan: Plan) -> dict[tuple[Any, ...], Origin | None]:
    (action,) = plan.actions
    changes = action.changes if isinstance(action, Update) else ()
    return {change.path[2:]: change.origin for change in changes}


def _expected(last: str, now: str, live: str) -> Origin:
    if live == last:
        return Origin.GIT
    return Origin.DRIFT if now == last else Origin.CONFLICT


@pytest.mark.parametrize("last", [("x", _ABSENT, "x"), (_ABSENT, "x", _ABSENT)][:DEPTH])
def test_every_combination(last: tuple[str, ...]) -> None:
    """What is said is right; all is said unless both sides changed a field, and then nothing."""
    fields = 3 if DEPTH > 1 else 2
    sides = list(itertools.product(_VALUES, repeat=fields))
    for now, live in itertools.product(sides, repeat=2):
        found = _origins(_plan(_body(*last[:fields]), _body(*now), _body(*live)))
        wanted = {
            path: _expected(*values)
            for path, *values in zip(_PATHS, last, now, live, strict=False)
            if values[1] != values[2]
        }
        known = Origin.CONFLICT not in wanted.values()
        # A field that both sides changed alike is no difference, but the manifest is another one.
        alike = any(one == two != three for one, two, three in zip(now, live, last, strict=False))
        assert found == (wanted if known and not alike else dict.fromkeys(wanted)), (last, now, live)


def test_many_changes_are_of_one_side() -> None:
    """More than five fields have an origin where all changed on the same side, otherwise none."""
    env = {f"KEY_{number}": "x" for number in range(8)}

    def body(**changes: str) -> dict[str, Any]:
        return {"name": "w", "steps": {"a": {"parameters": {"env": {**env, **changes}}}}}

    every = dict.fromkeys(env, "y")
    assert {*_origins(_plan(body(), body(**every), body())).values()} == {Origin.GIT}
    assert {*_origins(_plan(body(), body(), body(**every))).values()} == {Origin.DRIFT}
    both = _origins(_plan(body(), body(**every), body(KEY_0="z")))
    assert (len(both), {*both.values()}) == (8, {None})


def test_secrets_are_not_in_the_digest() -> None:
    """A token and a value from the environment leave the digest as it is, and have no origin."""
    body = _body("x", "x")
    path = ("steps", "a", "parameters", "env", "REGION")
    body["steps"]["a"]["repository"]["token"] = "one"
    other = _body("x", "y")
    other["steps"]["a"]["repository"]["token"] = "two"
    manifests = [manifest_of(each, sensitive=frozenset({path})) for each in (body, other)]
    assert len({sent_manifest(Desired.of(each), KEY) for each in manifests}) == 1
    assert sent_manifest(Desired.of(manifest_of(body)), KEY) != sent_manifest(
        Desired.of(manifest_of(other)), KEY
    )


@pytest.mark.parametrize("tags", [[], ["reconciler-sent-0abcdefg"], ["reconciler-sent-0abcdefgaaaa"]])
def test_nothing_is_said_without_a_digest(tags: list[str]) -> None:
    """Without a whole digest, or with one of another key, a difference has no origin."""
    desired = Desired.of(manifest_of(_body("x")))
    live = live_of({**_body("y"), "tags": [{"name": name} for name in tags]})
    action = decide(desired, live, _OPTIONS, PlatformFacts())
    assert _origins(with_known_origins(Plan(actions=(action,)), _OPTIONS)) == {("command",): None}
    assert _origins(_plan(_body("x"), _body("x"), _body("y"), key=b"another")) == {("command",): None}
