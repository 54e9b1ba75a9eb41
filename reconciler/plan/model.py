"""What a plan is: one action for each workflow, as values.

Made by `make_plan`, read by apply and by rendering.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from reconciler.manifests import Manifest
from reconciler.manifests.manifest import Source
from reconciler.plan.live import Listed, LiveWorkflow
from reconciler.secrecy import SecretFields
from reconciler.values import JsonObject
from reconciler.workflow.diff import FieldChange
from reconciler.workflow.ownership import Ownership
from reconciler.workflow.sent_digests import WriteOnlyField


class Method(str, Enum):
    """How a write is carried out."""

    CREATE_OR_UPDATE = "create_or_update"
    PATCH = "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What every action may say beside what is done.

    Args:
        warnings: What a user must know before it is done.
        notes: What the plan cannot see, and the like.
    """

    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Remarks):
    """An action for a workflow that a manifest means.

    Args:
        manifest: The manifest; its name is the workflow's.
        sensitive: Which fields of the body that is sent are secrets.
    """

    manifest: Manifest
    sensitive: SecretFields = field(default_factory=SecretFields)

    @property
    def name(self) -> str:
        """The workflow's name, as Git wants it."""
        return self.manifest.name

    @property
    def source(self) -> Source:
        """Where the manifest stands."""
        return self.manifest.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan(Remarks):
    """An action for an owned workflow that no manifest means any more.

    Args:
        live: The workflow as it was when the plan was made.
    """

    live: LiveWorkflow

    @property
    def name(self) -> str:
        """The live workflow's name."""
        return self.live.name

    @property
    def source(self) -> None:
        """No manifest."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Subject):
    """A workflow that does not exist yet.

    Args:
        desired: The body that Git wants.
        body: The exact body that is sent.
        changes: Its fields, masked.
        marks: Whose it is to be.
        pause: Whether it is paused afterwards.
    """

    desired: JsonObject = field(repr=False)
    body: JsonObject = field(repr=False)
    changes: tuple[FieldChange, ...]
    marks: Ownership = field(default_factory=Ownership)
    pause: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Subject):
    """A workflow that differs.

    Args:
        live: The workflow as it was when the plan was made.
        desired: The body that Git wants.
        body: The exact body that is sent.
        method: How it is carried out.
        reason: Why so.
        changes: What differs, masked.
        marks: Whose it is to be.
        paused: Whether it is paused or resumed afterwards; `None` leaves that as it is.
        rotates_webhook: Whether its webhook gets a new URL, because the manifest asks for that.
    """

    live: LiveWorkflow
    desired: JsonObject = field(repr=False)
    body: JsonObject = field(repr=False)
    method: Method
    reason: str
    changes: tuple[FieldChange, ...]
    marks: Ownership = field(default_factory=Ownership)
    paused: bool | None = None
    rotates_webhook: bool = False

    @property
    def renames(self) -> bool:
        """Whether the name is among what changes."""
        return self.live.name != self.desired.get("name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPaused(Subject):
    """A workflow that differs in nothing but whether it is paused."""

    live: LiveWorkflow
    paused: bool
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(Subject):
    """A workflow that is as Git wants it."""

    live: LiveWorkflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Orphan):
    """A workflow that goes away, because Git has no manifest for it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedDelete(Orphan):
    """A workflow that would go away, and that a guard keeps.

    Args:
        reason: Why, and what to do.
    """

    reason: str

    @property
    def id(self) -> int:
        """The live workflow's id."""
        return self.live.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(Subject):
    """A workflow that a guard keeps from being touched.

    Args:
        reason: Why, and what to do.
        id: The live workflow's id, where there is one.
    """

    reason: str
    id: int | None = None


Write: TypeAlias = Create | Update | SetPaused | Delete
"""What changes the tenant."""

Refusal: TypeAlias = Blocked | BlockedDelete
"""What a guard keeps from being done."""

Action: TypeAlias = Write | Refusal | Unchanged


def live_id(action: Action) -> int | None:
    """Return the id of the live workflow that an action is about; `None` where there is none."""
    match action:
        case Create():
            return None
        case Blocked():
            return action.id
        case _:
            return action.live.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done: what goes away first, then by name.

    Args:
        actions: One for each manifest, and for each workflow that pruning is about.
        untold: The kinds of fields that the tenant was seen not to tell.
        unmanaged: The live workflows that no manifest means and that are not pruned, where asked for.
        unselected: How many manifests the run is not about.
        refusal: Why nothing of it may be done, and what to do; empty when it may.
    """

    actions: tuple[Action, ...]
    untold: frozenset[WriteOnlyField] = frozenset()
    unmanaged: tuple[Listed, ...] = ()
    unselected: int = 0
    refusal: str = ""

    @property
    def writes(self) -> tuple[Write, ...]:
        """What is to be done."""
        return tuple(action for action in self.actions if isinstance(action, Write))

    @property
    def blocked(self) -> bool:
        """Whether a guard keeps any workflow, or all of them, from being touched."""
        return bool(self.refusal) or any(isinstance(action, Refusal) for action in self.actions)

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do, or that could not be done."""
        return any(not isinstance(action, Unchanged) for action in self.actions)
