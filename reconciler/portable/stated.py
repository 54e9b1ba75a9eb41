"""Stated names: the images and instance types that a manifest states by name or by size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from reconciler.manifests import Manifest, PatchManifest
from reconciler.values import JsonObject, JsonValue, Path, Pattern, as_object
from reconciler.workflow import Body, PackedBody

IMAGE: Final = "image"
INSTANCE_TYPE: Final = "instanceType"
RESOURCES: Final = "resources"
LATEST: Final = "latest"
"""The version that means the newest one that can run."""


class StatedImage(NamedTuple):
    """An image by name, with a version.

    Args:
        path: The path of the mapping `image`, from the root of the body or the patch.
        name: The name of the image.
        version: The version, or `latest`.
    """

    path: Path
    name: str
    version: str


class StatedInstanceType(NamedTuple):
    """An instance type by name or by size.

    Args:
        path: The path of the value of `instanceType`, from the root of the body or the patch.
        name: The name; empty for a size.
        size: CPUs, memory and GPUs; empty for a name.
    """

    path: Path
    name: str = ""
    size: tuple[float, ...] = ()


StatedName: TypeAlias = StatedImage | StatedInstanceType


class IdPlace(NamedTuple):
    """A mapping of a manifest that may state an image and an instance type: a step, or the `set` of a patch.

    Args:
        path: Its path, from the root of the body or the patch.
        values: The mapping.
        resources: The path from it to the mapping with the instance type; empty where it is the same.
    """

    path: Path
    values: JsonObject
    resources: Path


def id_places(manifest: Manifest) -> Iterator[IdPlace]:
    """Yield the places of a manifest where images and instance types are stated."""
    base: Path = ()
    if isinstance(manifest, PatchManifest):
        yield IdPlace(("set",), dict(manifest.keywords), ())
        base = ("body",)
    for name, step in Body(manifest.body).steps.items():
        yield IdPlace((*base, "steps", name), step.raw, (RESOURCES,))


def stated_names(manifest: Manifest) -> tuple[StatedName, ...]:
    """Return the names that a manifest states; none that holds the placeholder of an unset variable."""
    packed, unset = manifest.packed, manifest.source.unset
    if isinstance(packed, PackedBody) and not packed.has_manifest_only_fields:
        return ()
    found = [name for place in id_places(manifest) for name in names_at(place)]
    return tuple(name for name in found if not any(path[: len(name.path)] == name.path for path in unset))


def id_patterns(pattern: Pattern) -> tuple[Pattern, ...]:
    """Return the patterns of ids that a pattern of names means; any other pattern as it is."""
    match pattern:
        case ("steps", step, "image"):
            return (("steps", step, "imageId"), ("steps", step, "imageVersionId"))
        case ("steps", step, "image", "name"):
            return (("steps", step, "imageId"),)
        case ("steps", step, "image", "version"):
            return (("steps", step, "imageVersionId"),)
        case ("steps", step, "resources", "instanceType", *_):
            return (("steps", step, RESOURCES, "instanceTypeId"),)
    return (pattern,)


def names_at(place: IdPlace) -> Iterator[StatedName]:
    """Yield the names that one place states."""
    image = place.values.get(IMAGE)
    if isinstance(image, dict):
        yield StatedImage((*place.path, IMAGE), str(image.get("name")), str(image.get("version")))
    holder = as_object(place.values.get(RESOURCES)) if place.resources else place.values
    kind = holder.get(INSTANCE_TYPE)
    path = (*place.path, *place.resources, INSTANCE_TYPE)
    if isinstance(kind, str):
        yield StatedInstanceType(path, name=kind)
    elif isinstance(kind, dict):
        yield StatedInstanceType(path, size=tuple(_number(kind.get(key)) for key in ("cpu", "memory", "gpu")))


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
