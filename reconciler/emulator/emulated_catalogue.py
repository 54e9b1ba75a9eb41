"""The emulated tenant's images with their versions, instance types and default resource.

Constant data and look-ups, no state. The ids of a tenant are `shift` higher than those of the table, so that
two tenants have the same names with other ids. An image that is not listed still has a generated name,
because the platform does not forget an image that a step uses.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from reconciler.values import JsonObject, JsonValue

DEFAULT_RESOURCE: Final[JsonObject] = {"instanceTypeId": 21, "storage": "10GB"}
"""The resources of a step that has none: the answer of `resources/defaults`."""

_Versions: TypeAlias = tuple[tuple[int, str, str], ...]
_RELEASED: Final[_Versions] = tuple((number, "ready", "success") for number in (100, 200, 400))
_CUSTOM: Final[_Versions] = (
    *_RELEASED,
    (401, "in-use", "success"),
    (402, "not-ready", "building"),
    (403, "deleting", "success"),
    (404, "delete-failed", "success"),
)
_IMAGES: Final[tuple[tuple[int, str, str, _Versions], ...]] = (
    (100, "workflow-python", "global", _RELEASED),
    (200, "workflow-r", "global", _RELEASED),
    (400, "team-forecast", "custom", _CUSTOM),
)
"""ID, name, scope and versions (ID, status, last build) of each image; the custom one has every status."""

_INSTANCE_TYPES: Final[tuple[tuple[int, str, int, int, int | None, int | None], ...]] = (
    (21, "Pico (0.125CPU, 0.125GB RAM)", 125, 125, None, None),
    (22, "Nano (0.25CPU, 0.5GB RAM)", 250, 500, None, None),
    (23, "Small (1CPU, 2GB RAM)", 1000, 2000, None, None),
    (24, "Large (4CPU, 16GB RAM)", 4000, 16000, None, None),
    (25, "GPU Small (4CPU, 16GB RAM, 1GPU)", 4000, 16000, 1, 16000),
)

_SHORT_FORM: Final = ("id", "cpu", "memory", "gpu", "gpuMemory")


def default_resource(shift: int = 0) -> JsonObject:
    """Return the resources of a step that has none, as `resources/defaults` does."""
    return {**DEFAULT_RESOURCE, "instanceTypeId": int(str(DEFAULT_RESOURCE["instanceTypeId"])) + shift}


def images(shift: int = 0) -> list[JsonObject]:
    """Return every image with its latest version, as `images/` lists them."""
    return [
        {
            "id": image + shift,
            "name": name,
            "type": "workflow",
            "scope": scope,
            "latestVersion": {"id": latest + shift, "version": _version(latest), "status": status},
        }
        for image, name, scope, (*_, (latest, status, _)) in _IMAGES
    ]


def versions(image_id: int, shift: int = 0) -> list[JsonObject] | None:
    """Return the versions of an image, as `images/{id}/versions` lists them; None for an unknown image."""
    found = next((versions for image, _, _, versions in _IMAGES if image + shift == image_id), None)
    if found is None:
        return None
    return [
        {"id": number + shift, "version": _version(number), "status": status, "lastBuildStatus": build}
        for number, status, build in found
    ]


def image_name(image_id: JsonValue, shift: int = 0) -> str:
    """Return the name of the image `image_id`, as a step has it."""
    return next(
        (name for image, name, _, _ in _IMAGES if image + shift == image_id),
        f"image-{_without_fraction(image_id)}",
    )


def image_version(version_id: JsonValue, shift: int = 0) -> str:
    """Return the version text of the image version `version_id`, as a step has it."""
    number = _without_fraction(version_id)
    return _version(number - shift if isinstance(number, int) else number)


def resources(shift: int = 0) -> list[JsonObject]:
    """Return the instance types in the short form of the workflows API (`resources`)."""
    return [{key: option[key] for key in _SHORT_FORM} for option in instance_options(shift)]


def instance_options(shift: int = 0) -> list[JsonObject]:
    """Return the instance types with their names (`tenant-instance-options`)."""
    return [
        {
            "id": number + shift,
            "name": name,
            "cpu": cpu,
            "memory": memory,
            "gpu": gpu,
            "gpuMemory": gpu_memory,
            "instanceClass": "General Purpose" if gpu is None else "GPU",
            "provider": "k8s",
            "providerInstanceId": None,
        }
        for number, name, cpu, memory, gpu, gpu_memory in _INSTANCE_TYPES
    ]


def _version(number: JsonValue) -> str:
    return f"1.0.{number}"


def _without_fraction(number: JsonValue) -> JsonValue:
    return int(number) if isinstance(number, float) and number.is_integer() else number
