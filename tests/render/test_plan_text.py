"""How a plan reads."""

from __future__ import annotations

from reconciler.plan import Plan
from reconciler.render.plan_as_text import change_text, plan_summary
from reconciler.workflow import FieldChange


def test_long_texts_are_shown_where_they_part() -> None:
    """Of two long texts the plan shows the place where they begin to differ."""
    lines = [f"echo line {number}" for number in range(200)]
    before = "\n".join(lines)
    after = before.replace("line 150", "line 150 && rm -rf /data")
    shown = change_text(FieldChange(path=("steps", "one", "command"), before=before, after=after))
    old, _, new = shown.removeprefix("steps.one.command: ").partition(" -> ")
    assert old != new
    assert "rm -rf /data" in new
    assert "echo line 150" in old
    assert len(shown) < 400


def test_a_long_text_that_grows_is_shown_at_its_end() -> None:
    """Of a long text that only gets longer the plan shows what is added."""
    before = "\n".join(f"echo line {number}" for number in range(200))
    shown = change_text(FieldChange(path=("name",), before=before, after=f"{before}\nrm -rf /data"))
    assert shown.endswith('rm -rf /data"')
    assert len(shown) < 400


def test_short_texts_are_shown_whole() -> None:
    """Short texts are shown as they are."""
    change = FieldChange(path=("name",), before="a", after="b")
    assert change_text(change) == 'name: "a" -> "b"'


def test_a_target_that_nothing_has() -> None:
    """A plan that no manifest was selected for says so: a name may be misspelt."""
    assert plan_summary(Plan(actions=(), unselected=3)) == (
        "No changes. None of 3 manifests is selected; check the spelling of the name."
    )
    assert plan_summary(Plan(actions=())) == "No changes. 0 workflows match Git."
