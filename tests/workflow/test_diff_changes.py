"""What a single change says: its two values, and whether something goes away."""

from __future__ import annotations

from typing import Any

import pytest
from diff_helpers import changes
from strategies import DEFAULT_RESOURCE

from reconciler.values import ABSENT, leaves
from reconciler.workflow import FieldChange, diff


@pytest.mark.parametrize(
    ("before", "after", "removes"),
    [
        (1, ABSENT, True),
        ({}, ABSENT, True),
        (None, ABSENT, True),
        (ABSENT, ABSENT, False),
        (ABSENT, 1, False),
        (1, 2, False),
        (True, False, False),
        ([1, 2], [2, 3], True),
        ([1], [1, 2], False),
        ([1, 2], [2, 1], False),
        ([True], [1], True),
        ([{"a": 1, "b": 2}], [{"b": 2, "a": 1}, 3], False),
        ([1], "text", False),
        ("text", [1], False),
    ],
)
def test_whether_something_goes_away(before: Any, after: Any, *, removes: bool) -> None:
    """A field that goes, or an item of a list that goes, is a removal; another value is none."""
    assert FieldChange(path=("x",), before=before, after=after).removes is removes


def test_values_are_in_no_representation() -> None:
    """A change may be logged: its values, which may be secrets, are not part of its text."""
    assert "secret" not in repr(FieldChange(path=("x",), before="secret", after=["secret"]))


def test_lists_that_only_look_alike_differ() -> None:
    """`[true]` is not `[1]`, and a list is one field, however many of its items differ."""
    live: Any = {"steps": {"a": {"parents": [True, "x", "y"]}}}
    desired: Any = {"steps": {"a": {"parents": [1, "x", "y"]}}}
    (change,) = diff(live, desired)
    assert (change.path, change.before, change.after) == (
        ("steps", "a", "parents"),
        [True, "x", "y"],
        [1, "x", "y"],
    )


def test_another_shape_is_one_change() -> None:
    """A field that is of another shape on one side is one change, with both values whole."""
    values: list[Any] = [{"a": {"b": 1}}, [1], "text", 1, True, 1.5]
    for before in values:
        for after in values:
            live: Any = {"steps": {"a": {"imageId": before}}}
            desired: Any = {"steps": {"a": {"imageId": after}}}
            found = changes(live, desired)
            assert [(change.before, change.after) for change in found] == (
                [] if before is after else [(before, after)]
            )


def test_only_a_standard_step_has_the_default_resource() -> None:
    """Resources that come with the type `standard` come from nothing, not from the default."""
    live: Any = {"steps": {"a": {"type": "http"}}}
    desired: Any = {"steps": {"a": {"resources": {"instanceTypeId": 22}}}}
    by_path = {change.path[2:]: change for change in changes(live, desired, DEFAULT_RESOURCE)}
    assert by_path["resources", "instanceTypeId"].before is ABSENT
    both: Any = {"steps": {"a": {}}}
    (change,) = changes(both, desired, DEFAULT_RESOURCE)
    assert (change.before, change.after) == (21, 22)


def test_changes_are_in_the_order_of_their_paths() -> None:
    """The same two bodies always give the same changes in the same order."""
    live: Any = {"name": "b", "steps": {"z": {"command": "1", "imageId": 1}, "a": {"command": "1"}}}
    desired: Any = {"steps": {"a": {"command": "2"}, "z": {"imageId": 2, "command": "2"}}, "name": "a"}
    assert [change.path for change in changes(live, desired)] == [
        ("name",),
        ("steps", "a", "command"),
        ("steps", "z", "command"),
        ("steps", "z", "imageId"),
    ]


def test_leaves() -> None:
    """The single fields of a form: a list is one, and so is a step that states nothing."""
    form: Any = {"name": "w", "tags": ["a", "b"], "steps": {"a": {}, "b": {"resources": {"storage": "1GB"}}}}
    assert list(leaves(form)) == [
        (("name",), "w"),
        (("tags",), ["a", "b"]),
        (("steps", "a"), {}),
        (("steps", "b", "resources", "storage"), "1GB"),
    ]
    assert list(leaves({})) == [((), {})]
