"""The number of canonical forms that a plan and an apply compute: most of their time goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import RICH, Git, body, step

from reconciler.apply import Status
from reconciler.plan import Unchanged, Update, early_decisions
from reconciler.plan.deciding import Decision, decide_match
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


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[Decision]:
    """Return the decisions that are made: one again, where the default resource arrives after it."""
    made: list[Decision] = []

    def counted(*arguments: Any) -> Decision:
        made.append(decide_match(*arguments))
        return made[-1]

    monkeypatch.setattr(early_decisions, "decide_match", counted)
    return made


@pytest.mark.parametrize("method", ["patch", "replacement"])
def test_an_apply_of_one_update_computes_four_forms(
    git: Git, forms: Count, decisions: list[Decision], method: str
) -> None:
    """One form of a manifest when it is parsed, two for a decision, the manifest's and the live one's.

    What reads back is the fourth. The apply here reads the manifest again, which is one more.
    """
    git.write(body(steps={"one": step(), "two": step()}))
    git.apply()
    git.write(body(steps={"one": step(command="new"), **({"two": step()} if method == "patch" else {})}))
    forms()
    decisions.clear()
    plan = git.plan()
    (action,) = plan.actions
    assert isinstance(action, Update)
    assert decisions
    assert forms() <= 1 + 2 * len(decisions)
    (result,) = git.apply(plan).results
    assert result.status is Status.DONE
    assert forms() <= 2
