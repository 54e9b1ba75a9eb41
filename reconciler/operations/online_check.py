"""Online check: the facts about the tenant that rules need, and the findings, for `validate --online`.

A read that fails is never "absent": it ends the check with the error of the client.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.api import CatalogueReader
from reconciler.client import Catalogue, Session, Workflow, expect_fields
from reconciler.concurrency import CONCURRENCY
from reconciler.errors import UnexpectedAnswerError
from reconciler.findings import Finding
from reconciler.manifests import FileContent
from reconciler.operations.engine import open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import known_secrets, list_tenant
from reconciler.portable import CatalogueReading, ImageVersion
from reconciler.rules import Lookup, Named, TenantFacts, Version, check_online, lookup_of
from reconciler.secrecy import Redactor
from reconciler.values import JsonObject

_Versions: TypeAlias = Mapping[int, "tuple[Version, ...] | None"]
_ID: Final[dict[str, tuple[type, ...]]] = {"id": (int,)}


def check_contents(
    contents: Sequence[FileContent],
    settings: Settings,
    env: Mapping[str, str],
    listener: Listener | None = None,
) -> list[Finding]:
    """Return the findings of the rules that need the tenant, in valid manifests. Sends no request but GET.

    Secrets that steps name are not checked: the documented API has no endpoint that lists them.

    Args:
        contents: The contents of the files.
        settings: The tenant, and the rules that are off.
        env: Variables for the address and the credential.
        listener: Receives requests.

    Raises:
        InvalidInputError: There is no usable token or address.
        ReconcilerError: Something that a rule needs cannot be read.
    """
    manifests = [manifest for content in contents for manifest in content.manifests]
    secrets = known_secrets(manifests, (secret for content in contents for secret in content.secrets))
    with open_session(settings, env, secrets, purpose="validate", listener=listener) as session:
        redactor = session.redactor().joined(Redactor.of(secrets))
        facts = _facts(session.as_read_only(), lookup_of(manifests, settings.off), redactor, settings)
    found = [finding for manifest in manifests for finding in check_online(manifest, facts, settings.off)]
    return [dataclasses.replace(finding, message=redactor.text(finding.message)) for finding in found]


def _facts(session: Session, needs: Lookup, redactor: Redactor, settings: Settings) -> TenantFacts:
    workflows = Workflow(session)

    def ids_by_name() -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for item in list_tenant(workflows):
            found[item.name] = (*found.get(item.name, ()), item.id)
        return found

    return read_facts(
        needs,
        Catalogue(session),
        workflows.list_resources,
        ids_by_name,
        redactor,
        concurrency=settings.concurrency,
        allow_latest=settings.allow_latest,
    )


def read_facts(  # noqa: PLR0913 - one by name
    wanted: Lookup,
    catalogue: CatalogueReader,
    list_resources: Callable[[], list[JsonObject]],
    list_workflows: Callable[[], Mapping[str, tuple[int, ...]]],
    redactor: Redactor,
    *,
    concurrency: int = CONCURRENCY,
    allow_latest: bool = False,
) -> TenantFacts:
    """Return the facts in `wanted`, with no request for others.

    Args:
        wanted: The objects that manifests refer to.
        catalogue: The reader of images and instance options.
        list_resources: The documented method that lists instance types.
        list_workflows: Returns the ids of the tenant's workflows, by name.
        redactor: The redactor, applied to names before they are shortened.
        concurrency: The number of images to read at a time.
        allow_latest: Whether `version: latest` is allowed.

    Raises:
        UnexpectedAnswerError: The tenant's answers about an image contradict each other.
        ReconcilerError: A read failed.
    """
    reading = _Reading(CatalogueReading(catalogue, concurrency), list_resources, redactor)
    versions = reading.versions(wanted.images)
    # An image that has versions exists.
    images = () if all(versions.values()) else reading.images()
    return TenantFacts(
        versions=_existing(versions, images),
        images=images,
        instance_types=reading.instance_types(wanted.instance_types) if wanted.instance_types else (),
        workflows=list_workflows() if wanted.names else {},
        catalogue=reading.catalogue.facts_for_names(wanted.stated),
        allow_latest=allow_latest,
        shown=redactor.text,
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

    catalogue: CatalogueReading
    list_resources: Callable[[], list[JsonObject]]
    redactor: Redactor

    def images(self) -> tuple[Named, ...]:
        return tuple(Named(image.id, self.redactor.text(image.name)) for image in self.catalogue.images())

    def versions(self, images: Iterable[int]) -> _Versions:
        """Return the versions of each image; `None` if the tenant answers that it does not exist."""
        return {
            image: None if found is None else tuple(map(self._version, found))
            for image, found in self.catalogue.versions(images).items()
        }

    def _version(self, version: ImageVersion) -> Version:
        return Version(version.id, self.redactor.text(version.name), version.status)

    def instance_types(self, wanted: frozenset[int]) -> tuple[Named, ...]:
        """Return the instance types.

        An id that is missing in the documented list may still be one of the instance options, which also
        have names.
        """
        label = "the list of resources"
        listed = {int(str(expect_fields(item, _ID, label)["id"])): "" for item in self.list_resources()}
        if not wanted <= listed.keys():
            listed |= {kind.id: self.redactor.text(kind.name) for kind in self.catalogue.instance_types()}
        return tuple(Named(identity, name) for identity, name in listed.items())
