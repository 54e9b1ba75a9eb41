"""Lines of a workflow to create: the fields that decide safety, bounded, and the number of the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.render.change_lines import Line, change_lines
from reconciler.workflow import FieldChange

_MOST_LINES: Final = 200
"""The most lines that are shown of one workflow."""

_DECISIVE: Final = frozenset(
    {
        "auth",
        "branch",
        "command",
        "cron",
        "email",
        "filePath",
        "headers",
        "imageId",
        "imageVersionId",
        "secrets",
        "sqlQueryPath",
        "token",
        "url",
        "user",
        "webhook",
    }
)
"""The fields that say what runs, where from, with which secrets, when, and whom it calls."""

_OF_ITS_OWN: Final = frozenset({"name", "reconcile"})
"""What the plan says of a workflow in other lines."""


def new_workflow_lines(changes: Iterable[FieldChange]) -> list[list[Line]]:
    """Return the lines of each field of a new workflow that decides safety, then one that counts the others.

    Args:
        changes: The fields of the workflow, masked.
    """
    stated = [change for change in changes if change.path[0] not in _OF_ITS_OWN]
    groups = [change_lines(change) for change in stated if _is_decisive(change)]
    shown: list[list[Line]] = []
    for group in groups:
        if sum(map(len, shown)) + len(group) > _MOST_LINES and shown:
            break
        shown.append(group)
    left = len(stated) - len(shown)
    if not left:
        return shown
    fields = "field" if left == 1 else "fields"
    return [*shown, [Line("#", f"and {left} more {fields}; --show-bodies shows all")]]


def _is_decisive(change: FieldChange) -> bool:
    parts = {str(part) for part in change.path}
    return bool(parts & _DECISIVE) or (isinstance(change.after, str) and "://" in change.after)
