"""Body of a workflow: one value, with everything derived from it computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from reconciler.schema import body_fields
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Packed,
    Path,
    all_texts,
    as_list,
    as_object,
    as_objects,
    digest_of_text,
    display_path,
    dump_compact,
    lookup,
    same_json,
)
from reconciler.workflow.canonical_form import canonical
from reconciler.workflow.header_names import with_header_names_of
from reconciler.workflow.named_lists import lists_by_name
from reconciler.workflow.own_tags import OwnTags, is_own_tag
from reconciler.workflow.sendable import described_body, masked_fields, without_masks
from reconciler.workflow.step import Step, stated_options, steps_by_name
from reconciler.workflow.undocumented import undocumented_fields

_GENERATE: Final = "generate"


@dataclass(frozen=True, eq=False)
class Body:
    """A workflow's body, as a manifest states it or as the platform returned it.

    No shape makes a property raise, also none that a hostile server invents; only `described` and what needs
    it refuse one.

    Args:
        stated: The JSON object, which nobody changes, or the same packed.
    """

    stated: JsonObject | Packed = field(repr=False)

    @staticmethod
    def of_packed(packed: Packed, digest: bytes) -> Body:
        """Return a body that is packed, and the digest of whose form is known."""
        body = Body(packed)
        body.__dict__["digest"] = digest
        return body

    @property
    def raw(self) -> JsonObject:
        """The JSON object, which nobody changes."""
        return as_object(self.stated.value) if isinstance(self.stated, Packed) else self.stated

    def packed(self) -> Body:
        """Return the same body packed, with its own tags and webhooks, and with its digest if it is known."""
        body = Body(Packed.of(self.raw))
        body.__dict__.update(own_tags=self.own_tags, webhooks=self.webhooks)
        if "digest" in self.__dict__:
            body.__dict__["digest"] = self.digest
        return body

    def unpacked(self, raw: JsonObject | None = None) -> Body:
        """Return the same body for computing with it, with what is known of it.

        Args:
            raw: The JSON object, where it is at hand.
        """
        body = Body(self.raw if raw is None else raw)
        body.__dict__.update({key: value for key, value in self.__dict__.items() if key != "stated"})
        return body

    @property
    def is_packed(self) -> bool:
        """Whether it is packed: what is computed of it takes longer."""
        return isinstance(self.stated, Packed)

    @property
    def name(self) -> str:
        """The workflow's name; empty for none."""
        name = self.raw.get("name")
        return name if isinstance(name, str) else ""

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """The steps by name."""
        return steps_by_name(self.raw.get("steps"))

    def steps_of_type(self, kind: str) -> dict[str, Step]:
        """Return the steps of the type `kind` by name."""
        return {name: step for name, step in self.steps.items() if step.type == kind}

    @cached_property
    def triggers(self) -> tuple[JsonObject, ...]:
        """The triggers."""
        return as_objects(self.raw.get("triggers"))

    @cached_property
    def watchers(self) -> tuple[JsonObject, ...]:
        """The watchers."""
        return as_objects(self.raw.get("watchers"))

    @property
    def all_tags(self) -> list[JsonValue]:
        """All tags."""
        return as_list(self.raw.get("tags"))

    @cached_property
    def tags(self) -> list[JsonValue]:
        """The tags of users: all but the reconciler's own."""
        return [tag for tag in self.all_tags if not is_own_tag(tag)]

    @cached_property
    def own_tags(self) -> OwnTags:
        """What the reconciler's own tags say."""
        return OwnTags.of(self.raw.get("tags"))

    @cached_property
    def retry_options(self) -> JsonObject:
        """The retry options of the workflow, for all steps without their own; empty for none."""
        return stated_options(self.raw.get("retryOptions"))

    @cached_property
    def inheriting_steps(self) -> frozenset[str]:
        """The names of the steps that state no retry options."""
        return frozenset(name for name, step in self.steps.items() if not step.retry_options)

    @cached_property
    def webhooks(self) -> frozenset[str]:
        """The UUIDs of the webhook URLs of a live workflow."""
        found = (trigger.get("webhook") for trigger in self.triggers)
        return frozenset(uuid for uuid in found if isinstance(uuid, str))

    @property
    def has_webhook(self) -> bool:
        """Whether a trigger is a webhook."""
        return any(trigger.get("webhook") for trigger in self.triggers)

    @property
    def generates_webhook(self) -> bool:
        """Whether a trigger asks for a new webhook URL."""
        return any(trigger.get("webhookPolicy") == _GENERATE for trigger in self.triggers)

    @cached_property
    def all_texts(self) -> tuple[str, ...]:
        """Every key and text, each once, without their paths: a quick test for what none of them contains."""
        return tuple(dict.fromkeys(all_texts(self.raw)))

    @cached_property
    def joined_texts(self) -> str:
        """The same in one text, a line for each or more."""
        return "\n".join(self.all_texts)

    @cached_property
    def form(self) -> JsonObject:
        """The canonical form (`reconciler.workflow.canonical_form`)."""
        return canonical(self.raw)

    @cached_property
    def form_text(self) -> str:
        """The canonical form as JSON: equal texts mean that the forms are equal."""
        return dump_compact(self.form)

    @cached_property
    def digest(self) -> bytes:
        """A digest of the canonical form: equal ones mean that the forms are equal."""
        return digest_of_text(self.form_text)

    def is_known_to_equal(self, other: Body) -> bool:
        """Return whether the form equals that of `other`, as far as little work shows it.

        It is the same value, or it has the same digest, where one of the two is known.
        """
        mine, theirs = self.__dict__, other.__dict__
        if "form" in mine and mine["form"] is theirs.get("form"):
            return True
        at_hand = "digest" in mine or ("digest" in theirs and not self.is_packed)
        return at_hand and self.digest == other.digest

    def takes_form_of(self, other: Body) -> bool:
        """Return whether the form equals that of `other`, and keep only one of the two.

        `False` if one of the bodies is packed: its form is not computed for this.
        """
        if self.is_packed or other.is_packed or not same_json(self.form, other.form):
            return False
        self.__dict__["form"] = other.form
        return True

    @cached_property
    def described(self) -> JsonObject:
        """The body in the form that can be sent, with the masks that a platform returns in place of values.

        Raises:
            UnexpectedAnswerError: A documented key has a shape that would lose something.
        """
        return described_body(self.raw)

    @cached_property
    def sendable(self) -> JsonObject:
        """The body as it can be sent back without changing the workflow, except for the `masked` fields.

        Raises:
            UnexpectedAnswerError: A documented key has a shape that would lose something.
        """
        return without_masks(self.described)

    @cached_property
    def undocumented(self) -> Mapping[Path, JsonValue]:
        """What the undocumented fields of the body that can be sent hold, with triggers and watchers by name.

        Raises:
            UnexpectedAnswerError: A documented key has a shape that would lose something.
        """
        return undocumented_fields(self.sendable)

    @cached_property
    def masked(self) -> frozenset[Path]:
        """The paths of the masks, with triggers and watchers by name.

        Raises:
            UnexpectedAnswerError: A documented key has a shape that would lose something.
        """
        if self.sendable is self.described:
            return frozenset()
        return frozenset(masked_fields(lists_by_name(self.described)))

    def spelled_as(self, other: Body) -> Body:
        """Return the same body with the names of its headers as `other` spells them."""
        raw = self.raw
        spelled = with_header_names_of(raw, other.raw)
        return self if spelled is raw else Body(spelled)

    def masks_lost_in(self, sent: JsonObject) -> list[Path]:
        """Return the masked fields of a live body that an update with `sent` removes, sorted.

        Those of a step or a watcher that goes are not among them.

        Raises:
            UnexpectedAnswerError: A documented key has a shape that would lose something.
        """
        if not self.masked:
            return []
        ours = lists_by_name(with_header_names_of(sent, self.raw))
        return sorted(
            (
                path
                for path in self.masked
                if lookup(ours, path[:2]) is not ABSENT and lookup(ours, path) is ABSENT
            ),
            key=display_path,
        )

    def says_what(self, other: Body) -> bool:
        """Return whether `other` states the same in every documented field, own tags included."""
        ours, theirs = self.raw, other.raw
        return ours is theirs or all(
            same_json(ours.get(key), theirs.get(key)) for key in body_fields().children
        )

    def reusing(self, other: Body) -> Body:
        """Return `self`, with the canonical form of `other` if both state the same."""
        if "form" not in self.__dict__ and "form" in other.__dict__ and self.says_what(other):
            self.__dict__["form"] = other.form
        return self
