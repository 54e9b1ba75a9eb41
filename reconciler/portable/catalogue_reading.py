"""Catalogue reading: what is needed of a tenant's images and instance types, each read once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from reconciler import portable
from reconciler.api import CatalogueReader
from reconciler.client import NotFoundException
from reconciler.concurrency import CONCURRENCY, read_all
from reconciler.errors import ReconcilerError
from reconciler.values import JsonObject, JsonValue, as_object

if TYPE_CHECKING:
    from reconciler.portable.lookups import CatalogueFacts, Image, ImageVersion, InstanceType
    from reconciler.portable.names_for_ids import CatalogueIds
    from reconciler.portable.stated import StatedName

T = TypeVar("T")


class CatalogueReading:
    """A reader of a tenant's catalogue that keeps what it has read. Not for several threads at a time.

    Args:
        reader: The client of the catalogue.
        concurrency: The number of images whose versions are read at a time.
    """

    def __init__(self, reader: CatalogueReader, concurrency: int = CONCURRENCY) -> None:
        self._reader = reader
        self._concurrency = concurrency
        self._images: tuple[Image, ...] | None = None
        self._versions: dict[int, tuple[ImageVersion, ...] | None] = {}
        self._instance_types: tuple[InstanceType, ...] | None = None

    def images(self) -> tuple[Image, ...]:
        """Return all images.

        Raises:
            ReconcilerError: As the client.
        """
        if self._images is None:
            self._images = tuple(map(_image, self._reader.list_images()))
        return self._images

    def versions(self, images: Iterable[int]) -> dict[int, tuple[ImageVersion, ...] | None]:
        """Return the versions of the images with the given ids; `None` for one that does not exist.

        Raises:
            ReconcilerError: As the client.
        """
        wanted = sorted(set(images))
        missing = [image for image in wanted if image not in self._versions]
        self._versions |= read_all(self._read_versions, missing, self._concurrency)
        return {image: self._versions[image] for image in wanted}

    def instance_types(self) -> tuple[InstanceType, ...]:
        """Return all instance types with their names.

        Raises:
            ReconcilerError: As the client.
        """
        if self._instance_types is None:
            self._instance_types = tuple(map(_instance_type, self._reader.list_instance_types()))
        return self._instance_types

    def facts_for_names(self, names: Iterable[StatedName]) -> CatalogueFacts:
        """Return what is needed to find the ids of `names`, with no request if there are none.

        Raises:
            ReconcilerError: As the client.
        """
        names = tuple(names)
        stated = {name.name for name in names if isinstance(name, portable.StatedImage)}
        by_type = any(isinstance(name, portable.StatedInstanceType) for name in names)
        images = self.images() if stated else ()
        versions = self.versions(image.id for image in images if image.name in stated)
        return portable.CatalogueFacts(
            images=images,
            versions={image: found or () for image, found in versions.items()},
            instance_types=self.instance_types() if by_type else (),
        )

    def facts_for_ids(self, ids: CatalogueIds) -> CatalogueFacts:
        """Return what can be read of the names of `ids`; what the platform refuses to return is left out."""
        images = (_or_none(self.images) or ()) if ids.images else ()
        known = {image.id for image in images} or ids.versions
        versions = _or_none(partial(self.versions, ids.versions & known)) or {}
        return portable.CatalogueFacts(
            images=images,
            versions={image: found or () for image, found in versions.items()},
            instance_types=(_or_none(self.instance_types) or ()) if ids.instance_types else (),
        )

    def _read_versions(self, image: int) -> tuple[ImageVersion, ...] | None:
        try:
            return tuple(map(_version, self._reader.list_image_versions(image)))
        except NotFoundException:
            return None


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ReconcilerError:
        return None


def _image(item: JsonObject) -> Image:
    latest = as_object(item.get("latestVersion")).get("id")
    return portable.Image(
        id=_id(item),
        name=str(item["name"]),
        kind=_word(item.get("type")),
        scope=_word(item.get("scope")),
        latest=latest if isinstance(latest, int) else None,
    )


def _version(item: JsonObject) -> ImageVersion:
    return portable.ImageVersion(id=_id(item), name=str(item["version"]), status=str(item["status"]))


def _instance_type(item: JsonObject) -> InstanceType:
    size = tuple(_number(item.get(key)) for key in ("cpu", "memory", "gpu"))
    return portable.InstanceType(id=_id(item), name=str(item["name"]), size=size)


def _id(item: JsonObject) -> int:
    return int(str(item["id"]))


def _word(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _number(value: JsonValue) -> float:
    """Return a number that may also come as text; 0 for none."""
    try:
        return float(str(value)) if value is not None else 0.0
    except ValueError:
        return 0.0
