"""Simulated tenant: the emulator's model of a platform, without HTTP and on a clock of its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from reconciler.client import BaseHttpException, NotFoundException
from reconciler.emulator import EmulatedTenant, HttpError, TenantStore
from reconciler.values import JsonObject

_START: Final = 1_700_000_000.0


class SimulatedTenant:
    """A tenant that behaves as a profile says: what an experiment needs of it, and its clock.

    Args:
        profile: The switches that are on.
    """

    def __init__(self, profile: frozenset[str]) -> None:
        self._now = _START
        store = TenantStore(clock=self.now)
        self._tenant = EmulatedTenant(store, profile, seed=0)

    def now(self) -> float:
        """Return the time, in seconds."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def list_workflows(
        self,
        *,
        page_size: int | None = None,
        page_number: int | None = None,
        name: str | None = None,
        return_iterator: bool,  # noqa: ARG002 - as the client's
    ) -> JsonObject:
        """Return one page of the listed workflows."""
        found = self._tenant.find(
            term=name or "", statuses=frozenset(), last_statuses=frozenset(), modified_by=frozenset()
        )
        size, number = page_size or 25, page_number or 1
        position = {"pageCount": -(-len(found) // size), "pageNumber": number, "pageSize": size}
        page = found[(number - 1) * size : number * size]
        return {
            **self._tenant.position(position, len(found)),
            "workflows": self._tenant.summaries(page),
        }

    def describe_workflow(self, workflow_id: int) -> JsonObject:
        """Return one workflow."""
        try:
            return self._tenant.describe(workflow_id)
        except HttpError as error:
            raise _as_the_client(error) from error

    def get_default_resource(self) -> JsonObject:
        """Return nothing: an experiment does not ask."""
        return {}

    def create_workflow(self, body: JsonObject) -> JsonObject:
        """Create a workflow, and return its id."""
        try:
            return self._tenant.create(body)
        except HttpError as error:
            raise _as_the_client(error) from error

    def update_workflow(self, workflow_id: int, body: JsonObject) -> JsonObject:
        """Replace a workflow."""
        try:
            return self._tenant.replace(workflow_id, body)
        except HttpError as error:
            raise _as_the_client(error) from error

    def delete_workflow(self, workflow_id: int) -> JsonObject:
        """Delete a workflow."""
        self._tenant.store.delete(workflow_id)
        return {}

    def pause_workflow(self, workflow_id: int) -> JsonObject:
        """Pause a workflow."""
        self._tenant.store.set_paused(workflow_id, paused=True)
        return {}

    def resume_workflow(self, workflow_id: int) -> JsonObject:
        """Resume a workflow."""
        self._tenant.store.set_paused(workflow_id, paused=False)
        return {}


def _as_the_client(error: HttpError) -> BaseHttpException:
    """Return the client's exception for a refusal."""
    kind = NotFoundException if error.status == HTTPStatus.NOT_FOUND else BaseHttpException
    return kind(str(error), status=error.status)
