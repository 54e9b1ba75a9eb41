"""Fields that are left to others: not compared, and kept as they are."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import strategies
from comparing_helpers import NAME, compared
from forms import forms_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import DEFAULT_RESOURCE, LAWS

from reconciler.plan.desired import is_ignored, read_patterns, with_live_values
from reconciler.values import ABSENT, Path, display_path, dump_compact, lookup
from reconciler.workflow import Body, diff, sendable_body, write_only_field

_RETRY: Any = {"duration": 10, "numberOfRetries": 2}


def _spoil(value: Any) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in list(inner):
        _spoil(item)
    if isinstance(value, (dict, list)):
        value.clear()


def _workflow(*steps: Any, **top: Any) -> Any:
    return {"name": NAME, **top, "steps": dict(zip("abcdef", steps or ({},), strict=False))}


def _kept(desired: Any, live: Any, *written: str) -> Any:
    """Return `desired` with the live values of what is ignored; both stay as they were."""
    before = copy.deepcopy((desired, live))
    patterns = read_patterns(written, Body(desired))
    result = with_live_values(desired, sendable_body(live), patterns)
    assert (desired, live) == before
    return result


def _left(desired: Any, live: Any, *written: str) -> list[str]:
    """Return the paths that still differ once what is ignored is left alone."""
    patterns = read_patterns(written, Body(desired))
    found = compared(live, _kept(desired, live, *written), ignored=patterns)
    return [display_path(change.path) for change in found.changes]


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("name", ("name",)),
        ("steps.train.imageId", ("steps", "train", "imageId")),
        ("steps.*.resources", ("steps", "*", "resources")),
        ('watchers."user:ann@x.org"', ("watchers", "user:ann@x.org")),
        ('steps.a.parameters.env."A.B"', ("steps", "a", "parameters", "env", "A.B")),
        (r'steps.a.parameters.env."say \"x\""', ("steps", "a", "parameters", "env", 'say "x"')),
        (r'steps.a.parameters.env."back\\slash"', ("steps", "a", "parameters", "env", "back\\slash")),
        (r"steps.a.parameters.env.back\slash", ("steps", "a", "parameters", "env", "back\\slash")),
        ('steps.a.parameters.env." padded "', ("steps", "a", "parameters", "env", " padded ")),
        ('steps.a.parameters.env.""', ("steps", "a", "parameters", "env", "")),
        (" steps . a ", ("steps", "a")),
        ("triggers.cron#2", ("triggers", "cron#2")),
    ],
)
def test_how_patterns_are_written(written: str, parts: Any) -> None:
    """Parts with dots between them; in quotes a part may have anything in it; `*` is any one part."""
    assert read_patterns([written], Body({})) == (parts,)


@given(st.lists(st.text(min_size=0, max_size=6), min_size=1, max_size=4))
@LAWS
def test_what_a_plan_shows_can_be_ignored(parts: list[str]) -> None:
    """A path as a plan shows it, put under `ignore`, is that path, whatever is in its parts."""
    plain = all(part == part.strip() or set(part) & set('."[] ') for part in parts)
    path = ("steps", *parts)
    if plain and "\n" not in "".join(parts):
        assert read_patterns([display_path(path)], Body({})) == (path,)


@pytest.mark.parametrize("part", ["a\\", '\\"', 'a\\"b', "a\\.b", '"', "\\", " ", ".", ""])
def test_marks_of_writing_can_be_written(part: str) -> None:
    """Quotes, backslashes and dots in a part are shown so that they are read as themselves."""
    path = ("steps", part, "x")
    assert read_patterns([display_path(path)], Body({})) == (path,)


@pytest.mark.parametrize(
    ("path", "pattern", "ignored"),
    [
        (("steps", "a", "imageId"), ("steps", "a", "imageId"), True),
        (("steps", "a", "imageId"), ("steps", "*", "imageId"), True),
        (("steps", "a", "resources", "storage"), ("steps", "a", "resources"), True),
        (("steps", "a", "resources", "storage"), ("*", "*", "*"), True),
        (("steps", "a", "resources", "storage"), ("steps",), True),
        (("steps", "a"), ("steps", "a", "imageId"), False),
        (("steps", "a", "imageId"), ("steps", "b"), False),
        (("steps", "a", "imageId"), ("steps", "a", "image*"), False),
        (("steps", "a", "imageId"), ("a", "imageId"), False),
        (("name",), ("*", "*"), False),
        (("name",), (), False),
    ],
)
def test_what_is_at_or_below_a_pattern(path: Any, pattern: Any, *, ignored: bool) -> None:
    """A pattern takes in what is at it and below it, and `*` one whole part."""
    assert is_ignored(path, [("other",), pattern]) is ignored


def test_nothing_ignored_changes_nothing() -> None:
    """Without patterns the very body comes back; with ones that match nothing, an equal one."""
    body = _workflow({"command": "c"}, triggers=[{"cron": "x"}], watchers=[{"user": "u"}])
    assert with_live_values(body, {"name": "live"}, ()) is body
    assert _kept(body, _workflow({"command": "live"}), "steps.z.command", "metadata", "") == body


def test_an_ignored_field_has_its_live_value() -> None:
    """Changed, missing or added on the live side: it is sent as it is there."""
    desired = _workflow(
        {"imageId": 1, "command": "git", "resources": {"storage": "1GB"}, "parameters": {"env": {"A": "git"}}}
    )
    live = _workflow(
        {
            "imageId": 2,
            "imageName": "read-only",
            "stepTimeout": 9,
            "resources": {"instanceTypeId": 22, "storage": "2GB"},
            "parameters": {"env": [{"A": "live"}, {"B": "live"}]},
        },
        tags=[{"name": "live", "id": 3}],
        metadata=None,
    )
    kept = _kept(
        desired,
        live,
        "steps.*.imageId",
        "steps.a.command",
        "steps.a.stepTimeout",
        "steps.a.resources.instanceTypeId",
        "steps.a.parameters.env.B",
        "tags",
    )
    assert kept == _workflow(
        {
            "imageId": 2,
            "stepTimeout": 9,
            "resources": {"storage": "1GB", "instanceTypeId": 22},
            "parameters": {"env": {"A": "git", "B": "live"}},
        },
        tags=[{"name": "live"}],
    )


def test_what_is_kept_is_a_copy() -> None:
    """Changing the body that is to be sent changes neither what is live nor what Git wants."""
    desired, live = (
        _workflow({"parents": ["x"]}),
        _workflow({"parents": ["y"], "resources": {"storage": "1GB"}}),
    )
    before = copy.deepcopy((desired, live))
    _spoil(
        with_live_values(
            desired, live, read_patterns(["steps.a.parents", "steps.a.resources"], Body(desired))
        )
    )
    assert (desired, live) == before


def test_a_step_that_git_removed_is_not_brought_back() -> None:
    """A field ignored in all steps does not bring back the live steps that Git does not have."""
    desired, live = _workflow({"imageId": 1}), _workflow({"imageId": 2}, {"imageId": 3})
    assert _kept(desired, live, "steps.*.imageId", "steps.b.resources") == _workflow({"imageId": 2})
    assert _left(desired, live, "steps.*.imageId") == ["steps.b"]


def test_a_whole_step_can_be_left_to_others() -> None:
    """A step that is ignored as a whole stays, also where Git does not have it."""
    desired, live = _workflow({"imageId": 1}), _workflow({"imageId": 1}, {"imageId": 3, "imageName": "x"})
    assert _kept(desired, live, "steps.b") == _workflow({"imageId": 1}, {"imageId": 3})
    assert _left(desired, live, "steps.b") == []


def test_triggers_and_watchers_are_ignored_by_name() -> None:
    """A trigger is named by its kind, a watcher by its recipient: as plans show them."""
    desired = _workflow(
        triggers=[{"cron": "git"}, {"webhook": True}],
        watchers=[{"user": "ann@x.org", "events": {"fail": True}}, {"user": "bob", "events": {"fail": True}}],
    )
    live = _workflow(
        triggers=[{"webhook": "uuid"}, {"cron": "live", "scheduled": "2020"}],
        watchers=[
            {"user": "bob", "events": {"success": True}},
            {"email": {"name": "team.x", "recipients": {"to": ["a@x"]}}},
            {"user": "ann@x.org", "events": {"success": True, "fail": None}},
        ],
    )
    assert _kept(desired, live, "triggers.cron", 'watchers."user:ann@x.org"', 'watchers."email:team.x"') == {
        **desired,
        "triggers": [{"cron": "live"}, {"webhook": True}],
        "watchers": [
            {"user": "ann@x.org", "events": {"success": True}},
            {"user": "bob", "events": {"fail": True}},
            {"email": {"name": "team.x", "recipients": {"to": ["a@x"]}}},
        ],
    }
    assert _left(desired, live, "triggers", "watchers") == []
    assert _left(desired, live, "watchers.user:bob.events", 'watchers."email:team.x"') == [
        "triggers.cron",
        'watchers."user:ann@x.org".events.fail',
        'watchers."user:ann@x.org".events.success',
    ]


def test_a_field_of_a_watcher_does_not_bring_the_watcher_back() -> None:
    """A watcher that Git removed stays removed although its events are ignored."""
    desired, live = _workflow(), _workflow(watchers=[{"user": "u", "events": {"fail": True}}])
    assert _left(desired, live, "watchers.*.events") == ["watchers.user:u"]


def test_a_removed_trigger_that_is_ignored_stays() -> None:
    """A webhook that someone added live is kept, its URL too, where triggers are left to others."""
    kept = _kept(_workflow(), _workflow(triggers=[{"webhook": "uuid"}]), "triggers.webhook")
    assert kept["triggers"] == [{"webhook": True, "webhookPolicy": "preserve"}]


def _own(options: Any) -> Any:
    return {"runConfiguration": {"retryOptions": options}}


def test_retry_options_of_the_workflow_are_ignored_where_they_are_spread() -> None:
    """Returned at the top or in every step: retry options that are ignored do not differ, and stay."""
    desired = _workflow({"command": "c"}, {}, retryOptions=_RETRY)
    other = {"duration": 20, "numberOfRetries": 4}
    at_top = _workflow({"command": "c"}, {}, retryOptions=other)
    spread = _workflow({"command": "c", **_own(other)}, _own(other))
    for live in (at_top, spread):
        assert _left(desired, live, "retryOptions") == []
        kept = _kept(desired, live, "retryOptions")
        assert forms_of(live, kept).equal
    assert _left(desired, _workflow({"command": "d", **_own(other)}, _own(other)), "retryOptions") == [
        "steps.a.command"
    ]


def test_one_retry_option_that_is_ignored_leaves_the_others() -> None:
    """Of partly ignored retry options the rest is still Git's, wherever the platform returns them."""
    desired = _workflow({}, {}, retryOptions=_RETRY)
    drifted = {"duration": 20, "numberOfRetries": 2}
    for live in (_workflow({}, {}, retryOptions=drifted), _workflow(_own(drifted), _own(drifted))):
        assert _left(desired, live, "retryOptions.duration") == []
        assert forms_of(live, _kept(desired, live, "retryOptions.duration")).equal
    more = {"duration": 20, "numberOfRetries": 4}
    assert _left(desired, _workflow({}, {}, retryOptions=more), "retryOptions.duration") == [
        "retryOptions.numberOfRetries"
    ]
    assert _left(desired, _workflow(_own(more), _own(more)), "retryOptions.duration") == [
        "steps.a.runConfiguration.retryOptions.numberOfRetries",
        "steps.b.runConfiguration.retryOptions.numberOfRetries",
    ]


