"""Hints at renames and misspelt names: a create that looks like a workflow without a manifest. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

from reconciler.plan.model import Action, Create, Orphan
from reconciler.values import dump_compact, leaves
from reconciler.workflow import Body, ComparableForms, Listed, Live, schedules

_NEAR: Final = 0.8
"""The fraction of equal fields from which two workflows are taken for one that was renamed."""

_NEAR_NAME: Final = 0.75
"""The likeness of two names, from 0 to 1, from which one is taken for a misspelling of the other."""

_MOST_PAIRS: Final = 2_500
"""The number of pairs beyond which none is looked for: a plan with more is not a single rename."""


def with_rename_hints(
    actions: Sequence[Action], orphaned: Iterable[Live] = (), unowned: Sequence[Listed] = ()
) -> list[Action]:
    """Return `actions`, with a warning at each create and orphan that look like one renamed workflow.

    Args:
        actions: The actions of a plan.
        orphaned: The orphans that no action is about, as far as they were read.
        unowned: The other live workflows without a manifest that nobody else owns.
    """
    creates = [action for action in actions if isinstance(action, Create)]
    going = [action.live for action in actions if isinstance(action, Orphan)]
    pairs = _pairs(creates, [*going, *orphaned])
    hints = {id(create): _rename_hint(create, live) for create, live in pairs}
    hints = {**_schedule_hints(creates, unowned), **hints}
    of_orphans = {live.id: hints[id(create)] for create, live in pairs}
    return [_with_warning(action, _hint_for(action, hints, of_orphans)) for action in actions]


def _hint_for(action: Action, of_creates: dict[int, str], of_orphans: dict[int, str]) -> str:
    if isinstance(action, Orphan):
        return of_orphans.get(action.live.id, "")
    return of_creates.get(id(action), "")


def _with_warning(action: Action, warning: str) -> Action:
    return dataclasses.replace(action, warnings=(*action.warnings, warning)) if warning else action


def _pairs(creates: Sequence[Create], candidates: Sequence[Live]) -> list[tuple[Create, Live]]:
    """Return the pairs that are nearly equal, each workflow in one pair at most."""
    if len(creates) * len(candidates) > _MOST_PAIRS:
        return []
    found = [
        (_likeness(create.desired.body, live.body), create, live)
        for create, live in product(creates, candidates)
    ]
    chosen: list[tuple[Create, Live]] = []
    taken: set[int] = set()
    for likeness, create, live in sorted(found, key=lambda pair: -pair[0]):
        if likeness >= _NEAR and not taken & {id(create), id(live)}:
            chosen.append((create, live))
            taken |= {id(create), id(live)}
    return chosen


def is_nearly_equal(desired: Body, live: Body) -> bool:
    """Return whether two workflows are nearly equal in all but their names."""
    return _likeness(desired, live) >= _NEAR


def _likeness(desired: Body, live: Body) -> float:
    forms = ComparableForms(live, desired)
    old, new = (
        {(path, dump_compact(value)) for path, value in leaves(form) if path != ("name",)}
        for form in (forms.live, forms.desired)
    )
    return len(old & new) / max(len(old), len(new), 1)


def _rename_hint(create: Create, live: Live) -> str:
    former = dump_compact(live.name)
    twin = (
        "; otherwise both run on the same schedule" if _schedules(create) & schedules(live.body.raw) else ""
    )
    return (
        f"{dump_compact(create.name)} and {former} are nearly equal; if this is a rename, add to the "
        f"manifest reconcile: {{renamedFrom: [{former}]}}, and the workflow keeps its id, history and URL"
        f"{twin}"
    )


def _schedule_hints(creates: Sequence[Create], unowned: Sequence[Listed]) -> dict[int, str]:
    """Return the hints, by the identity of their creates, at names that look misspelt."""
    if len(creates) * len(unowned) > _MOST_PAIRS:
        return {}
    return {
        id(create): (
            f"{dump_compact(item.name)} (id {item.id}) has a similar name, the same schedule and no "
            "manifest; if it is the same workflow, correct the name, or add to the manifest "
            f"reconcile: {{renamedFrom: [{dump_compact(item.name)}]}}; otherwise both run on this schedule"
        )
        for create, item in product(creates, unowned)
        if _schedules(create) & item.schedules and _similar(create.name, item.name)
    }


def _schedules(create: Create) -> frozenset[str]:
    return schedules(create.desired.body.raw)


def _similar(one: str, other: str) -> bool:
    import difflib  # noqa: PLC0415 - only needed where two schedules are equal

    matcher = difflib.SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False)
    return matcher.quick_ratio() >= _NEAR_NAME and matcher.ratio() >= _NEAR_NAME
