"""Ids for names: a manifest with the tenant's ids in place of the names that it states. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.manifests import Manifest, PatchManifest
from reconciler.portable.lookups import (
    CatalogueFacts,
    FoundImage,
    InstanceType,
    Shown,
    Unresolved,
    find_image,
    find_instance_type,
)
from reconciler.portable.stated import (
    IMAGE,
    INSTANCE_TYPE,
    RESOURCES,
    IdPlace,
    StatedImage,
    StatedName,
    id_places,
    names_at,
    stated_names,
)
from reconciler.values import JsonObject, JsonValue, Packed, Path, as_object


class ResolvedManifest(NamedTuple):
    """A manifest with ids in place of names.

    Args:
        manifest: The manifest; where a name has no id, the name stays.
        problems: The names without an id.
        notes: What each `version: latest` became.
    """

    manifest: Manifest
    problems: tuple[Unresolved, ...] = ()
    notes: tuple[str, ...] = ()


def unresolved_names(
    names: Iterable[StatedName], facts: CatalogueFacts, shown: Shown, *, allow_latest: bool
) -> list[Unresolved]:
    """Return the names that are not the name of one usable thing, each with the reason.

    Args:
        names: The names of a manifest.
        facts: What was read of the tenant for them.
        shown: Hides secrets in candidates.
        allow_latest: Whether `version: latest` is allowed.
    """
    found = (_found(name, facts, shown, allow_latest=allow_latest) for name in names)
    return [item for item in found if isinstance(item, Unresolved)]


def resolve_manifest(
    manifest: Manifest, facts: CatalogueFacts, shown: Shown, *, allow_latest: bool
) -> ResolvedManifest:
    """Return a manifest with ids in place of the names that it states; takes the rest as `unresolved_names`.

    An id whose name came through `!env` is as sensitive as the name.
    """
    if not stated_names(manifest):
        return ResolvedManifest(manifest=manifest)
    problems: list[Unresolved] = []
    notes: list[str] = []
    moved: dict[Path, Path] = {}
    places: dict[Path, JsonObject] = {}
    for place in id_places(manifest):
        values = place.values
        for name in names_at(place):
            found = _found(name, facts, shown, allow_latest=allow_latest)
            match found:
                case Unresolved():
                    problems.append(found)
                case FoundImage():
                    notes += [found.note] if found.note else []
                    values = _with_image(values, found.image.id, found.version.id)
                    moved |= _image_paths(name.path)
                case InstanceType():
                    values = _with_instance_type(values, place, found.id)
                    moved[name.path] = (*name.path[:-1], "instanceTypeId")
        places[place.path] = values
    return ResolvedManifest(
        manifest=_with_places(manifest, places, moved),
        problems=tuple(problems),
        notes=tuple(dict.fromkeys(notes)),
    )


def _found(
    name: StatedName, facts: CatalogueFacts, shown: Shown, *, allow_latest: bool
) -> FoundImage | InstanceType | Unresolved:
    if isinstance(name, StatedImage):
        return find_image(name, facts, shown, allow_latest=allow_latest)
    return find_instance_type(name, facts, shown)


def _image_paths(image: Path) -> dict[Path, Path]:
    """Return where the ids go of an image that is stated at `image`."""
    step = image[:-1]
    return {(*image, "name"): (*step, "imageId"), (*image, "version"): (*step, "imageVersionId")}


def _with_image(values: JsonObject, image: int, version: int) -> JsonObject:
    kept = {key: value for key, value in values.items() if key != IMAGE}
    return {"imageId": image, "imageVersionId": version, **kept}


def _with_instance_type(values: JsonObject, place: IdPlace, identity: int) -> JsonObject:
    holder = as_object(values.get(RESOURCES)) if place.resources else values
    kept = {key: value for key, value in holder.items() if key != INSTANCE_TYPE}
    changed: JsonObject = {"instanceTypeId": identity, **kept}
    return {**values, RESOURCES: changed} if place.resources else changed


def _with_places(manifest: Manifest, places: dict[Path, JsonObject], moved: dict[Path, Path]) -> Manifest:
    keywords = places.pop(("set",), {})
    steps: dict[str, JsonValue] = {str(path[-1]): values for path, values in places.items()}
    body = manifest.body
    if steps:
        body = {**body, "steps": {**as_object(body.get("steps")), **steps}}
    sensitive = frozenset(_moved(path, moved) for path in manifest.sensitive)
    if isinstance(manifest, PatchManifest):
        return dataclasses.replace(manifest, packed=Packed.of(body), keywords=keywords, sensitive=sensitive)
    return dataclasses.replace(manifest, packed=Packed.of(body), sensitive=sensitive)


def _moved(path: Path, moved: dict[Path, Path]) -> Path:
    """Return the path of the id that the value at `path` became, or `path` itself."""
    return next((moved[path[:end]] for end in range(len(path), 0, -1) if path[:end] in moved), path)
