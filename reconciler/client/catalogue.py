"""What a tenant has beside its workflows: images with their versions, and instance types.

Reads only, and only what turns an id of a manifest into something that exists. These endpoints are not the
workflow API's: they stand elsewhere on the same host, and the public client asks them through its clients of
images and of the tenant. So they are no part of `Workflow`, which has exactly the documented methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.client.answers import expect_fields, expect_object, expect_objects
from reconciler.client.base import BaseClient, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.values import JsonObject

_IMAGES: Final = "image-management/api/v2/images/"
_INSTANCE_OPTIONS: Final = "quota/api/v1/settings/tenant-instance-options"
_PAGE_SIZE: Final = 100
_NAMED: Final[dict[str, tuple[type, ...]]] = {"id": (int,), "name": (str,)}
_VERSION: Final[dict[str, tuple[type, ...]]] = {"id": (int,), "version": (str,), "status": (str,)}


class Catalogue(BaseClient):
    """The client of what steps can run in and on.

    What every method may raise stands at `WorkflowDefinitions`; an iterator raises it when it gets there.

    Args:
        session: The session to use; the default one, made from the environment, when left out.
    """

    def list_images(self, name: str | None = None, *, page_size: int = _PAGE_SIZE) -> Iterator[JsonObject]:
        """List the images that the tenant's steps can run in (`GET image-management/api/v2/images/`).

        Args:
            name: Search by name: also finds images whose name merely contains it. All images when left out.
            page_size: How many images a page has.

        Returns:
            An iterator over the images of all pages, each page asked for when it is reached:
            `{id, name, type, scope, latestVersion: {id, version, status}}`.
        """
        return self._pages(_IMAGES, "images", {"pageSize": page_size, "searchTerm": name}, _NAMED)

    def list_image_versions(self, image_id: int, *, page_size: int = _PAGE_SIZE) -> Iterator[JsonObject]:
        """List the versions of an image (`GET image-management/api/v2/images/{imageId}/versions`).

        Args:
            image_id: The ID of the image.
            page_size: How many versions a page has.

        Returns:
            An iterator over the versions of all pages, each page asked for when it is reached:
            `{id, version, status, lastBuildStatus, …}`, the status one of `not-ready`, `ready`, `in-use`,
            `deleting`, `delete-failed`.

        Raises:
            NotFoundException: The given image does not exist.
        """
        path = f"{_IMAGES}{segment(image_id)}/versions"
        return self._pages(path, "versions", {"pageSize": page_size}, _VERSION)

    def list_instance_types(self) -> list[JsonObject]:
        """List the instance types that the tenant's workflows may use, with their names.

        `GET quota/api/v1/settings/tenant-instance-options?entityType=workflow`. The workflow API's own
        `list_resources` tells the same without names.

        Returns:
            A list of `{id, name, cpu, memory, gpu, gpuMemory, …}`, the name such as
            `Pico (0.125CPU, 0.125GB RAM)`.
        """
        label = f"GET /{_INSTANCE_OPTIONS}"
        answer = self.session.request("GET", _INSTANCE_OPTIONS, params={"entityType": "workflow"})
        items = expect_objects(expect_object(answer, label).get("data"), f"{label} under `data`")
        return [expect_fields(item, _NAMED, f"{label} under `data`") for item in items]
