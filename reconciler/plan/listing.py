"""List of a tenant's workflows, over all pages.

A list that does not add up is read again, and then is an error: a workflow that is missing from it would be
created a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from reconciler.api import TenantReader
from reconciler.client import BadRequestException, NotFoundException, PageWalk
from reconciler.concurrency import CONCURRENCY, OnProgress, no_progress, read_ahead
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.values import JsonObject, as_list, as_object
from reconciler.workflow import Listed

_PAGE_SIZE: Final = 100
_LISTINGS: Final = 3
"""How often the list is read when pages do not add up, because workflows come and go meanwhile."""


class Listing(NamedTuple):
    """The list of a tenant, and when it was read.

    Args:
        by_id: Its workflows, by id.
        moment: The time of the server when the list was complete, in seconds since the epoch; `None` where
            the server does not say.
    """

    by_id: Mapping[int, Listed]
    moment: float | None


def list_tenant(
    api: TenantReader,
    name: str | None = None,
    on_progress: OnProgress = no_progress,
    concurrency: int = CONCURRENCY,
) -> tuple[Listed, ...]:
    """Return every workflow of the tenant, over all pages, by id.

    The first page says how many workflows there are; the pages with the others are read side by side.

    Args:
        api: The tenant.
        name: Only those whose name is exactly this one.
        on_progress: Called after each page, where the server says how many workflows there are.
        concurrency: The number of pages to read at a time.

    Raises:
        UnexpectedAnswerError: The pages do not add up to the number of workflows that the server reports, so
            that one may be missing.
        ReconcilerError: As the client.
    """
    for _ in range(_LISTINGS):
        found, totals = _read_pages(api, name, on_progress, concurrency)
        if not totals or set(totals) == {len(found)}:
            break
    if totals and totals[-1] != len(found):
        raise UnexpectedAnswerError(
            f"the list of workflows is incomplete: {len(found)} of {totals[-1]} were returned",
            hint="Workflows may be coming and going; try again.",
        )
    listed = (found[identity] for identity in sorted(found))
    return tuple(item for item in listed if name is None or item.name == name)


def _read_pages(
    api: TenantReader, name: str | None, on_progress: OnProgress, concurrency: int
) -> tuple[dict[int, Listed], list[int]]:
    """Return the workflows on all pages, and the number of all workflows as each page states it."""

    def read(number: int) -> JsonObject | ReconcilerError:
        try:
            return api.list_workflows(
                page_size=_PAGE_SIZE, page_number=number, name=name, return_iterator=False
            )
        except (BadRequestException, NotFoundException) as error:
            return error

    found: dict[int, Listed] = {}
    totals: list[int] = []
    walk = PageWalk(_PAGE_SIZE, "workflowsCount")
    while True:
        for page in read_ahead(read, walk.counted, concurrency):
            if isinstance(page, ReconcilerError):
                if walk.ends_with(page):
                    return found, totals
                raise page
            items = [Listed.of(as_object(item)) for item in as_list(page["workflows"])]
            found |= {item.id: item for item in items}
            walk.take(page, (item.id for item in items))
            if walk.total is not None:
                totals.append(walk.total)
                on_progress("listing workflows", len(found), walk.total)
            if not walk.goes_on:
                return found, totals
