"""Lookups: the id of an image, a version or an instance type by name, or why there is none. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from reconciler.portable.stated import LATEST, StatedImage, StatedInstanceType
from reconciler.text import clip, nearest_names
from reconciler.values import Path

_USABLE: Final = frozenset({"ready", "in-use"})
UNUSABLE: Final = frozenset({"not-ready", "deleting", "delete-failed"})
"""The documented statuses of an image version that cannot run; an undocumented status may."""

_OF_WORKFLOWS: Final = "workflow"
_MOST_CANDIDATES: Final = 5
_LONGEST_NAME: Final = 60
_PER_UNIT: Final = 1000
"""A platform counts CPUs in thousandths, and memory in MB."""


class Image(NamedTuple):
    """An image of the tenant.

    Args:
        kind: What it is for, such as `workflow`; empty if the platform does not say.
        scope: Who may use it, such as `global`; empty if the platform does not say.
        latest: The id of its latest version, if the platform says.
    """

    id: int
    name: str
    kind: str = ""
    scope: str = ""
    latest: int | None = None


class ImageVersion(NamedTuple):
    """A version of an image; the name is the version."""

    id: int
    name: str
    status: str

    @property
    def usable(self) -> bool:
        """Whether a step can run in it."""
        return self.status not in UNUSABLE


class InstanceType(NamedTuple):
    """An instance type of the tenant, with its numbers as the platform returns them."""

    id: int
    name: str
    size: tuple[float, ...]

    @property
    def short_name(self) -> str:
        """The name without the numbers in brackets that end it."""
        return self.name.partition(" (")[0]


class CatalogueFacts(NamedTuple):
    """What was read of a tenant's catalogue.

    Args:
        images: All images; empty if none is needed by name.
        versions: The versions of the images that are needed, by the id of the image.
        instance_types: All instance types; empty if none is needed.
    """

    images: tuple[Image, ...] = ()
    versions: Mapping[int, tuple[ImageVersion, ...]] = {}
    instance_types: tuple[InstanceType, ...] = ()

    def images_named(self, name: str) -> list[Image]:
        """Return the images with a name: those for workflows, if there is one."""
        named = [image for image in self.images if image.name == name]
        return [image for image in named if image.kind == _OF_WORKFLOWS] or named


class Unresolved(NamedTuple):
    """A name that is not the name of one usable thing.

    Args:
        path: Where it is stated, from the root of the body or the patch.
        message: What is wrong, and what there is instead.
    """

    path: Path
    message: str


class FoundImage(NamedTuple):
    """A version of an image that a manifest states by name.

    Args:
        note: What `latest` became; empty for a version by name.
    """

    image: Image
    version: ImageVersion
    note: str = ""


Shown: TypeAlias = Callable[[str], str]
"""A function that hides known secrets in a name of the tenant, before it could be shortened."""


def find_image(
    stated: StatedImage, facts: CatalogueFacts, shown: Shown, *, allow_latest: bool
) -> FoundImage | Unresolved:
    """Return the image and the version that a manifest states, or why there is none.

    Args:
        stated: The name and the version.
        facts: All images, and the versions of those with that name.
        shown: Hides secrets in candidates.
        allow_latest: Whether `version: latest` is allowed.
    """
    named = facts.images_named(stated.name)
    words = f"image {_quoted(stated.name, shown)}"
    if not named:
        nearest = _nearest(stated.name, (image.name for image in facts.images), shown)
        rest = f"nearest: {nearest}" if nearest else "the tenant has no images"
        return Unresolved((*stated.path, "name"), f"{words} does not exist in the tenant; {rest}")
    if len(named) > 1:
        ids = ", ".join(f"{image.id} ({image.scope})" if image.scope else str(image.id) for image in named)
        return Unresolved(
            (*stated.path, "name"),
            f"{len(named)} images have the name {_quoted(stated.name, shown)} (ids {clip(ids, 200)}); "
            "state imageId and imageVersionId in place of image",
        )
    image = named[0]
    versions = facts.versions.get(image.id, ())
    if stated.version == LATEST:
        return _latest(stated, image, versions, shown, allow_latest=allow_latest)
    return _version(stated, image, versions, shown)


def _version(
    stated: StatedImage, image: Image, versions: tuple[ImageVersion, ...], shown: Shown
) -> FoundImage | Unresolved:
    path = (*stated.path, "version")
    words = f"version {_quoted(stated.version, shown)} of image {_quoted(image.name, shown)}"
    same = [version for version in versions if version.name == stated.version]
    usable = [version for version in same if version.usable]
    ready = _ready(stated.version, versions, shown)
    if not same:
        has = f"image {_quoted(image.name, shown)} has no version {_quoted(stated.version, shown)}"
        return Unresolved(path, f"{has}; {ready}")
    if not usable:
        return Unresolved(path, f"{words} cannot run, its status is {same[0].status!r}; {ready}")
    if len(usable) > 1:
        ids = ", ".join(str(version.id) for version in usable[:_MOST_CANDIDATES])
        return Unresolved(
            path, f"{words} is not unique (ids {ids}); state imageId and imageVersionId in place of image"
        )
    return FoundImage(image, usable[0])


def _latest(
    stated: StatedImage, image: Image, versions: tuple[ImageVersion, ...], shown: Shown, *, allow_latest: bool
) -> FoundImage | Unresolved:
    path = (*stated.path, "version")
    newest = newest_usable(image, versions)
    if newest is None:
        return Unresolved(path, f"no version of image {_quoted(image.name, shown)} is ready")
    if not allow_latest:
        return Unresolved(
            path,
            f"version: latest is not allowed here; state a version (the latest is "
            f"{_quoted(newest.name, shown)}), or set allow_latest: true in reconciler.yaml, "
            "for one environment or at the top level",
        )
    note = f"version latest of image {shown(image.name)} is {shown(newest.name)} ({newest.id})"
    later = next((version for version in versions if version.id == image.latest), newest)
    if later is not newest:
        note += f"; {shown(later.name)} ({later.id}) cannot run, its status is {later.status!r}"
    return FoundImage(image, newest, note)


def newest_usable(image: Image, versions: Iterable[ImageVersion]) -> ImageVersion | None:
    """Return the latest version of an image if it can run, else the one with the highest id that can."""
    usable = [version for version in versions if version.usable]
    return max(usable, key=lambda version: (version.id == image.latest, version.id), default=None)


def find_instance_type(
    stated: StatedInstanceType, facts: CatalogueFacts, shown: Shown
) -> InstanceType | Unresolved:
    """Return the instance type that a manifest states by name or by size, or why there is none.

    A name is the whole name or the part before the brackets. A size has the platform's own numbers, or CPUs
    and GB.

    Args:
        stated: The name or the size.
        facts: All instance types.
        shown: Hides secrets in candidates.
    """
    kinds = facts.instance_types
    found = types_named(kinds, stated.name) if stated.name else _of_size(kinds, stated.size)
    words = f"instance type {_quoted(stated.name, shown)}" if stated.name else _size_words(stated.size)
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{_quoted(kind.name, shown)} ({kind.id})" for kind in found[:_MOST_CANDIDATES])
        rest = "state the whole name, or instanceTypeId in place of instanceType"
        return Unresolved(stated.path, f"{len(found)} instance types match {words}: {listed}; {rest}")
    nearest = ", ".join(
        _quoted(kind.name, shown) if stated.name else _with_size(kind, shown)
        for kind in _nearest_types(stated, kinds)
    )
    rest = f"nearest: {nearest}" if nearest else "the tenant has none"
    return Unresolved(stated.path, f"{words} does not exist in the tenant; {rest}")


def types_named(kinds: Iterable[InstanceType], name: str) -> list[InstanceType]:
    """Return the instance types with the whole name `name`; if there is none, those with that short name."""
    kinds = tuple(kinds)
    whole = [kind for kind in kinds if kind.name == name]
    return whole or [kind for kind in kinds if kind.short_name == name]


def _of_size(kinds: tuple[InstanceType, ...], size: tuple[float, ...]) -> list[InstanceType]:
    whole = [kind for kind in kinds if kind.size == size]
    return whole or [kind for kind in kinds if kind.size == _in_platform_units(size)]


def _in_platform_units(size: tuple[float, ...]) -> tuple[float, ...]:
    cpu, memory, *rest = size
    return (round(cpu * _PER_UNIT, 6), round(memory * _PER_UNIT, 6), *rest)


def _nearest_types(stated: StatedInstanceType, kinds: tuple[InstanceType, ...]) -> list[InstanceType]:
    if stated.name:
        by_name = {kind.short_name: kind for kind in reversed(kinds)}
        return [by_name[name] for name in nearest_names(stated.name, by_name, _MOST_CANDIDATES)]
    sizes = (stated.size, _in_platform_units(stated.size))

    def distance(kind: InstanceType) -> tuple[float, int]:
        gaps = (
            sum(abs(one - other) / max(one, other, 1.0) for one, other in zip(kind.size, size, strict=True))
            for size in sizes
        )
        return min(gaps), kind.id

    return heapq.nsmallest(_MOST_CANDIDATES, kinds, key=distance)


def _with_size(kind: InstanceType, shown: Shown) -> str:
    cpu, memory, gpu = kind.size
    return f"{_quoted(kind.short_name, shown)} (cpu {cpu:g}, memory {memory:g}, gpu {gpu:g})"


def _size_words(size: tuple[float, ...]) -> str:
    cpu, memory, gpu = size
    return f"an instance type of cpu {cpu:g}, memory {memory:g} and gpu {gpu:g}"


def _ready(wanted: str, versions: tuple[ImageVersion, ...], shown: Shown) -> str:
    """Return the versions that could be stated instead, as the end of a message."""
    ready = [version.name for version in versions if version.status in _USABLE]
    nearest = _nearest(wanted, reversed(ready), shown)
    return f"ready versions: {nearest}" if nearest else "no version is ready"


def _nearest(name: str, known: Iterable[str], shown: Shown) -> str:
    return ", ".join(_quoted(other, shown) for other in nearest_names(name, known, _MOST_CANDIDATES))


def _quoted(name: str, shown: Shown) -> str:
    return repr(clip(shown(name), _LONGEST_NAME))
