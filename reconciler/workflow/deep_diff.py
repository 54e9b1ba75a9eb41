"""Paths at which two canonical forms with the same keys differ, found with deepdiff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from deepdiff import DeepDiff
from deepdiff.operator import BaseOperatorPlus

from reconciler.values import JsonObject, Path, same_json

_KINDS: Final = ("values_changed", "type_changes")


def differing_paths(here: JsonObject, there: JsonObject) -> Iterator[Path]:
    """Yield the path of each field that both forms have and that is not the same in them; a list is one."""
    tree = DeepDiff(
        here,
        there,
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        custom_operators=[_ListsAreLeaves()],
    )
    for kind in _KINDS:
        for level in tree.get(kind, ()):
            yield tuple(level.path(output_format="list"))


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
