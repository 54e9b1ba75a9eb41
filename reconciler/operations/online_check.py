"""Online check: the rules that need the tenant, for `validate --online`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from reconciler.client import Catalogue, Session, Workflow
from reconciler.findings import Finding
from reconciler.manifests import FileContent
from reconciler.operations.engine import open_session
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.plan import known_secrets, list_tenant
from reconciler.rules import Lookup, TenantFacts, check_online, lookup_of, read_facts
from reconciler.secrecy import Redactor


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
    )
