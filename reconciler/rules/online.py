"""Rules that need the tenant: what a manifest names there must exist, and be one thing.

Pure: what manifests name and what was read go in, problems come out; `reconciler.rules.tenant` does the
reading. Secrets that steps name are not checked, because the documented API has no endpoint that lists them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.findings import Severity
from reconciler.manifests import Manifest, PatchManifest
from reconciler.rules.model import BaseRule, Problem, steps_of
from reconciler.text import clip
from reconciler.values import JsonObject, Path, lookup

_USABLE: Final = frozenset({"ready", "in-use"})
_UNUSABLE: Final = frozenset({"not-ready", "deleting", "delete-failed"})
"""Of the documented statuses of an image version those that cannot run; one that nobody documented may."""

_MOST_CANDIDATES: Final = 5
_LONGEST_NAME: Final = 60
_IMAGE_RULES: Final = frozenset({"image-unknown", "image-version-unknown", "image-version-not-ready"})


@dataclass(frozen=True, slots=True)
class Reference:
    """An id that a manifest names.

    Args:
        path: Where, from the root of the body or the patch.
        id: The id.
    """

    path: Path
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What one manifest names of the tenant.

    Args:
        images: Images.
        versions: Versions of images, each with the id of the image that stands beside it.
        instance_types: Instance types.
        name: The name by which its live workflow is found; none where it is found by another way, or where
            the name is not known here.
    """

    images: tuple[Reference, ...]
    versions: tuple[tuple[int, Reference], ...]
    instance_types: tuple[Reference, ...]
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What must be read to check some manifests.

    Args:
        images: The ids of images.
        instance_types: The ids of instance types.
        names: The names of workflows.
    """

    images: frozenset[int]
    instance_types: frozenset[int]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """Something of the tenant; the name is empty where it has none."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Version(Named):
    """A version of an image, named by its version text."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFacts:
    """What was read of the tenant.

    Args:
        versions: The versions of each needed image that exists, by the image's id.
        images: All images; may be empty where every needed one exists.
        instance_types: All instance types.
        workflows: The ids of the live workflows of each needed name, by the name.
    """

    versions: Mapping[int, tuple[Version, ...]]
    images: tuple[Named, ...]
    instance_types: tuple[Named, ...]
    workflows: Mapping[str, tuple[int, ...]]


OnlineCheck = Callable[[References, TenantFacts], Iterator[Problem]]
"""Yields the problems of one manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRule(BaseRule):
    """A rule that needs the tenant.

    Args:
        check: Finds it.
    """

    check: OnlineCheck = field(repr=False)


