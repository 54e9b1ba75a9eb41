"""The endpoints of executions: start, list, details, logs and their download.

An endpoint is a few lines between HTTP and the store; `execution_progress` computes what it shows.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.emulator import execution_progress as progress
from reconciler.emulator.middleware import DOWNLOADS
from reconciler.emulator.request_reading import (
    ONE_WORKFLOW,
    WORKFLOWS,
    Query,
    body_object,
    json_answer,
    page_of,
    parsed_request,
    query_of,
    workflow_id_of,
)
from reconciler.emulator.state import HttpError

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.emulator.state import Execution, PlannedStep
    from reconciler.emulator.tenant_store import TenantStore

_ONE_EXECUTION: Final = ONE_WORKFLOW + "/executions/{execution_id}"
_EARLIEST: Final = "1970-01-01"
_LATEST: Final = "9999-01-01"


class ExecutionEndpoints:
    """The endpoints of the executions of one tenant's workflows."""

    def __init__(self, store: TenantStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[Route]:
        """Return the route of each endpoint."""
        return [
            Route(ONE_WORKFLOW + "/execute", self._execute, methods=["POST"]),
            Route(WORKFLOWS + "/executions/{workflow_id:int}", self._list, methods=["GET"]),
            Route(_ONE_EXECUTION, self._details, methods=["GET"]),
            Route(_ONE_EXECUTION + "/logs", self._logs, methods=["GET"]),
            Route(_ONE_EXECUTION + "/logs/download", self._download_url, methods=["GET"]),
            Route("/spoke/api/v1/logs/workflow", self._spoke_logs, methods=["GET"]),
            Route(DOWNLOADS + "{execution_id}/{step_name}", self._download, name="download"),
        ]

    async def _execute(self, request: Request) -> Response:
        body = {} if parsed_request(request).body is None else body_object(request)
        return json_answer({"executionId": self._store.execute(workflow_id_of(request), body).id})

    async def _list(self, request: Request) -> Response:
        query, now = query_of(request), self._store.now()
        since, until = query.moment("dateFrom", _EARLIEST), query.moment("dateTo", _LATEST)
        statuses = query.words("statuses")
        found = [
            execution
            for execution in self._store.executions(workflow_id_of(request))
            if since <= execution.started_at <= until
            and (not statuses or progress.status(execution, now) in statuses)
        ]
        found = found[: query.number("count", len(found) or 1)]
        page = page_of(found, query)
        return json_answer(
            {
                **page.position(),
                "workflowId": workflow_id_of(request),
                "executionsCount": len(found),
                "executions": [progress.summary(execution, now) for execution in page.items],
            }
        )

    async def _details(self, request: Request) -> Response:
        return json_answer(progress.details(self._execution(request), self._store.now()))

    async def _logs(self, request: Request) -> Response:
        execution, query, now = self._execution(request), query_of(request), self._store.now()
        step = progress.find_step(execution, _step_name(query))
        page = progress.log_page(progress.log_entries(execution, step, now), query.text("nextToken"))
        return json_answer({"stepRunStatus": progress.step_status(execution, step, now), **page})

    async def _spoke_logs(self, request: Request) -> Response:
        query, now = query_of(request), self._store.now()
        execution_id, _, name = query.text("logSource").partition(".")
        execution = self._store.execution(execution_id)
        entries = progress.log_entries(
            execution,
            progress.find_step(execution, name),
            now,
            since=progress.milliseconds(query.moment("startTime", _EARLIEST)),
            until=progress.milliseconds(query.moment("endTime", _LATEST)),
        )
        return json_answer(progress.log_page(entries, query.text("nextToken")))

    async def _download_url(self, request: Request) -> Response:
        execution = self._execution(request)
        step = progress.find_step(execution, _step_name(query_of(request)))
        address = request.url_for("download", execution_id=execution.id, step_name=step.name)
        return json_answer({"downloadUrl": f"{address}?signature={self._signature(execution, step)}"})

    async def _download(self, request: Request) -> Response:
        execution = self._store.execution(request.path_params["execution_id"])
        step = progress.find_step(execution, request.path_params["step_name"])
        signature = query_of(request).text("signature")
        if not hmac.compare_digest(signature.encode(), self._signature(execution, step).encode()):
            raise HttpError(403, "the signature is invalid")
        entries = progress.log_entries(execution, step, self._store.now())
        return PlainTextResponse("".join(f"{entry['message']}\n" for entry in entries))

    def _execution(self, request: Request) -> Execution:
        return self._store.execution(request.path_params["execution_id"], workflow_id_of(request))

    def _signature(self, execution: Execution, step: PlannedStep) -> str:
        return hmac.new(self._key, progress.node_id(execution, step).encode(), hashlib.sha256).hexdigest()


def _step_name(query: Query) -> str:
    name = query.text("stepName")
    if not name:
        raise HttpError(400, "stepName is required")
    return name
