"""Step of a workflow as a value, and the one place that determines its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from reconciler.schema import body_fields
from reconciler.values import JsonObject, JsonValue, as_list, as_object, as_objects

STANDARD: Final = "standard"
"""The type of a step that states none."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step as a manifest states it, or as the platform returned it.

    Args:
        raw: The JSON object, which nobody changes.
    """

    raw: JsonObject = field(repr=False)

    @property
    def type(self) -> str:
        """The type; a step without one (absent, `null`, `""`) is a standard step."""
        stated = self.raw.get("type")
        return stated.lower() if isinstance(stated, str) and stated else STANDARD

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """The names of the steps that it waits for, as stated."""
        return tuple(name for name in as_list(self.raw.get("parents")) if isinstance(name, str))

    @cached_property
    def repository(self) -> JsonObject:
        """The repository; empty for none."""
        return as_object(self.raw.get("repository"))

    @cached_property
    def resources(self) -> JsonObject:
        """The resources; empty for none."""
        return as_object(self.raw.get("resources"))

    @cached_property
    def auth(self) -> JsonObject:
        """The authentication of a request; empty for none."""
        return as_object(self.raw.get("auth"))

    @cached_property
    def literal_headers(self) -> JsonObject:
        """The headers of a request that are written out; empty for none."""
        return as_object(as_object(self.raw.get("headers")).get("absolute"))

    @cached_property
    def parameters(self) -> JsonObject:
        """The parameters; empty for none."""
        return as_object(self.raw.get("parameters"))

    @cached_property
    def output_parameters(self) -> JsonObject:
        """The output parameters: files by name; empty for none."""
        return as_object(self.raw.get("outputParameters"))

    @cached_property
    def conditions(self) -> tuple[JsonObject, ...]:
        """The conditions on output parameters of earlier steps."""
        return as_objects(self._execution_parameters.get("conditional"))

    @cached_property
    def parent_statuses(self) -> tuple[JsonObject, ...]:
        """The conditions on the status of parents."""
        return as_objects(self._execution_parameters.get("parentStatus"))

    @property
    def _execution_parameters(self) -> JsonObject:
        return as_object(self.raw.get("executionParameters"))

    @cached_property
    def run_configuration(self) -> JsonObject:
        """The run configuration; empty for none."""
        return as_object(self.raw.get("runConfiguration"))

    @property
    def skip_configuration(self) -> JsonObject:
        """What is skipped in place of being run; empty for nothing."""
        return as_object(self.run_configuration.get("skipConfiguration"))

    @cached_property
    def retry_options(self) -> JsonObject:
        """The retry options that the step itself states; empty for none."""
        return stated_options(self.run_configuration.get("retryOptions"))


def steps_by_name(value: JsonValue) -> dict[str, Step]:
    """Return the steps of a body, from the JSON value of its `steps`."""
    return {name: Step(as_object(step)) for name, step in as_object(value).items()}


def stated_options(value: JsonValue) -> JsonObject:
    """Return retry options if they say anything; unknown keys, nulls and empty values say nothing."""
    if not value or not isinstance(value, dict):
        return {}
    known = body_fields().children["retryOptions"].children
    says = any(item is not None and item not in ({}, []) for key, item in value.items() if key in known)
    return dict(value) if says else {}
