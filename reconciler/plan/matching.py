"""Matcher of manifests and live workflows: by pinned id, by exact name, or by a former name.

A platform may keep a name in another spelling. So a name that no live workflow has exactly is new only if
none has it except for case, white space and composition. A name may also be cut: then the workflow itself,
which the plan reads, says whether it is the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from reconciler.manifests import Manifest, PatchManifest
from reconciler.text import clip, printable
from reconciler.values import dump_compact
from reconciler.workflow import Listed, may_be_cut, name_key


class Found(NamedTuple):
    """A match with a live workflow."""

    id: int


class New(NamedTuple):
    """A manifest without a live workflow: there is none yet.

    Attributes:
        cut: The id of a live workflow whose name may be this one, cut by the platform.
    """

    cut: int | None = None


class Refused(NamedTuple):
    """A manifest that matches several live workflows, or that would make a twin."""

    reason: str


Match: TypeAlias = Found | New | Refused

_Claims: TypeAlias = "dict[int | str, list[Manifest]]"
"""The manifests that match a live workflow (by id), and those that want a name."""


def match_manifests(manifests: Iterable[Manifest], listed: Iterable[Listed]) -> list[tuple[Manifest, Match]]:
    """Return each manifest with its match, in the manifests' order.

    Args:
        manifests: All of them: two that match the same live workflow are refused.
        listed: Every workflow of the tenant.
    """
    listed = tuple(listed)
    by_name: dict[str, list[int]] = {}
    for item in listed:
        by_name.setdefault(item.name, []).append(item.id)
    names = {item.id: item.name for item in listed}
    matches = [(manifest, _match(manifest, by_name, names.keys())) for manifest in manifests]
    if any(_takes_name(manifest, match, names) for manifest, match in matches):
        spellings = _Spellings(matches, listed)
        matches = [
            (manifest, spellings.match(manifest, match) if _takes_name(manifest, match, names) else match)
            for manifest, match in matches
        ]
    claims = _claims(matches)
    return [(manifest, _unless_shared(manifest, match, claims)) for manifest, match in matches]


class _Spellings:
    """The live names as a platform may have changed them from what a manifest says."""

    def __init__(self, matches: Sequence[tuple[Manifest, Match]], listed: tuple[Listed, ...]) -> None:
        self._by_key: dict[str, list[Listed]] = {}
        for item in listed:
            self._by_key.setdefault(name_key(item.name), []).append(item)
        self._longest = max((len(item.name) for item in listed), default=0)
        self._wanted: dict[str, list[Manifest]] = {}
        for manifest, _ in matches:
            self._wanted.setdefault(name_key(manifest.wanted_name), []).append(manifest)
        claimed = {match.id for _, match in matches if isinstance(match, Found)}
        self._free = [item for item in listed if len(item.name) == self._longest and item.id not in claimed]

    def match(self, manifest: Manifest, match: Match) -> Match:
        """Return the match of a manifest whose name no live workflow has exactly.

        Args:
            manifest: A manifest that creates a workflow or renames one.
            match: Its match by exact names.
        """
        wanted = manifest.wanted_name
        own = match.id if isinstance(match, Found) else None
        near = next((item for item in self._by_key.get(name_key(wanted), ()) if item.id != own), None)
        if near is not None:
            return Refused(_same_except_spelling(near, renames=own is not None))
        rival = next((one for one in self._wanted[name_key(wanted)] if one.wanted_name != wanted), None)
        if rival is not None:
            return Refused(
                f"the manifest {rival.source} has the same name except for case, white space or composition"
                f" ({dump_compact(rival.wanted_name)}), and the platform may keep only one: rename one"
            )
        if own is not None:
            return match
        cut = (item.id for item in self._free if may_be_cut(wanted, item.name, self._longest))
        return New(cut=next(cut, None))


def _takes_name(manifest: Manifest, match: Match, names: Mapping[int, str]) -> bool:
    """Whether a manifest gives a workflow a name that it does not have yet: a create or a rename."""
    return isinstance(match, New) or (isinstance(match, Found) and names[match.id] != manifest.wanted_name)


def _same_except_spelling(near: Listed, *, renames: bool) -> str:
    live = dump_compact(near.name)
    advice = (
        "choose another name, or rename or delete that workflow first"
        if renames
        else f"write name: {live}, or rename it with reconcile: {{renamedFrom: [{live}]}}"
    )
    other = "another" if renames else "a"
    return (
        f"{other} live workflow (id {near.id}) has the same name except for case, white space or composition"
        f": {advice}"
    )


def unmatched(matches: Iterable[tuple[Manifest, Match]], listed: Iterable[Listed]) -> tuple[Listed, ...]:
    """Return the live workflows that no manifest matches, nor could match by a name or an id in it.

    Args:
        matches: Each manifest with its match.
        listed: Every workflow of the tenant.
    """
    claimed: set[int | str] = set()
    refused: set[str] = set()
    for manifest, match in matches:
        refused |= {name_key(manifest.wanted_name)} if isinstance(match, Refused) else set()
        claimed |= {*_names(manifest), *manifest.settings.renamed_from}
        claimed |= {match.id} if isinstance(match, Found) else set()
        claimed |= {manifest.settings.id} if manifest.settings.id is not None else set()
    return tuple(
        item
        for item in listed
        if item.id not in claimed and item.name not in claimed and name_key(item.name) not in refused
    )


def _match(manifest: Manifest, by_name: dict[str, list[int]], ids: Collection[int]) -> Match:
    pinned = manifest.settings.id
    if pinned is not None:
        if pinned not in ids:
            return Refused(f"no live workflow has the id {pinned}, which reconcile.id pins")
        taken = by_name.get(manifest.wanted_name, [])
        if taken and pinned not in taken:
            return Refused(
                f"another live workflow ({_ids(taken)}) has the name, and not the pinned one (id {pinned})"
            )
        return Found(pinned)
    named = [identity for name in _names(manifest) for identity in by_name.get(name, [])]
    if len(named) > 1:
        return Refused(
            f"{len(named)} live workflows have this name ({_ids(named)}); "
            "pin one with reconcile.id, or rename or delete the others"
        )
    return Found(named[0]) if named else _former(manifest, by_name)


def _former(manifest: Manifest, by_name: dict[str, list[int]]) -> Match:
    former = [identity for name in manifest.settings.renamed_from for identity in by_name.get(name, [])]
    if len(former) > 1:
        return Refused(f"several live workflows have a name listed in reconcile.renamedFrom ({_ids(former)})")
    if former:
        return Found(former[0])
    if isinstance(manifest, PatchManifest):
        return Refused("a patch needs a live workflow of this name, but there is none")
    return New()


def _names(manifest: Manifest) -> tuple[str, ...]:
    """The name that is wanted, and before it the one that a patch finds its workflow by."""
    return tuple(dict.fromkeys((manifest.name, manifest.wanted_name)))


def _unless_shared(manifest: Manifest, match: Match, claims: _Claims) -> Match:
    """Refuse a live workflow that two manifests match, and a name that two of them want."""
    if isinstance(match, Refused):
        return match
    keys: list[int | str] = [match.id] if isinstance(match, Found) else []
    for key in [*keys, manifest.wanted_name]:
        others = [other for other in claims[key] if other is not manifest]
        if others:
            places = ", ".join(f"{clip(printable(other.name), 60)!r} ({other.source})" for other in others)
            what = f"the live workflow {key}" if isinstance(key, int) else "the name"
            return Refused(f"{what} is also matched by the manifest {places}")
    return match


def _claims(matches: Iterable[tuple[Manifest, Match]]) -> _Claims:
    claims: _Claims = {}
    for manifest, match in matches:
        if isinstance(match, Found):
            claims.setdefault(match.id, []).append(manifest)
        claims.setdefault(manifest.wanted_name, []).append(manifest)
    return claims


def _ids(ids: Iterable[int]) -> str:
    numbers = sorted(ids)
    return ("id " if len(numbers) == 1 else "ids ") + ", ".join(map(str, numbers))
