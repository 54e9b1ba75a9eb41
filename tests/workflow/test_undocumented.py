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
    assert _named(lost_fields(sent, undocumented_fields(LIVE))) == [
        "steps.call.auth.realm",
        "steps.one.executionParameters.conditional.0.negated",
        "steps.one.resources.gpus",
        "steps.one.runConfiguration.skipConfiguration.skipWhen",
    ]
    assert _named(kept_fields(sent, undocumented_fields(LIVE))) == [
        "metadata.owner",
        "retryOptions.jitter",
        "steps.one.repository.submodules",
        "triggers.cron.timeZone",
        "triggers.other",
    ]
    assert without_fields(sent, kept_fields(sent, undocumented_fields(LIVE))) == {
        **body,
        "metadata": {},
        "retryOptions": {},
        "steps": {**body["steps"], "one": {**body["steps"]["one"], "repository": {}}},
    }


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
        path for path in lost_fields(sent, undocumented_fields(live)) if path[1:2] != () and path[1] in same
    ] == []
    assert all(sent[key] == value for key, value in top.items())


@pytest.mark.parametrize(
    "body", [{}, {"steps": 1}, {"steps": {"a": 1}}, {"triggers": 3, "watchers": {"a": 1}}]
)
def test_any_shape_is_read(body: Any) -> None:
    """No shape makes it raise."""
    assert keeping_undocumented(body, body, undocumented_fields(body)) == body
