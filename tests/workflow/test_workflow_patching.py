from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidParameterException, ReconcilerError, UnexpectedAnswerError
from reconciler.secrecy import is_mask
from reconciler.workflow.patching import (
    KEYWORDS,
    apply_keywords,
    merge_patch,
    patched_body,
    preserving_webhooks,
    sendable_body,
)

_KEYS = st.sampled_from(
    [
        "name",
        "steps",
        "triggers",
        "tags",
        "watchers",
        "metadata",
        "retryOptions",
        "id",
        "a",
        "env",
        "cron",
        "webhook",
        "scheduled",
        "parameters",
        "repository",
        "token",
        "imageName",
        "type",
        "resources",
        "url",
    ]
)
_LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "****", "uuid", "10GB"])
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)
_JUNK = st.dictionaries(_KEYS, _JSON, max_size=6)
_OBJECTS = st.dictionaries(_KEYS, _JSON, max_size=4)
_STEP = st.fixed_dictionaries(
    {},
    optional={
        "command": _LEAVES,
        "imageName": st.just("image"),
        "unknown": _JSON,
        "resources": _OBJECTS,
        "repository": st.none() | st.dictionaries(st.sampled_from(["url", "token"]), _LEAVES),
        "parameters": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "env": st.none()
                | st.dictionaries(st.sampled_from("AB"), _LEAVES)
                | st.lists(
                    st.dictionaries(st.sampled_from("AB"), _LEAVES, max_size=1), max_size=3, unique_by=tuple
                )
            },
        ),
    },
)
_WORKFLOW = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["w", "v"]),
        "steps": st.dictionaries(st.sampled_from("xyz"), _STEP, max_size=3),
    },
    optional={
        "triggers": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "cron": st.none() | st.just("* * * * *"),
                    "webhook": st.none() | st.booleans() | st.just("uuid"),
                    "scheduled": st.none() | st.just("2020"),
                    "other": _LEAVES,
                },
            ),
            max_size=3,
        ),
        "tags": st.none()
        | st.lists(st.fixed_dictionaries({"name": st.just("t"), "id": _LEAVES}), max_size=2),
        "watchers": st.none() | st.lists(_OBJECTS, max_size=2),
        "retryOptions": st.none() | _OBJECTS,
        "metadata": st.none() | _OBJECTS,
        "status": _JSON,
    },
)


def _step(**keys: Any) -> dict[str, Any]:
    return {"name": "w", "steps": {"x": keys}}


def _sent_step(**keys: Any) -> Any:
    steps: Any = sendable_body(_step(**keys))["steps"]
    return steps["x"]


@given(_WORKFLOW)
def test_sendable_body_is_idempotent(live: Any) -> None:
    """What can be sent is described as itself: doing it twice changes nothing."""
    once = sendable_body(live)
    assert sendable_body(once) == once


@given(_WORKFLOW)
def test_nothing_sendable_is_null_or_read_only(live: Any) -> None:
    """No null is sent at any level, no image name, and no status."""
    body: Any = sendable_body(live)
    assert "None" not in repr(body)
    assert "status" not in body
    assert all("imageName" not in step for step in body["steps"].values())


@given(_WORKFLOW)
def test_merging_nothing_changes_nothing(base: Any) -> None:
    """An empty patch is no change."""
    assert merge_patch(base, {}) == base
    assert apply_keywords(base, {}) == base


@given(_WORKFLOW, _WORKFLOW)
def test_merging_twice_is_merging_once(base: Any, body: Any) -> None:
    """What a patch says, it says once and for all."""
    once = merge_patch(base, body)
    assert merge_patch(once, body) == once


@given(_JUNK, _JUNK)
def test_hostile_shapes_end_in_our_errors_and_arguments_stay(live: Any, body: Any) -> None:
    """Whatever the server or the caller gives: a body or one of our errors, and the arguments unchanged."""
    before = copy.deepcopy((live, body))
    acts: list[Callable[[], object]] = [
        lambda: sendable_body(live),
        lambda: merge_patch(live, body),
        lambda: apply_keywords(live, {"storage": "1GB", "name": "n"}),
        lambda: preserving_webhooks(live),
        lambda: patched_body(live, body, keywords={"image_id": 3}),
    ]
    for act in acts:
        try:
            result = act()
        except ReconcilerError:
            continue
        assert isinstance(result, dict)
    assert (live, body) == before


