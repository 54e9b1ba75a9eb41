"""Method and request body of a create or an update. Pure."""

from __future__ import annotations

from enum import Enum

from reconciler.plan.comparing import comparable
from reconciler.plan.platform_facts import PlatformFacts
from reconciler.values import JsonObject, JsonValue, as_list, as_object, same_json, with_whole_numbers
from reconciler.workflow import (
    Body,
    FieldChange,
    Ownership,
    OwnTags,
    SentDigests,
    keeping_undocumented,
    patched_sendable,
    preserving_webhooks,
)


class Method(str, Enum):
    """How an update is sent."""

    CREATE_OR_UPDATE = "create_or_update"
    PATCH = "patch"


def sent_body(  # noqa: PLR0913 - the last by name
    method: Method,
    desired: Body,
    live: Body | None,
    digests: SentDigests,
    ownership: Ownership,
    *,
    patched: JsonObject | None = None,
) -> JsonObject:
    """Return the exact body that is sent, its whole numbers as integers: some servers refuse `100.0`.

    The reconciler's own tags are added: `ownership`, `digests`, and the other own tags that `live` has.
    An update keeps the URLs of webhooks unless `desired` asks for a new one, and undocumented live fields.

    Args:
        method: A patch lays `desired` over the live workflow.
        desired: The body that Git wants.
        live: The live body; `None` for a create.
        digests: The digests to keep.
        ownership: The ownership to write.
        patched: `desired` laid over `live`, if that is known.

    Raises:
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """
    others = live.own_tags.others if live else ()
    own = OwnTags(ownership=ownership, digests=digests, others=others).tags()
    tags = [*desired.tags, *own]
    had_own = live is not None and len(live.tags) != len(live.all_tags)
    raw = desired.raw
    body: JsonObject = {**raw, "tags": tags} if tags or had_own or "tags" in raw else raw
    if live is None:
        return as_object(with_whole_numbers(body))
    if method is Method.CREATE_OR_UPDATE:
        sent = preserving_webhooks(body)
    else:
        sent = patched_sendable(live.sendable, raw) if patched is None else patched
        sent = {**sent, "tags": body["tags"]} if "tags" in body else sent
    whole = _with_every_webhook(sent, len(live.webhooks))
    return as_object(with_whole_numbers(keeping_undocumented(whole, live.sendable, live.undocumented)))


def _with_every_webhook(body: JsonObject, live: int) -> JsonObject:
    """Return the body of an update with as many webhooks as there are live.

    They compare as one, so a plan does not show that one of several goes. It does show that all go, and that
    a new URL is asked for: then `body` stays as it is.

    Args:
        body: The body of an update.
        live: How many webhooks the live workflow has.
    """
    sent = Body(body)
    stated = sum(bool(trigger.get("webhook")) for trigger in sent.triggers)
    if not stated or sent.generates_webhook:
        return body
    others: list[JsonValue] = [{"webhook": True, "webhookPolicy": "preserve"}] * (live - stated)
    return {**body, "triggers": [*as_list(body["triggers"]), *others]} if others else body


def choose_method(
    live: Body, desired: Body, changes: tuple[FieldChange, ...], facts: PlatformFacts
) -> tuple[Method, str, JsonObject | None]:
    """Return the method of an update, the reason, and for a patch the body that it makes.

    It is a patch unless something must be removed.

    Raises:
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """
    if any(change.removes for change in changes):
        return Method.CREATE_OR_UPDATE, "something is removed, which only a full replacement can do", None
    if live.masks_lost_in(desired.raw):
        return (
            Method.CREATE_OR_UPDATE,
            "a masked value that the manifest leaves out is removed, which only a full replacement can do",
            None,
        )
    types = {name: step.type for name, step in live.steps.items()}
    if any(types.get(name, step.type) != step.type for name, step in desired.steps.items()):
        return Method.CREATE_OR_UPDATE, "a step changes its type, so nothing of the old one may stay", None
    if not live.steps:
        return Method.CREATE_OR_UPDATE, "the live workflow has no steps to be patched", None
    patched = patched_sendable(live.sendable, desired.raw)
    # Mostly nothing is left of the live workflow, and nothing need be compared.
    as_desired = same_json(_stated(patched), _stated(preserving_webhooks(desired.raw)))
    if not as_desired and not comparable(Body(patched), desired, facts).equal:
        return (
            Method.CREATE_OR_UPDATE,
            "a value goes back to its default, which only a full replacement can do",
            None,
        )
    return Method.PATCH, "values are only added or changed", patched


def _stated(body: JsonObject) -> JsonObject:
    """Return `body` without top-level fields that are empty: those mean what absent ones do."""
    return {name: value for name, value in body.items() if value not in (None, {}, [])}
