"""The application: every endpoint's route, and how a refusal becomes an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from reconciler.emulator.asking import answer
from reconciler.emulator.other_endpoints import OtherEndpoints
from reconciler.emulator.refusal import Refusal
from reconciler.emulator.run_endpoints import RunEndpoints
from reconciler.emulator.workflow_endpoints import WorkflowEndpoints
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.emulator.tenant import Tenant


def build_app(tenant: Tenant) -> Starlette:
    """Return the application that serves `tenant`, to be put behind the gate."""
    groups = (WorkflowEndpoints(tenant), RunEndpoints(tenant.store), OtherEndpoints(tenant))
    app = Starlette(
        routes=[route for group in groups for route in group.routes()],
        exception_handlers={ReconcilerError: _refused, HTTPException: _no_endpoint},
    )
    app.router.redirect_slashes = False
    return app


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refusal) else 500
    return answer({"detail": str(error)}, status)


async def _no_endpoint(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return answer({"detail": f"there is no {request.method} {request.url.path}"}, status)
