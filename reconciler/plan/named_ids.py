"""Names of changed ids: what a plan shows with the ids of images, versions and instance types. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Final, NamedTuple

from reconciler.plan.model import Action, Create, Plan, Update
from reconciler.portable import CatalogueFacts, CatalogueIds, names_of_ids, whole
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object, lookup, put
from reconciler.workflow import Body, FieldChange

_STEP: Final = 2
"""The length of the path of a step."""

_IMAGE: Final[Path] = ("imageId",)
_VERSION: Final[Path] = ("imageVersionId",)
_INSTANCE_TYPE: Final[Path] = ("resources", "instanceTypeId")
_IDS: Final = (_IMAGE, _VERSION, _INSTANCE_TYPE)


class _Side(NamedTuple):
    """One side of a change: the ids that it shows, and the step with all ids that they belong to."""

    shown: tuple[Path, ...]
    step: JsonObject


_NO_SIDE: Final = _Side((), {})
"""A side that shows no id."""


def changed_ids(plan: Plan) -> CatalogueIds:
    """Return the ids that the changes of a plan show; none for secrets."""
    shown: set[Path] = set()
    images: set[int | None] = set()
    for action in plan.actions:
        for _, *sides in _changes_with_sides(action):
            shown.update(path for side in sides for path in side.shown)
            images.update(whole(side.step.get("imageId")) for side in sides if _VERSION in side.shown)
    return CatalogueIds(
        images=_IMAGE in shown,
        versions=frozenset(image for image in images if image is not None),
        instance_types=_INSTANCE_TYPE in shown,
    )


def with_names(plan: Plan, facts: CatalogueFacts) -> Plan:
    """Return a plan whose changes have the names of the ids that they show.

    Args:
        plan: The plan.
        facts: What could be read for `changed_ids`.
    """
    if facts == CatalogueFacts():
        return plan
    return dataclasses.replace(plan, actions=tuple(_named(action, facts) for action in plan.actions))


def _named(action: Action, facts: CatalogueFacts) -> Action:
    named = {
        change.path: dataclasses.replace(
            change, names_before=_names(before, change, facts), names_after=_names(after, change, facts)
        )
        for change, before, after in _changes_with_sides(action)
        if before.shown or after.shown
    }
    match action:
        case Create() if named:
            return dataclasses.replace(action, packed_changes=action.packed_changes.with_others(named))
        case Update() if named:
            changes = tuple(named.get(change.path, change) for change in action.changes)
            return dataclasses.replace(action, changes=changes)
        case _:
            return action


def _may_show_id(path: Path) -> bool:
    """Return whether the change at `path` of a form is one of a step, or of an id in a step."""
    inside = path[_STEP:]
    return len(path) >= _STEP and path[0] == "steps" and (not inside or inside in _IDS)


def _changes_with_sides(action: Action) -> Iterator[tuple[FieldChange, _Side, _Side]]:
    """Yield each change of a create or an update that may show an id, with both of its sides."""
    if isinstance(action, Create):
        fields: JsonObject = {}
        changes = action.packed_changes.where(_may_show_id)
        for change in changes:
            if change.path[_STEP:] in {_IMAGE, _VERSION} and change.after is not ABSENT:
                put(fields, change.path, change.after)
        for change in changes:
            yield change, _NO_SIDE, _side(change, change.after, lambda: fields)
    elif isinstance(action, Update):
        live_steps, desired = cache(partial(_steps_alone, action.live.body)), action.desired.body
        for change in action.changes:
            if not _may_show_id(change.path):
                continue
            yield (
                change,
                _side(change, change.before, live_steps),
                _side(change, change.after, lambda: desired.form),
            )


def _steps_alone(body: Body) -> JsonObject:
    """Return the steps of a body by name, without its form, which takes long and would be kept with it."""
    return {"steps": {name: step.raw for name, step in Body(body.raw).steps.items()}}


def _side(change: FieldChange, value: JsonValue | Absent, form: Callable[[], JsonObject]) -> _Side:
    """Return one side of a change that may show an id."""
    if change.sensitive or value is ABSENT:
        return _NO_SIDE
    inside = change.path[_STEP:]
    if not inside:
        step = as_object(value)
        return _Side(tuple(path for path in _IDS if lookup(step, path) is not ABSENT), step)
    stated = as_object(lookup(form(), change.path[:_STEP]))
    step = {"imageId": stated.get("imageId"), "imageVersionId": stated.get("imageVersionId"), "resources": {}}
    put(step, inside, value)
    return _Side((inside,), step)


def _names(side: _Side, change: FieldChange, facts: CatalogueFacts) -> Mapping[Path, str]:
    """Return the names of the ids of one side, by their paths below the change."""
    names = names_of_ids(side.step, facts) if side.shown else {}
    depth = len(change.path) - _STEP
    return {path[depth:]: name for path, name in names.items() if path in side.shown}
