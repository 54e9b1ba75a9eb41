"""Options for reading manifests: files, templates, parameters, overlays, undocumented fields, variables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.parameters import Parameters
from reconciler.templates import TemplateSettings
from reconciler.values import Pattern

if TYPE_CHECKING:
    from reconciler.manifests.shared_settings import SharedSettings


def _nothing(_path: Path) -> bool:
    return False


class OverlayOptions(NamedTuple):
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
    root: Path = Path()
    prefix: str = ""
    suffix: str = ""
    shared: tuple[SharedSettings, ...] = ()
    whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether manifests stay as they are."""
        return not (self.paths or self.prefix or self.suffix or self.shared)


class ReadOptions(NamedTuple):
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
        digests: Whether each body comes with its digests, which a plan needs, and its text compressed.
    """

    excludes: Callable[[Path], bool] = _nothing
    extra: tuple[Pattern, ...] = ()
    parameters: Parameters = Parameters()
    templates: TemplateSettings = TemplateSettings()
    base: Path | None = None
    overlays: OverlayOptions = OverlayOptions()
    require_env: bool = True
    digests: bool = False