def test_a_steps_own_retry_options_are_not_the_workflows() -> None:
    """Ignoring the workflow's retry options does not ignore those that Git states in a step."""
    desired = _workflow(_own({"duration": 10}), {}, retryOptions=_RETRY)
    live = _workflow(_own({"duration": 30}), _own({"duration": 40}))
    assert read_patterns(["retryOptions.duration"], Body(desired)) == (
        ("retryOptions", "duration"),
        ("steps", "b", "runConfiguration", "retryOptions", "duration"),
    )
    assert _left(desired, live, "retryOptions") == ["steps.a.runConfiguration.retryOptions.duration"]


def test_what_may_be_there_and_is_not_returned_is_not_removed() -> None:
    """Of an ignored field that does not show, and that the platform may not return, Git's value is sent."""
    desired = _workflow(
        {"repository": {"url": "u", "token": "t"}},
        metadata={"allowConcurrentExecution": True},
        retryOptions=_RETRY,
    )
    live = _workflow({"repository": {"url": "u", "token": "****"}})
    assert _kept(desired, live, "steps.*.repository.token", "metadata.*", "retryOptions.*") == desired
    assert _left(desired, live, "steps.*.repository.token", "metadata", "retryOptions") == []


@pytest.mark.parametrize("mask", ["****", None, ""])
@pytest.mark.parametrize(
    ("ignored", "url"),
    [("steps.a", "live"), ("steps.*.repository", "live"), ("steps.a.repository.token", "git")],
)
def test_a_credential_below_what_is_ignored_is_not_lost(ignored: str, url: str, mask: Any) -> None:
    """A repository left to others keeps the token that Git states: sent without it, it would be gone."""
    desired = _workflow({"repository": {"url": "git", "token": "t"}})
    live = _workflow({"repository": {"url": "live", "token": mask}})
    assert _kept(desired, live, ignored) == _workflow({"repository": {"url": url, "token": "t"}})
    told = _workflow({"repository": {"url": "live", "token": "another"}})
    assert _kept(desired, told, ignored) == _workflow({"repository": {"url": url, "token": "another"}})


