"""Manifests that mean the same workflow: every one of them is told, with the places of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from reconciler.findings import Finding
from reconciler.manifests.manifest import Manifest
from reconciler.secrecy import SENSITIVE
from reconciler.text import clip, printable
from reconciler.values import Path

_SHOWN_PLACES = 5
_PINNED_ID: Path = ("reconcile", "id")


def find_duplicates(manifests: Sequence[Manifest]) -> list[Finding]:
    """Return a finding for each manifest whose name, or pinned id, another manifest has too."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, manifest in enumerate(manifests):
        groups.setdefault(("name", manifest.name), []).append(index)
        if manifest.settings.id is not None:
            groups.setdefault(("id", str(manifest.settings.id)), []).append(index)
    repeated = {key: group for key, group in groups.items() if len(group) > 1}
    # In the order of the files, since looking up a place reads the file's text again.
    places = {
        index: str(manifests[index].source)
        for index in sorted({i for group in repeated.values() for i in group})
    }
    return [
        _duplicate(manifests[index], what, value, _others(index, group, places), len(group) - 1)
        for (what, value), group in repeated.items()
        for index in group
    ]


def _others(index: int, group: list[int], places: Mapping[int, str]) -> list[str]:
    """Return the first few places of the others: there may be thousands."""
    return [places[other] for other in islice((i for i in group if i != index), _SHOWN_PLACES)]


def _duplicate(manifest: Manifest, what: str, value: str, others: list[str], number: int) -> Finding:
    source, path = manifest.source, _PINNED_ID
    if what == "name":
        path = (*source.base, "name")
        value = SENSITIVE if ("name",) in manifest.sensitive else clip(value, 100)
    shown = ", ".join(others)
    more = f" and {number - len(others)} more" if number > len(others) else ""
    return Finding(
        file=source.file,
        rule=f"duplicate-{what}",
        message=printable(f"the {what} {value!r} is also used in {shown}{more}"),
        path=path,
        position=source.document.position(path),
    )
