"""Protocols of the tenant's client: the methods that planning, applying and executions need.

`reconciler.client.Workflow` has them all; a test may pass any object that has them. They raise the exceptions
of `reconciler.client`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from reconciler.values import JsonObject


class TenantReader(Protocol):
    """The methods that planning needs: reads only."""

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
    """The methods that applying needs."""

    def create_workflow(self, body: JsonObject) -> JsonObject:
        """Create a workflow, and return its id."""

    def update_workflow(self, workflow_id: int, body: JsonObject) -> JsonObject:
        """Replace a workflow."""

    def delete_workflow(self, workflow_id: int) -> JsonObject:
        """Delete a workflow."""

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow."""

    def resume_workflow(self, workflow_id: int) -> JsonObject:
        """Resume a workflow."""


class ExecutionApi(Protocol):
    """The methods that starting and following an execution need."""

    def execute_workflow(self, workflow_id: int, body: JsonObject | None = None) -> JsonObject:
        """Start an execution, and return its id."""

    def list_executions(
        self,
        workflow_id: int,
        date_from: str | None = None,
        *,
        page_size: int | None = None,
        page_number: int | None = None,
        return_iterator: Literal[False],
    ) -> JsonObject:
        """Return one page of the executions of a workflow."""

    def get_execution_details(self, workflow_id: int, execution_id: str) -> JsonObject:
        """Return the state of an execution and its steps."""


class ExecutionLister(Protocol):
    """The method that listing executions needs."""

    def list_executions(
        self,
        workflow_id: int,
        date_from: str | None = None,
        *,
        page_size: int | None = None,
        status: list[str] | None = None,
        count: int | None = None,
    ) -> Iterator[JsonObject]:
        """Return the executions of a workflow, each page read when it is reached."""


class ExecutionSearchApi(ExecutionLister, Protocol):
    """The methods that a search for executions needs."""

    def get_execution_details(self, workflow_id: int, execution_id: str) -> JsonObject:
        """Return the state of an execution and its steps."""


class ExecutionLogApi(ExecutionApi, Protocol):
    """The methods that reading the logs of an execution needs."""

    def get_execution_logs(
        self, workflow_id: int, execution_id: str, step_name: str, next_token: str | None = None
    ) -> JsonObject:
        """Return a page of the log of a step: `logs`, `nextToken`."""


class CatalogueReader(Protocol):
    """The methods of `reconciler.client.Catalogue`: images and instance types, reads only."""

    def list_images(self) -> Iterable[JsonObject]:
        """Return every image: `id`, `name`."""

    def list_image_versions(self, image_id: int) -> Iterable[JsonObject]:
        """Return every version of an image: `id`, `version`, `status`."""

    def list_instance_types(self) -> list[JsonObject]:
        """Return every instance type: `id`, `name`."""
