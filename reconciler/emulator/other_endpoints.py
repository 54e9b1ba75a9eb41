"""The endpoints around workflows: resources, images, instance types, the tenant itself, telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from reconciler.emulator import catalogue
from reconciler.emulator.asking import answer, collection, query_of
from reconciler.emulator.queries import Query, page_of
from reconciler.emulator.refusal import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.emulator.tenant import Tenant
    from reconciler.values import JsonObject

_RESOURCES: Final = "/workflows/api/v1/resources"
_IMAGES: Final = "/image-management/api/v2/images"


class OtherEndpoints:
    """Serves what one tenant has beside workflows."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return where each endpoint is reached."""
        options = "/quota/api/v1/settings/tenant-instance-options"
        metadata = "/tenant-management/api/v1/external/tenants/tenant-metadata"
        telemetry = "/resource-usage/api/v1/telemetry"
        return [
            *collection(_RESOURCES, self._resources),
            Route(_RESOURCES + "/defaults", self._default_resource, methods=["GET"]),
            *collection(_IMAGES, self._images),
            Route(_IMAGES + "/{image_id:int}/versions", self._versions, methods=["GET"]),
            Route(options, self._instance_options, methods=["GET"]),
            Route(metadata, self._metadata, methods=["GET"]),
            Route(telemetry, self._telemetry, methods=["POST"]),
        ]

    async def _resources(self, _: Request) -> Response:
        return answer([*catalogue.resources()])

    async def _default_resource(self, _: Request) -> Response:
        return answer(catalogue.DEFAULT_RESOURCE)

    async def _images(self, request: Request) -> Response:
        return _paged("images", _search(catalogue.images(), "name", query_of(request)), query_of(request))

    async def _versions(self, request: Request) -> Response:
        versions = catalogue.versions(request.path_params["image_id"])
        if versions is None:
            raise Refusal(404, "image not found")
        return _paged("versions", _search(versions, "version", query_of(request)), query_of(request))

    async def _instance_options(self, request: Request) -> Response:
        if query_of(request).text("entityType") != "workflow":
            raise Refusal(400, "entityType must be workflow: the emulator has nothing else")
        return answer({"data": [*catalogue.instance_options()]})

    async def _metadata(self, _: Request) -> Response:
        return answer(self._tenant.metadata())

    async def _telemetry(self, _: Request) -> Response:
        return answer({})


def _search(items: list[JsonObject], key: str, query: Query) -> list[JsonObject]:
    term = query.text("searchTerm").lower()
    return [item for item in items if term in str(item[key]).lower()]


def _paged(key: str, items: list[JsonObject], query: Query) -> Response:
    page = page_of(items, query)
    return answer({**page.position(), f"{key}Count": len(items), key: [*page.items]})
