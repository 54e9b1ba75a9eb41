"""Changed paths between two canonical forms, found with deepdiff."""

from __future__ import annotations

from typing import Any, Final

from deepdiff import DeepDiff
from deepdiff.helper import NotPresent
from deepdiff.operator import BaseOperatorPlus

from reconciler.schema import documented_default
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object, lookup, same_json
from reconciler.workflow.field_changes import FieldChange
from reconciler.workflow.step import STANDARD, Step

_WHOLE: Final = frozenset({"steps", "watchers"})
"""Maps whose items come and go as one change each."""

_KINDS: Final = (
    "values_changed",
    "type_changes",
    "dictionary_item_added",
    "dictionary_item_removed",
)


def field_changes(
    before: JsonObject, after: JsonObject, default_resource: JsonObject
) -> tuple[FieldChange, ...]:
    """Return the differences, as `reconciler.workflow.field_changes.diff` does."""
    here, there = _unequal(before, after), _unequal(after, before)
    tree = DeepDiff(
        _filled(here, there),
        _filled(there, here),
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        custom_operators=[_ListsAreLeaves()],
    )
    sides = (_Side(before, default_resource), _Side(after, default_resource))
    changes = [_change(level, *sides) for kind in _KINDS for level in tree.get(kind, ())]
    return tuple(sorted(changes, key=lambda change: [str(part) for part in change.path]))


def _unequal(form: JsonObject, other: JsonObject) -> JsonObject:
    """Return the parts of `form` that `other` does not have in the same way."""
    parts: JsonObject = {}
    for key, value in form.items():
        theirs = other.get(key, ABSENT)
        if not same_json(value, theirs):
            both = isinstance(value, dict) and isinstance(theirs, dict)
            parts[key] = _unequal(as_object(value), as_object(theirs)) if both else value
    return parts


class _ListsAreLeaves(BaseOperatorPlus):
    """A comparison of a list as one value: its items have no names, and an index would say nothing."""

    def match(self, level: Any) -> bool:  # noqa: ANN401 - deepdiff's own type
        return isinstance(level.t1, list) and isinstance(level.t2, list)

    def give_up_diffing(self, level: Any, diff_instance: Any) -> bool:  # noqa: ANN401
        if not same_json(level.t1, level.t2):
            diff_instance._report_result("values_changed", level)  # noqa: SLF001 - deepdiff's way to report
        return True

    def normalize_value_for_hashing(self, parent: Any, obj: Any) -> Any:  # noqa: ANN401, ARG002
        return obj


def _filled(form: JsonObject, other: JsonObject, path: Path = ()) -> JsonObject:
    """Return `form` with an empty map wherever only `other` has one: each field inside is a change."""
    result = dict(form)
    for key, theirs in other.items():
        ours = form.get(key, ABSENT)
        if isinstance(theirs, dict) and (
            isinstance(ours, dict) or (ours is ABSENT and not (len(path) == 1 and path[0] in _WHOLE))
        ):
            result[key] = _filled(as_object(ours), theirs, (*path, key))
    return result


def _change(level: Any, before: _Side, after: _Side) -> FieldChange:  # noqa: ANN401 - deepdiff's own type
    path: Path = tuple(level.path(output_format="list"))
    return FieldChange(
        path=path,
        before=before.left_out(path) if isinstance(level.t1, NotPresent) else level.t1,
        after=after.left_out(path) if isinstance(level.t2, NotPresent) else level.t2,
    )


class _Side:
    """One of the two forms, and the meaning of the fields that it leaves out."""

    def __init__(self, form: JsonObject, default_resource: JsonObject) -> None:
        self._form = form
        self._default_resource = default_resource

    def left_out(self, path: Path) -> JsonValue | Absent:
        kind = Step(as_object(lookup(self._form, path[:2]))).type
        if path[0] == "steps" and path[2:3] == ("resources",):
            return lookup(self._default_resource, path[3:]) if kind == STANDARD else ABSENT
        return documented_default(path, kind)