def test_a_mask_is_never_sent_for_a_secret() -> None:
    """A masked secret of an ignored field is no live value: Git's is sent."""
    desired = _workflow({"type": "http", "auth": {"type": "basic", "username": "git", "password": "p"}})
    live = _workflow({"type": "http", "auth": {"type": "basic", "username": "live", "password": "****"}})
    for ignored in ("steps.a.auth", "steps.a"):
        kept = _kept(desired, live, ignored)
        assert kept["steps"]["a"]["auth"] == {"type": "basic", "username": "live", "password": "p"}
    assert _kept(desired, live, "steps.a.auth.password") == desired


def test_retry_options_below_what_is_ignored_are_whole() -> None:
    """Options returned below what is ignored are the platform's; where none are returned, Git's stay."""
    desired = _workflow(_own(_RETRY))
    told, untold = _workflow(_own({"duration": 20})), _workflow({"runConfiguration": {"x": 1}})
    assert _kept(desired, told, "steps.a.runConfiguration") == told
    assert _kept(desired, untold, "steps.a.runConfiguration") == _workflow(
        {"runConfiguration": {"x": 1, "retryOptions": _RETRY}}
    )


_PAIRS = st.tuples(strategies.workflow_bodies(), strategies.workflow_bodies())


def _is_simple(path: Path, live: Any, desired: Any) -> bool:
    """Whether the field is independent: not where several crons or options meet, or two types of step."""
    if "retryOptions" in path or path[0] == "triggers":
        return False
    kinds = [(lookup(body, path[:2]), lookup(body, (*path[:2], "type"))) for body in (live, desired)]
    return path[0] != "steps" or len({repr(kind) for step, kind in kinds if step is not ABSENT}) == 1


