"""The bodies of a plan: what Git wants of a workflow, and the exact body that is sent to get there. Pure."""

from __future__ import annotations

import re
from typing import Final

from reconciler.manifests import Manifest, PatchManifest
from reconciler.plan.model import Method
from reconciler.schema import STEP_TYPES, step_fields
from reconciler.values import JsonObject, JsonValue, as_list, as_object, display_path
from reconciler.workflow import hoist_retry_options, is_own_tag
from reconciler.workflow.diff import FieldChange
from reconciler.workflow.ownership import Ownership, is_ownership_tag
from reconciler.workflow.patching import patched_body, preserving_webhooks, sendable_body
from reconciler.workflow.sent_digests import SentDigests, is_digest_tag

_CAMEL: Final = re.compile(r"[A-Z]")


def desired_body(manifest: Manifest, live: JsonObject | None) -> JsonObject:
    """Return the body that Git wants, without the reconciler's own tags.

    Args:
        manifest: A workflow, or a patch of one.
        live: The answer of `describe_workflow`; a patch needs it.

    Raises:
        InvalidParameterException: The patch names a step that the live workflow does not have.
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """
    if not isinstance(manifest, PatchManifest):
        return manifest.body
    keywords = {keyword_of(key): value for key, value in manifest.keywords.items()}
    body = patched_body(
        live or {}, manifest.body, keywords=keywords, step_names=list(manifest.step_names) or None
    )
    return {**body, "tags": _without_own(body)} if "tags" in body else body


def sent_body(
    method: Method, desired: JsonObject, live: JsonObject | None, memory: SentDigests, marks: Ownership
) -> JsonObject:
    """Return the exact body that is sent.

    The reconciler's own tags are added to it: `marks`, `memory`, and whatever others `live` has.
    An update keeps the URL of a webhook unless `desired` asks for a new one.

    Args:
        method: A patch lays `desired` over the live workflow, so that keys nobody here knows stay.
        desired: What Git wants.
        live: The answer of `describe_workflow`; `None` for a create.
        memory: What is to be remembered.
        marks: Whose it is to be.

    Raises:
        UnexpectedAnswerError: The live workflow has a shape that cannot be sent back.
    """
    kept = [
        {"name": as_object(tag)["name"]} for tag in as_list((live or {}).get("tags")) if _is_other_own(tag)
    ]
    own = [*kept, *marks.tags(), *memory.tags()]
    tags = [*_without_own(desired), *own]
    had_own = any(map(is_own_tag, as_list((live or {}).get("tags"))))
    body = {**desired, "tags": tags} if tags or had_own or "tags" in desired else desired
    if live is None:
        return body
    return preserving_webhooks(body) if method is Method.CREATE_OR_UPDATE else patched_body(live, body)


def choose_method(
    live: JsonObject,
    desired: JsonObject,
    changes: tuple[FieldChange, ...],
    default_resource: JsonObject | None = None,
) -> tuple[Method, str]:
    """Return how an update is carried out, and why: a patch unless something must be removed."""
    if any(change.removes for change in changes):
        return Method.CREATE_OR_UPDATE, "something is removed, which only a full replacement can do"
    if _changes_type(live, desired):
        return Method.CREATE_OR_UPDATE, "a step changes its type, so nothing of the old one may stay"
    if not as_object(live.get("steps")):
        return Method.CREATE_OR_UPDATE, "the live workflow has no steps to be patched"
    if not hoist_retry_options(patched_body(live, desired), desired, default_resource).equal:
        return (
            Method.CREATE_OR_UPDATE,
            "a value goes back to its default, which only a full replacement can do",
        )
    return Method.PATCH, "values are only added or changed"


def replaced_unknown_keys(live: JsonObject, desired: JsonObject) -> list[str]:
    """Return the keys of live steps that a full replacement by `desired` drops and a patch would keep."""
    kept = as_object(sendable_body(live).get("steps"))
    known = {key for kind in STEP_TYPES for key in step_fields(kind).children}
    return [
        display_path(("steps", name, key))
        for name in sorted(kept.keys() & as_object(desired.get("steps")).keys())
        for key in sorted(as_object(kept[name]).keys() - known)
    ]


def _changes_type(live: JsonObject, desired: JsonObject) -> bool:
    steps = as_object(live.get("steps"))
    return any(
        name in steps and _type(steps[name]) != _type(step)
        for name, step in as_object(desired.get("steps")).items()
    )


def _type(step: JsonValue) -> JsonValue:
    return as_object(step).get("type") or "standard"


def _is_other_own(tag: JsonValue) -> bool:
    return is_own_tag(tag) and not is_digest_tag(tag) and not is_ownership_tag(tag)


def _without_own(body: JsonObject) -> list[JsonValue]:
    return [tag for tag in as_list(body.get("tags")) if not is_own_tag(tag)]


def keyword_of(key: str) -> str:
    """Return the keyword parameter of `patch_workflow` that `set.key` of a patch manifest stands for."""
    return _CAMEL.sub(lambda match: f"_{match.group().lower()}", key)


def has_webhook(body: JsonObject) -> bool:
    """Return whether `body` asks for a webhook."""
    return any(as_object(trigger).get("webhook") for trigger in as_list(body.get("triggers")))
