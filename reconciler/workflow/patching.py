"""Merge of a patch into a described workflow: the body that a patch sends.

The API has no PATCH endpoint: a patch is a describe, a merge on this side, and a PUT of the whole. The merge
follows the public client's rules where they are sound; where they lose something, `patched_body` says so.
Nothing here sends, prints or keeps anything, and nothing changes its arguments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidParameterException, UnexpectedAnswerError
from reconciler.text import clip, printable
from reconciler.values import as_object, copied
from reconciler.workflow.header_names import with_header_names_of
from reconciler.workflow.sendable import sendable_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.values import JsonObject, JsonValue

_CAPITAL: Final = re.compile(r"[A-Z]")

KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name",),
    "repository": ("repository", "url"),
    "branch": ("repository", "branch"),
    "token": ("repository", "token"),
    "command": ("command",),
    "image_id": ("imageId",),
    "image_version_id": ("imageVersionId",),
    "instance_type_id": ("resources", "instanceTypeId"),
    "storage": ("resources", "storage"),
    "step_timeout": ("stepTimeout",),
    "clear_image_cache": ("clearImageCache",),
}
"""The documented keyword parameters of `patch_workflow`, and where each goes: `name` at the top of the body,
the others in every step that is updated."""


def keyword_of(key: str) -> str:
    """Return the keyword parameter of `patch_workflow` for the key `set.key` of a patch manifest."""
    return _CAPITAL.sub(lambda match: f"_{match.group().lower()}", key)


def merge_patch(base: JsonObject, body: JsonObject) -> JsonObject:
    """Return `base` with `body` laid over it, by the public client's rules.

    A top-level key of `body` replaces that of `base`. Steps are merged one by one, object into object at
    every depth, and a step that `base` does not have is added. Lists are always replaced.

    So `parameters.env` is merged variable by variable. The public client means to replace `env` whole, but
    hands that wish only to the step's own level, where the documented body has no `env`; its real effect,
    which loses no variable, is what stays here. An `env` at the step's own level is replaced whole, as there.

    Raises:
        InvalidParameterException: `steps` of `body`, or one of them, is not an object.
        UnexpectedAnswerError: `steps` of `base` is not an object.
    """
    merged: JsonObject = {**base, **body}
    if "steps" in body:
        steps = base.get("steps", {})
        if not isinstance(steps, dict):
            raise UnexpectedAnswerError(
                "the workflow's `steps` is not an object: nothing can be merged into it"
            )
        given = _given_steps(body["steps"])
        over = {name: _merged_step(steps.get(name), step) for name, step in given.items()}
        merged["steps"] = {**steps, **over}
    return copied(merged)


def apply_keywords(
    body: JsonObject, keywords: Mapping[str, JsonValue], step_names: Sequence[str] | None = None
) -> JsonObject:
    """Return `body` with the keyword parameters of `patch_workflow` applied.

    `name` goes to the top; every other one into each step, or into those of `step_names` (documentation).
    A keyword that is `None` is not given. Any other value is taken as given, also `False` and `0`, which the
    public client drops.

    Args:
        body: A full body.
        keywords: By parameter name, as in `KEYWORDS`.
        step_names: The steps to update; all of them when left out.

    Raises:
        InvalidParameterException: A keyword is not one of `KEYWORDS`, `step_names` is empty, or one of its
            names is not a step of `body`.
    """
    result = copied(body)
    given = _given(keywords)
    if "name" in given:
        result["name"] = given.pop("name")
    overlay: JsonValue = {}
    for key, value in given.items():
        overlay = _merged(overlay, _nested(KEYWORDS[key], value))
    steps = result.get("steps")
    if not isinstance(steps, dict):
        steps = {}
    for name in _chosen_steps(steps, step_names):
        if overlay:
            steps[name] = _merged(steps[name], overlay)
    return result


def preserving_webhooks(body: JsonObject) -> JsonObject:
    """Return `body` with `webhookPolicy: preserve` on each webhook trigger that states no policy.

    Without it the server gives an updated workflow a new webhook URL, and breaks whoever calls the old one.
    """
    triggers = body.get("triggers")
    if not isinstance(triggers, list):
        return body
    return {**body, "triggers": list(map(_preserving, triggers))}


def _preserving(trigger: JsonValue) -> JsonValue:
    if isinstance(trigger, dict) and trigger.get("webhook") and trigger.get("webhookPolicy") is None:
        return {**trigger, "webhookPolicy": "preserve"}
    return trigger


def patched_body(
    live: JsonObject,
    body: JsonObject | None = None,
    *,
    keywords: Mapping[str, JsonValue] | None = None,
    step_names: Sequence[str] | None = None,
) -> JsonObject:
    """Return the exact body that patching `live` sends.

    It is `sendable_body`, `merge_patch`, `apply_keywords` in turn: keywords win over `body` (documentation).
    The names of headers are as `body` spells them.
    Unlike the public client's patch this keeps workflow-level `retryOptions` and `metadata`, every trigger
    and not only the first, and the URL of each webhook.

    Args:
        live: The answer of `describe_workflow`.
        body: What to change, in the documented form.
        keywords: The keyword parameters by name, as in `KEYWORDS`.
        step_names: The live steps that the keywords change; all steps when left out.

    Raises:
        UnexpectedAnswerError: `live` has no steps object, or a shape that cannot be sent back.
        InvalidParameterException: Neither `body` nor a keyword is given, a name in `step_names` is not a live
            step, `step_names` is empty, or `body` has a wrong shape.
    """
    given = _given(keywords or {})
    if not body and not given:
        raise InvalidParameterException("nothing to patch: give a body or at least one of the parameters")
    base = _with_steps(with_header_names_of(sendable_body(live), body or {}))
    _chosen_steps(as_object(base["steps"]), step_names)
    return preserving_webhooks(apply_keywords(merge_patch(base, body or {}), given, step_names))


def patched_sendable(base: JsonObject, body: JsonObject) -> JsonObject:
    """Return what `patched_body` does without keywords, for a live body in the form that can be sent.

    Raises:
        UnexpectedAnswerError: `base` has no steps object.
    """
    return preserving_webhooks(merge_patch(_with_steps(with_header_names_of(base, body)), body))


def _with_steps(base: JsonObject) -> JsonObject:
    """Return `base`, which must have steps.

    Raises:
        UnexpectedAnswerError: It has no steps object.
    """
    if isinstance(base.get("steps"), dict):
        return base
    raise UnexpectedAnswerError("the described workflow has no `steps`: sending it back would remove them")


def _given(keywords: Mapping[str, JsonValue]) -> JsonObject:
    unknown = sorted(keywords.keys() - KEYWORDS.keys())
    if unknown:
        raise InvalidParameterException(f"not a parameter of patch_workflow: {_listed(unknown)}")
    return {key: value for key, value in keywords.items() if value is not None}


def _chosen_steps(steps: JsonObject, step_names: Sequence[str] | None) -> list[str]:
    if step_names is None:
        return list(steps)
    if not step_names:
        raise InvalidParameterException(
            "step_names is empty: name at least one step, or leave it out for all"
        )
    missing = [name for name in step_names if name not in steps]
    if missing:
        existing = _listed(sorted(steps)) or "none"
        raise InvalidParameterException(
            f"the workflow has no step named {_listed(missing)}; its steps: {existing}"
        )
    return list(dict.fromkeys(step_names))


def _given_steps(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidParameterException("`steps` of the body must be an object of steps by name")
    for name, step in value.items():
        if not isinstance(step, dict):
            raise InvalidParameterException(f"the step {_listed([name])} of the body must be an object")
    return value


def _merged_step(base: JsonValue, step: JsonValue) -> JsonValue:
    merged = _merged(base, step)
    if isinstance(merged, dict) and isinstance(step, dict) and "env" in step:
        merged["env"] = step["env"]
    return merged


def _merged(base: JsonValue, over: JsonValue) -> JsonValue:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def _nested(path: Sequence[str], value: JsonValue) -> JsonValue:
    for part in reversed(path):
        value = {part: value}
    return value


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{clip(printable(str(name)), 120)}`" for name in names)
