"""Rules that need the tenant: what a manifest refers to must exist there and be unique.

Secrets are not checked, because the documented API has no endpoint that lists them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.findings import Severity
from reconciler.manifests import Manifest
from reconciler.portable import (
    UNUSABLE,
    CatalogueFacts,
    StatedImage,
    StatedInstanceType,
    StatedName,
    id_places,
    stated_names,
    unresolved_names,
    whole,
)
from reconciler.rules.rule import BaseRule, Problem
from reconciler.text import clip
from reconciler.values import Absent, JsonObject, Path, lookup

_USABLE: Final = frozenset({"ready", "in-use"})
_MOST_CANDIDATES: Final = 5
_LONGEST_NAME: Final = 60
_IMAGE_NAME: Final = "image-name"
_INSTANCE_TYPE_NAME: Final = "instance-type-name"
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
        stated: The images and instance types that it states by name.
    """

    images: tuple[Reference, ...]
    versions: tuple[tuple[int, Reference], ...]
    instance_types: tuple[Reference, ...]
    name: str | None
    stated: tuple[StatedName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The objects to read from the tenant for the check of some manifests.

    Args:
        images: Ids of images.
        instance_types: Ids of instance types.
        names: Names of workflows.
        stated: Images and instance types by name.
    """

    images: frozenset[int]
    instance_types: frozenset[int]
    names: frozenset[str]
    stated: tuple[StatedName, ...] = ()


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
        catalogue: What was read for images and instance types by name.
        allow_latest: Whether `version: latest` is allowed.
        shown: Hides known secrets in the names of `catalogue`.
    """

    versions: Mapping[int, tuple[Version, ...]] = field(default_factory=dict)
    images: tuple[Named, ...] = ()
    instance_types: tuple[Named, ...] = ()
    workflows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    catalogue: CatalogueFacts = field(default_factory=CatalogueFacts)
    allow_latest: bool = False
    shown: Callable[[str], str] = field(default=str, compare=False)


OnlineCheck: TypeAlias = Callable[[References, TenantFacts], Iterator[Problem]]
"""A function that yields the problems of one manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRule(BaseRule):
    """A rule that needs facts about the tenant."""

    check: OnlineCheck = field(repr=False)

    @property
    def needs_tenant(self) -> bool:
        """True."""
        return True


def references_of(manifest: Manifest) -> References:
    """Return the references of a manifest.

    An image version counts only together with the image in the same step: a patch that sets only the version
    means a version of the image that the live step has.
    """
    images: list[Reference] = []
    versions: list[tuple[int, Reference]] = []
    instance_types: list[Reference] = []
    for place in id_places(manifest):
        image = _reference(place.path, place.values, ("imageId",))
        version = _reference(place.path, place.values, ("imageVersionId",))
        images += [image] if image else []
        versions += [(image.id, version)] if image and version else []
        found = _reference(place.path, place.values, (*place.resources, "instanceTypeId"))
        instance_types += [found] if found else []
    return References(
        images=tuple(images),
        versions=tuple(versions),
        instance_types=tuple(instance_types),
        name=_name(manifest),
        stated=stated_names(manifest),
    )


def _reference(path: Path, values: JsonObject, inner: Path) -> Reference | None:
    value = lookup(values, inner)
    identity = None if isinstance(value, Absent) else whole(value)  # a placeholder for a variable is text
    return None if identity is None else Reference((*path, *inner), identity)


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
        stated=tuple(name for item in references for name in item.stated if _rule_of(name) not in off),
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
        if status in UNUSABLE:
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


def _rule_of(name: StatedName) -> str:
    return _IMAGE_NAME if isinstance(name, StatedImage) else _INSTANCE_TYPE_NAME


def _image_name(references: References, facts: TenantFacts) -> Iterator[Problem]:
    yield from _unresolved((name for name in references.stated if isinstance(name, StatedImage)), facts)


def _instance_type_name(references: References, facts: TenantFacts) -> Iterator[Problem]:
    stated = (name for name in references.stated if isinstance(name, StatedInstanceType))
    yield from _unresolved(stated, facts)


def _unresolved(names: Iterable[StatedName], facts: TenantFacts) -> Iterator[Problem]:
    for found in unresolved_names(names, facts.catalogue, facts.shown, allow_latest=facts.allow_latest):
        yield Problem(path=found.path, message=found.message)


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


NAME_RULES: Final[tuple[OnlineRule, ...]] = (
    OnlineRule(
        id=_IMAGE_NAME,
        severity=Severity.ERROR,
        reason="An image by name must be one image of the tenant, in a version that can run.",
        good="steps: {a: {image: {name: workflow-python, version: 1.0.200}}} # a version that is ready",
        bad="steps: {a: {image: {name: workflow-pyhton, version: 1.0.200}}} # no image has this name",
        check=_image_name,
    ),
    OnlineRule(
        id=_INSTANCE_TYPE_NAME,
        severity=Severity.ERROR,
        reason="An instance type by name or size must be one instance type of the tenant.",
        good="steps: {a: {resources: {instanceType: Pico}}} # one instance type has this name",
        bad="steps: {a: {resources: {instanceType: Piko}}} # no instance type has this name",
        check=_instance_type_name,
    ),
)
"""The rules about names in place of ids, which a plan needs, too."""

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
    *NAME_RULES,
)
"""Every rule that needs the tenant."""
