"""Cleaning: finding the workflows that a probe left behind, and deleting them by id.

A workflow is a probe's if its name is one that a probe gives, and its steps have the name that a probe gives
them. Where the platform refuses to describe it, the name alone decides.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final

from reconciler.api import TenantReader, TenantWriter
from reconciler.client import NotFoundException, is_refused_for_content
from reconciler.errors import ReconcilerError
from reconciler.plan import list_tenant
from reconciler.probing.questions import STEP
from reconciler.values import as_object
from reconciler.workflow import Listed

DEFAULT_PREFIX: Final = "zz-probe"


def new_name(prefix: str) -> str:
    """Return how the names of one probe's workflows begin: the prefix and a random part."""
    return f"{prefix}-{secrets.token_hex(4)}"


def with_prefix(api: TenantReader, prefix: str) -> tuple[Listed, ...]:
    """Return the listed workflows whose name begins with a prefix and a hyphen, whatever its case.

    Raises:
        ReconcilerError: The list cannot be read.
    """
    start = f"{prefix}-".casefold()
    return tuple(item for item in list_tenant(api) if item.name.casefold().startswith(start))


def left_behind(api: TenantReader, prefix: str) -> tuple[Listed, ...]:
    """Return the live workflows that a probe with a prefix made.

    Raises:
        ReconcilerError: The tenant cannot be read.
    """
    # A platform may cut names, or change their case.
    pattern = re.compile(re.escape(prefix) + r"(-[0-9a-f]{1,8}|-[0-9a-f]{8}-.*)", re.IGNORECASE | re.DOTALL)
    return tuple(
        item for item in with_prefix(api, prefix) if pattern.fullmatch(item.name) and _is_a_probes(api, item)
    )


def others_with_prefix(api: TenantReader, prefix: str, left: Iterable[Listed]) -> tuple[Listed, ...]:
    """Return the live workflows with a prefix that no probe made; those that are only listed yet are gone.

    Args:
        api: The tenant.
        prefix: The prefix.
        left: What `left_behind` returned.

    Raises:
        ReconcilerError: The tenant cannot be read.
    """
    mine = {item.id for item in left}
    return tuple(item for item in with_prefix(api, prefix) if item.id not in mine and _is_there(api, item))


def _is_there(api: TenantReader, item: Listed) -> bool:
    try:
        api.describe_workflow(item.id)
    except NotFoundException:
        return False
    except ReconcilerError as error:
        if not is_refused_for_content(error):
            raise
    return True


def _is_a_probes(api: TenantReader, item: Listed) -> bool:
    try:
        steps = as_object(api.describe_workflow(item.id).get("steps"))
    except NotFoundException:
        return False
    except ReconcilerError as error:
        if is_refused_for_content(error):
            return True
        raise
    return bool(steps) and all(name.startswith(STEP) for name in steps)


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
