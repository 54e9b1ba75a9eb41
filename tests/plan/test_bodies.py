"""The bodies that are sent: which method, which tags, which webhook."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import strategies
from comparing_helpers import NAME, compared, digests_of, run_of
from forms import digest_tags, digests_in, forms_of, live_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS

from reconciler.errors import InvalidParameterException, UnexpectedAnswerError
from reconciler.manifests import PatchManifest, WorkflowManifest, load_manifests
from reconciler.plan import Method
from reconciler.plan.bodies import choose_method, sent_body
from reconciler.plan.desired import Desired
from reconciler.schema import load_schema
from reconciler.values import dump_compact, with_whole_numbers
from reconciler.workflow import KEYWORDS, Body, Ownership, SentDigests, keyword_of, patched_body

_MEMORY = digests_of([(("metadata",), 1)])
_PATCH, _REPLACE = Method.PATCH, Method.CREATE_OR_UPDATE


def _workflow(*steps: Any, **top: Any) -> Any:
    return {"name": NAME, **top, "steps": dict(zip("abcdef", steps or ({"command": "c"},), strict=False))}


def _sent_body(method: Method, desired: Any, live: Any, digests: SentDigests, ownership: Ownership) -> Any:
    return sent_body(method, Body(desired), None if live is None else Body(live), digests, ownership)


def _desired_body(manifest: Any, live: Any) -> Any:
    return Desired.of(manifest, None if live is None else live_of(live)).body.raw


def _chosen(live: Any, desired: Any, default_resource: Any = None) -> tuple[Method, str]:
    """Return the method and the reason; a patch is the body that would be made anew."""
    before = copy.deepcopy((live, desired))
    run = run_of(default_resource=default_resource)
    result = choose_method(Body(live), Body(desired), compared(live, desired, run).changes, run[1])
    assert (live, desired) == before
    method, reason, patched = result
    assert patched == (patched_body(live, desired) if method is Method.PATCH else None)
    return method, reason


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        (_workflow({"command": "c"}), _workflow({"command": "d"})),
        (_workflow({"command": "c"}), _workflow({"command": "c", "imageId": 1})),
        (_workflow({"command": "c"}), _workflow({"command": "c"}, {"command": "new"})),
        (_workflow(), _workflow(tags=[{"name": "t"}], watchers=[{"user": "u"}])),
        (_workflow(), {**_workflow(), "name": "renamed"}),
        (_workflow({"parents": ["x"]}), _workflow({"parents": ["x", "y"]})),
        (_workflow({"clearImageCache": False}), _workflow({"clearImageCache": True})),
        (_workflow({"clearImageCache": True}), _workflow({"clearImageCache": False})),
        (_workflow(retryOptions={"duration": 9}), _workflow(retryOptions={"duration": 5})),
        (_workflow({"command": "c", "type": None}), _workflow({"command": "d", "type": "standard"})),
        (_workflow({"command": "c", "futureMode": "x"}), _workflow({"command": "d"})),
        (
            _workflow(triggers=[{"webhook": "uuid"}]),
            _workflow({"command": "d"}, triggers=[{"webhook": True}]),
        ),
    ],
)
def test_an_update_that_only_adds_or_changes_is_a_patch(live: Any, desired: Any) -> None:
    """Values that come or change are patched, so that keys nobody here knows stay."""
    assert _chosen(live, desired) == (_PATCH, "values are only added or changed")


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        (_workflow({"command": "c", "imageId": 1}), _workflow({"command": "c"})),
        (_workflow({"command": "c"}, {}), _workflow({"command": "c"})),
        (_workflow(tags=[{"name": "a"}]), _workflow(tags=[{"name": "b"}])),
        (_workflow(watchers=[{"user": "u"}]), _workflow()),
        (_workflow(triggers=[{"webhook": "uuid"}]), _workflow()),
        (_workflow({"parents": ["x", "y"]}), _workflow({"parents": ["x"]})),
        (
            _workflow({"parameters": {"env": {"A": "1", "B": "1"}}}),
            _workflow({"parameters": {"env": {"A": "2"}}}),
        ),
        (_workflow({"type": "http", "url": "u"}), _workflow({"type": "sql"})),
    ],
)
def test_an_update_that_removes_is_a_full_replacement(live: Any, desired: Any) -> None:
    """A field, a step or an item of a list that goes needs a full replacement, and the plan says so."""
    assert _chosen(live, desired) == (_REPLACE, "something is removed, which only a full replacement can do")


def test_a_step_that_changes_its_type_is_a_full_replacement() -> None:
    """A type that changes replaces the workflow, although nothing that shows is removed."""
    live, desired = _workflow({}), _workflow({"type": "http", "method": "get", "url": "u"})
    method, reason = _chosen(live, desired)
    assert (method, reason) == (_REPLACE, "a step changes its type, so nothing of the old one may stay")
    assert _chosen(_workflow({}), _workflow({}, {"type": "http"}))[0] is _PATCH


@pytest.mark.parametrize("steps", [{}, None])
def test_a_workflow_without_steps_is_a_full_replacement(steps: Any) -> None:
    """Where the live workflow has no steps there is nothing to lay a patch over."""
    live = {"name": NAME, "steps": steps}
    assert _chosen(live, _workflow()) == (_REPLACE, "the live workflow has no steps to be patched")


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        (_workflow({"command": "c", "clearImageCache": True}), _workflow({"command": "c"})),
        (_workflow(retryOptions={"duration": 9}), _workflow()),
        (
            _workflow({"runConfiguration": {"retryOptions": {"duration": 9}}}),
            _workflow({}, retryOptions={"duration": 8}),
        ),
        (_workflow({"resources": {"instanceTypeId": 22}}), _workflow({})),
        (_workflow(metadata={"allowConcurrentExecution": True}), _workflow()),
    ],
)
def test_a_value_that_goes_back_to_its_default_is_a_full_replacement(live: Any, desired: Any) -> None:
    """A line removed in Git whose default now counts: a patch would keep the live value."""
    assert _chosen(live, desired, DEFAULT_RESOURCE) == (
        _REPLACE,
        "a value goes back to its default, which only a full replacement can do",
    )


def test_the_default_resource_returned_is_no_reason_to_replace() -> None:
    """A platform that fills in the default resource does not turn every update into a full replacement."""
    live = _workflow({"command": "c", "resources": {"instanceTypeId": 21.0, "storage": "10 GB"}})
    assert _chosen(live, _workflow({"command": "d"}), DEFAULT_RESOURCE)[0] is _PATCH
    assert _chosen(live, _workflow({"command": "d"}), {"instanceTypeId": 1, "storage": "10GB"})[0] is _REPLACE


@given(
    strategies.workflow_bodies().flatmap(
        lambda body: st.tuples(strategies.as_returned(body, spread=False), strategies.workflow_bodies())
    )
)
@LAWS
def test_what_is_sent_is_what_git_wants(pair: Any) -> None:
    """Whatever is live and whatever Git wants: the body that is sent has the effect that Git wants."""
    live, desired = pair
    method, _ = _chosen(live, desired, DEFAULT_RESOURCE)
    body = _sent_body(method, desired, live, _MEMORY, Ownership())
    assert forms_of(body, desired, DEFAULT_RESOURCE).equal
    assert digests_in(body) == _MEMORY


def test_own_tags_stay_and_the_digests_are_exchanged() -> None:
    """Tags of the reconciler that Git does not state are kept; those with digests are written again."""
    old = digest_tags(digests_of([(("metadata",), 2)]))
    live = _workflow(tags=[{"name": "a", "id": 1}, {"name": "reconciler-keep", "id": 2}, *old])
    desired = _workflow(tags=[{"name": "b"}])
    for method in Method:
        body = _sent_body(method, desired, live, _MEMORY, Ownership())
        assert body["tags"] == [{"name": "b"}, {"name": "reconciler-keep"}, *digest_tags(_MEMORY)]
    assert _sent_body(_REPLACE, _workflow(), live, SentDigests(), Ownership())["tags"] == [
        {"name": "reconciler-keep"}
    ]
    stated = _workflow(tags=[{"name": "b"}, *old, {"name": "reconciler-forged"}])
    assert _sent_body(_REPLACE, stated, _workflow(), SentDigests(), Ownership())["tags"] == [{"name": "b"}]


def test_tags_are_sent_only_where_there_are_any() -> None:
    """A workflow without tags is sent without; one that has a memory to lose is sent an empty list."""
    plain = _workflow()
    assert "tags" not in _sent_body(_REPLACE, plain, None, SentDigests(), Ownership())
    assert "tags" not in _sent_body(_REPLACE, plain, plain, SentDigests(), Ownership())
    assert _sent_body(_REPLACE, plain, None, _MEMORY, Ownership())["tags"] == digest_tags(_MEMORY)
    assert (
        _sent_body(_REPLACE, plain, _workflow(tags=digest_tags(_MEMORY)), SentDigests(), Ownership())["tags"]
        == []
    )
    assert _sent_body(_REPLACE, _workflow(tags=[]), plain, SentDigests(), Ownership())["tags"] == []
    # A patch keeps what it does not state, so it must state that the live digests go.
    assert (
        _sent_body(_PATCH, plain, _workflow(tags=digest_tags(_MEMORY)), SentDigests(), Ownership())["tags"]
        == []
    )


@pytest.mark.parametrize("method", Method)
def test_an_update_keeps_the_webhooks_url(method: Method) -> None:
    """Unless the manifest asks for a new URL, an update preserves it; a create has none to preserve."""
    live = _workflow(triggers=[{"webhook": "uuid"}])

    def sent(trigger: Any, to: Any) -> Any:
        return _sent_body(
            method, _workflow(triggers=[trigger, {"cron": "x"}]), to, SentDigests(), Ownership()
        )["triggers"]

    preserve = {"webhook": True, "webhookPolicy": "preserve"}
    generate = {"webhook": True, "webhookPolicy": "generate"}
    assert sent({"webhook": True}, live) == [preserve, {"cron": "x"}]
    assert sent({"webhook": True}, _workflow()) == [preserve, {"cron": "x"}]
    assert sent(generate, live) == [generate, {"cron": "x"}]
    assert sent({"webhook": True}, None) == [{"webhook": True}, {"cron": "x"}]


@pytest.mark.parametrize("method", Method)
def test_undocumented_keys_are_sent_back(method: Method) -> None:
    """Keys that nobody has documented go back with a patch and with a replacement, at the top as in steps."""
    live = _workflow({"command": "c", "futureMode": "x", "imageName": "n"}, futureMode="y", id=1)
    assert _sent_body(method, _workflow({"command": "d"}), live, SentDigests(), Ownership()) == _workflow(
        {"command": "d", "futureMode": "x"}, futureMode="y"
    )


def test_sending_changes_nothing_that_it_is_given() -> None:
    """Neither what Git wants nor what is live is touched by making a body."""
    live = _workflow(triggers=[{"webhook": "uuid"}], tags=digest_tags(_MEMORY))
    desired = _workflow(triggers=[{"webhook": True}])
    before = copy.deepcopy((live, desired))
    for method in Method:
        _sent_body(method, desired, live, _MEMORY, Ownership())
    assert (live, desired) == before


def test_a_live_shape_that_cannot_be_sent_back_is_refused() -> None:
    """What a patch could lose something of is an error, not a guess."""
    live = {"name": NAME, "steps": {"a": {}}, "tags": {"a": 1}}
    with pytest.raises(UnexpectedAnswerError, match="tags"):
        _sent_body(_PATCH, _workflow(), live, SentDigests(), Ownership())


def test_keywords_of_a_patch() -> None:
    """Every key that `set` may have stands for a documented keyword, and the other way round."""
    keys: Any = load_schema("patch")["properties"]["set"]["properties"]  # type: ignore[index,call-overload]
    sent = [key for key, field in keys.items() if not field.get("x-manifest-only")]
    assert {keyword_of(key) for key in sent} == set(KEYWORDS)
    assert keyword_of("imageVersionId") == "image_version_id"


def _manifest(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_manifests((str(path),), {})
    (manifest,) = loaded.manifests
    return manifest


_PATCH_TEXT = """
patch:
  name: w
  stepNames: [b]
  set: {imageVersionId: 12, token: secret, clearImageCache: false}
  body:
    tags: [{name: new}]
    steps: {a: {command: patched}}
