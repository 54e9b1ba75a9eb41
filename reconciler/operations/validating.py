"""Validate: check manifests against schemas and rules, offline or with the tenant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from reconciler.findings import CheckResult, Finding
from reconciler.manifests import FileContent
from reconciler.operations.listener import Listener
from reconciler.operations.settings import Settings
from reconciler.rules import ExtraCheck, check_paths


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
        listener: Receives progress, and the requests of `online`.
        changed_since: A git revision; findings in files that did not change since are left out.
        online: Whether to check references to the tenant, too, with GET only.
        env: Variables for `!env` and, with `online`, the address and the credential.

    Raises:
        UsageError: Nothing names any manifests, or git does not know the revision.
        ReconcilerError: The tenant cannot be read.
    """
    if online:
        settings.require_environment()
    settings.require_manifests()
    only = None if changed_since is None else _changed(changed_since)
    checks = [
        *([_online_check(settings, env, listener)] if online else []),
        *_profile_checks(settings),
    ]
    return check_paths(
        settings.paths,
        env,
        settings.reading,
        off=settings.off,
        only=only,
        extra_check=partial(_all_of, checks) if checks else None,
        on_progress=(listener or Listener()).working,
    )


def _all_of(checks: Sequence[ExtraCheck], contents: Sequence[FileContent]) -> Iterator[Finding]:
    for check in checks:
        yield from check(contents)


def _profile_checks(settings: Settings) -> Iterator[ExtraCheck]:
    """Yield the check against the profile of the environment's tenant, where it has one."""
    profile = settings.tenant_profile()
    if profile is not None:
        from reconciler.operations.profile_check import ProfileCheck  # noqa: PLC0415 - most have none

        yield ProfileCheck(profile)


def _online_check(settings: Settings, env: Mapping[str, str], listener: Listener | None) -> ExtraCheck:
    from reconciler.operations.online_check import check_contents  # noqa: PLC0415 - offline needs no client

    return partial(check_contents, settings=settings, env=env, listener=listener)


def _changed(revision: str) -> frozenset[Path]:
    from reconciler.operations.git_and_ci import changed_files  # noqa: PLC0415 - most checks need no git

    return changed_files(revision)
