"""Workflows as the tenant tells them, in its list and one by one, as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from reconciler.values import JsonObject, as_list, as_object, dump_compact
from reconciler.workflow import canonical
from reconciler.workflow.ownership import Ownership

_PAUSED = "Paused"
_RUNNING = "Running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A workflow as the list shows it.

    Args:
        id: Its id.
        name: Its name.
        marks: Whose it is; `None` where the list does not tell tags.
        health: What the list tells of how it is: `status` and `lastExecution`.
    """

    id: int
    name: str
    marks: Ownership | None = None
    health: JsonObject = field(default_factory=dict, repr=False, compare=False)


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
        return self.body.get("status") == _PAUSED

    @property
    def running(self) -> bool:
        """Whether a run of it is going on."""
        return self.body.get("status") == _RUNNING

    @property
    def marks(self) -> Ownership:
        """Whose it is."""
        return Ownership.of(self.body)

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
