"""One emulated tenant: its store, and the profile through which everything is read back.

The only place where stored facts and read-side quirks meet; knows no HTTP.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from reconciler.emulator import profiles, views
from reconciler.emulator.executions import status as run_status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.emulator.model import Record
    from reconciler.emulator.store import Store
    from reconciler.values import JsonObject, JsonValue


class Tenant:
    """What the endpoints serve.

    Args:
        store: What is stored.
        profile: The read-side quirks in force, checked; may be replaced at any time.
        seed: What shuffling is seeded with.
    """

    def __init__(self, store: Store, profile: frozenset[str], seed: int) -> None:
        self.store = store
        self.profile = profile
        self._random = random.Random(seed)  # noqa: S311 - order, not secrecy

    def create(self, body: JsonObject) -> Record:
        """Store a new workflow and return it."""
        unique = "unique-names" in self.profile
        return self.store.get(self.store.create(body, unique_names=unique))

    def replace(self, workflow_id: int, body: JsonObject) -> Record:
        """Replace a workflow's body and return the workflow."""
        self.store.replace(workflow_id, body, unique_names="unique-names" in self.profile)
        return self.store.get(workflow_id)

    def find(
        self,
        *,
        term: str,
        statuses: frozenset[str],
        last_statuses: frozenset[str],
        modified_by: frozenset[str],
    ) -> list[Record]:
        """Return the workflows whose name contains `term` and that pass every filter that is not empty."""
        found: Iterable[Record] = self.store.records()
        if term:
            lowered = term.lower()
            found = (record for record in found if lowered in record.name.lower())
        if modified_by:
            found = (record for record in found if record.modified_by in modified_by)
        if statuses:
            found = (record for record in found if self.store.status(record) in statuses)
        if last_statuses:
            found = (record for record in found if self._last_status(record) in last_statuses)
        return list(found)

    def summaries(self, records: Iterable[Record]) -> list[JsonValue]:
        """Return the workflows as a page of the list shows them."""
        now = self.store.now()
        shown = [
            views.summary(record, self.store.status(record), self.store.last_execution(record.id), now)
            for record in records
        ]
        return profiles.read_page(shown, self.profile, self._random)

    def describe(self, workflow_id: int) -> JsonObject:
        """Return one workflow in full.

        Raises:
            Refusal: 404 when there is none of this ID.
        """
        record = self.store.get(workflow_id)
        last = self.store.last_execution(workflow_id)
        view = views.describe(record, self.store.status(record), last, self.store.now())
        return profiles.read_workflow(view, self.profile, self._random)

    def metadata(self) -> JsonObject:
        """Return what the API tells about the tenant."""
        metadata: JsonObject = {"tenantName": "emulator"}
        if "spoke" in self.profile:
            metadata["spokeDetails"] = {"domain": "emulator-spoke.peak.ai"}
        return metadata

    def _last_status(self, record: Record) -> str:
        last = self.store.last_execution(record.id)
        return run_status(last, self.store.now()) if last else ""
