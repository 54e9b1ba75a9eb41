"""Values that mean the same in another spelling: one table, and what the canonical form makes of it."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from canonical_helpers import form_of, same
from forms import canonical_of
from spellings import EQUAL, with_cron, with_env, with_user, workflow

from reconciler.values import ABSENT
from reconciler.workflow import Body, FieldChange, as_written, written_sides

_DIFFERENT: Final[dict[str, tuple[Any, ...]]] = {
    "cron: time": tuple(map(with_cron, ["0 6 * * 1", "0 7 * * 1", "6 0 * * 1", "0 6 * * 2", "0 6 1 * *"])),
    "cron: seconds": tuple(map(with_cron, ["0 0 6 * * ?", "30 0 6 * * ?", "0 0 6 * * ? 2030"])),
    "cron: Sunday is 1 with seconds": tuple(map(with_cron, ["0 0 6 ? * 1", "0 6 * * 1"])),
    "cron: a step is no day": tuple(map(with_cron, ["0 6 * * */2", "0 6 * * 2"])),
    "user": tuple(map(with_user, ["a@example.com", "b@example.com"])),
    "tags": (workflow(tags=[{"name": "a"}]), workflow(tags=[{"name": "b"}]), workflow()),
    "text": tuple(
        workflow({"command": text}) for text in ("a\nb", "a\r\nb", "a\n\nb", "\na\nb", "A\nb", "a\nb ")
    ),
    "variable": tuple(map(with_env, ["1", "1.0", "01", True, "x", "X"])),
    "number": tuple(workflow({"stepTimeout": value}) for value in (1, "1s", "1e0", " 1", True, "")),
    "boolean": tuple(workflow({"clearImageCache": value}) for value in (True, 1, "yes", "1")),
    "storage": tuple(workflow({"resources": {"storage": size}}) for size in ("20GB", "20TB", "20Gi", 21)),
    "name": (workflow(), {**workflow(), "name": "W"}),
}
"""Bodies of which no two mean the same."""


@pytest.mark.parametrize("what", EQUAL)
def test_equal_in_meaning_is_equal(what: str) -> None:
    """Every spelling of a value has the same canonical form, whose own form is itself."""
    first, *others = EQUAL[what]
    assert [other for other in others if not same(first, other)] == []
    assert {form_of(canonical_of(body)) for body in EQUAL[what]} == {form_of(first)}


@pytest.mark.parametrize("what", _DIFFERENT)
def test_values_that_look_alike_differ(what: str) -> None:
    """No two of the near misses are taken for equal."""
    bodies = _DIFFERENT[what]
    pairs = [(one, other) for number, one in enumerate(bodies) for other in bodies[:number]]
    assert [pair for pair in pairs if same(*pair)] == []


def test_a_value_is_shown_as_it_is_written() -> None:
    """The normal form is what is compared; what a plan shows is the text in Git and the live text."""
    form: Any = canonical_of(
        workflow({"command": "a\n"}, triggers=[{"cron": "0 6 * * mon"}], tags=[{"name": "Team-A"}])
    )
    assert form["triggers"] == {"cron": "0 0 6 * * MON"}
    assert form["tags"] == ["team-a"]
    written: Any = as_written(form)
    assert written["triggers"] == {"cron": "0 6 * * mon"}
    assert written["tags"] == ["Team-A"]
    assert written["steps"]["a"]["command"] == "a\n"
    assert as_written(copy.deepcopy(form)) == written


def test_an_item_that_stays_is_shown_in_one_spelling() -> None:
    """Of a list that changes, an item that is on both sides is shown as it is after."""
    sides: Any = [Body({"tags": tags}).form["tags"] for tags in ([{"name": "red"}], ["Red", "Blue"])]
    change = FieldChange(path=("tags",), before=sides[0], after=sides[1])
    assert written_sides(change) == (["Red"], ["Blue", "Red"])
    gone = FieldChange(path=("tags",), before=ABSENT, after=sides[1])
    assert written_sides(gone) == (ABSENT, ["Blue", "Red"])
