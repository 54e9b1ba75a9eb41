"""The part of `validate --online` that talks to the tenant; loaded only for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.client import Catalogue, Session, Workflow
from reconciler.findings import Finding
from reconciler.manifests import FileContent
from reconciler.operations.engine import open_session
from reconciler.operations.settings import Settings
from reconciler.plan import known_secrets, list_tenant
from reconciler.rules import Lookup, TenantFacts, check_online, lookup_of, read_facts
from reconciler.secrecy import Redactor


def check_contents(
    contents: Sequence[FileContent], settings: Settings, env: Mapping[str, str]
) -> list[Finding]:
    """Return what the rules that need the tenant find in valid manifests; no request but GET leaves.

    Secrets that steps name are not checked: the documented API has no endpoint that lists them.

    Args:
        contents: What the files hold.
        settings: Which tenant, and which rules are off.
        env: Where server and credential are read.

    Raises:
        InvalidInputError: There is no usable token or address.
        ReconcilerError: Anything that a rule needs cannot be read.
    """
    manifests = [manifest for content in contents for manifest in content.manifests]
    secrets = known_secrets(manifests, (secret for content in contents for secret in content.secrets))
    with open_session(settings, env, secrets) as session:
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
    )
