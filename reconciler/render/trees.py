"""Trees of what comes or goes whole: a new workflow, and a step that is added or removed.

Each shows the fields that decide safety, and counts the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.render.change_lines import Line, change_lines, change_verb, value_lines
from reconciler.values import ABSENT, JsonValue, Path, as_list, display_path, leaves
from reconciler.workflow import FieldChange, StepGraph

_MOST_LINES: Final = 200
"""The most lines that are shown of one workflow, or of one step."""

_ALL: Final = "--show-bodies"

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

_IN_THE_HEAD: Final = frozenset({"type", "parents"})
"""The fields of a step that the line with its name shows."""

_OF_ITS_OWN: Final = frozenset({"name", "reconcile"})
"""What the plan says of a workflow in other lines."""

_IN_A_STEP: Final = 2
"""The length of the path of a step."""


def new_workflow_lines(changes: Iterable[FieldChange]) -> list[list[Line]]:
    """Return the lines of each step and field of a new workflow, then one that counts the rest.

    Args:
        changes: The fields of the workflow, masked, sorted by path.
    """
    parts: dict[Path, list[FieldChange]] = {}
    for change in changes:
        if change.path[0] not in _OF_ITS_OWN:
            parts.setdefault(_part(change.path), []).append(change)
    ranks = _ranks(parts)
    groups: list[list[Line]] = []
    shown = 0
    for part in sorted(parts, key=lambda part: (part[0], ranks.get(part, 0), str(part))):
        tree, number = _tree(part, parts[part], _MOST_LINES - sum(map(len, groups)), first=not groups)
        groups += [tree] if tree else []
        shown += number
    return [*groups, *_left_out(sum(map(len, parts.values())) - shown)]


def _ranks(parts: Mapping[Path, Sequence[FieldChange]]) -> dict[Path, int]:
    """Return the place of each step in the order in which they run."""
    parents = {
        str(part[1]): [*map(str, as_list(_head_values(fields).get("parents")))]
        for part, fields in parts.items()
        if _is_step(part)
    }
    ordered = [name for level in StepGraph.of_parents(parents).levels for name in level]
    return {("steps", name): place for place, name in enumerate(ordered)}


def step_lines(change: FieldChange, all_by: str = _ALL) -> list[Line]:
    """Return the lines of a change; of a step that is added or removed, as a tree.

    Args:
        change: The change, masked.
        all_by: The option that shows the fields that are left out.
    """
    whole = change.before if change.after is ABSENT else change.after
    if (
        ABSENT not in (change.before, change.after)
        or not _is_step(change.path)
        or not isinstance(whole, dict)
    ):
        return change_lines(change)
    names = change.names_before if change.after is ABSENT else change.names_after
    fields = [
        FieldChange(
            path=(*change.path, *path),
            before=ABSENT if change.before is ABSENT else value,
            after=ABSENT if change.after is ABSENT else value,
            names_before={(): names[path]} if path in names else {},
            names_after={(): names[path]} if path in names else {},
        )
        for path, value in sorted(leaves(whole), key=str)
    ]
    lines, shown = _tree(change.path, fields, _MOST_LINES, first=True, verb=f": {change_verb(change)}")
    return [*lines, *(line for rest in _left_out(len(fields) - shown, all_by) for line in rest)]


def _is_step(path: Path) -> bool:
    return len(path) == _IN_A_STEP and path[0] == "steps"


def _part(path: Path) -> Path:
    """Return the step that a field belongs to, else the path itself."""
    return path[:_IN_A_STEP] if path[0] == "steps" and len(path) > _IN_A_STEP else path


def _tree(
    part: Path, fields: Sequence[FieldChange], room: int, *, first: bool, verb: str = ""
) -> tuple[list[Line], int]:
    """Return the lines of a step or of another field in at most `room` lines, and the number of fields shown.

    Args:
        part: The path of the step, or of the field.
        fields: The fields of the step, or that field.
        room: The most lines; the first field is shown whatever it needs.
        first: Whether nothing was shown before.
        verb: What the line with the step's name says of it.
    """
    if room <= 0:
        return [], 0
    lines, shown = [], 0
    if _is_step(part):
        sign = "-" if fields[0].after is ABSENT else "+"
        lines = [Line(sign, f"{display_path(part)}{verb} ({_kind_of_step(fields)})")]
        shown = sum(field.path == part or _is_in_the_head(field.path) for field in fields)
    for field in filter(_is_decisive, fields):
        added = (
            [
                line._replace(text=f"  {line.text}")
                for line in value_lines(dataclasses.replace(field, path=field.path[_IN_A_STEP:]))
            ]
            if _is_step(part)
            else value_lines(field)
        )
        if len(lines) + len(added) > room and not first:
            break
        first = False
        lines += added
        shown += 1
    return lines, shown


def _kind_of_step(fields: Iterable[FieldChange]) -> str:
    """Return the type of a step, and the steps that it waits for."""
    values = _head_values(fields)
    parents = ", ".join(map(str, as_list(values.get("parents"))))
    return str(values.get("type", "standard")) + (f", after {parents}" if parents else "")


def _head_values(fields: Iterable[FieldChange]) -> dict[str | int, JsonValue]:
    return {field.path[-1]: _value(field) for field in fields if _is_in_the_head(field.path)}


def _value(field: FieldChange) -> JsonValue:
    value = field.before if field.after is ABSENT else field.after
    return None if value is ABSENT else value


def _is_in_the_head(path: Path) -> bool:
    return len(path) == _IN_A_STEP + 1 and path[-1] in _IN_THE_HEAD


def _left_out(number: int, all_by: str = _ALL) -> list[list[Line]]:
    if not number:
        return []
    fields = "field" if number == 1 else "fields"
    return [[Line("#", f"and {number} more {fields}; {all_by} shows all")]]


def _is_decisive(change: FieldChange) -> bool:
    parts = {str(part) for part in change.path}
    value = _value(change)
    return bool(parts & _DECISIVE) or (isinstance(value, str) and "://" in value)
