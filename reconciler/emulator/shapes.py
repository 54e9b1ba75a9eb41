"""Which fields the API documents at every place of a workflow, so that profiles can find what is absent.

A description and a walk over it; what is done at each place is the caller's. Maps whose keys are the user's
own (`env`, `outputParameters`, absolute headers) are fields here, and nothing inside them is described.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The documented optional fields of one kind of object, by what they hold.

    `objects` and `rows` (lists of objects) have shapes of their own.
    """

    name: str
    scalars: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    objects: Mapping[str, Shape] = field(default_factory=dict)
    rows: Mapping[str, Shape] = field(default_factory=dict)


RETRY: Final = Shape(
    name="retryOptions", scalars=("duration", "numberOfRetries", "exponentialBackoff"), lists=("exitCodes",)
)
TRIGGER: Final = Shape(name="trigger", scalars=("cron", "webhook", "scheduled"))
TAG: Final = Shape(name="tag")
EVENTS: Final = Shape(name="events", scalars=("success", "fail", "runtimeExceeded"))
WATCHER: Final = Shape(
    name="watcher",
    scalars=("user",),
    objects={
        "events": EVENTS,
        "webhook": Shape(name="watcher webhook"),
        "email": Shape(name="email", objects={"recipients": Shape(name="recipients", lists=("to",))}),
    },
)
SUMMARY: Final = Shape(name="summary", scalars=("lastExecution",), rows={"triggers": TRIGGER, "tags": TAG})
WORKFLOW: Final = Shape(
    name="workflow",
    scalars=("lastExecution",),
    objects={
        "retryOptions": RETRY,
        "metadata": Shape(name="metadata", scalars=("allowConcurrentExecution",)),
    },
    rows={"triggers": TRIGGER, "watchers": WATCHER, "tags": TAG},
)

_REPOSITORY: Final = Shape(name="repository", scalars=("url", "branch", "token"))
_SQL_REPOSITORY: Final = Shape(name="repository", scalars=("url", "branch", "token", "filePath"))
_PARAMETERS: Final = Shape(name="parameters", lists=("env", "secrets"), maps=("inherit",))
_EXECUTION: Final = Shape(
    name="executionParameters",
    rows={
        "conditional": Shape(name="conditional"),
        "parentStatus": Shape(name="parentStatus", lists=("parents", "status")),
    },
)
_RUN: Final = Shape(
    name="runConfiguration",
    objects={"retryOptions": RETRY, "skipConfiguration": Shape(name="skip", scalars=("skip", "skipDAG"))},
)
_AUTH: Final = Shape(name="auth", scalars=("type",))
_EVERY_STEP: Final[Mapping[str, Shape]] = {"executionParameters": _EXECUTION, "runConfiguration": _RUN}

STANDARD: Final = Shape(
    name="step",
    scalars=("type", "imageId", "imageVersionId", "command", "stepTimeout", "clearImageCache"),
    lists=("parents",),
    maps=("outputParameters",),
    objects={
        "resources": Shape(name="resources", scalars=("instanceTypeId", "storage")),
        "repository": _REPOSITORY,
        "parameters": _PARAMETERS,
        **_EVERY_STEP,
    },
)
_HTTP: Final = Shape(
    name="step",
    scalars=("type", "method", "url", "payload"),
    lists=("parents",),
    maps=("outputParameters",),
    objects={
        "headers": Shape(name="headers", lists=("secrets",), maps=("absolute",)),
        "auth": _AUTH,
        "parameters": _PARAMETERS,
        **_EVERY_STEP,
    },
)
_SQL: Final = Shape(
    name="step",
    scalars=("type", "sqlQueryPath"),
    lists=("parents",),
    objects={"repository": _SQL_REPOSITORY, "parameters": _PARAMETERS, **_EVERY_STEP},
)
_EXPORT: Final = Shape(
    name="step",
    scalars=("type", "schema", "table", "sortBy", "sortOrder", "compression"),
    lists=("parents",),
    objects=_EVERY_STEP,
)
_STEPS: Final = {"http": _HTTP, "sql": _SQL, "export": _EXPORT}


def step_kind(step: JsonObject) -> str:
    """Return the step's type; `standard` when it names none."""
    return str(step.get("type") or "standard")


def step_shape(step: JsonObject) -> Shape:
    """Return the shape that goes with the step's type."""
    return _STEPS.get(step_kind(step), STANDARD)


def steps_of(view: JsonObject) -> list[JsonObject]:
    """Return the steps of a workflow, each the very object that stands in `view`."""
    return [step for step in as_object(view.get("steps")).values() if isinstance(step, dict)]


def walk(node: JsonObject, shape: Shape, visit: Callable[[JsonObject, Shape], None]) -> None:
    """Call `visit` with every object of a described shape at and below `node`, the inner ones first.

    Below a workflow this includes its steps. What `visit` adds to an object is not walked.
    """
    for key, inner in shape.objects.items():
        child = node.get(key)
        if isinstance(child, dict):
            walk(child, inner, visit)
    for key, inner in shape.rows.items():
        for row in as_list(node.get(key)):
            if isinstance(row, dict):
                walk(row, inner, visit)
    if shape is WORKFLOW:
        for step in steps_of(node):
            walk(step, step_shape(step), visit)
    visit(node, shape)
