"""Inputs of a comparison: two canonical forms without defaults, retry options hoisted to the workflow.

The canonical form has retry options in every step, where they take effect. Changed once at the top, they
would be reported once for each step; here they are lifted out again where that says the same in fewer words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from reconciler.schema import step_fields
from reconciler.values import ABSENT, JsonObject, JsonValue, Path, as_object, lookup, same_json, without
from reconciler.workflow.body import Body
from reconciler.workflow.canonical_value import canonical_value
from reconciler.workflow.step import Step

_RETRY_PATH: Final[Path] = ("runConfiguration", "retryOptions")


@dataclass(frozen=True, eq=False)
class ComparableForms:
    """The canonical forms of a live and a desired body, ready to be compared.

    The names of headers are as the desired body spells them.

    Args:
        live_body: The body as the platform returned it.
        desired_body: The body in the manifest.
        default_resource: The answer of `get_default_resource`: resources that equal it are left out.
    """

    live_body: Body
    desired_body: Body
    default_resource: JsonObject = field(default_factory=dict)

    @cached_property
    def _forms(self) -> tuple[JsonObject, JsonObject]:
        before, after = self.live_body.spelled_as(self.desired_body).form, self.desired_body.form
        if not self.default_resource or same_json(before, after):
            return before, after
        return (
            without_default_resource(before, self.default_resource),
            without_default_resource(after, self.default_resource),
        )

    def with_default_resource(self, default_resource: JsonObject) -> ComparableForms:
        """Return the forms of the same bodies without resources that equal `default_resource`."""
        forms = ComparableForms(self.live_body, self.desired_body, default_resource)
        if default_resource and not self.equal:
            pair = tuple(without_default_resource(form, default_resource) for form in self._forms)
            forms.__dict__["_forms"] = pair
        return forms

    @property
    def resources_differ(self) -> bool:
        """Whether the resources of some step differ: only then the default resource counts."""
        before, after = (as_object(form.get("steps")) for form in self._forms)
        return any(
            not same_json(_resources(before.get(name)), _resources(after.get(name)))
            for name in before.keys() | after.keys()
        )

    @cached_property
    def equal(self) -> bool:
        """Whether nothing differs; `true` is not `1`."""
        return self.live_body.is_known_to_equal(self.desired_body) or same_json(*self._forms)

    @property
    def live(self) -> JsonObject:
        """The live form, with retry options at the top where the steps of both sides share them."""
        return self._hoisted[0]

    @property
    def desired(self) -> JsonObject:
        """The desired form, with retry options at the top where the steps of both sides share them."""
        return self._hoisted[1]

    @cached_property
    def _hoisted(self) -> tuple[JsonObject, JsonObject]:
        """Both forms; the options of the steps that state none are at the top if all the same live.

        Where they are not, a live step with options of its own is left out, and compared by itself.
        """
        before, after = self._forms
        names = self.desired_body.inheriting_steps
        if len(_found_options(before, names)) > 1:
            live = self.live_body
            names -= live.steps.keys() - live.inheriting_steps
        found = _found_options(before, names)
        shared = [name for sharing in found for name in sharing]
        stated = bool(self.desired_body.retry_options or self.live_body.retry_options)
        if len(found) != 1 or not (stated or len(shared) > 1):
            return before, after
        desired = _lifted(after, names, shared[0])
        return desired if before is after else _lifted(before, names, shared[0]), desired


def hoisted_form(body: Body) -> JsonObject:
    """Return the canonical form of `body` with the retry options that its steps share at the top."""
    return ComparableForms(body, body).desired


def _resources(step: JsonValue) -> JsonValue:
    return step.get("resources") if isinstance(step, dict) else None


def without_default_resource(form: JsonObject, default_resource: JsonObject) -> JsonObject:
    """Return a canonical form without the resources of its steps that equal the default resource."""
    known: dict[str, JsonObject | None] = {}
    stripped: JsonObject = {}
    for name, step in as_object(form.get("steps")).items():
        kind = Step(as_object(step)).type
        if kind not in known:
            known[kind] = _default_of(kind, default_resource)
        stripped[name] = _without_default(as_object(step), known[kind])
    return {**form, "steps": stripped} if stripped else form


def _default_of(kind: str, default_resource: JsonObject) -> JsonObject | None:
    """Return the canonical form of the default resource for a type of steps; `None` if none counts."""
    field = step_fields(kind).children.get("resources")
    if field is None:
        return None
    form = canonical_value(default_resource, field)
    return form if isinstance(form, dict) else {}


def _without_default(step: JsonObject, known: JsonObject | None) -> JsonObject:
    stated = step.get("resources")
    if known is None or not isinstance(stated, dict):
        return step
    resources = {key: item for key, item in stated.items() if not same_json(item, known.get(key, ABSENT))}
    rest = {key: item for key, item in step.items() if key != "resources"}
    return {**rest, "resources": resources} if resources else rest


def _found_options(form: JsonObject, names: Iterable[str]) -> list[list[str]]:
    """Return the steps of `form` among `names`, those with the same retry options together."""
    steps = as_object(form.get("steps"))
    found: list[list[str]] = []
    for name in names:
        if name in steps:
            options = _options(steps[name])
            same = (group for group in found if same_json(options, _options(steps[group[0]])))
            group = next(same, None)
            if group is None:
                found.append([name])
            else:
                group.append(name)
    return found


def _options(step: JsonValue) -> JsonValue:
    found = lookup(step, _RETRY_PATH)
    return {} if found is ABSENT else found


def _lifted(form: JsonObject, names: frozenset[str], example: str) -> JsonObject:
    """Return a form with the retry options of the step `example` at the top, and in none of `names`."""
    steps = as_object(form.get("steps"))
    options = _options(steps[example])
    if not options:
        return form
    lifted: JsonObject = {
        name: without_retry_options(as_object(step)) if name in names else step
        for name, step in steps.items()
    }
    return {**form, "steps": lifted, "retryOptions": options}


def without_retry_options(step: JsonObject) -> JsonObject:
    """Return a step of a canonical form without its retry options."""
    return without(step, _RETRY_PATH)
