"""Values that mean the same in another spelling: one table, and what the canonical form makes of it."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from canonical_helpers import form_of, same, workflow
from forms import canonical_of

from reconciler.values import ABSENT
from reconciler.workflow import Body, FieldChange, as_written, written_sides


def _cron(text: str) -> Any:
    return workflow(triggers=[{"cron": text}])


def _user(address: str) -> Any:
    return workflow(watchers=[{"user": address, "events": {"fail": True}}])


def _email(*addresses: str) -> Any:
    return workflow(watchers=[{"email": {"name": "Team", "recipients": {"to": list(addresses)}}}])


def _condition(value: Any, word: str = "equals") -> Any:
    rows = [{"condition": word, "stepName": "a", "paramName": "rows", "value": value}]
    return workflow({"executionParameters": {"conditional": rows}})


def _env(value: Any) -> Any:
    return workflow({"parameters": {"env": {"A": value}}})


def _status(condition: str, status: str) -> Any:
    rows = [{"condition": condition, "parents": ["a"], "status": [status]}]
    return workflow({"executionParameters": {"parentStatus": rows}})


EQUAL: Final[dict[str, tuple[Any, ...]]] = {
    "cron": tuple(
        map(
            _cron,
            [
                "0 6 * * mon-FRI",
                " 0  6 * * MON-FRI ",
                "0 6 * * 1-5",
                "00 06 * * 1-5",
                "0 6 ? * 1-5",
                "0 0 6 ? * MON-FRI",
                "0 0 6 ? * 2-6 *",
                "0 0 6 * * mon-fri *",
            ],
        )
    ),
    "cron: Sunday": tuple(map(_cron, ["0 6 * * 0", "0 6 * * 7", "0 6 * * sun", "0 0 6 ? * 1"])),
    "cron: lists": tuple(map(_cron, ["0 6 * jan,3 1,FRI", "0 6 * 3,1 fri,mon", "0 0 6 ? MAR,1 2,6"])),
    "cron: the nth weekday": tuple(map(_cron, ["0 0 0 ? * 6#3 *", "0 0 0 ? * fri#3"])),
    "cron: the last weekday": tuple(map(_cron, ["0 0 0 ? * 6L", "0 0 0 ? * fril *"])),
    "cron: steps": tuple(map(_cron, ["*/5 * * * 1/2", "*/5  * * * mon/2"])),
    "user": tuple(map(_user, ["Jane.Doe@Example.com", "jane.doe@example.com"])),
    "recipients": (_email("A@x.org", "b@x.org"), _email("B@X.org", "a@x.org", "A@X.ORG")),
    "tags": (workflow(tags=[{"name": "Finance"}, {"name": "b"}]), workflow(tags=["B", "FINANCE", "finance"])),
    "text": tuple(workflow({"command": text}) for text in ("a\nb\n", "a\nb", "a\nb\r\n", "a\nb\n\n")),
    "variable": tuple(map(_env, ["x", "x\n"])),
    "variable: number": tuple(map(_env, ["30", 30, 30.0])),
    "type": (workflow({"type": "http", "url": "u"}), workflow({"type": "HTTP", "url": "u"})),
    "standard": (workflow({"imageId": 1}), workflow({"type": "STANDARD", "imageId": 1})),
    "method": tuple(workflow({"type": "http", "method": text}) for text in ("post", "POST", "Post")),
    "sort order": tuple(workflow({"type": "export", "sortOrder": text}) for text in ("desc", "DESC")),
    "auth": tuple(workflow({"type": "http", "auth": {"type": text}}) for text in ("basic", "Basic")),
    "condition": (_condition("0"), _condition("0", "EQUALS"), _condition(0)),
    "parent status": (_status("all-of", "success"), _status("ALL-OF", "SUCCESS")),
    "number": tuple(workflow({"stepTimeout": number}) for number in (3600, 3600.0, "3600", "3600.0")),
    "fraction": tuple(workflow(retryOptions={"duration": number}) for number in (7.5, "7.5", "7.50")),
    "exit codes": tuple(workflow(retryOptions={"exitCodes": codes}) for codes in ([1, 2], ["2", 1.0, "1"])),
    "boolean": tuple(workflow({"clearImageCache": value}) for value in (True, "true", "True")),
    "storage": tuple(
        workflow({"resources": {"storage": size}}) for size in ("20GB", "20 gb", 20, "20", 20.0)
    ),
    "concurrency": (workflow(metadata={"allowConcurrentExecution": False}), workflow()),
}
"""Bodies that mean the same."""

_DIFFERENT: Final[dict[str, tuple[Any, ...]]] = {
    "cron: time": tuple(map(_cron, ["0 6 * * 1", "0 7 * * 1", "6 0 * * 1", "0 6 * * 2", "0 6 1 * *"])),
    "cron: seconds": tuple(map(_cron, ["0 0 6 * * ?", "30 0 6 * * ?", "0 0 6 * * ? 2030"])),
    "cron: Sunday is 1 with seconds": tuple(map(_cron, ["0 0 6 ? * 1", "0 6 * * 1"])),
    "cron: a step is no day": tuple(map(_cron, ["0 6 * * */2", "0 6 * * 2"])),
    "user": tuple(map(_user, ["a@example.com", "b@example.com"])),
    "tags": (workflow(tags=[{"name": "a"}]), workflow(tags=[{"name": "b"}]), workflow()),
    "text": tuple(
        workflow({"command": text}) for text in ("a\nb", "a\r\nb", "a\n\nb", "\na\nb", "A\nb", "a\nb ")
    ),
    "variable": tuple(map(_env, ["1", "1.0", "01", True, "x", "X"])),
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
