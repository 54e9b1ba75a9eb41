"""The endpoints of the emulated API, except executions: workflows, images, instance types, tenant, telemetry.

Also the application that routes all requests. An endpoint is a few lines between HTTP and the tenant, without
decisions of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from reconciler.emulator import emulated_catalogue
from reconciler.emulator.execution_endpoints import ExecutionEndpoints
from reconciler.emulator.request_reading import (
    ONE_WORKFLOW,
    WORKFLOWS,
    body_object,
    json_answer,
    page_of,
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
    from reconciler.values import JsonObject

_RESOURCES: Final = "/workflows/api/v1/resources"
_IMAGES: Final = "/image-management/api/v2/images"
_INSTANCE_OPTIONS: Final = "/quota/api/v1/settings/tenant-instance-options"
_METADATA: Final = "/tenant-management/api/v1/external/tenants/tenant-metadata"
_TELEMETRY: Final = "/resource-usage/api/v1/telemetry"


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