@given(_WORKFLOW, _WORKFLOW)
def test_results_share_nothing_with_their_arguments(live: Any, body: Any) -> None:
    """Changing a result changes neither what it was made from nor another result."""
    before = copy.deepcopy((live, body))
    merged: Any = merge_patch(live, body)
    merged["steps"].clear()
    if isinstance(merged.get("metadata"), dict):
        merged["metadata"].clear()
    patched: Any = patched_body(live, {**body, "tags": [{"name": "n"}]}, keywords={"storage": "1GB"})
    for step in patched["steps"].values():
        step["resources"]["storage"] = "changed"
    assert (live, body) == before


def test_env_comes_as_list_or_map() -> None:
    """`env` is sent as a map, whichever way it came, nulls left out."""
    assert _sent_step(parameters={"env": [{"A": "1"}, {"B": None}, {"C": "3"}]}) == {
        "parameters": {"env": {"A": "1", "C": "3"}}
    }
    assert _sent_step(parameters={"env": {"A": "1"}}) == {"parameters": {"env": {"A": "1"}}}
    assert _sent_step(parameters={"env": []}) == {"parameters": {"env": {}}}
    assert _sent_step(parameters=None) == {}


def test_triggers_are_sent_as_they_are_taken() -> None:
    """A webhook keeps its URL, a cron loses its next date, every trigger stays, and order does, too."""
    live: Any = {
        "triggers": [
            {"webhook": "db88c21d", "cron": None},
            {"cron": "0 1 * * *", "scheduled": "2020-01-01T18:00:00.000Z"},
            {"cron": None, "webhook": None, "scheduled": None},
            {"webhook": False},
            {"event": "future", "scheduled": "2020"},
        ]
    }
    assert sendable_body(live) == {
        "triggers": [
            {"webhook": True, "webhookPolicy": "preserve"},
            {"cron": "0 1 * * *"},
            {"event": "future"},
        ]
    }


def test_tags_are_their_names() -> None:
    """Of a tag only its name is sent."""
    assert sendable_body({"tags": [{"name": "a", "id": 3, "createdAt": "x"}]}) == {"tags": [{"name": "a"}]}


def test_undocumented_keys_are_sent_back() -> None:
    """What is not documented goes back as it is, at the top, in steps and in triggers."""
    live: Any = {
        **_step(futureMode="x", futureOptions={"level": None}, imageVersion="1.0"),
        "triggers": [{"cron": "0 6 * * *", "timeZone": "UTC", "scheduled": "2020"}],
        "priority": "y",
        "statusPage": [1],
        "identity": {"a": None, "b": 2},
    }
    assert sendable_body(live) == {
        **_step(futureMode="x", futureOptions={}),
        "triggers": [{"cron": "0 6 * * *", "timeZone": "UTC"}],
        "priority": "y",
        "statusPage": [1],
        "identity": {"b": 2},
    }


@pytest.mark.parametrize(
    "key",
    [
        *("id", "_id", "uuid", "status", "tenant", "tenantId", "executions", "scheduled", "lastExecution"),
        *(
            "createdAt",
            "createdBy",
            "updatedAt",
            "modifiedBy",
            "lastModifiedBy",
            "nextExecutionAt",
            "deletedAt",
        ),
    ],
)
def test_keys_of_the_platform_are_not_sent(key: str) -> None:
    """What only the platform writes at the top is left out."""
    assert sendable_body({**_step(), key: "x"}) == _step()


def test_workflow_level_retry_options_and_metadata_are_kept() -> None:
    """What the public client's patch loses is sent back where the server returns it."""
    live: Any = {"retryOptions": {"duration": 5, "exitCodes": [1, None]}, "metadata": {"a": True, "b": None}}
    assert sendable_body(live) == {
        "retryOptions": {"duration": 5, "exitCodes": [1]},
        "metadata": {"a": True},
    }


@pytest.mark.parametrize(
    "masked",
    [
        None,
        "",
        " ",
        "*",
        "********",
        "••••",
        "xxxx",
        "XXX",
        "***a1b2",
        "ghp_****",
        "[redacted]",
        "<hidden>",
        "(sensitive)",
        "[ MASKED ]",
        "REDACTED",
        "masked",
        0,
        False,
        [],
        {},
    ],
)
def test_masked_tokens(masked: Any) -> None:
    """A token that says nothing is recognised as such, and not sent back."""
    assert is_mask(masked)
    assert _sent_step(repository={"url": "u", "token": masked}) == {"repository": {"url": "u"}}


