"""Retry options by their effect: each step's own, else the workflow's.

The documentation says that the workflow's "will be applied to all steps". So a platform that returns them at
the top and one that returns them spread over the steps are alike.
"""

from __future__ import annotations

from reconciler.schema import body_fields
from reconciler.values import JsonObject, JsonValue, as_object


def stated_options(value: JsonValue) -> JsonObject:
    """Return retry options if they say anything; unknown keys, nulls and empty values say nothing."""
    known = body_fields().children["retryOptions"].children
    options = as_object(value)
    says = any(item is not None and item not in ({}, []) for key, item in options.items() if key in known)
    return options if says else {}


def step_options(step: JsonValue) -> JsonObject:
    """Return a step's own options, as they stand; empty where it has none."""
    return stated_options(as_object(as_object(step).get("runConfiguration")).get("retryOptions"))


def effective_options(step: JsonValue, body: JsonObject) -> JsonObject:
    """Return the options that take effect in a step of `body`, as they stand."""
    return step_options(step) or stated_options(body.get("retryOptions"))


def inheriting_steps(body: JsonObject) -> frozenset[str]:
    """Return the names of the steps of `body` that have no retry options of their own."""
    return frozenset(name for name, step in as_object(body.get("steps")).items() if not step_options(step))
