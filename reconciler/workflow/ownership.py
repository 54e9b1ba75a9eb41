"""Whose a live workflow is, kept in tags of the workflow itself.

`reconciler-owner-NAME` says which repository owns it: only an owned workflow is ever deleted by pruning, and
one with another owner is never touched. `reconciler-protected` keeps it from being deleted even when its
manifest, or the line `prevent_delete` in it, is gone. Pure: tags in, tags out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.values import JsonObject, JsonValue, as_list, as_object
from reconciler.workflow.named_lists import OWN_TAG_PREFIX

_OWNER_PREFIX: Final = f"{OWN_TAG_PREFIX}owner-"
_PROTECTED: Final = f"{OWN_TAG_PREFIX}protected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What the tags of a workflow say of whose it is.

    Args:
        owners: The names of those who own it: one, none, or by mistake several.
        protected: Whether it must not be deleted.
    """

    owners: frozenset[str] = frozenset()
    protected: bool = False

    @staticmethod
    def of(body: JsonObject) -> Ownership:
        """Return what the tags of a listed or described workflow say."""
        names = list(_names(body))
        owners = {name.removeprefix(_OWNER_PREFIX) for name in names if name.startswith(_OWNER_PREFIX)}
        return Ownership(owners=frozenset(owners), protected=_PROTECTED in names)

    def tags(self) -> list[JsonValue]:
        """Return the tags that say this, always in the same order."""
        names = [owner_tag(owner) for owner in sorted(self.owners)]
        return [{"name": name} for name in [*names, *([_PROTECTED] if self.protected else [])]]

    def others(self, owner: str | None) -> list[str]:
        """Return those who own it, beside `owner`, by name."""
        return sorted(self.owners - {owner})


def owner_tag(owner: str) -> str:
    """Return the name of the tag that says that `owner` owns a workflow."""
    return f"{_OWNER_PREFIX}{owner}"


def is_ownership_tag(tag: JsonValue) -> bool:
    """Return whether `tag` is one that says whose a workflow is."""
    name = as_object(tag).get("name")
    return isinstance(name, str) and (name == _PROTECTED or name.startswith(_OWNER_PREFIX))


def _names(body: JsonObject) -> Iterator[str]:
    for tag in as_list(body.get("tags")):
        name = as_object(tag).get("name")
        if isinstance(name, str):
            yield name