@given(_PAIRS, st.data())
@LAWS
def test_ignoring_any_differences_leaves_the_others(pair: Any, data: st.DataObject) -> None:
    """Any of what differs, ignored as the plan shows it, is gone; everything else differs as before."""
    live, desired = pair
    masked = Body(live).masked
    aligned = forms_of(live, desired, DEFAULT_RESOURCE)
    found = [change.path for change in diff(aligned.live, aligned.desired, DEFAULT_RESOURCE)]
    simple = [path for path in found if _is_simple(path, aligned.live, aligned.desired)]
    chosen = data.draw(st.sets(st.sampled_from(simple))) if simple else set()
    written = [display_path(path) for path in chosen]
    patterns = read_patterns(written, Body(desired))
    kept = with_live_values(desired, sendable_body(live), patterns, masked)
    after = forms_of(live, kept, DEFAULT_RESOURCE)
    left = {change.path for change in diff(after.live, after.desired, DEFAULT_RESOURCE)}
    others = {path for path in found if not is_ignored(path, patterns)}
    # A write-only field stays as in Git, and an ignored step has the workflow's retry options.
    assert {path for path in left ^ others if write_only_field(path) is None and path not in masked} == set()
    again = with_live_values(kept, sendable_body(live), patterns, masked)
    assert dump_compact(again) == dump_compact(kept)


@given(_PAIRS)
@LAWS
def test_ignoring_everything_leaves_the_live_workflow(pair: Any) -> None:
    """With every field ignored only the name differs, and what the platform may not return."""
    live, desired = sendable_body(pair[0]), pair[1]
    aligned = forms_of(
        live, with_live_values(desired, live, read_patterns(["*"], Body(desired))), DEFAULT_RESOURCE
    )
    found = diff(aligned.live, aligned.desired, DEFAULT_RESOURCE)
    seen = {change.path for change in found if write_only_field(change.path) is None}
    assert seen == ({("name",)} if live.get("name") != desired.get("name") else set())
