"""Finds where two canonical forms differ: the home of deepdiff, whose types end here."""

from __future__ import annotations

from typing import Any, Final

from deepdiff import DeepDiff
from deepdiff.helper import NotPresent
from deepdiff.operator import BaseOperatorPlus

from reconciler.schema import documented_default
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object, dump_compact, lookup
from reconciler.workflow.field_change import FieldChange

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
    """Return what differs, as `reconciler.workflow.diff.diff` says."""
    tree = DeepDiff(
        _filled(before, after),
        _filled(after, before),
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        custom_operators=[_ListsAreLeaves()],
    )
    sides = (_Side(before, default_resource), _Side(after, default_resource))
    changes = [_change(level, *sides) for kind in _KINDS for level in tree.get(kind, ())]
    return tuple(sorted(changes, key=lambda change: [str(part) for part in change.path]))


class _ListsAreLeaves(BaseOperatorPlus):
    """Compares a list as one value: its items have no names, so an index would tell a user nothing."""

    def match(self, level: Any) -> bool:  # noqa: ANN401 - deepdiff's own type
        return isinstance(level.t1, list) and isinstance(level.t2, list)

    def give_up_diffing(self, level: Any, diff_instance: Any) -> bool:  # noqa: ANN401
        if dump_compact(level.t1) != dump_compact(level.t2):
            diff_instance._report_result("values_changed", level)  # noqa: SLF001 - deepdiff's way to report
        return True

    def normalize_value_for_hashing(self, parent: Any, obj: Any) -> Any:  # noqa: ANN401, ARG002
        return obj


def _filled(form: JsonObject, other: JsonObject, path: Path = ()) -> JsonObject:
    """Return `form` with an empty map wherever only `other` has one, so that the fields inside are told."""
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
    """Finds what a field that one of the forms leaves out means there."""

    def __init__(self, form: JsonObject, default_resource: JsonObject) -> None:
        self._form = form
        self._default_resource = default_resource

    def left_out(self, path: Path) -> JsonValue | Absent:
        kind = lookup(self._form, (*path[:2], "type"))
        kind = kind if isinstance(kind, str) else "standard"
        if path[0] == "steps" and path[2:3] == ("resources",):
            return lookup(self._default_resource, path[3:]) if kind == "standard" else ABSENT
        return documented_default(path, kind)
