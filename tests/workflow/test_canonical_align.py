"""Retry options are where the workflow states them, once, and otherwise in the steps."""

from __future__ import annotations

from typing import Any

import strategies
from forms import canonical_of, forms_of
from hypothesis import given
from spellings import workflow
from strategies import LAWS

from reconciler.values import dump_compact
from reconciler.workflow import Body, diff

_TEN: Any = {"duration": 10}


def _own(options: Any) -> dict[str, Any]:
    return {"runConfiguration": {"retryOptions": options}}


def _paths(live: Any, desired: Any) -> list[str]:
    aligned = forms_of(live, desired)
    return [".".join(map(str, change.path)) for change in diff(aligned.live, aligned.desired)]


def test_options_of_the_workflow_are_at_the_top_once() -> None:
    """Changed for the workflow, retry options are one change, wherever the platform returns them."""
    desired = workflow({}, {}, {}, retryOptions={"duration": 20})
    at_top = workflow({}, {}, {}, retryOptions=_TEN)
    spread = workflow(_own(_TEN), _own(_TEN), _own(_TEN))
    assert _paths(at_top, desired) == _paths(spread, desired) == ["retryOptions.duration"]
    assert _paths(desired, at_top) == ["retryOptions.duration"]


def test_options_that_come_or_go_are_at_the_top() -> None:
    """Added to the workflow or taken away, they are one change also for a single step."""
    for steps in ([{}], [{}, {}]):
        plain, stated = workflow(*steps), workflow(*steps, retryOptions=_TEN)
        assert _paths(plain, stated) == _paths(stated, plain) == ["retryOptions.duration"]


def test_spread_options_that_go_are_at_the_top() -> None:
    """Removed in Git and returned in every step by the platform: one change."""
    assert _paths(workflow(_own(_TEN), _own(_TEN)), workflow({}, {})) == ["retryOptions.duration"]


def test_a_step_that_someone_changed_is_named() -> None:
    """Options that differ between steps that have none of their own in Git: the step is named."""
    live = workflow(_own(_TEN), _own({"duration": 20}))
    assert _paths(live, workflow({}, {}, retryOptions=_TEN)) == [
        "steps.b.runConfiguration.retryOptions.duration"
    ]


def test_a_steps_own_options_stay_in_the_step() -> None:
    """Where Git states options in a step, they are compared there."""
    live = workflow({}, _own(_TEN), retryOptions=_TEN)
    desired = workflow({}, _own({"duration": 30}), retryOptions=_TEN)
    assert _paths(live, desired) == ["steps.b.runConfiguration.retryOptions.duration"]
    lone = workflow(_own(_TEN)), workflow(_own({"duration": 30}))
    assert _paths(*lone) == ["steps.a.runConfiguration.retryOptions.duration"]


def test_a_new_step_is_shown_without_the_workflows_options() -> None:
    """A step that comes is one change, and does not repeat what the workflow states."""
    live, desired = workflow({}, retryOptions=_TEN), workflow({}, {"command": "c"}, retryOptions=_TEN)
    aligned = forms_of(live, desired)
    (change,) = diff(aligned.live, aligned.desired)
    assert (change.path, change.after) == (("steps", "b"), {"command": "c"})


def test_inheriting_steps() -> None:
    """A step has the workflow's options unless its own say anything."""
    body = workflow(
        {}, _own({}), _own({"duration": None, "exitCodes": []}), _own({"x": 1}), _own({"duration": 5})
    )
    assert Body(body).inheriting_steps == {"a", "b", "c", "d"}


@given(strategies.workflow_bodies(), strategies.workflow_bodies())
@LAWS
def test_aligning_keeps_what_is_equal(live: Any, desired: Any) -> None:
    """Two bodies are equal once aligned exactly when their canonical forms are."""
    alike = dump_compact(canonical_of(live)) == dump_compact(canonical_of(desired))
    assert forms_of(live, desired).equal == alike
    assert forms_of(live, live).equal


@given(strategies.workflow_bodies())
@LAWS
def test_what_is_lifted_takes_effect_in_every_step_below(body: Any) -> None:
    """Options at the top of an aligned form are those of each step that has none of its own."""
    form: Any = forms_of(body, body).desired
    plain: Any = canonical_of(body)
    for name in Body(body).inheriting_steps:
        options = (plain["steps"][name].get("runConfiguration") or {}).get("retryOptions", {})
        lifted = (
            form["steps"][name].get("runConfiguration", {}).get("retryOptions", form.get("retryOptions", {}))
        )
        assert lifted == options
