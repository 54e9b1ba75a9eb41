"""Name resolution of a run: manifests with the tenant's ids in place of names, or findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from reconciler import client, portable, rules
from reconciler.errors import InvalidInputError, ReconcilerError
from reconciler.findings import CheckResult, Finding
from reconciler.manifests import Manifest
from reconciler.operations.listener import Listener
from reconciler.portable import CatalogueReading, stated_names
from reconciler.render import summary_line
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    from reconciler.client import Session


class ResolvedNames(NamedTuple):
    """The manifests of a run with ids in place of names.

    Args:
        manifests: The manifests; those that the run does not need are as they were.
        notes: What `version: latest` became, by the name of the workflow.
    """

    manifests: tuple[Manifest, ...]
    notes: dict[str, tuple[str, ...]]


def open_catalogue(session: Session, concurrency: int) -> CatalogueReading:
    """Return the reader of the tenant's catalogue for one run. Every request but GET is refused."""
    return CatalogueReading(client.Catalogue(session.as_read_only()), concurrency)


def resolve_names(  # noqa: PLR0913 - the last three by name
    manifests: Iterable[Manifest],
    catalogue: CatalogueReading,
    needs: Callable[[Manifest], bool],
    *,
    allow_latest: bool,
    redactor: Redactor,
    listener: Listener,
) -> ResolvedNames:
    """Return the manifests with ids in place of names; no request is sent if they state none.

    Args:
        manifests: The manifests.
        catalogue: The reader of the tenant's catalogue.
        needs: Returns whether the run needs the ids of a manifest.
        allow_latest: Whether `version: latest` is allowed.
        redactor: Hides secrets in candidates.
        listener: Receives a finding for each name without an id.

    Raises:
        InvalidInputError: A name has no id.
        ReconcilerError: The catalogue cannot be read.
    """
    manifests = tuple(manifests)
    named = {
        id(manifest): names for manifest in manifests if needs(manifest) and (names := stated_names(manifest))
    }
    if not named:
        return ResolvedNames(manifests=manifests, notes={})
    try:
        facts = catalogue.facts_for_names(name for names in named.values() for name in names)
    except ReconcilerError as error:
        needed = "The manifests state names in place of ids, which are looked up; ids need no look-up."
        error.hint = f"{error.hint} {needed}".strip()
        raise
    tenant = rules.TenantFacts(catalogue=facts, allow_latest=allow_latest, shown=redactor.text)
    findings = [
        finding
        for manifest in manifests
        if id(manifest) in named
        for finding in rules.check_names(manifest, tenant)
    ]
    if findings:
        raise _refusal(findings, len(manifests), redactor, listener)
    notes: dict[str, tuple[str, ...]] = {}
    resolved = []
    for manifest in manifests:
        if id(manifest) not in named:
            resolved.append(manifest)
            continue
        found = portable.resolve_manifest(manifest, facts, redactor.text, allow_latest=allow_latest)
        resolved.append(found.manifest)
        notes |= {manifest.name: found.notes} if found.notes else {}
    return ResolvedNames(manifests=tuple(resolved), notes=notes)


def with_known_ids(manifests: Iterable[Manifest], catalogue: CatalogueReading) -> tuple[Manifest, ...]:
    """Return manifests of an earlier commit with ids in place of the names that the tenant still has.

    Raises:
        ReconcilerError: The catalogue cannot be read.
    """
    manifests = tuple(manifests)
    facts = catalogue.facts_for_names(name for manifest in manifests for name in stated_names(manifest))
    return tuple(
        portable.resolve_manifest(each, facts, str, allow_latest=True).manifest for each in manifests
    )


def _refusal(
    findings: list[Finding], manifests: int, redactor: Redactor, listener: Listener
) -> InvalidInputError:
    """Report the findings, and return the error that ends the run."""
    shown = [dataclasses.replace(finding, message=redactor.text(finding.message)) for finding in findings]
    for finding in sorted(shown, key=Finding.sort_key):
        listener.finding(finding, redactor)
    files = len({finding.file for finding in shown})
    checked = CheckResult(findings=tuple(shown), files=files, manifests=manifests)
    return InvalidInputError(
        f"the names in the manifests cannot be resolved: {summary_line(checked)}; nothing was changed"
    )
