"""The client of workflows: every documented method, composed of the parts for definitions and executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.client.base import ROOT, workflow_path
from reconciler.client.definitions import WorkflowDefinitions
from reconciler.client.executions import WorkflowExecutions
from reconciler.client.responses import expect_object, expect_objects

if TYPE_CHECKING:
    from reconciler.client.session import Session
    from reconciler.values import JsonObject


class Workflow(WorkflowDefinitions, WorkflowExecutions):
    """The client of workflows: every documented method, by its documented name.

    Args:
        session: The session. Default: one created from the environment and shared.
    """

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow: its triggers start no executions until it is resumed.

        Args:
            workflow_id: The ID of the workflow.

        Returns:
            An empty object.

        Raises:
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        return self._post(workflow_path(workflow_id, "pause"), {}, empty_ok=True)

    def resume_workflow(self, workflow_id: int) -> JsonObject:
        """Resume a paused workflow.

        Args:
            workflow_id: The ID of the workflow.

        Returns:
            An empty object.

        Raises:
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state.
        """
        return self._post(workflow_path(workflow_id, "resume"), {}, empty_ok=True)

    def list_resources(self) -> list[JsonObject]:
        """List the instance types for steps.

        Returns:
            A list of `{id, cpu, gpu, gpuMemory, memory}`. (Documented as a dictionary; the server
            returns a list.)
        """
        path = f"{ROOT}/resources"
        return expect_objects(self.session.request("GET", path), f"GET /{path}")

    def get_default_resource(self) -> JsonObject:
        """Return the resources of a step that states none.

        Returns:
            `{instanceTypeId, storage}`.
        """
        path = f"{ROOT}/resources/defaults"
        return expect_object(self.session.request("GET", path), f"GET /{path}")


def get_client(session: Session | None = None) -> Workflow:
    """Return a client of workflows.

    Args:
        session: The session. Default: one created from the environment and shared.

    Raises:
        MissingEnvironmentVariableException: There is neither a session nor a token in the environment.
    """
    return Workflow(session)
