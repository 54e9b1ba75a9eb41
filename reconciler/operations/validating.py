"""Validate: check manifests against schemas and rules, offline or with the tenant."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from reconciler.findings import CheckResult, Finding
from reconciler.manifests import FileContent
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.rules import check_online, check_paths, lookup_of
from reconciler.secrecy import Redactor


def validate(
    settings: Settings,
    listener: Listener | None = None,
    *,
    changed_since: str | None = None,
    online: bool = False,
    env: Mapping[str, str] = os.environ,
) -> CheckResult:
    """Return what is wrong with the manifests; an invalid file is a finding, never an exception.

    Args:
        settings: The manifests and the rules that are off.
        listener: Receives the requests of `online`.
        changed_since: A git revision; findings in files that did not change since are left out.
        online: Whether to check references to the tenant, too, with GET only.
        env: Variables for `!env` and, with `online`, the address and the credential.

    Raises:
        UsageError: Nothing names any manifests, or git does not know the revision.
        ReconcilerError: The tenant cannot be read.
    """
    settings.require_manifests()
    only = None if changed_since is None else _changed(changed_since)
    extra = partial(_check_online, settings=settings, env=env, listener=listener) if online else None
    return check_paths(settings.paths, env, settings.off, only, settings.excludes, extra_check=extra)


def _changed(revision: str) -> frozenset[Path]:
    from reconciler.operations.git_and_ci import changed_files  # noqa: PLC0415 - most checks need no git

    return changed_files(revision)


def _check_online(
    contents: Sequence[FileContent], settings: Settings, env: Mapping[str, str], listener: Listener | None
) -> list[Finding]:
    """Return the findings of the rules that need the tenant, in valid manifests.

    Secrets that steps name are not checked: the documented API has no endpoint that lists them.
    """
    # Offline needs no client, and no time to load it.
    from reconciler.client import Catalogue, Workflow  # noqa: PLC0415
    from reconciler.operations.engine import open_session  # noqa: PLC0415
    from reconciler.plan import known_secrets, list_tenant  # noqa: PLC0415
    from reconciler.rules import read_facts  # noqa: PLC0415

    manifests = [manifest for content in contents for manifest in content.manifests]
    secrets = known_secrets(manifests, (secret for content in contents for secret in content.secrets))
    with open_session(settings, env, secrets, purpose="validate", listener=listener) as opened:
        session = opened.as_read_only()
        workflows, redactor = Workflow(session), opened.redactor().joined(Redactor.of(secrets))

        def ids_by_name() -> dict[str, tuple[int, ...]]:
            found: dict[str, tuple[int, ...]] = {}
            for item in list_tenant(workflows):
                found[item.name] = (*found.get(item.name, ()), item.id)
            return found

        facts = read_facts(
            lookup_of(manifests, settings.off),
            Catalogue(session),
            workflows.list_resources,
            ids_by_name,
            redactor,
            concurrency=settings.concurrency,
        )
    found = [finding for manifest in manifests for finding in check_online(manifest, facts, settings.off)]
    return [dataclasses.replace(finding, message=redactor.text(finding.message)) for finding in found]
