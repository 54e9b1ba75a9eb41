"""The port through which the engine reaches a tenant: the few methods of the workflow client that it needs.

`reconciler.client.Workflow` fits; so does anything else that has these methods. What they raise is the
client's documented exceptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from reconciler.values import JsonObject


class TenantReader(Protocol):
    """What planning needs: reading only."""

    def list_workflows(
        self,
        *,
        page_size: int | None = None,
        page_number: int | None = None,
        name: str | None = None,
        return_iterator: Literal[False],
    ) -> JsonObject:
        """Return one page of the listed workflows."""

    def describe_workflow(self, workflow_id: int) -> JsonObject:
        """Return one workflow."""

    def get_default_resource(self) -> JsonObject:
        """Return the resources of a step that states none."""


class TenantWriter(TenantReader, Protocol):
    """What applying needs beside."""

    def create_workflow(self, body: JsonObject) -> JsonObject:
        """Create a workflow; return its id."""

    def update_workflow(self, workflow_id: int, body: JsonObject) -> JsonObject:
        """Replace a workflow."""

    def delete_workflow(self, workflow_id: int) -> JsonObject:
        """Delete a workflow."""

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow."""

    def resume_workflow(self, workflow_id: int) -> JsonObject:
        """Resume a workflow."""


class TenantRunner(Protocol):
    """What starting a run and following it needs."""

    def execute_workflow(self, workflow_id: int, body: JsonObject | None = None) -> JsonObject:
        """Start a run; return its id."""

    def list_executions(
        self,
        workflow_id: int,
        date_from: str | None = None,
        *,
        page_size: int | None = None,
        page_number: int | None = None,
        return_iterator: Literal[False],
    ) -> JsonObject:
        """Return one page of the runs of a workflow."""

    def get_execution_details(self, workflow_id: int, execution_id: str) -> JsonObject:
        """Return how far a run and its steps have come."""


class LogReader(TenantRunner, Protocol):
    """What reading the logs of a run needs beside."""

    def get_execution_logs(
        self, workflow_id: int, execution_id: str, step_name: str, next_token: str | None = None
    ) -> JsonObject:
        """Return a page of what a step logged: `logs`, `nextToken`."""


class CatalogueReader(Protocol):
    """What a tenant has beside workflows (`reconciler.client.catalogue.Catalogue`): reading only."""

    def list_images(self) -> Iterable[JsonObject]:
        """Return every image: `id`, `name`."""

    def list_image_versions(self, image_id: int) -> Iterable[JsonObject]:
        """Return every version of an image: `id`, `version`, `status`."""

    def list_instance_types(self) -> list[JsonObject]:
        """Return every instance type: `id`, `name`."""
