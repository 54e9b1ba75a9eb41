"""The documented client of workflows, put together from its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.client.definitions import WorkflowDefinitions
from reconciler.client.executions import WorkflowExecutions
from reconciler.client.runs import WorkflowRuns

if TYPE_CHECKING:
    from reconciler.client.session import Session


class Workflow(WorkflowDefinitions, WorkflowRuns, WorkflowExecutions):
    """The client class for workflows: every documented method, by its documented name.

    Args:
        session: The session to use; the default one, made from the environment, when left out.
    """


def get_client(session: Session | None = None) -> Workflow:
    """Return a client of the workflows.

    Args:
        session: The session to use; the default one, made from the environment, when left out.

    Raises:
        MissingEnvironmentVariableException: No session is given and there is no token in the environment.
    """
    return Workflow(session)
