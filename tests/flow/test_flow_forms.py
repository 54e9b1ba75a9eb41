"""The number of canonical forms that a plan and an apply compute: most of their time goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import RICH, Git, body, step

from reconciler.apply import Status
from reconciler.plan import Unchanged, Update
from reconciler.workflow import body as body_module

if TYPE_CHECKING:
    from collections.abc import Callable

    Count = Callable[[], int]


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Return a function that returns the number of forms computed since its last call."""
    computed: list[Any] = []
    compute = body_module.canonical

    def counted(raw: Any) -> Any:
        computed.append(raw)
        return compute(raw)

    def count() -> int:
        number = len(computed)
        computed.clear()
        return number

    monkeypatch.setattr(body_module, "canonical", counted)
    return count


def test_a_plan_of_an_unchanged_workflow_computes_two_forms(git: Git, forms: Count) -> None:
    """One for each side, however rich the workflow is."""
    git.write(RICH)
    git.apply()
    forms()
    (action,) = git.plan().actions
    assert isinstance(action, Unchanged)
    assert forms() <= 2


@pytest.mark.parametrize("method", ["patch", "replacement"])
def test_an_apply_of_one_update_computes_five_forms(git: Git, forms: Count, method: str) -> None:
    """Four are planned: the manifest where it is parsed, and where it differs; live; and what a patch makes.

    What reads back is the fifth. The apply here reads the manifest again, which is one more.
    """
    git.write(body(steps={"one": step(), "two": step()}))
    git.apply()
    git.write(body(steps={"one": step(command="new"), **({"two": step()} if method == "patch" else {})}))
    forms()
    plan = git.plan()
    (action,) = plan.actions
    assert isinstance(action, Update)
    assert forms() <= 4
    (result,) = git.apply(plan).results
    assert result.status is Status.DONE
    assert forms() <= 2
