"""Two canonical forms made ready to be compared: retry options stand where the workflow states them.

The canonical form has them in every step, where they take effect. Changed once at the top, they would be
reported once for each step; here they are lifted out again where that says the same in fewer words.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.values import JsonObject, JsonValue, as_object, dump_compact
from reconciler.workflow.canonical_form import canonical
from reconciler.workflow.retry_options import inheriting_steps, stated_options


@dataclass(frozen=True, slots=True)
class Aligned:
    """The canonical forms of a live and a desired body, with shared retry options at the top of both."""

    live: JsonObject
    desired: JsonObject

    @property
    def equal(self) -> bool:
        """Whether nothing differs: decided on text, which tells `true` from `1`."""
        return dump_compact(self.live) == dump_compact(self.desired)


def hoist_retry_options(
    live: JsonObject, desired: JsonObject, default_resource: JsonObject | None = None
) -> Aligned:
    """Return the canonical forms of two bodies, ready to be compared.

    Where all the steps without options of their own have the same ones on the live side, these stand at
    `retryOptions` of both forms, and in no step.
    """
    before, after = canonical(live, default_resource), canonical(desired, default_resource)
    return _aligned(before, after, live, desired)


def hoisted_form(body: JsonObject) -> JsonObject:
    """Return the canonical form of `body` with the retry options that its steps share at the top."""
    form = canonical(body)
    return _aligned(form, form, body, body).desired


def _aligned(before: JsonObject, after: JsonObject, live: JsonObject, desired: JsonObject) -> Aligned:
    inheriting = inheriting_steps(desired)
    shared = [name for name in inheriting if name in as_object(before.get("steps"))]
    found = {dump_compact(_options(before, name)) for name in shared}
    stated = bool(stated_options(desired.get("retryOptions")) or stated_options(live.get("retryOptions")))
    if len(found) != 1 or not (stated or len(shared) > 1):
        return Aligned(before, after)
    return Aligned(_lifted(before, inheriting, shared[0]), _lifted(after, inheriting, shared[0]))


def _options(form: JsonObject, name: str) -> JsonValue:
    step = as_object(as_object(form.get("steps")).get(name))
    return as_object(step.get("runConfiguration")).get("retryOptions", {})


def _lifted(form: JsonObject, names: frozenset[str], example: str) -> JsonObject:
    options = _options(form, example)
    steps = {
        name: _without_options(as_object(step)) if name in names else step
        for name, step in as_object(form.get("steps")).items()
    }
    return {**form, "steps": steps, **({"retryOptions": options} if options else {})}


def _without_options(step: JsonObject) -> JsonObject:
    configuration = {
        key: value for key, value in as_object(step.get("runConfiguration")).items() if key != "retryOptions"
    }
    rest = {key: value for key, value in step.items() if key != "runConfiguration"}
    return {**rest, "runConfiguration": configuration} if configuration else rest