@pytest.mark.parametrize(
    "name", ["github", "x", "xx", "my-credential", "token*1", "hidden", "Secret", "xa", "0"]
)
def test_tokens_that_are_none(name: str) -> None:
    """The name of a credential is sent back, however short or odd it is."""
    assert not is_mask(name)
    assert _sent_step(repository={"url": "u", "token": name}) == {"repository": {"url": "u", "token": name}}


@pytest.mark.parametrize(
    ("live", "where"),
    [
        ({"steps": []}, "steps"),
        ({"steps": {"x": 1}}, "steps.x"),
        ({"steps": {"x": {"parameters": {"env": "A=1"}}}}, "steps.x.parameters.env"),
        ({"steps": {"x": {"parameters": {"env": ["A"]}}}}, "steps.x.parameters.env[0]"),
        (
            {"steps": {"x": {"parameters": {"env": [{"name": "A", "value": 1}, {"name": "A", "value": 2}]}}}},
            "steps.x.parameters.env[1]",
        ),
        (
            {"steps": {"x": {"parameters": {"env": [{"name": "A", "value": "1", "note": "x"}]}}}},
            "steps.x.parameters.env[0]",
        ),
        (
            {"steps": {"x": {"parameters": {"env": [{"B": "1"}, {"name": "A", "value": "1"}]}}}},
            "steps.x.parameters.env[0]",
        ),
        ({"steps": {"x": {"parameters": {"env": [{"A": "1"}, {"A": "2"}]}}}}, "steps.x.parameters.env[1]"),
        ({"triggers": {"cron": "x"}}, "triggers"),
        ({"triggers": ["x"]}, "triggers[0]"),
        ({"tags": [1]}, "tags[0]"),
        ({"tags": [{"name": 1}]}, "tags"),
        ({"watchers": 1}, "watchers"),
        ({"name": 1}, "name"),
        ({"metadata": "x"}, "metadata"),
        ({"steps": {"\x1b[31m": 1}}, "steps.\\x1b[31m"),
    ],
)
def test_shapes_that_would_lose_something(live: Any, where: str) -> None:
    """A documented key of another shape is an error that says where, fit to be shown."""
    with pytest.raises(UnexpectedAnswerError) as caught:
        sendable_body(live)
    assert f"`{where}`" in caught.value.message


def test_merge_replaces_at_the_top_and_merges_in_steps() -> None:
    """Top-level keys and lists are replaced; steps are merged at every depth; new steps are added."""
    base: Any = {
        "name": "w",
        "tags": [{"name": "a"}, {"name": "b"}],
        "retryOptions": {"duration": 5, "numberOfRetries": 3},
        "steps": {
            "x": {"command": "c", "parents": ["a"], "resources": {"instanceTypeId": 1, "storage": "1GB"}}
        },
    }
    body: Any = {
        "tags": [{"name": "c"}],
        "retryOptions": {"duration": 9},
        "steps": {"x": {"parents": [], "resources": {"storage": "2GB"}}, "new": {"command": "n"}},
    }
    assert merge_patch(base, body) == {
        "name": "w",
        "tags": [{"name": "c"}],
        "retryOptions": {"duration": 9},
        "steps": {
            "x": {"command": "c", "parents": [], "resources": {"instanceTypeId": 1, "storage": "2GB"}},
            "new": {"command": "n"},
        },
    }


def test_merge_of_env() -> None:
    """`parameters.env` is merged variable by variable; an `env` at the step's own level is replaced whole."""
    base: Any = _step(parameters={"env": {"A": "1", "B": "2"}}, env={"A": "1", "B": "2"})
    body: Any = {"steps": {"x": {"parameters": {"env": {"A": "9"}}, "env": {"A": "9"}}}}
    assert merge_patch(base, body) == _step(parameters={"env": {"A": "9", "B": "2"}}, env={"A": "9"})


def test_merge_over_another_shape() -> None:
    """What the patch gives replaces what is of another shape, where the public client fails."""
    base: Any = _step(resources={"storage": "1GB"}, command="c")
    body: Any = {"steps": {"x": {"resources": None, "command": {"a": 1}}}}
    assert merge_patch(base, body) == _step(resources=None, command={"a": 1})


