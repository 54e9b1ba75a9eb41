"""The documented fields at every level of a workflow, and the ways to fill in absent ones.

A description (`Shape`), a walk over it, and the rewrites of a view that need it: the defaults, empty values,
nulls and unknown keys that a platform may return. Maps whose keys are the user's (`env`, `outputParameters`,
absolute headers) are fields here, and nothing inside them is described. Stored bodies never come here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.emulator.emulated_catalogue import DEFAULT_RESOURCE
from reconciler.values import JsonObject, JsonValue, as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The documented optional fields of one kind of object, by type.

    `objects` and `rows` (lists of objects) have shapes too.
    """

    name: str
    scalars: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    objects: Mapping[str, Shape] = field(default_factory=dict)
    rows: Mapping[str, Shape] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of all fields."""
        return (*self.scalars, *self.lists, *self.maps, *self.objects, *self.rows)


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
_RUN_CONFIGURATION: Final = Shape(
    name="runConfiguration",
    objects={"retryOptions": RETRY, "skipConfiguration": Shape(name="skip", scalars=("skip", "skipDAG"))},
)
_AUTH: Final = Shape(name="auth", scalars=("type",))
_EVERY_STEP: Final[Mapping[str, Shape]] = {
    "executionParameters": _EXECUTION,
    "runConfiguration": _RUN_CONFIGURATION,
}

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
_STEP_SHAPES: Final = {"http": _HTTP, "sql": _SQL, "export": _EXPORT}

_DEFAULTS: Final[dict[str, JsonObject]] = {
    "retryOptions": {"duration": 5, "numberOfRetries": 3, "exponentialBackoff": False},
    "skip": {"skip": False, "skipDAG": False},
    "events": {"success": False, "fail": False},
}
"""The documented defaults of an object, by the name of its shape; those of a step are by its type."""

_STEP_DEFAULTS: Final[dict[str, JsonObject]] = {
    "standard": {"type": "standard", "clearImageCache": False},
    "export": {"sortOrder": "asc", "compression": False},
}


def step_kind(step: JsonObject) -> str:
    """Return the step's type; `standard` when it has none."""
    return str(step.get("type") or "standard")


def step_shape(step: JsonObject) -> Shape:
    """Return the shape of the step's type."""
    return _STEP_SHAPES.get(step_kind(step), STANDARD)


def steps_of(view: JsonObject) -> list[JsonObject]:
    """Return the steps of a workflow: the objects in `view` itself, not copies."""
    return [step for step in as_object(view.get("steps")).values() if isinstance(step, dict)]


def walk(node: JsonObject, shape: Shape, visit: Callable[[JsonObject, Shape], None]) -> None:
    """Call `visit` with every object of a described shape at and below `node`, inner objects first.

    Below a workflow this includes its steps. Objects that `visit` adds are not walked.
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


def fill_defaults(view: JsonObject, _: str) -> None:
    """Set every absent field of a described workflow to its documented default."""
    if _view_shape(view) is not WORKFLOW:
        return
    inner_object(view, "retryOptions")
    for step in steps_of(view):
        inner_object(inner_object(step, "runConfiguration"), "skipConfiguration")
        if step.get("parents") is None:
            step["parents"] = []
        if step_kind(step) == "standard":
            _set_absent(inner_object(step, "resources"), DEFAULT_RESOURCE)
    for watcher in as_list(view.get("watchers")):
        if isinstance(watcher, dict):
            inner_object(watcher, "events")
    walk(view, WORKFLOW, lambda node, shape: _set_absent(node, _defaults_of(node, shape)))


def drop_defaults(view: JsonObject, _: str) -> None:
    """Remove every field that has its documented default, the reverse of `fill_defaults`."""

    def visit(node: JsonObject, shape: Shape) -> None:
        for key, value in _defaults_of(node, shape).items():
            if key in node and node[key] == value:
                del node[key]

    walk(view, WORKFLOW, visit)


def _defaults_of(node: JsonObject, shape: Shape) -> JsonObject:
    if shape.name == "step":
        return _STEP_DEFAULTS.get(step_kind(node), {})
    return _DEFAULTS.get(shape.name, {})


def _set_absent(node: JsonObject, defaults: JsonObject) -> None:
    for key, value in defaults.items():
        if node.get(key) is None:
            node[key] = value


def fill_nulls(view: JsonObject, _: str) -> None:
    """Set every absent documented field to `null`, also the lists that are documented as empty."""

    def visit(node: JsonObject, shape: Shape) -> None:
        for key in shape.fields:
            node.setdefault(key, None)

    for key in ("triggers", "watchers", "tags"):
        if view.get(key) == []:
            view[key] = None
    walk(view, _view_shape(view), visit)


def fill_empties(view: JsonObject, _: str) -> None:
    """Set every absent list and map to `[]` and `{}`."""

    def visit(node: JsonObject, shape: Shape) -> None:
        for key in (*shape.lists, *shape.rows):
            if node.get(key) is None:
                node[key] = []
        for key in (*shape.maps, *shape.objects):
            if node.get(key) is None:
                node[key] = {}

    walk(view, _view_shape(view), visit)


def add_unknown(view: JsonObject, _: str) -> None:
    """Add undocumented keys to every object."""

    def visit(node: JsonObject, shape: Shape) -> None:
        node.setdefault("futureMode", f"{shape.name}-v2")
        if shape.name in {"workflow", "step"}:
            node.setdefault("futureOptions", {"level": 3, "labels": ["x", "y"], "enabled": True})

    walk(view, _view_shape(view), visit)


def _view_shape(view: JsonObject) -> Shape:
    """Return the shape of a described or of a listed workflow, which has no steps."""
    return WORKFLOW if "steps" in view else SUMMARY


def spread_retry_options(view: JsonObject, _: str) -> None:
    """Move the workflow's retry options to every step that has none."""
    options = view.pop("retryOptions", None)
    if not isinstance(options, dict) or not options:
        return
    for step in steps_of(view):
        configuration = inner_object(step, "runConfiguration")
        if not configuration.get("retryOptions"):
            configuration["retryOptions"] = {
                key: [*value] if isinstance(value, list) else value for key, value in options.items()
            }


def inner_object(node: JsonObject, key: str) -> JsonObject:
    """Return the object at `key`, created empty when absent."""
    inner: JsonValue = node.get(key)
    if not isinstance(inner, dict):
        inner = node[key] = {}
    return inner
