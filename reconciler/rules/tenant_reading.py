"""Reader of the tenant's facts for the online rules.

A read that fails is never "absent": it ends the check with the error of the client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.api import CatalogueReader
from reconciler.client import NotFoundException, expect_fields
from reconciler.concurrency import CONCURRENCY, read_all
from reconciler.errors import UnexpectedAnswerError
from reconciler.rules.online import Lookup, Named, TenantFacts, Version
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject, JsonValue

_Versions: TypeAlias = Mapping[int, "tuple[Version, ...] | None"]
_ID: Final[dict[str, tuple[type, ...]]] = {"id": (int,)}


def read_facts(  # noqa: PLR0913 - one by name
    wanted: Lookup,
    catalogue: CatalogueReader,
    list_resources: Callable[[], list[JsonObject]],
    list_workflows: Callable[[], Mapping[str, tuple[int, ...]]],
    redactor: Redactor,
    *,
    concurrency: int = CONCURRENCY,
) -> TenantFacts:
    """Return the facts in `wanted`, with no request for others.

    Args:
        wanted: The objects that manifests refer to.
        catalogue: The reader of images and instance options.
        list_resources: The documented method that lists instance types.
        list_workflows: Returns the ids of the tenant's workflows, by name.
        redactor: The redactor, applied to names before they are shortened.
        concurrency: The number of images to read at a time.

    Raises:
        UnexpectedAnswerError: The tenant's answers about an image contradict each other.
        ReconcilerError: A read failed.
    """
    reading = _Reading(catalogue, list_resources, redactor)
    versions = read_all(reading.versions, sorted(wanted.images), concurrency)
    # An image that has versions exists.
    images = () if all(versions.values()) else reading.images()
    return TenantFacts(
        versions=_existing(versions, images),
        images=images,
        instance_types=reading.instance_types(wanted.instance_types) if wanted.instance_types else (),
        workflows=list_workflows() if wanted.names else {},
    )


def _existing(versions: _Versions, images: Iterable[Named]) -> dict[int, tuple[Version, ...]]:
    """Return the versions of the images that exist: those with versions, and those in the list.

    An image is unknown only if both answers say so: a proxy may answer 404, too.
    """
    listed = {image.id for image in images}
    for image, found in versions.items():
        if found is None and image in listed:
            raise UnexpectedAnswerError(
                f"image {image} is in the list of images, but its versions were not found"
            )
    return {image: found or () for image, found in versions.items() if found or image in listed}


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reader of the tenant that keeps only what the rules need."""

    catalogue: CatalogueReader
    list_resources: Callable[[], list[JsonObject]]
    redactor: Redactor

    def images(self) -> tuple[Named, ...]:
        return tuple(Named(_id(item), self._text(item["name"])) for item in self.catalogue.list_images())

    def versions(self, image: int) -> tuple[Version, ...] | None:
        """Return the versions of an image; `None` if the tenant answers that it does not exist."""
        try:
            return tuple(
                Version(_id(item), self._text(item["version"]), str(item["status"]))
                for item in self.catalogue.list_image_versions(image)
            )
        except NotFoundException:
            return None

    def instance_types(self, wanted: frozenset[int]) -> tuple[Named, ...]:
        """Return the instance types.

        An id that is missing in the documented list may still be one of the instance options, which also
        have names.
        """
        label = "the list of resources"
        listed = {_id(expect_fields(item, _ID, label)): "" for item in self.list_resources()}
        if not wanted <= listed.keys():
            listed |= {_id(item): self._text(item["name"]) for item in self.catalogue.list_instance_types()}
        return tuple(Named(identity, name) for identity, name in listed.items())

    def _text(self, value: JsonValue) -> str:
        return self.redactor.text(str(value))


def _id(item: JsonObject) -> int:
    return int(str(item["id"]))
