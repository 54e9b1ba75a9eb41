"""Options for reading manifests: files, templates, parameters, overlays, undocumented fields, variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.manifests.overlays import OverlayOptions
from reconciler.manifests.parameters import Parameters
from reconciler.templates import TemplateSettings
from reconciler.values import Pattern


def _nothing(_path: Path) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How the manifests of a run are read.

    Args:
        excludes: Returns whether to leave out a file found below a directory.
        extra: The undocumented fields that a body may state.
        parameters: The values of `!param` and of names in templates.
        templates: Which files are templates, and how they are rendered.
        base: The directory of the configuration; paths in templates may be relative to it.
        overlays: What is laid over them.
        require_env: Whether an unset variable is an error; if not, it is a warning, and the value is a
            placeholder (a check before a merge has no secrets).
    """

    excludes: Callable[[Path], bool] = _nothing
    extra: tuple[Pattern, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    base: Path | None = None
    overlays: OverlayOptions = field(default_factory=OverlayOptions)
    require_env: bool = True
