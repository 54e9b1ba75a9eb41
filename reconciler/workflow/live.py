"""Live workflow: as the platform returned it, in the list and by itself."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Final

from reconciler.secrecy import is_mask
from reconciler.timestamps import parse_timestamp
from reconciler.values import JsonObject, JsonValue, as_list, as_object, dump_compact, same_json
from reconciler.workflow.body import Body
from reconciler.workflow.comparable_forms import hoisted_form
from reconciler.workflow.normal_text import cron_by_fields
from reconciler.workflow.own_tags import Ownership, OwnTags, tag_name
from reconciler.workflow.write_only import (
    WriteOnlyField,
    shown_write_only_fields,
    write_only_field,
)

_DEPLOYMENT: Final = re.compile("press|deployment", re.IGNORECASE)
_PAUSED: Final = "Paused"
_RUNNING: Final = "Running"
_HEALTH: Final = (
    "status",
    "lastExecution",
    "triggers",
    "updatedAt",
    "lastModifiedBy",
    "modifiedBy",
    "updatedBy",
)
_PASSING: Final = frozenset({"status", "lastExecution", "triggers"})
_STAMP: Final = 32
_KEPT: Final = ("write_only_kinds", "fingerprint", "updated")
"""What is kept of a workflow when it is packed, if it was computed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A workflow as the list shows it.

    Args:
        id: Its id.
        name: Its name.
        ownership: Who owns it; `None` where the list does not return tags.
        schedules: Its schedules, as far as the list shows them.
        health: What its entry says of its status, its last execution, its next ones and its last change.
        updated: The time of its last change, in seconds since the epoch; `None` where it is not returned.
        stamp: A digest of its entry without what executions change: equal unless something else changed.
    """

    id: int
    name: str
    ownership: Ownership | None = None
    schedules: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    health: JsonObject = field(default_factory=dict, repr=False, compare=False)
    updated: float | None = field(default=None, repr=False, compare=False)
    stamp: str = field(default="", repr=False, compare=False)

    @staticmethod
    def of(entry: JsonObject) -> Listed:
        """Return the workflow of an entry of the list."""
        tags = entry.get("tags")
        return Listed(
            id=int(str(entry["id"])),
            name=str(entry["name"]),
            ownership=OwnTags.of(tags).ownership if isinstance(tags, list) else None,
            schedules=schedules(entry),
            health={key: entry[key] for key in _HEALTH if key in entry},
            updated=timestamp_of(entry),
            stamp=_stamp(entry),
        )


@dataclass(frozen=True, kw_only=True)
class Live:
    """A live workflow.

    Args:
        id: Its id.
        name: Its name.
        status: Its status, such as `Available`; `None` where it is not returned.
        body: The answer of `describe_workflow`.
    """

    id: int
    name: str
    status: str | None = None
    body: Body = field(repr=False)

    @staticmethod
    def of(workflow_id: int, answer: JsonObject, before: Live | None = None) -> Live:
        """Return the live workflow that `describe_workflow` answered.

        Args:
            workflow_id: Its id.
            answer: The answer.
            before: The same workflow, read earlier: what has not changed is not computed again.
        """
        if before is not None and before.id == workflow_id and same_json(answer, before.body.raw):
            return before.unpacked(answer) if before.body.is_packed else before
        status = answer.get("status")
        body = Body(answer)
        return Live(
            id=workflow_id,
            name=str(answer["name"]),
            status=status if isinstance(status, str) and status else None,
            body=body if before is None else body.reusing(before.body),
        )

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self.status == _PAUSED

    @property
    def running(self) -> bool:
        """Whether an execution of it is going on."""
        return self.status == _RUNNING

    @property
    def deployment(self) -> str:
        """The field that names the Press deployment it belongs to (`deploymentId`); empty where none does."""
        fields = {**as_object(self.body.raw.get("metadata")), **self.body.raw}
        return next((key for key, value in fields.items() if value and _DEPLOYMENT.search(key)), "")

    @property
    def ownership(self) -> Ownership:
        """Who owns it."""
        return self.body.own_tags.ownership

    @cached_property
    def hoisted_form(self) -> JsonObject:
        """The canonical form, with the retry options that its steps share at the top."""
        return hoisted_form(self.body)

    @cached_property
    def write_only_kinds(self) -> tuple[frozenset[WriteOnlyField], frozenset[WriteOnlyField]]:
        """The kinds of write-only fields that it shows, and those that it has and masks."""
        shown, masked = set[WriteOnlyField](), set[WriteOnlyField]()
        for path, value in shown_write_only_fields(self.body.raw, self.hoisted_form):
            kind = write_only_field(path)
            if kind is not None:
                (masked if kind.is_credential and is_mask(value) else shown).add(kind)
        return _shared(frozenset(shown - masked)), _shared(frozenset(masked))

    def packed(self) -> Live:
        """Return the same workflow packed, for a run that keeps thousands of them."""
        return self._with_body(self.body.packed())

    def unpacked(self, answer: JsonObject | None = None) -> Live:
        """Return the same workflow for computing with it.

        Args:
            answer: The answer of `describe_workflow`, where it is at hand.
        """
        live = self._with_body(self.body.unpacked(answer))
        live.__dict__["_packed"] = self
        return live

    def _with_body(self, body: Body) -> Live:
        live = Live(id=self.id, name=self.name, status=self.status, body=body)
        live.__dict__.update({name: self.__dict__[name] for name in _KEPT if name in self.__dict__})
        return live

    @property
    def webhooks(self) -> frozenset[str]:
        """The UUIDs of its webhook URLs."""
        return self.body.webhooks

    def unchanged_since(self, before: Live) -> bool:
        """Return whether everything that a write could undo is still as it was `before`."""
        return (
            self is before
            or self.__dict__.get("_packed") is before
            or (
                (self.paused, self.webhooks, self._tags) == (before.paused, before.webhooks, before._tags)
                and same_json(self.body.form, before.body.form)
            )
        )

    @cached_property
    def updated(self) -> float | None:
        """The time of its last change, in seconds since the epoch; `None` where it is not returned."""
        return timestamp_of(self.body.raw)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that a write could undo: equal means unchanged."""
        text = "\n".join([self.body.form_text, *sorted(self.webhooks), *self._tags, str(self.paused)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def _tags(self) -> list[str]:
        """The names of all tags: a platform may return them as objects with more than that, or as texts."""
        return sorted({tag_name(tag).casefold() for tag in self.body.all_tags})


@cache
def _shared(kinds: frozenset[WriteOnlyField]) -> frozenset[WriteOnlyField]:
    """Return the one copy of a set that thousands of workflows have; there are few different ones."""
    return kinds


def timestamp_of(workflow: JsonObject) -> float | None:
    """Return the time of the last change of a workflow, or of its entry in the list, since the epoch."""
    text = workflow.get("updatedAt")
    if not isinstance(text, str):
        return None
    try:
        return parse_timestamp(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _stamp(entry: JsonObject) -> str:
    """Return a digest of an entry of the list without what executions and the passing of time change."""
    lasting: JsonObject = {key: value for key, value in entry.items() if key not in _PASSING}
    triggers: list[JsonValue] = [
        {key: value for key, value in as_object(trigger).items() if key != "scheduled"}
        for trigger in as_list(entry.get("triggers"))
    ]
    text = dump_compact([lasting, triggers, entry.get("status") == _PAUSED])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_STAMP]


def schedules(workflow: JsonObject) -> frozenset[str]:
    """Return the schedules of a body, or of a workflow's entry in the list: equal ones mean the same."""
    crons = (as_object(trigger).get("cron") for trigger in as_list(workflow.get("triggers")))
    return frozenset(cron_by_fields(cron) for cron in crons if isinstance(cron, str) and cron)
