"""The endpoints about workflows: list, create, replace, describe, delete, pause, resume.

Each is a few lines between HTTP and the tenant, and decides nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from reconciler.emulator import views
from reconciler.emulator.asking import answer, collection, id_of, query_of, sent_object
from reconciler.emulator.queries import page_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.emulator.tenant import Tenant

WORKFLOWS: Final = "/workflows/api/v1/workflows"
ONE_WORKFLOW: Final = WORKFLOWS + "/{workflow_id:int}"


class WorkflowEndpoints:
    """Serves the workflows of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return where each endpoint is reached."""
        return [
            *collection(WORKFLOWS, self._list),
            *collection(WORKFLOWS, self._create, "POST"),
            Route(ONE_WORKFLOW, self._describe, methods=["GET"]),
            Route(ONE_WORKFLOW, self._replace, methods=["PUT"]),
            Route(ONE_WORKFLOW, self._delete, methods=["DELETE"]),
            Route(ONE_WORKFLOW + "/pause", self._pause, methods=["POST"]),
            Route(ONE_WORKFLOW + "/resume", self._resume, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        query = query_of(request)
        found = self._tenant.find(
            term=query.text("searchTerm"),
            statuses=query.words("workflowStatus"),
            last_statuses=query.words("lastExecutionStatus"),
            modified_by=query.words("lastModifiedBy"),
        )
        page = page_of(found, query)
        shown = self._tenant.summaries(page.items)
        return answer({**page.position(), "workflowsCount": len(found), "workflows": shown})

    async def _create(self, request: Request) -> Response:
        record = self._tenant.create(sent_object(request))
        return answer(views.identity(record, self._tenant.store.now()))

    async def _replace(self, request: Request) -> Response:
        record = self._tenant.replace(id_of(request), sent_object(request))
        return answer(views.identity(record, self._tenant.store.now()))

    async def _describe(self, request: Request) -> Response:
        return answer(self._tenant.describe(id_of(request)))

    async def _delete(self, request: Request) -> Response:
        self._tenant.store.delete(id_of(request))
        return answer({})

    async def _pause(self, request: Request) -> Response:
        self._tenant.store.set_paused(id_of(request), paused=True)
        return answer({})

    async def _resume(self, request: Request) -> Response:
        self._tenant.store.set_paused(id_of(request), paused=False)
        return answer({})
