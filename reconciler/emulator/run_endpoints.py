"""The endpoints about executions: start, list, details, logs and their download.

Each is a few lines between HTTP and the store; how far a run has come is computed in `executions`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.emulator import executions
from reconciler.emulator.asking import answer, call_of, id_of, query_of, sent_object
from reconciler.emulator.gate import DOWNLOADS
from reconciler.emulator.queries import Query, page_of
from reconciler.emulator.refusal import Refusal
from reconciler.emulator.times import milliseconds, parse
from reconciler.emulator.workflow_endpoints import ONE_WORKFLOW, WORKFLOWS

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.emulator.model import Execution, PlannedStep
    from reconciler.emulator.store import Store

_RUN: Final = ONE_WORKFLOW + "/executions/{execution_id}"


class RunEndpoints:
    """Serves the executions of one tenant's workflows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[Route]:
        """Return where each endpoint is reached."""
        return [
            Route(ONE_WORKFLOW + "/execute", self._execute, methods=["POST"]),
            Route(WORKFLOWS + "/executions/{workflow_id:int}", self._list, methods=["GET"]),
            Route(_RUN, self._details, methods=["GET"]),
            Route(_RUN + "/logs", self._logs, methods=["GET"]),
            Route(_RUN + "/logs/download", self._download_url, methods=["GET"]),
            Route("/spoke/api/v1/logs/workflow", self._spoke_logs, methods=["GET"]),
            Route(DOWNLOADS + "{execution_id}/{step_name}", self._download, name="download"),
        ]

    async def _execute(self, request: Request) -> Response:
        body = {} if call_of(request).body is None else sent_object(request)
        return answer({"executionId": self._store.execute(id_of(request), body).id})

    async def _list(self, request: Request) -> Response:
        query, now = query_of(request), self._store.now()
        since = parse(query.text("dateFrom") or "1970-01-01", "dateFrom")
        until = parse(query.text("dateTo") or "9999-01-01", "dateTo")
        statuses = query.words("statuses")
        runs = [
            run
            for run in self._store.executions(id_of(request))
            if since <= run.started_at <= until and (not statuses or executions.status(run, now) in statuses)
        ]
        runs = runs[: query.number("count", len(runs) or 1)]
        page = page_of(runs, query)
        return answer(
            {
                **page.position(),
                "workflowId": id_of(request),
                "executionsCount": len(runs),
                "executions": [executions.summary(run, now) for run in page.items],
            }
        )

    async def _details(self, request: Request) -> Response:
        return answer(executions.details(self._run(request), self._store.now()))

    async def _logs(self, request: Request) -> Response:
        run, query, now = self._run(request), query_of(request), self._store.now()
        step = executions.find_step(run, _step_name(query))
        page = executions.log_page(executions.log_entries(run, step, now), query.text("nextToken"))
        return answer({"stepRunStatus": executions.step_status(run, step, now), **page})

    async def _spoke_logs(self, request: Request) -> Response:
        query, now = query_of(request), self._store.now()
        execution_id, _, name = query.text("logSource").partition(".")
        run = self._store.execution(execution_id)
        since = milliseconds(parse(query.text("startTime") or "1970-01-01", "startTime"))
        until = milliseconds(parse(query.text("endTime") or "9999-01-01", "endTime"))
        entries = executions.log_entries(run, executions.find_step(run, name), now, since=since, until=until)
        return answer(executions.log_page(entries, query.text("nextToken")))

    async def _download_url(self, request: Request) -> Response:
        run = self._run(request)
        step = executions.find_step(run, _step_name(query_of(request)))
        address = request.url_for("download", execution_id=run.id, step_name=step.name)
        return answer({"downloadUrl": f"{address}?signature={self._signature(run, step)}"})

    async def _download(self, request: Request) -> Response:
        run = self._store.execution(request.path_params["execution_id"])
        step = executions.find_step(run, request.path_params["step_name"])
        signature = query_of(request).text("signature")
        if not hmac.compare_digest(signature.encode(), self._signature(run, step).encode()):
            raise Refusal(403, "the signature does not fit")
        entries = executions.log_entries(run, step, self._store.now())
        return PlainTextResponse("".join(f"{entry['message']}\n" for entry in entries))

    def _run(self, request: Request) -> Execution:
        return self._store.execution(request.path_params["execution_id"], id_of(request))

    def _signature(self, run: Execution, step: PlannedStep) -> str:
        return hmac.new(self._key, executions.node_id(run, step).encode(), hashlib.sha256).hexdigest()


def _step_name(query: Query) -> str:
    name = query.text("stepName")
    if not name:
        raise Refusal(400, "stepName is required")
    return name
