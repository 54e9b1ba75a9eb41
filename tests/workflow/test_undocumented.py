"""Undocumented fields of a body: found at every level, kept by an update, and named where they go."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.values import dump_compact
from reconciler.workflow import (
    Body,
    keeping_undocumented,
    kept_fields,
    lost_fields,
    sendable_body,
    undocumented_fields,
    without_fields,
)

LIVE: dict[str, Any] = {
    "name": "flow",
    "priority": "high",
    "metadata": {"allowConcurrentExecution": True, "owner": "ann"},
    "retryOptions": {"jitter": 3},
    "triggers": [{"cron": "0 6 * * *", "timeZone": "UTC"}, {"event": "upload"}],
    "watchers": [{"user": "ann", "events": {"fail": True, "late": True}, "language": "en"}],
    "steps": {
        "one": {
            "command": "c",
            "shellPath": "/bin/sh",
            "resources": {"instanceTypeId": 1, "gpus": 2},
            "repository": {"submodules": True},
            "runConfiguration": {"skipConfiguration": {"skip": True, "skipWhen": "x"}},
            "executionParameters": {"conditional": [{"condition": "equals", "negated": True}]},
        },
        "call": {"type": "http", "method": "get", "auth": {"type": "no-auth", "realm": "r"}},
    },
}


def _named(found: Any) -> list[str]:
    return sorted(".".join(map(str, path)) for path in found)


def test_fields_are_found_at_every_level() -> None:
    """The outermost undocumented key of each place is named, and nothing that a schema knows."""
    assert _named(undocumented_fields(LIVE)) == [
        "metadata.owner",
        "priority",
        "retryOptions.jitter",
        "steps.call.auth.realm",
        "steps.one.executionParameters.conditional.0.negated",
        "steps.one.repository.submodules",
        "steps.one.resources.gpus",
        "steps.one.runConfiguration.skipConfiguration.skipWhen",
        "steps.one.shellPath",
        "triggers.cron.timeZone",
        "triggers.other",
        "watchers.user:ann.events.late",
        "watchers.user:ann.language",
    ]


def test_a_replacement_keeps_what_still_has_a_place() -> None:
    """Fields go with what they are in, and a value that the body states, also null, is not overwritten."""
    body: Any = {
        "name": "flow",
        "priority": None,
        "triggers": [{"cron": "0 7 * * *"}],
        "watchers": [],
        "steps": {"one": {"command": "d", "shellPath": "/bin/bash"}, "call": {"type": "export"}},
    }
    before = copy.deepcopy((body, LIVE))
    sent = keeping_undocumented(body, LIVE, undocumented_fields(LIVE))
    assert (body, LIVE) == before
    assert sent == {
        "name": "flow",
        "priority": None,
        "metadata": {"owner": "ann"},
        "retryOptions": {"jitter": 3},
        "triggers": [{"cron": "0 7 * * *", "timeZone": "UTC"}, {"event": "upload"}],
        "watchers": [],
        "steps": {
            "one": {"command": "d", "shellPath": "/bin/bash", "repository": {"submodules": True}},
            "call": {"type": "export"},
        },
    }
    assert _named(lost_fields(sent, LIVE, undocumented_fields(LIVE))) == [
        "steps.call.auth.realm",
        "steps.one.executionParameters.conditional.0.negated",
        "steps.one.resources.gpus",
        "steps.one.runConfiguration.skipConfiguration.skipWhen",
    ]
    assert _named(kept_fields(sent, LIVE, undocumented_fields(LIVE))) == [
        "metadata.owner",
        "retryOptions.jitter",
        "steps.one.repository.submodules",
        "triggers.cron.timeZone",
        "triggers.other",
    ]
    assert without_fields(sent, kept_fields(sent, LIVE, undocumented_fields(LIVE))) == {
        **body,
        "metadata": {},
        "retryOptions": {},
        "steps": {**body["steps"], "one": {**body["steps"]["one"], "repository": {}}},
    }


def test_a_list_in_another_order_is_still_sent_back_as_it_is() -> None:
    """A platform may return a list in another order each time it is read."""
    planned: Any = {"name": "flow", "labels": ["x", {"levels": [1, 2]}]}
    live: Any = {"name": "flow", "labels": [{"levels": [2, 1]}, "x"]}
    sent = keeping_undocumented({"name": "flow"}, planned, undocumented_fields(planned))
    assert _named(kept_fields(sent, live, undocumented_fields(live))) == ["labels"]
    assert kept_fields({"labels": ["x"]}, live, undocumented_fields(live)) == []


_WATCHED = {"success": True}
_CONDITION = {"condition": "equals", "stepName": "a", "paramName": "p", "value": "1"}
_LISTS: dict[str, tuple[Any, Any, Any]] = {
    "a schedule among others": (
        {"triggers": [{"cron": "0 6 * * *", "zone": "A"}, {"cron": "0 7 * * *", "zone": "B"}]},
        {"triggers": [{"cron": "0  7 * * *"}, {"cron": "0 9 * * *"}]},
        {"triggers": [{"cron": "0  7 * * *", "zone": "B"}, {"cron": "0 9 * * *"}]},
    ),
    "the only schedule, changed": (
        {"triggers": [{"cron": "0 6 * * *", "zone": "A"}]},
        {"triggers": [{"cron": "0 9 * * *"}]},
        {"triggers": [{"cron": "0 9 * * *", "zone": "A"}]},
    ),
    "watchers of one name, turned round": (
        {"watchers": [{"user": "a", "events": _WATCHED, "tone": 1}, {"user": "a", "events": {}, "tone": 2}]},
        {"watchers": [{"user": "a", "events": {}}, {"user": "a", "events": _WATCHED}]},
        {"watchers": [{"user": "a", "events": {}, "tone": 2}, {"user": "a", "events": _WATCHED, "tone": 1}]},
    ),
    "a watcher that goes": (
        {"watchers": [{"user": "a", "events": _WATCHED, "tone": 1}]},
        {"watchers": [{"user": "b", "events": _WATCHED}]},
        {"watchers": [{"user": "b", "events": _WATCHED}]},
    ),
    "conditions of a step": (
        {"conditional": [{**_CONDITION, "negated": 1}, {**_CONDITION, "value": "2", "negated": 2}]},
        {"conditional": [{**_CONDITION, "value": 2}, {**_CONDITION, "value": "3"}]},
        {"conditional": [{**_CONDITION, "value": 2, "negated": 2}, {**_CONDITION, "value": "3"}]},
    ),
    "equal conditions": (
        {"conditional": [_CONDITION, {**_CONDITION, "negated": 2}]},
        {"conditional": [_CONDITION, {**_CONDITION}]},
        {"conditional": [_CONDITION, {**_CONDITION, "negated": 2}]},
    ),
}
"""What is live, what is desired, and what is sent; conditions are those of a step."""


def _body(part: Any) -> Any:
    if "conditional" in part:
        return {"name": "flow", "steps": {"one": {"executionParameters": part}}}
    return {"name": "flow", "steps": {"one": {}}, **part}


def _ordered(whole: Any) -> Any:
    return {**whole, "watchers": sorted(whole.get("watchers", []), key=dump_compact)}


@pytest.mark.parametrize("case", sorted(_LISTS))
def test_items_of_lists_keep_their_fields(case: str) -> None:
    """An undocumented key goes with its item, wherever that is; one of a changed item is named."""
    live, desired, wanted = (_body(copy.deepcopy(part)) for part in _LISTS[case])
    undocumented = undocumented_fields(live)
    sent = keeping_undocumented(desired, live, undocumented)
    assert _ordered(sent) == _ordered(wanted)
    assert _ordered(without_fields(sent, kept_fields(sent, live, undocumented))) == _ordered(desired)
    changed = ["steps.one.executionParameters.conditional.0.negated"]
    lost = _named(lost_fields(sent, live, undocumented))
    assert lost == (changed if case == "conditions of a step" else [])


_KEYS = st.dictionaries(st.sampled_from(["futureMode", "shell"]), st.sampled_from(["x", 1, {"a": 1}]))


@given(st.tuples(strategies.workflow_bodies(), strategies.workflow_bodies()), _KEYS, _KEYS)
@LAWS
def test_what_is_kept_makes_no_difference(pair: Any, top: Any, inside: Any) -> None:
    """With the undocumented fields of the live workflow a body means what it meant, and none is lost."""
    live, desired = sendable_body(pair[0]), pair[1]
    live = {**live, **top, "steps": {name: {**step, **inside} for name, step in live["steps"].items()}}
    sent = keeping_undocumented(desired, live, undocumented_fields(live))
    assert dump_compact(Body(sent).form) == dump_compact(Body(desired).form)
    same = [
        name
        for name, step in Body(desired).steps.items()
        if name in live["steps"] and step.type == Body(live).steps[name].type
    ]
    assert [
        path
        for path in lost_fields(sent, live, undocumented_fields(live))
        if path[1:2] != () and path[1] in same
    ] == []
    assert all(sent[key] == value for key, value in top.items())


@pytest.mark.parametrize(
    "body", [{}, {"steps": 1}, {"steps": {"a": 1}}, {"triggers": 3, "watchers": {"a": 1}}]
)
def test_any_shape_is_read(body: Any) -> None:
    """No shape makes it raise."""
    assert keeping_undocumented(body, body, undocumented_fields(body)) == body
