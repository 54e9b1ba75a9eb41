"""The endpoints of the emulated API: workflows, executions, images, instance types, tenant, telemetry.

Also the application that routes all requests. An endpoint is a few lines between HTTP and the tenant, without
decisions of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from reconciler.emulator import emulated_catalogue
from reconciler.emulator import emulated_executions as executions
from reconciler.emulator.middleware import DOWNLOADS
from reconciler.emulator.request_reading import (
    ONE_WORKFLOW,
    WORKFLOWS,
    body_object,
    json_answer,
    page_of,
    parsed_request,
    query_of,
    workflow_id_of,
)
from reconciler.emulator.state import HttpError
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.emulator.emulated_tenant import EmulatedTenant
    from reconciler.emulator.request_reading import Query
    from reconciler.emulator.state import Execution, PlannedStep
    from reconciler.emulator.tenant_store import TenantStore
    from reconciler.values import JsonObject, JsonValue

_RESOURCES: Final = "/workflows/api/v1/resources"
_IMAGES: Final = "/image-management/api/v2/images"
_INSTANCE_OPTIONS: Final = "/quota/api/v1/settings/tenant-instance-options"
_METADATA: Final = "/tenant-management/api/v1/external/tenants/tenant-metadata"
_TELEMETRY: Final = "/resource-usage/api/v1/telemetry"
_ONE_EXECUTION: Final = ONE_WORKFLOW + "/executions/{execution_id}"
_EARLIEST: Final = "1970-01-01"
_LATEST: Final = "9999-01-01"


def build_app(tenant: EmulatedTenant) -> ASGIApp:
    """Return the application that serves `tenant`; it needs `EmulatorMiddleware` around it.

    Before each request, schedules start what they have to, so that the answer shows it.
    """
    app = Starlette(
        routes=[
            *_workflow_routes(tenant),
            *ExecutionEndpoints(tenant.store).routes(),
            *_tenant_routes(tenant),
        ],
        exception_handlers={ReconcilerError: _error_answer, HTTPException: _no_endpoint},
    )
    app.router.redirect_slashes = False

    async def fired_app(scope: Scope, receive: Receive, send: Send) -> None:
        tenant.fire_schedules()
        await app(scope, receive, send)

    return fired_app


async def _error_answer(_: Request, error: Exception) -> Response:
    return json_answer({"detail": str(error)}, error.status if isinstance(error, HttpError) else 500)


async def _no_endpoint(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return json_answer({"detail": f"there is no {request.method} {request.url.path}"}, status)


def _route(method: str, path: str, handle: Callable[[Request], JsonValue]) -> Route:
    """Return the route of an endpoint that answers with the JSON value of `handle`."""

    async def endpoint(request: Request) -> Response:
        return json_answer(handle(request))

    return Route(path, endpoint, methods=[method])


def _collection(method: str, path: str, handle: Callable[[Request], JsonValue]) -> list[Route]:
    """Return the routes of a collection, whose path is served with and without a slash at its end."""
    return [_route(method, path, handle), _route(method, path + "/", handle)]


def _workflow_routes(tenant: EmulatedTenant) -> list[Route]:
    """Return the routes of workflows: list, create, replace, describe, delete, pause, resume."""

    def listed(request: Request) -> JsonValue:
        query = query_of(request)
        found = tenant.find(
            term=query.text("searchTerm"),
            statuses=query.words("workflowStatus"),
            last_statuses=query.words("lastExecutionStatus"),
            modified_by=query.words("lastModifiedBy"),
        )
        page = page_of(found, query)
        return {**tenant.position(page.position(), len(found)), "workflows": tenant.summaries(page.items)}

    def deleted(request: Request) -> JsonValue:
        tenant.store.delete(workflow_id_of(request))
        return {}

    def paused(request: Request) -> JsonValue:
        tenant.store.set_paused(workflow_id_of(request), paused=request.url.path.endswith("/pause"))
        return {}

    return [
        *_collection("GET", WORKFLOWS, listed),
        *_collection("POST", WORKFLOWS, lambda request: tenant.create(body_object(request))),
        _route("GET", ONE_WORKFLOW, lambda request: tenant.describe(workflow_id_of(request))),
        _route(
            "PUT",
            ONE_WORKFLOW,
            lambda request: tenant.replace(workflow_id_of(request), body_object(request)),
        ),
        _route("DELETE", ONE_WORKFLOW, deleted),
        _route("POST", ONE_WORKFLOW + "/pause", paused),
        _route("POST", ONE_WORKFLOW + "/resume", paused),
    ]


def _tenant_routes(tenant: EmulatedTenant) -> list[Route]:
    """Return the routes of the rest of a tenant: resources, images, instance types, metadata, telemetry."""

    def images(request: Request) -> JsonValue:
        return _search("images", "name", emulated_catalogue.images(tenant.id_shift), query_of(request))

    def versions(request: Request) -> JsonValue:
        found = emulated_catalogue.versions(request.path_params["image_id"], tenant.id_shift)
        if found is None:
            raise HttpError(404, "image not found")
        return _search("versions", "version", found, query_of(request))

    def instance_options(request: Request) -> JsonValue:
        if query_of(request).text("entityType") != "workflow":
            raise HttpError(400, "entityType must be workflow: the emulator has no other options")
        return {"data": [*emulated_catalogue.instance_options(tenant.id_shift)]}

    return [
        *_collection("GET", _RESOURCES, lambda _: [*emulated_catalogue.resources(tenant.id_shift)]),
        _route("GET", _RESOURCES + "/defaults", lambda _: tenant.default_resource),
        *_collection("GET", _IMAGES, images),
        _route("GET", _IMAGES + "/{image_id:int}/versions", versions),
        _route("GET", _INSTANCE_OPTIONS, instance_options),
        _route("GET", _METADATA, lambda _: tenant.metadata()),
        _route("POST", _TELEMETRY, lambda _: {}),
    ]


def _search(key: str, field: str, items: list[JsonObject], query: Query) -> JsonObject:
    """Return a page of the `items` whose `field` contains the search term, under `key`."""
    term = query.text("searchTerm").lower()
    found = [item for item in items if term in str(item[field]).lower()]
    page = page_of(found, query)
    return {**page.position(), f"{key}Count": len(found), key: [*page.items]}


class ExecutionEndpoints:
    """The endpoints of the executions of one tenant's workflows."""

    def __init__(self, store: TenantStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[Route]:
        """Return the route of each endpoint."""
        return [
            _route("POST", ONE_WORKFLOW + "/execute", self._execute),
            _route("GET", WORKFLOWS + "/executions/{workflow_id:int}", self._list),
            _route("GET", _ONE_EXECUTION, self._details),
            _route("GET", _ONE_EXECUTION + "/logs", self._logs),
            _route("GET", _ONE_EXECUTION + "/logs/download", self._download_url),
            _route("GET", "/spoke/api/v1/logs/workflow", self._spoke_logs),
            Route(DOWNLOADS + "{execution_id}/{step_name}", self._download, name="download"),
        ]

    def _execute(self, request: Request) -> JsonValue:
        body = {} if parsed_request(request).body is None else body_object(request)
        return {"executionId": self._store.execute(workflow_id_of(request), body).id}

    def _list(self, request: Request) -> JsonValue:
        query, now = query_of(request), self._store.now()
        since, until = query.moment("dateFrom", _EARLIEST), query.moment("dateTo", _LATEST)
        statuses = query.words("statuses")
        found = [
            execution
            for execution in self._store.executions(workflow_id_of(request))
            if since <= execution.started_at <= until
            and (not statuses or executions.status(execution, now) in statuses)
        ]
        found = found[: query.number("count", len(found) or 1)]
        page = page_of(found, query)
        return {
            **page.position(),
            "workflowId": workflow_id_of(request),
            "executionsCount": len(found),
            "executions": [executions.summary(execution, now) for execution in page.items],
        }

    def _details(self, request: Request) -> JsonValue:
        return executions.details(self._execution(request), self._store.now())

    def _logs(self, request: Request) -> JsonValue:
        execution, query, now = self._execution(request), query_of(request), self._store.now()
        step = executions.find_step(execution, _step_name(query))
        page = executions.log_page(executions.log_entries(execution, step, now), query.text("nextToken"))
        return {"stepRunStatus": executions.step_status(execution, step, now), **page}

    def _spoke_logs(self, request: Request) -> JsonValue:
        query, now = query_of(request), self._store.now()
        execution_id, _, name = query.text("logSource").partition(".")
        execution = self._store.execution(execution_id)
        entries = executions.log_entries(
            execution,
            executions.find_step(execution, name),
            now,
            since=executions.milliseconds(query.moment("startTime", _EARLIEST)),
            until=executions.milliseconds(query.moment("endTime", _LATEST)),
        )
        return executions.log_page(entries, query.text("nextToken"))

    def _download_url(self, request: Request) -> JsonValue:
        execution = self._execution(request)
        step = executions.find_step(execution, _step_name(query_of(request)))
        address = request.url_for("download", execution_id=execution.id, step_name=step.name)
        return {"downloadUrl": f"{address}?signature={self._signature(execution, step)}"}

    async def _download(self, request: Request) -> Response:
        execution = self._store.execution(request.path_params["execution_id"])
        step = executions.find_step(execution, request.path_params["step_name"])
        signature = query_of(request).text("signature")
        if not hmac.compare_digest(signature.encode(), self._signature(execution, step).encode()):
            raise HttpError(403, "the signature is invalid")
        entries = executions.log_entries(execution, step, self._store.now())
        return PlainTextResponse("".join(f"{entry['message']}\n" for entry in entries))

    def _execution(self, request: Request) -> Execution:
        return self._store.execution(request.path_params["execution_id"], workflow_id_of(request))

    def _signature(self, execution: Execution, step: PlannedStep) -> str:
        return hmac.new(self._key, executions.node_id(execution, step).encode(), hashlib.sha256).hexdigest()


def _step_name(query: Query) -> str:
    name = query.text("stepName")
    if not name:
        raise HttpError(400, "stepName is required")
    return name
