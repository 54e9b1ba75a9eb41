"""Rename hints: a create and a delete that are nearly equal are probably one rename. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from reconciler.plan.model import Action, BlockedDelete, Create, Delete
from reconciler.values import dump_compact
from reconciler.workflow import Body, ComparableForms, leaves

_NEAR: Final = 0.8
"""The fraction of equal fields from which two workflows are taken for one that was renamed."""

_MOST_PAIRS: Final = 2_500
"""The number of pairs beyond which none is looked for: a plan with more is not a single rename."""


def with_rename_hints(actions: Sequence[Action]) -> list[Action]:
    """Return `actions`, with a warning at each create and delete that are nearly equal."""
    creates = [action for action in actions if isinstance(action, Create)]
    deletes = [action for action in actions if isinstance(action, Delete | BlockedDelete)]
    if len(creates) * len(deletes) > _MOST_PAIRS:
        return list(actions)
    pairs = _pairs(creates, deletes)
    hints = {id(create): _hint(create, delete) for create, delete in pairs}
    hints |= {id(delete): _hint(create, delete) for create, delete in pairs}
    return [
        dataclasses.replace(action, warnings=(*action.warnings, hints[id(action)]))
        if id(action) in hints
        else action
        for action in actions
    ]


def _pairs(
    creates: Sequence[Create], deletes: Sequence[Delete | BlockedDelete]
) -> list[tuple[Create, Delete | BlockedDelete]]:
    """Return the pairs that are nearly equal, each workflow in one pair at most."""
    found = [
        (_likeness(create.desired.body, delete.live.body), create, delete)
        for create in creates
        for delete in deletes
    ]
    chosen: list[tuple[Create, Delete | BlockedDelete]] = []
    taken: set[int] = set()
    for likeness, create, delete in sorted(found, key=lambda pair: -pair[0]):
        if likeness >= _NEAR and not taken & {id(create), id(delete)}:
            chosen.append((create, delete))
            taken |= {id(create), id(delete)}
    return chosen


def _likeness(desired: Body, live: Body) -> float:
    forms = ComparableForms(live, desired)
    old, new = (
        {(path, dump_compact(value)) for path, value in leaves(form) if path != ("name",)}
        for form in (forms.live, forms.desired)
    )
    return len(old & new) / max(len(old), len(new), 1)


def _hint(create: Create, delete: Delete | BlockedDelete) -> str:
    former = dump_compact(delete.name)
    return (
        f"{dump_compact(create.name)} and {former} are nearly equal; if this is a rename, add to the "
        f"manifest reconcile: {{renamedFrom: [{former}]}}, and the workflow keeps its id, history and URL"
    )
