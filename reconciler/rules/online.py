"""Rules that need the tenant: what a manifest refers to must exist there and be unique.

Secrets are not checked, because the documented API has no endpoint that lists them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.findings import Severity
from reconciler.manifests import Manifest, PatchManifest
from reconciler.rules.rule import BaseRule, Problem
from reconciler.text import clip
from reconciler.values import JsonObject, Path, lookup
from reconciler.workflow import Body

_USABLE: Final = frozenset({"ready", "in-use"})
_UNUSABLE: Final = frozenset({"not-ready", "deleting", "delete-failed"})
"""The documented statuses of an image version that cannot run; an undocumented status may."""

_MOST_CANDIDATES: Final = 5
_LONGEST_NAME: Final = 60
_IMAGE_RULES: Final = frozenset({"image-unknown", "image-version-unknown", "image-version-not-ready"})


@dataclass(frozen=True, slots=True)
class Reference:
    """An id in a manifest, and its path from the root of the body or the patch."""

    path: Path
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The references of one manifest to objects of the tenant.

    Args:
        versions: The image versions, each with the id of the image in the same step.
        name: The name by which the live workflow is matched; `None` if it is matched by id, or if the name
            is unknown.
    """

    images: tuple[Reference, ...]
    versions: tuple[tuple[int, Reference], ...]
    instance_types: tuple[Reference, ...]
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The objects to read from the tenant for the check of some manifests: ids, and names of workflows."""

    images: frozenset[int]
    instance_types: frozenset[int]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """An object of the tenant; the name is empty if it has none."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Version(Named):
    """A version of an image; the name is the version."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFacts:
    """The facts that were read from the tenant.

    Args:
        versions: The versions of each requested image that exists, by the id of the image.
        images: All images; may be empty if every requested image exists.
        instance_types: All instance types.
        workflows: The ids of the live workflows with each requested name, by name.
    """

    versions: Mapping[int, tuple[Version, ...]]
    images: tuple[Named, ...]
    instance_types: tuple[Named, ...]
    workflows: Mapping[str, tuple[int, ...]]


OnlineCheck: TypeAlias = Callable[[References, TenantFacts], Iterator[Problem]]
"""A function that yields the problems of one manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRule(BaseRule):
    """A rule that needs facts about the tenant."""

    check: OnlineCheck = field(repr=False)


def references_of(manifest: Manifest) -> References:
    """Return the references of a manifest.

    An image version counts only together with the image in the same step: a patch that sets only the version
    means a version of the image that the live step has.
    """
    images: list[Reference] = []
    versions: list[tuple[int, Reference]] = []
    instance_types: list[Reference] = []
    for path, values, instance_type in _places(manifest):
        image = _reference(path, values, ("imageId",))
        version = _reference(path, values, ("imageVersionId",))
        images += [image] if image else []
        versions += [(image.id, version)] if image and version else []
        found = _reference(path, values, instance_type)
        instance_types += [found] if found else []
    return References(
        images=tuple(images),
        versions=tuple(versions),
        instance_types=tuple(instance_types),
        name=_name(manifest),
    )


def _places(manifest: Manifest) -> Iterator[tuple[Path, JsonObject, Path]]:
    """Yield the mappings that may hold ids: path, mapping, and path of the instance type inside it."""
    base: Path = ()
    if isinstance(manifest, PatchManifest):
        yield ("set",), dict(manifest.keywords), ("instanceTypeId",)
        base = ("body",)
    for name, step in Body(manifest.body).steps.items():
        yield (*base, "steps", name), step.raw, ("resources", "instanceTypeId")


def _reference(path: Path, values: JsonObject, inner: Path) -> Reference | None:
    value = lookup(values, inner)
    if isinstance(value, float) and value.is_integer():  # the schema takes 100.0 for an id, too
        value = int(value)
    if isinstance(value, int):  # a placeholder for an unset variable is text
        return Reference((*path, *inner), value)
    return None


def _name(manifest: Manifest) -> str | None:
    is_unset = ("name",) in manifest.source.unset
    return None if is_unset or manifest.settings.id is not None else manifest.name


def lookup_of(manifests: Iterable[Manifest], off: frozenset[str] = frozenset()) -> Lookup:
    """Return the objects to read for the online rules that are not `off`."""
    references = [references_of(manifest) for manifest in manifests]
    images = {image.id for item in references for image in item.images}
    instance_types = {kind.id for item in references for kind in item.instance_types}
    names = {item.name for item in references if item.name is not None}
    return Lookup(
        images=frozenset(images if not off >= _IMAGE_RULES else ()),
        instance_types=frozenset(instance_types if "instance-type-unknown" not in off else ()),
        names=frozenset(names if "workflow-name-twice" not in off else ()),
    )


