"""Plan and its actions as values: made by `make_plan`, read by apply and by renderers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final, NamedTuple, TypeAlias

from reconciler.manifests import Manifest, Source
from reconciler.plan.bodies import Method
from reconciler.plan.desired import Desired
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.secrecy import SecretFields
from reconciler.values import JsonObject, Packed, Path, as_object, display_paths
from reconciler.workflow import FieldChange, Listed, Live, Origin, Ownership, PackedChanges

PAUSED_PATH: Final[Path] = ("reconcile", "paused")
"""Where a difference shows whether a workflow is paused: where a manifest states it."""


class ScheduleChange(NamedTuple):
    """The next start of a workflow by its schedules, which an action changes.

    Args:
        before: The next start as things are; `None` for none.
        after: The next start after the action; `None` for none.
        first: Whether it had no schedule before.
        paused: Whether it is paused after the action.
        zone: The time zone of the platform's clock.
        assumed: Whether that is assumed, because nothing shows it.
    """

    before: datetime | None
    after: datetime | None
    first: bool
    paused: bool
    zone: tzinfo
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """Remarks on an action.

    Args:
        warnings: What a user must know before it is applied.
        notes: What the plan cannot see, and the like.
        origin: The side that a create or a delete comes from; `None` where no earlier commit is known.
        next_run: The next run by the schedules that it changes; `None` where it changes none.
    """

    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None
    next_run: ScheduleChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Remarks):
    """An action for a workflow that has a manifest.

    Args:
        manifest: The manifest; its name is the workflow's.
        sensitive: The secret fields of the body that is sent.
    """

    manifest: Manifest
    sensitive: SecretFields = field(default_factory=SecretFields)

    @property
    def name(self) -> str:
        """The workflow's name in Git."""
        return self.manifest.name

    @property
    def source(self) -> Source:
        """The place of the manifest."""
        return self.manifest.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan(Remarks):
    """An action for an owned workflow that no longer has a manifest.

    Args:
        live: The workflow as it was when the plan was made.
    """

    live: Live

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
        desired: The workflow as its manifest describes it, packed.
        packed_body: `body`, packed.
        packed_changes: `changes`, packed.
        ownership: Who owns it afterwards.
        pause: Whether it is paused afterwards.
    """

    desired: Desired
    packed_body: Packed = field(repr=False)
    packed_changes: PackedChanges = field(repr=False)
    ownership: Ownership = field(default_factory=Ownership)
    pause: bool = False

    @property
    def body(self) -> JsonObject:
        """The exact body that is sent; a new copy each time."""
        return as_object(self.packed_body.value)

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """Its fields, masked; made again each time."""
        return tuple(self.packed_changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Subject):
    """A workflow that differs.

    Args:
        live: The workflow as it was when the plan was made.
        desired: The workflow as its manifest describes it.
        packed_body: `body`, packed.
        method: How the update is sent.
        reason: Why it is sent so.
        changes: The differences, masked.
        ownership: Who owns it afterwards.
        paused: Whether it is paused or resumed afterwards; `None` leaves that as it is.
        rotates_webhook: Whether its webhook gets a new URL, because the manifest asks for that.
        may_remove: The fields of others that it removes if the API hides them.
        kept: The undocumented fields of the live workflow that it sends back as they are.
    """

    live: Live
    desired: Desired
    packed_body: Packed = field(repr=False)
    method: Method
    reason: str
    changes: tuple[FieldChange, ...]
    ownership: Ownership = field(default_factory=Ownership)
    paused: bool | None = None
    rotates_webhook: bool = False
    may_remove: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()

    @property
    def body(self) -> JsonObject:
        """The exact body that is sent; a new copy each time."""
        return as_object(self.packed_body.value)

    @property
    def renames(self) -> bool:
        """Whether the name is among what changes."""
        return self.live.name != self.desired.name


def may_remove_note(paths: tuple[Path, ...]) -> str:
    """Return the note of a plan or a report about fields that an update removes if the API hides them."""
    return (
        f"not returned: {display_paths(paths)}; if the API hides such a field, this update removes it, "
        "because the API replaces workflows whole; state it in the patch to keep it"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPaused(Subject):
    """A workflow that differs in nothing but whether it is paused."""

    live: Live
    paused: bool
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(Subject):
    """A workflow that is in sync.

    Args:
        id: The live workflow's id.
    """

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Orphan):
    """A workflow to delete, because Git no longer has a manifest for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedDelete(Orphan):
    """A workflow that would be deleted, and that a guard keeps.

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
"""An action that changes the tenant."""

Refusal: TypeAlias = Blocked | BlockedDelete
"""An action that a guard blocks."""

Action: TypeAlias = Write | Refusal | Unchanged


def live_id(action: Action) -> int | None:
    """Return the id of the live workflow that an action is about; `None` where there is none."""
    match action:
        case Create():
            return None
        case Blocked() | Unchanged():
            return action.id
        case _:
            return action.live.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The actions of a run, deletes first, then by name.

    Args:
        actions: One for each manifest, and for each orphan that pruning is about.
        facts: What the platform was seen to do.
        orphaned: The workflows that the owner of the run owns, that have no manifest and that are not pruned.
        unmanaged: The other live workflows that no manifest matches, where asked for.
        unselected: The number of manifests that the run is not about.
        refusal: Why the whole plan is blocked, and what to do; empty when it is not.
        live_ids: The ids of all live workflows of the tenant.
        base: The commit that differences are attributed by; empty for none.
        unknown_origins: The number of differences that the last apply says nothing of; 0 with a `base`.
        in_sync: The number of further workflows in sync, in a plan that was saved without their names.
        restores: Whether workflows are compared with backups of them, rather than with Git.
    """

    actions: tuple[Action, ...]
    facts: PlatformFacts = field(default_factory=PlatformFacts)
    orphaned: tuple[Listed, ...] = ()
    unmanaged: tuple[Listed, ...] = ()
    unselected: int = 0
    refusal: str = ""
    live_ids: frozenset[int] = field(default=frozenset(), repr=False)
    base: str = ""
    unknown_origins: int = 0
    in_sync: int = 0
    restores: bool = False

    @property
    def writes(self) -> tuple[Write, ...]:
        """The actions that change the tenant."""
        return tuple(action for action in self.actions if isinstance(action, Write))

    @property
    def blocked(self) -> bool:
        """Whether a guard blocks any workflow, or all of them."""
        return bool(self.refusal) or any(isinstance(action, Refusal) for action in self.actions)

    @property
    def changes_anything(self) -> bool:
        """Whether any workflow is not in sync."""
        return any(not isinstance(action, Unchanged) for action in self.actions)
