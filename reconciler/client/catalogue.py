"""The client of a tenant's catalogue: images with their versions, and instance types. It only reads.

These endpoints are not the workflow API's but elsewhere on the same host; the public client reaches them
through its clients for images and tenants. So they are not part of `Workflow`, which has exactly the
documented methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.client.base import BaseClient, segment
from reconciler.client.responses import expect_fields, expect_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.values import JsonObject

_IMAGES: Final = "image-management/api/v2/images/"
_INSTANCE_OPTIONS: Final = "quota/api/v1/settings/tenant-instance-options"
_PAGE_SIZE: Final = 100
_NAMED: Final[dict[str, tuple[type, ...]]] = {"id": (int,), "name": (str,)}
_VERSION: Final[dict[str, tuple[type, ...]]] = {"id": (int,), "version": (str,), "status": (str,)}


class Catalogue(BaseClient):
    """The client for images and instance types.

    `Workflow` lists the exceptions of all methods; an iterator raises them when it reads a page.

    Args:
        session: The session. Default: one created from the environment and shared.
    """

    def list_images(self, name: str | None = None, *, page_size: int = _PAGE_SIZE) -> Iterator[JsonObject]:
        """List the images of the tenant (`GET image-management/api/v2/images/`).

        Args:
            name: A text that the names contain. Default: all images.
            page_size: The number of images per page.

        Returns:
            An iterator over the images of all pages; each page is read when it is reached:
            `{id, name, type, scope, latestVersion: {id, version, status}}`.
        """
        return self._pages(_IMAGES, "images", {"pageSize": page_size, "searchTerm": name}, _NAMED)

    def list_image_versions(self, image_id: int, *, page_size: int = _PAGE_SIZE) -> Iterator[JsonObject]:
        """List the versions of an image (`GET image-management/api/v2/images/{imageId}/versions`).

        Returns:
            An iterator over the versions of all pages; each page is read when it is reached:
            `{id, version, status, lastBuildStatus, …}`, the status one of `not-ready`, `ready`, `in-use`,
            `deleting`, `delete-failed`.

        Raises:
            NotFoundException: The given image does not exist.
        """
        path = f"{_IMAGES}{segment(image_id)}/versions"
        return self._pages(path, "versions", {"pageSize": page_size}, _VERSION)

    def list_instance_types(self) -> list[JsonObject]:
        """List the instance types for workflows, with their names.

        `GET quota/api/v1/settings/tenant-instance-options?entityType=workflow`. The workflow API's own
        `list_resources` returns the same without names.

        Returns:
            A list of `{id, name, cpu, memory, gpu, gpuMemory, …}`, with names such as
            `Pico (0.125CPU, 0.125GB RAM)`.
        """
        label = f"GET /{_INSTANCE_OPTIONS}"
        answer = self._send("GET", _INSTANCE_OPTIONS, params={"entityType": "workflow"})
        items = expect_objects(answer.get("data"), f"{label} under `data`")
        return [expect_fields(item, _NAMED, f"{label} under `data`") for item in items]
