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
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.emulator.emulated_tenant import EmulatedTenant
    from reconciler.emulator.request_reading import Query
    from reconciler.emulator.state import Execution, PlannedStep
    from reconciler.emulator.tenant_store import TenantStore
    from reconciler.values import JsonObject

_RESOURCES: Final = "/workflows/api/v1/resources"
_IMAGES: Final = "/image-management/api/v2/images"
_INSTANCE_OPTIONS: Final = "/quota/api/v1/settings/tenant-instance-options"
_METADATA: Final = "/tenant-management/api/v1/external/tenants/tenant-metadata"
_TELEMETRY: Final = "/resource-usage/api/v1/telemetry"
_ONE_EXECUTION: Final = ONE_WORKFLOW + "/executions/{execution_id}"
_EARLIEST: Final = "1970-01-01"
_LATEST: Final = "9999-01-01"


def build_app(tenant: EmulatedTenant) -> Starlette:
    """Return the application that serves `tenant`; it needs `EmulatorMiddleware` around it."""
    groups = (WorkflowEndpoints(tenant), ExecutionEndpoints(tenant.store), TenantEndpoints(tenant))
    app = Starlette(
        routes=[route for group in groups for route in group.routes()],
        exception_handlers={ReconcilerError: _error_answer, HTTPException: _no_endpoint},
    )
    app.router.redirect_slashes = False
    return app


async def _error_answer(_: Request, error: Exception) -> Response:
    return json_answer({"detail": str(error)}, error.status if isinstance(error, HttpError) else 500)


