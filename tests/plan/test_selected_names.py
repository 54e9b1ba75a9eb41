"""Selection of workflows by name: the names of workflows are looked up, and only other globs are matched."""

from __future__ import annotations

import pytest

from reconciler.plan import Selection, scope


def test_names_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many targets as workflows, as `adopt` has: no name is matched with each target."""
    matched: list[str] = []
    monkeypatch.setattr(scope, "fnmatchcase", lambda name, glob: matched.append(f"{name} {glob}"))
    names = [f"workflow-{number}" for number in range(50)]
    selection = Selection(targets=(*names[:40], "[a]"), exclude=(names[0],)).among([*names, "[a]"])
    assert [name for name in names if selection.takes(name)] == names[1:40]
    assert selection.takes("[a]")
    assert not selection.takes("a")
    assert not matched


def test_a_name_may_be_selected_before_the_others_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is the name is no glob, any other one is; known names are not looked up again."""
    globs = Selection(targets=("[a]", "b*"), exclude=("bc",))
    assert [name for name in ("[a]", "a", "b", "bc", "c") if globs.may_take(name)] == ["[a]", "a", "b"]
    names = [f"workflow-{number}" for number in range(50)]
    selection = Selection(targets=tuple(names[:40])).among(names)
    monkeypatch.setattr(Selection, "among", None)
    assert [name for name in names if selection.may_take(name)] == names[:40]
