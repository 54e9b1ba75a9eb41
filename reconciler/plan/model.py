"""What a plan is: one action for each workflow, as values.

Made by `make_plan`, read by apply and by rendering.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from reconciler.canonical import canonical
from reconciler.diff import FieldChange
from reconciler.manifests import Manifest
from reconciler.memory import Untold
from reconciler.sensitive import Sensitive
from reconciler.values import JsonObject, as_list, as_object, dump_compact

PAUSED_STATUS = "Paused"
RUNNING_STATUS = "Running"


class Method(str, Enum):
    """How a write is carried out."""

    CREATE_OR_UPDATE = "create_or_update"
    PATCH = "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorkflow:
    """A workflow as the tenant told it.

    Args:
        id: Its id.
        name: Its name.
        body: The answer of `describe_workflow`.
    """

    id: int
    name: str
    body: JsonObject = field(repr=False)

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self.body.get("status") == PAUSED_STATUS

    @property
    def running(self) -> bool:
        """Whether a run of it is going on."""
        return self.body.get("status") == RUNNING_STATUS

    @property
    def webhooks(self) -> frozenset[str]:
        """The UUIDs of its webhook URLs."""
        found = (as_object(trigger).get("webhook") for trigger in as_list(self.body.get("triggers")))
        return frozenset(uuid for uuid in found if isinstance(uuid, str))

    def fingerprint(self) -> str:
        """Return a digest of everything about it that a write could undo: equal means nothing changed."""
        tags = sorted(dump_compact(tag) for tag in as_list(self.body.get("tags")))
        text = "\n".join(
            [dump_compact(canonical(self.body)), *sorted(self.webhooks), *tags, str(self.paused)]
        )
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What every action says of its workflow.

    Args:
        manifest: The manifest; its name is the workflow's.
        sensitive: Which fields of the body that is sent are secrets.
        warnings: What a user must know before it is done.
        notes: What the plan cannot see, and the like.
    """

    manifest: Manifest
    sensitive: Sensitive = field(default_factory=Sensitive)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The workflow's name, as Git wants it."""
        return self.manifest.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Subject):
    """A workflow that does not exist yet.

    Args:
        desired: The body that Git wants.
        body: The exact body that is sent.
        changes: Its fields, masked.
        pause: Whether it is paused afterwards.
    """

    desired: JsonObject = field(repr=False)
    body: JsonObject = field(repr=False)
    changes: tuple[FieldChange, ...]
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
        paused: Whether it is paused or resumed afterwards; `None` leaves that as it is.
        rotates_webhook: Whether its webhook gets a new URL, because the manifest asks for that.
    """

    live: LiveWorkflow
    desired: JsonObject = field(repr=False)
    body: JsonObject = field(repr=False)
    method: Method
    reason: str
    changes: tuple[FieldChange, ...]
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
class Blocked(Subject):
    """A workflow that a guard keeps from being touched.

    Args:
        reason: Why, and what to do.
        id: The live workflow's id, where there is one.
    """

    reason: str
    id: int | None = None


Action: TypeAlias = Create | Update | SetPaused | Unchanged | Blocked


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
    """What is to be done, sorted by name.

    Args:
        actions: One for each manifest.
        untold: The kinds of fields that the tenant was seen not to tell.
    """

    actions: tuple[Action, ...]
    untold: frozenset[Untold] = frozenset()

    @property
    def blocked(self) -> bool:
        """Whether a guard keeps any workflow from being touched."""
        return any(isinstance(action, Blocked) for action in self.actions)

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do, or that could not be done."""
        return any(not isinstance(action, Unchanged) for action in self.actions)
