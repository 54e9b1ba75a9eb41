"""Workflows as they run: execute, pause, resume, and the resources they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.client.answers import expect_object, expect_objects
from reconciler.client.base import ROOT, BaseClient, workflow_path

if TYPE_CHECKING:
    from reconciler.values import JsonObject


class WorkflowRuns(BaseClient):
    """The methods of the workflow client that start, hold and resume workflows, and tell their resources.

    What every method may raise stands at `WorkflowDefinitions`.
    """

    def execute_workflow(self, workflow_id: int, body: JsonObject | None = None) -> JsonObject:
        """Start a workflow run.

        Args:
            workflow_id: The ID of the workflow.
            body: `{params: {global, stepWise}, stepsToRun}`, every part optional.

        Returns:
            `{executionId}`.

        Raises:
            BadRequestException: The request is invalid, or the queue is full (`TooManyRequestsException`).
            NotFoundException: The given workflow does not exist.
            ConflictException: The workflow is in a conflicting state and a new run cannot be started.
        """
        return self._post(workflow_path(workflow_id, "execute"), body or {}, empty_ok=False)

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow: its triggers start no runs until it is resumed.

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
        """List the instance types that steps can run on.

        Returns:
            A list of `{id, cpu, gpu, gpuMemory, memory}`. (The documentation says a dictionary; the server
            answers a list.)
        """
        path = f"{ROOT}/resources"
        return expect_objects(self.session.request("GET", path), f"GET /{path}")

    def get_default_resource(self) -> JsonObject:
        """Return what a step gets that names no resources.

        Returns:
            `{instanceTypeId, storage}`.
        """
        path = f"{ROOT}/resources/defaults"
        return expect_object(self.session.request("GET", path), f"GET /{path}")

    def _post(self, path: str, body: JsonObject, *, empty_ok: bool) -> JsonObject:
        return expect_object(
            self.session.request("POST", path, body=body, empty_ok=empty_ok), f"POST /{path}"
        )
