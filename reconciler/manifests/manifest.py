"""Valid manifests as values: workflow manifests, patch manifests, and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from reconciler.findings import Position
from reconciler.manifests.documents import Document
from reconciler.values import ABSENT, JsonObject, JsonValue, Packed, Path, lookup

EXTRA_PATH: Final[Path] = ("reconcile", "extra")
"""Where a manifest states fields of the API that no schema knows yet."""


class WhenRunning(str, Enum):
    """What an update does while an execution of the workflow is active."""

    PROCEED = "proceed"
    WAIT = "wait"
    SKIP = "skip"


class ReconcileSettings(NamedTuple):
    """The settings of one manifest, under `reconcile:`.

    Args:
        id: The id of the live workflow, if it is pinned; it is then matched by id, not by name.
        renamed_from: Former names of the workflow.
        ignore: Paths of fields that are left to others, as written.
        prevent_delete: Whether the workflow must never be deleted.
        paused: Whether the workflow is kept paused (or resumed); `None` leaves that as it is.
        when_running: What an update does while an execution is active.
    """

    id: int | None = None
    renamed_from: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    prevent_delete: bool = False
    paused: bool | None = None
    when_running: WhenRunning = WhenRunning.PROCEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The origin of a manifest.

    Args:
        document: The YAML document.
        base: The path of the manifest's body inside the document.
    """

    document: Document
    base: Path

    @property
    def file(self) -> str:
        """The file, as the user named it."""
        return self.document.file

    @property
    def sensitive(self) -> frozenset[Path]:
        """The paths, from the body's root, of the values that are from the environment."""
        return self._inside(self.document.sensitive)

    @property
    def unset(self) -> frozenset[Path]:
        """The paths, from the body's root, of placeholders for variables that are not set."""
        return self._inside(self.document.unset)

    @property
    def unset_variables(self) -> dict[Path, str]:
        """The variables that are not set, by the path of the value that needs each, as `unset` has it."""
        return {
            path: tag.name for place, tag in self.document.unset.items() for path in self._inside([place])
        }

    def _inside(self, paths: Iterable[Path]) -> frozenset[Path]:
        depth, extra = len(self.base), len(EXTRA_PATH)
        return frozenset(
            [
                *(path[depth:] for path in paths if path[:depth] == self.base),
                *((*self._body, *path[extra:]) for path in paths if path[:extra] == EXTRA_PATH),
            ]
        )

    @property
    def _body(self) -> Path:
        """The path of the body that `reconcile.extra` is part of, from `base`."""
        return ("body",) if self.base == ("patch",) else ()

    def _place(self, path: Path) -> Path:
        """Return where the value at `path` is in the document: in the body, or in `reconcile.extra`."""
        document, stated, depth = self.document.value, (*self.base, *path), len(self._body)
        extra = (*EXTRA_PATH, *path[depth:])
        in_extra = (
            lookup(document, EXTRA_PATH) is not ABSENT
            and path[:depth] == self._body
            and lookup(document, stated) is ABSENT
            and lookup(document, extra) is not ABSENT
        )
        return extra if in_extra else stated

    def position(self, path: Path = (), *, at_key: bool = False) -> Position | None:
        """Return the position of the value (or of its key) at `path`, a path from the body's root."""
        return self.document.position(self._place(path), at_key=at_key)

    def variable(self, path: Path) -> str | None:
        """Return the variable of the `!env` at `path`, a path from the body's root, or `None`."""
        return self.document.variables.get(self._place(path))

    def parameter(self, path: Path) -> str | None:
        """Return the parameter of the `!param` at or above `path`, a path from the body's root, or `None`."""
        return self.document.parameter(self._place(path))

    def line(self, path: Path = ("name",)) -> tuple[str, int | None]:
        """Return the file and the line of the value at `path`: an included file, if it is from there."""
        position = self.position(path)
        return (position.file or self.file, position.line) if position else (self.file, None)

    def __str__(self) -> str:
        file, line = self.line()
        return file if line is None else f"{file}:{line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _BaseManifest:
    """What every manifest has.

    Args:
        name: The name of the workflow.
        packed: The body, or the part of it that the manifest owns, packed.
        settings: The settings under `reconcile:`.
        source: The origin of the manifest.
        sensitive: The paths, from the base of `source`, of values that are from the environment.
        extra: The undocumented fields that `body` states, with its lists by name.
    """

    name: str
    packed: Packed = field(repr=False)
    settings: ReconcileSettings
    source: Source
    sensitive: frozenset[Path]
    extra: frozenset[Path] = frozenset()

    @property
    def body(self) -> JsonObject:
        """The body, or the part of it that the manifest owns; a new copy each time."""
        body = self.packed.value
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowManifest(_BaseManifest):
    """A manifest that describes a whole workflow, as `create_or_update_workflow` takes it."""

    @property
    def wanted_name(self) -> str:
        """The name that the live workflow should have."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchManifest(_BaseManifest):
    """A manifest that owns only the fields that it states, of a workflow that someone else created.

    Args:
        keywords: The keyword parameters of `patch_workflow`, in the body's camelCase.
        step_names: The steps that `keywords` apply to; empty means all steps.
    """

    keywords: Mapping[str, JsonValue] = field(repr=False, default_factory=dict)
    step_names: tuple[str, ...] = ()

    @property
    def wanted_name(self) -> str:
        """The name that the live workflow should have; the patch may change it."""
        return str(self.keywords.get("name") or self.body.get("name") or self.name)


Manifest: TypeAlias = WorkflowManifest | PatchManifest
