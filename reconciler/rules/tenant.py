"""Reads of the tenant what the online rules need, and no more.

A read that fails is never "absent": whatever cannot be had ends the check with the client's own error.
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
    needs: Lookup,
    catalogue: CatalogueReader,
    list_resources: Callable[[], list[JsonObject]],
    list_workflows: Callable[[], Mapping[str, tuple[int, ...]]],
    redactor: Redactor,
    *,
    concurrency: int = CONCURRENCY,
) -> TenantFacts:
    """Return what the online rules need to know; what nothing needs is not asked for.

    Args:
        needs: What manifests name.
        catalogue: What the tenant has beside workflows.
        list_resources: Lists its instance types, with the documented method.
        list_workflows: Lists the ids of its workflows by name.
        redactor: Removes secrets from names while they are still whole.
        concurrency: How many images are asked about at a time.

    Raises:
        UnexpectedAnswerError: The tenant contradicts itself about an image.
        ReconcilerError: Anything that is needed cannot be read.
    """
    reading = _Reading(catalogue, list_resources, redactor)
    versions = read_all(reading.versions, sorted(needs.images), concurrency)
    # Of an image that has versions nobody need be asked whether it exists.
    images = () if all(versions.values()) else reading.images()
    return TenantFacts(
        versions=_existing(versions, images),
        images=images,
        instance_types=reading.instance_types(needs.instance_types) if needs.instance_types else (),
        workflows=list_workflows() if needs.names else {},
    )


def _existing(versions: _Versions, images: Iterable[Named]) -> dict[int, tuple[Version, ...]]:
    """Return the versions of the images that exist: that have versions, or are listed.

    An image is unknown only when both answers say so: a proxy, too, answers 404.
    """
    listed = {image.id for image in images}
    for image, found in versions.items():
        if found is None and image in listed:
            raise UnexpectedAnswerError(
                f"the list of images has the image {image}, and yet its versions were not found"
            )
    return {image: found or () for image, found in versions.items() if found or image in listed}


@dataclass(frozen=True, slots=True)
class _Reading:
    """Asks the tenant, and takes of its answers what the rules need."""

    catalogue: CatalogueReader
    list_resources: Callable[[], list[JsonObject]]
    redactor: Redactor

    def images(self) -> tuple[Named, ...]:
        return tuple(Named(_id(item), self._text(item["name"])) for item in self.catalogue.list_images())

    def versions(self, image: int) -> tuple[Version, ...] | None:
        """Return the versions of an image; none where the tenant says that there is no such image."""
        try:
            return tuple(
                Version(_id(item), self._text(item["version"]), str(item["status"]))
                for item in self.catalogue.list_image_versions(image)
            )
        except NotFoundException:
            return None

    def instance_types(self, wanted: frozenset[int]) -> tuple[Named, ...]:
        """Return the instance types.

        An id that is missing from the documented list may still be one of the tenant's instance options,
        which have names as well.
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