def _image_unknown(references: References, facts: TenantFacts) -> Iterator[Problem]:
    for image in references.images:
        if image.id not in facts.versions:
            message = f"image {image.id} does not exist in the tenant; {_nearest(image.id, facts.images)}"
            yield Problem(path=image.path, message=message)


def _version_unknown(references: References, facts: TenantFacts) -> Iterator[Problem]:
    for image, version in references.versions:
        known = facts.versions.get(image)
        if known is not None and version.id not in {item.id for item in known}:
            message = f"image {image} has no version {version.id}; {_ready(version.id, known)}"
            yield Problem(path=version.path, message=message)


def _version_not_ready(references: References, facts: TenantFacts) -> Iterator[Problem]:
    for image, version in references.versions:
        known = facts.versions.get(image, ())
        status = next((item.status for item in known if item.id == version.id), "")
        if status in _UNUSABLE:
            message = (
                f"version {version.id} of image {image} cannot run, its status is {status!r}; "
                f"{_ready(version.id, known)}"
            )
            yield Problem(path=version.path, message=message)


def _instance_type_unknown(references: References, facts: TenantFacts) -> Iterator[Problem]:
    known = {item.id for item in facts.instance_types}
    for item in references.instance_types:
        if item.id not in known:
            nearest = _nearest(item.id, facts.instance_types)
            message = f"instance type {item.id} does not exist in the tenant; {nearest}"
            yield Problem(path=item.path, message=message)


def _workflow_name_twice(references: References, facts: TenantFacts) -> Iterator[Problem]:
    ids = facts.workflows.get(references.name, ()) if references.name is not None else ()
    if len(ids) > 1:
        yield Problem(
            path=("name",),
            message=f"{len(ids)} live workflows have this name (ids {', '.join(map(str, ids))}); pin one "
            "of them with reconcile.id, or rename or delete the others",
        )


def _ready(wanted: int, versions: Iterable[Version]) -> str:
    """Return the versions that could be used instead, as the end of a message."""
    ready = _candidates(wanted, (item for item in versions if item.status in _USABLE))
    return f"ready versions: {ready}" if ready else "no version is ready"


def _nearest(wanted: int, known: Iterable[Named]) -> str:
    """Return the known objects with the nearest ids, as the end of a message."""
    nearest = _candidates(wanted, known)
    return f"nearest ids: {nearest}" if nearest else "the tenant has none"


def _candidates(wanted: int, known: Iterable[Named]) -> str:
    nearest = heapq.nsmallest(_MOST_CANDIDATES, known, key=lambda item: (abs(item.id - wanted), item.id))
    return ", ".join(
        f"{item.id} {clip(item.name, _LONGEST_NAME)!r}" if item.name else str(item.id) for item in nearest
    )


ONLINE_RULES: Final[tuple[OnlineRule, ...]] = (
    OnlineRule(
        id="image-unknown",
        severity=Severity.ERROR,
        reason="A step can only run in an image of the tenant.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # 100 is an image of the tenant",
        bad="steps: {a: {imageId: 999, imageVersionId: 200}} # image 999 does not exist",
        check=_image_unknown,
    ),
    OnlineRule(
        id="image-version-unknown",
        severity=Severity.ERROR,
        reason="A step can only run in a version of its image.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # 200 is a version of image 100",
        bad="steps: {a: {imageId: 100, imageVersionId: 999}} # image 100 has no version 999",
        check=_version_unknown,
    ),
    OnlineRule(
        id="image-version-not-ready",
        severity=Severity.ERROR,
        reason="A version that is not ready, or is being deleted, cannot run.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # its status is ready or in-use",
        bad="steps: {a: {imageId: 400, imageVersionId: 402}} # its status is not-ready",
        check=_version_not_ready,
    ),
    OnlineRule(
        id="instance-type-unknown",
        severity=Severity.ERROR,
        reason="A step can only run on an instance type of the tenant.",
        good="steps: {a: {resources: {instanceTypeId: 21}}} # 21 is an instance type of the tenant",
        bad="steps: {a: {resources: {instanceTypeId: 99}}} # instance type 99 does not exist",
        check=_instance_type_unknown,
    ),
    OnlineRule(
        id="workflow-name-twice",
        severity=Severity.ERROR,
        reason="With two live workflows of the same name, the match is ambiguous.",
        good="name: daily-forecast # live at most once, or pinned with reconcile.id",
        bad="name: daily-forecast # live twice",
        check=_workflow_name_twice,
    ),
)
"""Every rule that needs the tenant."""
