"""What a manifest is, once it is known to be valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from reconciler.findings import Position
from reconciler.manifests.documents import Document
from reconciler.values import JsonObject, JsonValue, Path


class WhenRunning(str, Enum):
    """What an update does while the workflow runs."""

    PROCEED = "proceed"
    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """What Git says about the workflow, beside its body (`reconcile:`).

    Args:
        id: The id of the live workflow that is meant, whatever its name.
        renamed_from: Former names.
        ignore: Paths of fields left to others, as written.
        prevent_delete: Whether the workflow must never be deleted.
        paused: Whether it is kept paused (or resumed); `None` leaves that alone.
        when_running: What an update does while it runs.
    """

    id: int | None = None
    renamed_from: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    prevent_delete: bool = False
    paused: bool | None = None
    when_running: WhenRunning = WhenRunning.PROCEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a manifest came from.

    Args:
        document: The YAML document.
        base: Where the manifest's body stands inside it.
    """

    document: Document
    base: Path

    @property
    def file(self) -> str:
        """The file, as the user named it."""
        return self.document.file

    @property
    def line(self) -> int | None:
        """The line of the workflow's name, or of the nearest value above it."""
        line = self.document.name_lines.get(self.base)
        position = self.position(("name",)) if line is None else None
        return position.line if position else line

    def position(self, path: Path = ()) -> Position | None:
        """Return where the value at `path`, from the body's root, stands in the file."""
        return self.document.position((*self.base, *path))

    def variable(self, path: Path) -> str | None:
        """Return the variable that the value at `path`, from the body's root, came from through `!env`."""
        return self.document.variables.get((*self.base, *path))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowManifest:
    """A whole workflow as Git wants it.

    Args:
        name: The workflow's name.
        body: What `create_or_update_workflow` takes.
        settings: What Git says about the workflow.
        source: Where it came from.
        sensitive: Paths inside `body` of values that came through `!env`.
    """

    name: str
    body: JsonObject = field(repr=False)
    settings: ReconcileSettings
    source: Source
    sensitive: frozenset[Path]

    @property
    def wanted_name(self) -> str:
        """The name that the live workflow is to have."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchManifest:
    """What Git owns of a workflow that someone else created.

    Args:
        name: The name of the workflow that is meant.
        body: What is merged into the live body.
        keywords: The keyword parameters of `patch_workflow`, in the body's camelCase.
        step_names: The steps that `keywords` apply to; empty means all.
        settings: What Git says about the workflow.
        source: Where it came from.
        sensitive: Paths inside the patch (`body`, `set`) of values that came through `!env`.
    """

    name: str
    body: JsonObject = field(repr=False)
    keywords: Mapping[str, JsonValue] = field(repr=False, default_factory=lambda: MappingProxyType({}))
    step_names: tuple[str, ...] = ()
    settings: ReconcileSettings
    source: Source
    sensitive: frozenset[Path]

    @property
    def wanted_name(self) -> str:
        """The name that the live workflow is to have: the patch may change it."""
        return str(self.keywords.get("name") or self.body.get("name") or self.name)


Manifest: TypeAlias = WorkflowManifest | PatchManifest