async def _no_endpoint(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return json_answer({"detail": f"there is no {request.method} {request.url.path}"}, status)


class WorkflowEndpoints:
    """The endpoints of workflows: list, create, replace, describe, delete, pause, resume."""

    def __init__(self, tenant: EmulatedTenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return the route of each endpoint."""
        return [
            *_collection(WORKFLOWS, self._list),
            *_collection(WORKFLOWS, self._create, "POST"),
            Route(ONE_WORKFLOW, self._describe, methods=["GET"]),
            Route(ONE_WORKFLOW, self._replace, methods=["PUT"]),
            Route(ONE_WORKFLOW, self._delete, methods=["DELETE"]),
            Route(ONE_WORKFLOW + "/pause", self._pause, methods=["POST"]),
            Route(ONE_WORKFLOW + "/resume", self._resume, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        query = query_of(request)
        found = self._tenant.find(
            term=query.text("searchTerm"),
            statuses=query.words("workflowStatus"),
            last_statuses=query.words("lastExecutionStatus"),
            modified_by=query.words("lastModifiedBy"),
        )
        page = page_of(found, query)
        shown = self._tenant.summaries(page.items)
        return json_answer({**self._tenant.position(page.position(), len(found)), "workflows": shown})

    async def _create(self, request: Request) -> Response:
        return json_answer(self._tenant.create(body_object(request)))

    async def _replace(self, request: Request) -> Response:
        return json_answer(self._tenant.replace(workflow_id_of(request), body_object(request)))

    async def _describe(self, request: Request) -> Response:
        return json_answer(self._tenant.describe(workflow_id_of(request)))

    async def _delete(self, request: Request) -> Response:
        self._tenant.store.delete(workflow_id_of(request))
        return json_answer({})

    async def _pause(self, request: Request) -> Response:
        self._tenant.store.set_paused(workflow_id_of(request), paused=True)
        return json_answer({})

    async def _resume(self, request: Request) -> Response:
        self._tenant.store.set_paused(workflow_id_of(request), paused=False)
        return json_answer({})


class ExecutionEndpoints:
    """The endpoints of the executions of one tenant's workflows."""

    def __init__(self, store: TenantStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[Route]:
        """Return the route of each endpoint."""
        return [
            Route(ONE_WORKFLOW + "/execute", self._execute, methods=["POST"]),
            Route(WORKFLOWS + "/executions/{workflow_id:int}", self._list, methods=["GET"]),
            Route(_ONE_EXECUTION, self._details, methods=["GET"]),
            Route(_ONE_EXECUTION + "/logs", self._logs, methods=["GET"]),
            Route(_ONE_EXECUTION + "/logs/download", self._download_url, methods=["GET"]),
            Route("/spoke/api/v1/logs/workflow", self._spoke_logs, methods=["GET"]),
            Route(DOWNLOADS + "{execution_id}/{step_name}", self._download, name="download"),
        ]

    async def _execute(self, request: Request) -> Response:
        body = {} if parsed_request(request).body is None else body_object(request)
        return json_answer({"executionId": self._store.execute(workflow_id_of(request), body).id})

    async def _list(self, request: Request) -> Response:
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
        return json_answer(
            {
                **page.position(),
                "workflowId": workflow_id_of(request),
                "executionsCount": len(found),
                "executions": [executions.summary(execution, now) for execution in page.items],
            }
        )

    async def _details(self, request: Request) -> Response:
        return json_answer(executions.details(self._execution(request), self._store.now()))

    async def _logs(self, request: Request) -> Response:
        execution, query, now = self._execution(request), query_of(request), self._store.now()
        step = executions.find_step(execution, _step_name(query))
        page = executions.log_page(executions.log_entries(execution, step, now), query.text("nextToken"))
        return json_answer({"stepRunStatus": executions.step_status(execution, step, now), **page})

    async def _spoke_logs(self, request: Request) -> Response:
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
        return json_answer(executions.log_page(entries, query.text("nextToken")))

    async def _download_url(self, request: Request) -> Response:
        execution = self._execution(request)
        step = executions.find_step(execution, _step_name(query_of(request)))
        address = request.url_for("download", execution_id=execution.id, step_name=step.name)
        return json_answer({"downloadUrl": f"{address}?signature={self._signature(execution, step)}"})

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


class TenantEndpoints:
    """The endpoints of the rest of a tenant: resources, images, instance types, metadata, telemetry."""

    def __init__(self, tenant: EmulatedTenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return the route of each endpoint."""
        return [
            *_collection(_RESOURCES, self._resources),
            Route(_RESOURCES + "/defaults", self._default_resource, methods=["GET"]),
            *_collection(_IMAGES, self._images),
            Route(_IMAGES + "/{image_id:int}/versions", self._versions, methods=["GET"]),
            Route(_INSTANCE_OPTIONS, self._instance_options, methods=["GET"]),
            Route(_METADATA, self._metadata, methods=["GET"]),
            Route(_TELEMETRY, self._telemetry, methods=["POST"]),
        ]

    async def _resources(self, _: Request) -> Response:
        return json_answer([*emulated_catalogue.resources()])

    async def _default_resource(self, _: Request) -> Response:
        return json_answer(emulated_catalogue.DEFAULT_RESOURCE)

    async def _images(self, request: Request) -> Response:
        return _search_answer("images", "name", emulated_catalogue.images(), query_of(request))

    async def _versions(self, request: Request) -> Response:
        versions = emulated_catalogue.versions(request.path_params["image_id"])
        if versions is None:
            raise HttpError(404, "image not found")
        return _search_answer("versions", "version", versions, query_of(request))

    async def _instance_options(self, request: Request) -> Response:
        if query_of(request).text("entityType") != "workflow":
            raise HttpError(400, "entityType must be workflow: the emulator has no other options")
        return json_answer({"data": [*emulated_catalogue.instance_options()]})

    async def _metadata(self, _: Request) -> Response:
        return json_answer(self._tenant.metadata())

    async def _telemetry(self, _: Request) -> Response:
        return json_answer({})


def _step_name(query: Query) -> str:
    name = query.text("stepName")
    if not name:
        raise HttpError(400, "stepName is required")
    return name


def _collection(
    path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET"
) -> list[Route]:
    """Return the routes of a collection, whose path is served with and without a slash at its end."""
    return [Route(path, endpoint, methods=[method]), Route(path + "/", endpoint, methods=[method])]


def _search_answer(key: str, field: str, items: list[JsonObject], query: Query) -> Response:
    """Return a page of the `items` whose `field` contains the search term, in an answer's `key`."""
    term = query.text("searchTerm").lower()
    found = [item for item in items if term in str(item[field]).lower()]
    page = page_of(found, query)
    return json_answer({**page.position(), f"{key}Count": len(found), key: [*page.items]})