"""


def test_a_patch_wants_the_live_workflow_with_what_it_states(tmp_path: Path) -> None:
    """A patch manifest's body is the live one, without own tags, and what it states laid over it."""
    manifest = _manifest(tmp_path, _PATCH_TEXT)
    assert isinstance(manifest, PatchManifest)
    live: Any = _workflow(
        {"command": "c", "imageName": "n", "imageId": 1},
        {"command": "c", "clearImageCache": True},
        triggers=[{"webhook": "uuid"}],
        retryOptions={"duration": 9},
        tags=digest_tags(_MEMORY),
        id=7,
    )
    before = copy.deepcopy(live)
    assert _desired_body(manifest, live) == {
        "name": "w",
        "triggers": [{"webhook": True, "webhookPolicy": "preserve"}],
        "retryOptions": {"duration": 9},
        "tags": [{"name": "new"}],
        "steps": {
            "a": {"command": "patched", "imageId": 1},
            "b": {
                "command": "c",
                "clearImageCache": False,
                "imageVersionId": 12,
                "repository": {"token": "secret"},
            },
        },
    }
    assert live == before


def test_a_patch_that_states_no_tags_wants_those_of_others(tmp_path: Path) -> None:
    """The reconciler's own tags are never part of what a patch wants; everybody else's are."""
    manifest = _manifest(tmp_path, "patch: {name: w, set: {command: d}}")
    live = _workflow(tags=[{"name": "team", "id": 1}, *digest_tags(_MEMORY)])
    assert _desired_body(manifest, live) == _workflow({"command": "d"}, tags=[{"name": "team"}])
    assert _desired_body(manifest, _workflow()) == _workflow({"command": "d"})


