"""Cleaning: finding the workflows that a probe left behind, and deleting them by id.

A workflow is a probe's if its name is one that a probe gives, and its steps have the name that a probe gives
them. Where the platform refuses to describe it, the name alone decides.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.api import TenantReader, TenantWriter
from reconciler.client import NotFoundException, is_refused_for_content
from reconciler.errors import ReconcilerError
from reconciler.plan import list_tenant
from reconciler.probing.questions import STEP
from reconciler.values import as_object
from reconciler.workflow import Listed

DEFAULT_PREFIX: Final = "zz-probe"
RANDOM_LENGTH: Final = 8
"""The length of the random end of what the names of a probe begin with."""


def new_name(prefix: str) -> str:
    """Return how the names of one probe's workflows begin: the prefix and a random part."""
    return f"{prefix}-{secrets.token_hex(RANDOM_LENGTH // 2)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderPrefix:
    """The live workflows whose name begins with a prefix and a hyphen, whatever its case.

    Args:
        left: Those that a probe made.
        others: The others.
        listed: All live workflows of the tenant.
    """

    left: tuple[Listed, ...]
    others: tuple[Listed, ...]
    listed: tuple[Listed, ...]


def under_prefix(api: TenantReader, prefix: str) -> UnderPrefix:
    """Return the live workflows under a prefix; one that is only listed yet is gone.

    Raises:
        ReconcilerError: The tenant cannot be read.
    """
    # A platform may cut names, or change their case.
    pattern = re.compile(re.escape(prefix) + r"(-[0-9a-f]{1,8}|-[0-9a-f]{8}-.*)", re.IGNORECASE | re.DOTALL)
    start = f"{prefix}-".casefold()
    left: list[Listed] = []
    others: list[Listed] = []
    listed = tuple(list_tenant(api))
    for item in listed:
        if item.name.casefold().startswith(start):
            steps = _steps_of(api, item)
            if steps is not None:
                marked = bool(steps) and all(name.startswith(STEP) for name in steps)
                (left if marked and pattern.fullmatch(item.name) else others).append(item)
    return UnderPrefix(left=tuple(left), others=tuple(others), listed=listed)


def _steps_of(api: TenantReader, item: Listed) -> Collection[str] | None:
    """Return the names of a workflow's steps: `None` if it is gone, a probe's where they are not shown."""
    try:
        return as_object(api.describe_workflow(item.id).get("steps"))
    except NotFoundException:
        return None
    except ReconcilerError as error:
        if is_refused_for_content(error):
            return {STEP}
        raise


def delete_each(api: TenantWriter, workflows: Iterable[Listed]) -> int:
    """Delete workflows by their ids, and return how many were there.

    Raises:
        ReconcilerError: One cannot be deleted; the others were tried.
    """
    deleted, failure = 0, None
    for item in workflows:
        try:
            api.delete_workflow(item.id)
        except NotFoundException:
            continue
        except ReconcilerError as error:
            failure = failure or error
        else:
            deleted += 1
    if failure is not None:
        raise failure
    return deleted
