"""Options for reading manifests: files, templates, parameters, overlays, undocumented fields, variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifests.parameters import Parameters
from reconciler.templates import TemplateSettings
from reconciler.values import Pattern

if TYPE_CHECKING:
    from reconciler.manifests.shared_settings import SharedSettings


def _nothing(_path: Path) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayOptions:
    """The overlays of an environment, what it adds to names, and settings of many workflows.

    Args:
        paths: Files and directories with overlays.
        root: The resolved directory that contains every file that they may include.
        prefix: The text before the name of each workflow.
        suffix: The text after it.
        shared: The settings of many workflows; a later one wins.
        whole: Whether all manifests are read, so that each overlay must find its own.
    """

    paths: tuple[str, ...] = ()
    root: Path = field(default_factory=Path)
    prefix: str = ""
    suffix: str = ""
    shared: tuple[SharedSettings, ...] = ()
    whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether manifests stay as they are."""
        return not (self.paths or self.prefix or self.suffix or self.shared)


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
        digests: Whether each body comes with its digests, which a plan needs.
    """

    excludes: Callable[[Path], bool] = _nothing
    extra: tuple[Pattern, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    base: Path | None = None
    overlays: OverlayOptions = field(default_factory=OverlayOptions)
    require_env: bool = True
    digests: bool = False
