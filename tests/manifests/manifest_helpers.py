"""Helpers of the tests of loading manifests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifests import LoadResult, ReadOptions, load_manifests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.findings import Finding

CANARY = "canary-5f3a91"
"""A value that must never be shown."""


def workflow(name: str, extra: str = "") -> str:
    """Return the text of a small valid manifest."""
    return f"name: {name}\nsteps:\n  train:\n    imageId: 1\n{extra}"


def write(path: Path, text: str) -> Path:
    """Write `text` as it is, with the directories that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def load(*paths: Path | str, env: Mapping[str, str] | None = None, require_env: bool = True) -> LoadResult:
    """Load the manifests at `paths`."""
    return load_manifests(tuple(str(path) for path in paths), env or {}, ReadOptions(require_env=require_env))


def names(result: LoadResult) -> list[str]:
    """Return the names of the manifests, in their order."""
    return [manifest.name for manifest in result.manifests]


def file_rules(result: LoadResult) -> list[tuple[str, str]]:
    """Return the file's name and the rule of each finding."""
    return [(Path(finding.file).name, finding.rule) for finding in result.findings]


def only(result: LoadResult) -> Finding:
    """Return the only finding."""
    (finding,) = result.findings
    return finding
