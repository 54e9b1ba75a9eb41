"""Names of changed ids: what a plan shows with the ids of images, versions and instance types. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from reconciler.plan.model import Create, Plan, Update
from reconciler.portable import CatalogueFacts, CatalogueIds, names_of_ids, whole
from reconciler.values import ABSENT, Absent, JsonObject, JsonValue, Path, as_object, lookup, put
from reconciler.workflow import FieldChange

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


def changed_ids(plan: Plan) -> CatalogueIds:
    """Return the ids that the changes of a plan show; none for secrets."""
    sides = [
        side for action in _with_changes(plan) for change in action.changes for side in _sides(change, action)
    ]
    shown = {path for side in sides for path in side.shown}
    images = {whole(side.step.get("imageId")) for side in sides if _VERSION in side.shown}
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

    def named(change: FieldChange, action: Create | Update) -> FieldChange:
        before, after = (_names(side, change, facts) for side in _sides(change, action))
        return dataclasses.replace(change, names_before=before, names_after=after)

    if facts == CatalogueFacts():
        return plan
    actions = tuple(
        dataclasses.replace(action, changes=tuple(named(change, action) for change in action.changes))
        if isinstance(action, Create | Update)
        else action
        for action in plan.actions
    )
    return dataclasses.replace(plan, actions=actions)


def _with_changes(plan: Plan) -> Iterator[Create | Update]:
    return (action for action in plan.actions if isinstance(action, Create | Update))


def _sides(change: FieldChange, action: Create | Update) -> tuple[_Side, _Side]:
    live = action.live.body.form if isinstance(action, Update) else {}
    before = _side(change, change.before, live)
    return before, _side(change, change.after, action.desired.body.form)


def _side(change: FieldChange, value: JsonValue | Absent, form: JsonObject) -> _Side:
    inside = change.path[_STEP:]
    in_step = change.path[:1] == ("steps",) and len(change.path) >= _STEP
    if change.sensitive or value is ABSENT or not in_step or (inside and inside not in _IDS):
        return _Side((), {})
    if not inside:
        step = as_object(value)
        return _Side(tuple(path for path in _IDS if lookup(step, path) is not ABSENT), step)
    stated = as_object(lookup(form, change.path[:_STEP]))
    step = {"imageId": stated.get("imageId"), "imageVersionId": stated.get("imageVersionId"), "resources": {}}
    put(step, inside, value)
    return _Side((inside,), step)


def _names(side: _Side, change: FieldChange, facts: CatalogueFacts) -> Mapping[Path, str]:
    """Return the names of the ids of one side, by their paths below the change."""
    names = names_of_ids(side.step, facts) if side.shown else {}
    depth = len(change.path) - _STEP
    return {path[depth:]: name for path, name in names.items() if path in side.shown}