@pytest.mark.parametrize("steps", [None, [], "x", {"x": None}, {"x": []}])
def test_merge_refuses_steps_that_are_none(steps: Any) -> None:
    """Steps of the wrong shape are refused before they could remove the live ones."""
    with pytest.raises(InvalidParameterException, match="must be an object"):
        merge_patch(_step(), {"steps": steps})


def test_every_keyword_goes_to_its_place() -> None:
    """Each keyword of `patch_workflow` lands where the documentation says."""
    keywords: Any = {
        "name": "new",
        "repository": "https://r",
        "branch": "b",
        "token": "t",
        "command": "c",
        "image_id": 1,
        "image_version_id": 2,
        "instance_type_id": 3,
        "storage": "5GB",
        "step_timeout": 6,
        "clear_image_cache": True,
    }
    assert keywords.keys() == KEYWORDS.keys()
    assert apply_keywords(_step(resources={"gpu": 1}), keywords) == {
        "name": "new",
        "steps": {
            "x": {
                "repository": {"url": "https://r", "branch": "b", "token": "t"},
                "command": "c",
                "imageId": 1,
                "imageVersionId": 2,
                "resources": {"gpu": 1, "instanceTypeId": 3, "storage": "5GB"},
                "stepTimeout": 6,
                "clearImageCache": True,
            }
        },
    }


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("step_timeout", 0), ("clear_image_cache", False), ("command", ""), ("image_id", 0), ("name", "")],
)
def test_falsy_keywords_are_given(keyword: str, value: Any) -> None:
    """`False`, `0` and empty text are values like any other; only `None` means that nothing is given."""
    patched: Any = patched_body(_step(), keywords={keyword: value})
    assert patched["name"] == ("" if keyword == "name" else "w")
    assert keyword == "name" or list(patched["steps"]["x"].values()) == [value]


def test_keywords_win_over_the_body_and_go_to_the_named_steps() -> None:
    """Both given, the keyword wins; `step_names` says for which steps, and the name is not a step's."""
    live: Any = {"name": "w", "steps": {"x": {"command": "1"}, "y": {"command": "2"}}}
    body: Any = {"steps": {"x": {"command": "body"}, "y": {"command": "body"}}}
    patched = patched_body(live, body, keywords={"command": "keyword", "name": "n"}, step_names=["y", "y"])
    assert patched == {"name": "n", "steps": {"x": {"command": "body"}, "y": {"command": "keyword"}}}


@pytest.mark.parametrize(
    "act",
    [
        lambda: patched_body(_step()),
        lambda: patched_body(_step(), {}, keywords={"name": None}),
        lambda: apply_keywords(_step(), {"imageId": 1}),
        lambda: patched_body(_step(), keywords={"image_id": 1}, step_names=[]),
    ],
)
def test_patches_that_cannot_work(act: Callable[[], object]) -> None:
    """Nothing to change, an unknown keyword, and an empty list of steps are refused."""
    with pytest.raises(InvalidParameterException):
        act()


def test_unknown_step_names_are_shown_with_the_known() -> None:
    """A name in `step_names` that is no live step is refused, and the live steps are named."""
    with pytest.raises(InvalidParameterException) as caught:
        patched_body(
            _step(), {"steps": {"new": {}}}, keywords={"image_id": 1}, step_names=["new", "x", "nope"]
        )
    assert "`new`, `nope`; its steps: `x`" in caught.value.message


def test_a_live_workflow_without_steps_is_not_sent_back() -> None:
    """A describe answer that lacks its steps is an error: sent back, it would remove them."""
    with pytest.raises(UnexpectedAnswerError, match="no `steps`"):
        patched_body({"name": "w"}, {"name": "n"})


def test_patched_triggers_keep_their_urls() -> None:
    """A patch that restates a webhook keeps its URL, unless it says that it wants a new one."""
    patched = patched_body(_step(), {"triggers": [{"webhook": True}, {"cron": "x"}]})
    assert patched["triggers"] == [{"webhook": True, "webhookPolicy": "preserve"}, {"cron": "x"}]
    generate: Any = {"triggers": [{"webhook": True, "webhookPolicy": "generate"}]}
    assert patched_body(_step(), generate)["triggers"] == generate["triggers"]
    assert preserving_webhooks({"triggers": [{"webhook": False}]}) == {"triggers": [{"webhook": False}]}
