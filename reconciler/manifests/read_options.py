"""Options for reading manifests: files, parameters, overlays, undocumented fields, required variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.manifests.overlays import OverlayOptions
from reconciler.manifests.parameters import Parameters
from reconciler.values import Pattern


def _nothing(_path: Path) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How the manifests of a run are read.

    Args:
        excludes: Returns whether to leave out a file found below a directory.
        extra: The undocumented fields that a body may state.
        parameters: The values of `!param`.
        overlays: What is laid over them.
        require_env: Whether an unset variable is an error; if not, it is a warning, and the value is a
            placeholder (a check before a merge has no secrets).
    """

    excludes: Callable[[Path], bool] = _nothing
    extra: tuple[Pattern, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)
    overlays: OverlayOptions = field(default_factory=OverlayOptions)
    require_env: bool = True