def test_a_patch_that_cannot_be_laid_over_is_refused(tmp_path: Path) -> None:
    """A step that the live workflow does not have, or no live workflow at all: an error that says so."""
    manifest = _manifest(tmp_path, _PATCH_TEXT)
    with pytest.raises(InvalidParameterException, match="no step named `b`"):
        _desired_body(manifest, _workflow({}))
    with pytest.raises(UnexpectedAnswerError, match="no `steps`"):
        _desired_body(manifest, None)


def test_a_workflow_manifest_wants_its_body(tmp_path: Path) -> None:
    """What a workflow's manifest states is what Git wants, whatever is live."""
    manifest = _manifest(tmp_path, "body: {name: w, steps: {a: {command: c}}}")
    assert isinstance(manifest, WorkflowManifest)
    assert _desired_body(manifest, None) == _desired_body(manifest, {"x": 1}) == _workflow({"command": "c"})


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ([{"cron": "x"}, {"webhook": True}], True),
        ([{"webhook": "uuid"}], True),
        ([{"webhook": False}], False),
        ([{"cron": "webhook"}], False),
        ([], False),
        (None, False),
        ({"webhook": True}, False),
        (["webhook", None, 5], False),
    ],
)
def test_whether_a_webhook_is_wanted(triggers: Any, *, expected: bool) -> None:
    """A trigger that is on counts; other shapes do not."""
    assert Body({"triggers": triggers}).has_webhook is expected


@given(strategies.workflow_bodies())
@LAWS
def test_a_create_sends_the_body_of_git(body: Any) -> None:
    """Nothing is added to what a create sends but what is to be remembered; whole numbers are integers."""
    assert _sent_body(_REPLACE, body, None, SentDigests(), Ownership()) == body
    remembered = _sent_body(_REPLACE, body, None, _MEMORY, Ownership())
    whole = with_whole_numbers({**body, "tags": None})
    assert dump_compact({**remembered, "tags": None}) == dump_compact(whole)
    assert remembered["tags"] == [*body.get("tags", []), *digest_tags(_MEMORY)]
