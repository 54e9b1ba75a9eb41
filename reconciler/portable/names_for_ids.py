"""Names for ids: of changed fields, for a plan, and of a whole body, for an export. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from reconciler.portable.lookups import CatalogueFacts, InstanceType, types_named
from reconciler.portable.stated import IMAGE, INSTANCE_TYPE, LATEST, RESOURCES
from reconciler.values import JsonObject, JsonValue, Path, as_object
from reconciler.workflow import Body


class CatalogueIds(NamedTuple):
    """The ids whose names are needed.

    Args:
        images: Whether images are needed.
        versions: The images whose versions are needed.
        instance_types: Whether instance types are needed.
    """

    images: bool = False
    versions: frozenset[int] = frozenset()
    instance_types: bool = False


def ids_of(bodies: Iterable[JsonObject]) -> CatalogueIds:
    """Return the ids in some bodies, for `portable_body`."""
    steps = [step.raw for body in bodies for step in Body(body).steps.values()]
    images = {image for step in steps if (image := whole(step.get("imageId"))) is not None}
    kinds = [as_object(step.get(RESOURCES)).get("instanceTypeId") for step in steps]
    return CatalogueIds(
        images=bool(images),
        versions=frozenset(images),
        instance_types=any(kind is not None for kind in kinds),
    )


def names_of_ids(step: JsonObject, facts: CatalogueFacts) -> Mapping[Path, str]:
    """Return the names of the ids in a step, by the path of the id inside it; none for an unknown id.

    Args:
        step: The step, or the part of one with its ids.
        facts: What was read of the tenant.
    """
    return dict(_names(step, facts))


def _names(step: JsonObject, facts: CatalogueFacts) -> Iterator[tuple[Path, str]]:
    image, version = whole(step.get("imageId")), whole(step.get("imageVersionId"))
    kind = whole(as_object(step.get(RESOURCES)).get("instanceTypeId"))
    versions = () if image is None else facts.versions.get(image, ())
    yield from ((("imageId",), item.name) for item in facts.images if item.id == image)
    yield from ((("imageVersionId",), item.name) for item in versions if item.id == version)
    yield from (
        ((RESOURCES, "instanceTypeId"), shortest_name(item, facts))
        for item in facts.instance_types
        if item.id == kind
    )


def shortest_name(kind: InstanceType, facts: CatalogueFacts) -> str:
    """Return the name of an instance type without its numbers, unless another has the same."""
    return kind.short_name if types_named(facts.instance_types, kind.short_name) == [kind] else kind.name


def portable_body(body: JsonObject, facts: CatalogueFacts) -> JsonObject:
    """Return a body with names in place of the ids in its steps; an id without a name of its own stays.

    Every name leads back to the same id in the same tenant.

    Args:
        body: The body of a workflow, with ids.
        facts: What was read of the tenant for `ids_of([body])`.
    """
    steps = body.get("steps")
    if not isinstance(steps, dict):
        return body
    return {**body, "steps": {name: _portable_step(step, facts) for name, step in steps.items()}}


def _portable_step(step: JsonValue, facts: CatalogueFacts) -> JsonValue:
    if not isinstance(step, dict):
        return step
    image = _image_names(step, facts)
    named: JsonObject = {}
    for key, value in step.items():
        if image is not None and key in {"imageId", "imageVersionId"}:
            named[IMAGE] = image
        else:
            named[key] = _portable_resources(value, facts) if key == RESOURCES else value
    return named


def _image_names(step: JsonObject, facts: CatalogueFacts) -> JsonObject | None:
    """Return the image of a step by name and version; `None` unless both lead back to the same ids."""
    image, version = whole(step.get("imageId")), whole(step.get("imageVersionId"))
    name = next((item.name for item in facts.images if item.id == image), "")
    if image is None or [item.id for item in facts.images_named(name)] != [image]:
        return None
    usable = [item for item in facts.versions.get(image, ()) if item.usable]
    text = next((item.name for item in usable if item.id == version), "")
    if not text or text == LATEST or sum(item.name == text for item in usable) != 1:
        return None
    return {"name": name, "version": text}


def _portable_resources(value: JsonValue, facts: CatalogueFacts) -> JsonValue:
    resources = as_object(value)
    identity = whole(resources.get("instanceTypeId"))
    kind = next((item for item in facts.instance_types if item.id == identity), None)
    if kind is None:
        return value
    name = shortest_name(kind, facts)
    if types_named(facts.instance_types, name) != [kind]:
        return value
    return {
        INSTANCE_TYPE if key == "instanceTypeId" else key: name if key == "instanceTypeId" else item
        for key, item in resources.items()
    }


def whole(value: JsonValue) -> int | None:
    """Return an id as an integer, also one written as `100.0`; `None` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None
