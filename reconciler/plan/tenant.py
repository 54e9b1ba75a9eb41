"""Reads what a plan needs to know of the tenant, and makes sure that nothing is missing.

A read that fails is never "absent": whatever cannot be had ends the plan with the client's own error.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, TypeAlias

from reconciler.api import TenantReader
from reconciler.concurrency import Once, read_all
from reconciler.errors import UnexpectedAnswerError
from reconciler.plan.live import Listed, LiveWorkflow
from reconciler.values import JsonObject, JsonValue, as_list, as_object
from reconciler.workflow.ownership import Ownership

_PAGE_SIZE: Final = 100
_LISTINGS: Final = 3
"""How often the list is read when pages do not add up, because workflows come and go meanwhile."""


def list_tenant(api: TenantReader, name: str | None = None) -> tuple[Listed, ...]:
    """Return every workflow of the tenant, over all pages, by id.

    Args:
        api: The tenant.
        name: Only those whose name is exactly this one.

    Raises:
        UnexpectedAnswerError: The pages do not add up to the number of workflows that the server tells, so
            that one may be missing.
        ReconcilerError: As the client.
    """
    found, count = _read_pages(api, name)
    for _ in range(_LISTINGS - 1):
        if count is None or count == len(found):
            break
        found, count = _read_pages(api, name)
    if count is not None and count != len(found):
        raise UnexpectedAnswerError(
            f"the list of workflows is not whole: {len(found)} came and the server tells of {count}",
            hint="Workflows may be coming and going; try again.",
        )
    listed = (found[identity] for identity in sorted(found))
    return tuple(item for item in listed if name is None or item.name == name)


def _read_pages(api: TenantReader, name: str | None) -> tuple[dict[int, Listed], int | None]:
    found: dict[int, Listed] = {}
    number, pages = 1, 1
    count: int | None = None
    while number <= pages:
        page = api.list_workflows(page_size=_PAGE_SIZE, page_number=number, name=name, return_iterator=False)
        pages, told = _whole(page["pageCount"]) or 0, page.get("workflowsCount")
        for item in map(as_object, as_list(page["workflows"])):
            listed = _listed(item)
            found[listed.id] = listed
        count = _whole(told)
        number += 1
    return found, count


def _listed(item: JsonObject) -> Listed:
    marks = Ownership.of(item) if isinstance(item.get("tags"), list) else None
    health: JsonObject = {key: item[key] for key in ("status", "lastExecution") if key in item}
    return Listed(id=int(str(item["id"])), name=str(item["name"]), marks=marks, health=health)


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def describe(api: TenantReader, workflow_id: int) -> LiveWorkflow:
    """Return the live workflow with the given id.

    Raises:
        ReconcilerError: As the client.
    """
    body = api.describe_workflow(workflow_id)
    return LiveWorkflow(id=workflow_id, name=str(body["name"]), body=body)


def describe_all(api: TenantReader, ids: Iterable[int], concurrency: int) -> dict[int, LiveWorkflow]:
    """Return the live workflows with the given ids, `concurrency` of them read at a time.

    Raises:
        ReconcilerError: As the client, for the first that cannot be read.
    """
    return read_all(partial(describe, api), ids, concurrency)


DefaultResource: TypeAlias = Once[JsonObject]
"""The tenant's default resource, as `get_default_resource` answers: asked for only when somebody needs it."""