def uses_of(manifest: Manifest) -> References:
    """Return what a manifest names of the tenant.

    The version of an image is checked where the image stands beside it: a patch that sets the version alone
    means a version of whatever image the live step has.
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
    """Yield where ids may stand: the path, what stands there, and where in it the instance type would."""
    base: Path = ()
    if isinstance(manifest, PatchManifest):
        yield ("set",), dict(manifest.keywords), ("instanceTypeId",)
        base = ("body",)
    for name, step in steps_of(manifest.body):
        yield (*base, "steps", name), step, ("resources", "instanceTypeId")


def _reference(path: Path, values: JsonObject, inner: Path) -> Reference | None:
    value = lookup(values, inner)
    if isinstance(value, float) and value.is_integer():  # to the schema, 100.0 is an id, too
        value = int(value)
    if isinstance(value, int):  # what stands for a variable that is not set is text
        return Reference((*path, *inner), value)
    return None


def _name(manifest: Manifest) -> str | None:
    source = manifest.source
    is_unset = (*source.base, "name") in source.document.unset
    return None if is_unset or manifest.settings.id is not None else manifest.name


def needs_of(manifests: Iterable[Manifest], off: frozenset[str] = frozenset()) -> Lookup:
    """Return what must be read to check `manifests` with the rules that are not switched off.

    Args:
        manifests: The manifests.
        off: The ids of rules that are switched off.
    """
    uses = [uses_of(manifest) for manifest in manifests]
    images = {image.id for use in uses for image in use.images}
    instance_types = {item.id for use in uses for item in use.instance_types}
    names = {use.name for use in uses if use.name is not None}
    return Lookup(
        images=frozenset(images if not off >= _IMAGE_RULES else ()),
        instance_types=frozenset(instance_types if "instance-type-unknown" not in off else ()),
        names=frozenset(names if "workflow-name-twice" not in off else ()),
    )


def _image_unknown(uses: References, facts: TenantFacts) -> Iterator[Problem]:
    for image in uses.images:
        if image.id not in facts.versions:
            message = f"the tenant has no image with the id {image.id}; {_nearest(image.id, facts.images)}"
            yield Problem(path=image.path, message=message)


def _version_unknown(uses: References, facts: TenantFacts) -> Iterator[Problem]:
    for image, version in uses.versions:
        known = facts.versions.get(image)
        if known is not None and version.id not in {item.id for item in known}:
            message = (
                f"the image {image} has no version with the id {version.id}; {_ready(version.id, known)}"
            )
            yield Problem(path=version.path, message=message)


def _version_not_ready(uses: References, facts: TenantFacts) -> Iterator[Problem]:
    for image, version in uses.versions:
        known = facts.versions.get(image, ())
        status = next((item.status for item in known if item.id == version.id), "")
        if status in _UNUSABLE:
            message = (
                f"the version {version.id} of the image {image} has the status {status!r}, so it cannot run; "
                f"{_ready(version.id, known)}"
            )
            yield Problem(path=version.path, message=message)


def _instance_type_unknown(uses: References, facts: TenantFacts) -> Iterator[Problem]:
    known = {item.id for item in facts.instance_types}
    for item in uses.instance_types:
        if item.id not in known:
            nearest = _nearest(item.id, facts.instance_types)
            message = f"the tenant has no instance type with the id {item.id}; {nearest}"
            yield Problem(path=item.path, message=message)


def _workflow_name_twice(uses: References, facts: TenantFacts) -> Iterator[Problem]:
    ids = facts.workflows.get(uses.name, ()) if uses.name is not None else ()
    if len(ids) > 1:
        yield Problem(
            path=("name",),
            message=f"{len(ids)} live workflows have this name (ids {', '.join(map(str, ids))}); pin the one "
            "that is meant with reconcile.id, or rename or delete the others",
        )


def _ready(wanted: int, versions: Iterable[Version]) -> str:
    """Return which versions could be named instead, as the end of a message."""
    ready = _candidates(wanted, (item for item in versions if item.status in _USABLE))
    return f"ready: {ready}" if ready else "no version of it is ready"


def _nearest(wanted: int, known: Iterable[Named]) -> str:
    """Return what else may have been meant, as the end of a message."""
    nearest = _candidates(wanted, known)
    return f"nearest: {nearest}" if nearest else "it has none at all"


def _candidates(wanted: int, known: Iterable[Named]) -> str:
    nearest = heapq.nsmallest(_MOST_CANDIDATES, known, key=lambda item: (abs(item.id - wanted), item.id))
    return ", ".join(
        f"{item.id} {clip(item.name, _LONGEST_NAME)!r}" if item.name else str(item.id) for item in nearest
    )


ONLINE_RULES: Final[tuple[OnlineRule, ...]] = (
    OnlineRule(
        id="image-unknown",
        severity=Severity.ERROR,
        reason="A step can only run in an image that the tenant has.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # 100 is an image of the tenant",
        bad="steps: {a: {imageId: 999, imageVersionId: 200}} # there is no image 999",
        check=_image_unknown,
    ),
    OnlineRule(
        id="image-version-unknown",
        severity=Severity.ERROR,
        reason="A step can only run in a version that its image has.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # 200 is a version of the image 100",
        bad="steps: {a: {imageId: 100, imageVersionId: 999}} # the image 100 has no version 999",
        check=_version_unknown,
    ),
    OnlineRule(
        id="image-version-not-ready",
        severity=Severity.ERROR,
        reason="A version that is not built yet, or being deleted, cannot run.",
        good="steps: {a: {imageId: 100, imageVersionId: 200}} # its status is ready or in-use",
        bad="steps: {a: {imageId: 400, imageVersionId: 402}} # its status is not-ready",
        check=_version_not_ready,
    ),
    OnlineRule(
        id="instance-type-unknown",
        severity=Severity.ERROR,
        reason="A step can only run on an instance type that the tenant has.",
        good="steps: {a: {resources: {instanceTypeId: 21}}} # 21 is an instance type of the tenant",
        bad="steps: {a: {resources: {instanceTypeId: 99}}} # there is no instance type 99",
        check=_instance_type_unknown,
    ),
    OnlineRule(
        id="workflow-name-twice",
        severity=Severity.ERROR,
        reason="Of two live workflows of one name, nobody can say which one is meant.",
        good="name: daily-forecast # live at most once, or pinned with reconcile.id",
        bad="name: daily-forecast # live twice",
        check=_workflow_name_twice,
    ),
)
"""Every rule that needs the tenant."""
