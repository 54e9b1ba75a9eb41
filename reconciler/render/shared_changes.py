"""Changes that several workflows share, so that a plan can show each of them once.

A workflow that has anything of its own is shown by itself with all its changes: a warning, a note that few
others have, another name, a secret, a conflict. A create or a delete is never among these.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Final, NamedTuple

from reconciler.plan import HIDDEN, Action, Update
from reconciler.secrecy import SENSITIVE
from reconciler.values import ABSENT, Absent, JsonValue, Path, dump_compact
from reconciler.workflow import FieldChange, Origin

LEAST: Final = 3
"""The number of workflows from which an equal change is shown once."""


class SharedChange(NamedTuple):
    """A change that several workflows share.

    Its path has `*` for a step whose name differs between them.
    """

    change: FieldChange
    workflows: tuple[str, ...]


class SharedChanges(NamedTuple):
    """The changes that the updates of a plan share.

    Args:
        changes: The changes, sorted by path, each with the names of all workflows that have it.
        updates: The updates that have nothing else, which need not be shown by themselves.
    """

    changes: tuple[SharedChange, ...] = ()
    updates: tuple[Update, ...] = ()


def shared_changes(actions: Iterable[Action]) -> SharedChanges:
    """Return the changes that at least three of the updates share; none if no workflow has nothing else.

    Updates without any change but to the reconciler's own tags are alike if they have the same notes.
    """
    updates = [(action, _keys(action)) for action in actions if isinstance(action, Update)]
    found: dict[Hashable, dict[str, list[FieldChange]]] = {}
    for update, own in updates:
        for key, change in zip(own, update.changes, strict=True):
            found.setdefault(key, {}).setdefault(update.name, []).append(change)
    shared = {key for key, having in found.items() if key is not None and len(having) >= LEAST}
    plain = [it for it in updates if _is_plain(it[0]) and shared.issuperset(it[1])]
    manners = Counter(manner_of(update) for update, _ in plain)
    alike = [it for it in plain if _has_only_changes(it[0]) or manners[manner_of(it[0])] >= LEAST]
    needed = {key for _, own in alike for key in own}
    changes = [
        SharedChange(_general(having), tuple(having)) for key, having in found.items() if key in needed
    ]
    return SharedChanges(
        changes=tuple(sorted(changes, key=lambda shown: [*map(str, shown.change.path)])),
        updates=tuple(update for update, _ in alike),
    )


class Manner(NamedTuple):
    """What a plan says of an update besides its changes: how it is sent, why so, and its notes."""

    method: str
    reason: str
    notes: tuple[str, ...]


def manner_of(update: Update) -> Manner:
    """Return what a plan says of an update besides its changes."""
    return Manner(update.method.value, update.reason, update.notes)


def _is_plain(update: Update) -> bool:
    """Return whether nothing of an update must be looked at by itself, except its changes."""
    own = update.warnings or update.renames or update.rotates_webhook or update.may_remove
    return not own and update.paused is None and update.origin is None


def _has_only_changes(update: Update) -> bool:
    return bool(update.changes) and not update.notes


def _keys(update: Update) -> list[Hashable]:
    return [_key(change) for change in update.changes]


def _key(change: FieldChange) -> Hashable:
    """Return what equal changes have in common; the name of a step is not part of it.

    It is `None` for a change that must be looked at by itself, and where equal texts may hide secrets that
    differ.
    """
    before, after = _text(change.before), _text(change.after)
    hidden = change.sensitive or HIDDEN in (change.before, change.after)
    if hidden or change.origin is Origin.CONFLICT or SENSITIVE in before or SENSITIVE in after:
        return None
    names = (tuple(change.names_before.items()), tuple(change.names_after.items()))
    return (_general_path(change.path), before, after, names, change.origin)


def _text(value: JsonValue | Absent) -> str:
    return "" if value is ABSENT else dump_compact(value)


def _general_path(path: Path) -> Path:
    return ("steps", "*", *path[2:]) if path[0] == "steps" and path[2:] else path


def _general(having: Mapping[str, list[FieldChange]]) -> FieldChange:
    """Return the change that the workflows have in common, with its path where that is the same in all."""
    changes = [change for each in having.values() for change in each]
    first = changes[0]
    same = all(change.path == first.path for change in changes)
    return first if same else dataclasses.replace(first, path=_general_path(first.path))
