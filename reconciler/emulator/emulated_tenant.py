"""The emulated tenant: its store, with the switches of a profile on the way in and on the way out.

The only place where stored facts and switches meet; knows no HTTP. Stored bodies are copied, never
returned.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from reconciler.emulator import emulated_catalogue, emulated_executions
from reconciler.emulator.accepted_bodies import check_body, copy_json, effective_triggers, merged_env
from reconciler.emulator.emulated_executions import iso
from reconciler.emulator.firing import fires, next_fire
from reconciler.emulator.profiles import REFUSED, RETURNED, STORED, parameter, rewrites_of
from reconciler.emulator.rewrites import merged_body
from reconciler.emulator.shapes import step_kind, steps_of
from reconciler.emulator.state import HttpError
from reconciler.values import JsonObject, JsonValue, as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from reconciler.emulator.state import Record
    from reconciler.emulator.tenant_store import TenantStore

_CRONTAB_FIELDS: Final = 5
_TRIGGER_KEYS: Final = frozenset({"cron", "webhook", "webhookPolicy", "scheduled"})
_HEAD: Final = ("id", "name", "createdAt", "updatedAt", "status", "steps", "lastExecution", "triggers")


class EmulatedTenant:
    """The tenant that the endpoints serve.

    Args:
        store: The workflows and executions.
        profile: The switches in force, checked; may be replaced at any time.
        seed: The seed of shuffling.
        default_resource: The resources of a step that has none; by default those of the catalogue.
    """

    def __init__(
        self,
        store: TenantStore,
        profile: frozenset[str],
        seed: int,
        default_resource: JsonObject | None = None,
    ) -> None:
        self.store = store
        self.profile = profile
        self._default_resource = default_resource
        self._random = random.Random(seed)  # noqa: S311 - order, not secrecy
        self._next_starts: dict[tuple[str, tzinfo, int | None], tuple[datetime, datetime | None]] = {}
        self._fired_until = datetime.fromtimestamp(store.now(), tz=timezone.utc)

    @property
    def id_shift(self) -> int:
        """How much higher the ids of images, versions and instance types are than those of the table."""
        return int(parameter(self.profile, "catalogue-ids") or 0)

    @property
    def default_resource(self) -> JsonObject:
        """The resources of a step that has none."""
        return self._default_resource or emulated_catalogue.default_resource(self.id_shift)

    def create(self, body: JsonObject) -> JsonObject:
        """Store a new workflow and return the API's answer.

        Raises:
            HttpError: As `TenantStore.create`; 400 to 499 when a switch refuses the body.
        """
        accepted = self._accepted(check_body(body))
        workflow_id = self.store.create(accepted, unique_names="unique-names" in self.profile)
        return self._identity(workflow_id)

    def replace(self, workflow_id: int, body: JsonObject) -> JsonObject:
        """Replace a workflow's body and return the API's answer.

        Raises:
            HttpError: As `TenantStore.replace`; 400 to 499 when a switch refuses the body.
        """
        stored = self.store.get(workflow_id)
        sent = as_object(copy_json(body))
        if self.profile & {"put-merges", "put-merges-deep"}:
            sent = merged_body(stored.body, sent, deep="put-merges-deep" in self.profile)
        accepted = self._accepted(check_body(sent, name=stored.name))
        self.store.replace(workflow_id, accepted, unique_names="unique-names" in self.profile)
        return self._identity(workflow_id)

    def find(
        self,
        *,
        term: str,
        statuses: frozenset[str],
        last_statuses: frozenset[str],
        modified_by: frozenset[str],
    ) -> list[Record]:
        """Return the workflows whose name contains `term` and that pass every non-empty filter."""
        return [
            record
            for record in self.store.records(self._seconds("list-lag"))
            if term.lower() in record.name.lower()
            and (not modified_by or record.modified_by in modified_by)
            and (not statuses or self.store.status(record) in statuses)
            and (not last_statuses or self._last_status(record) in last_statuses)
        ]

    def summaries(self, records: Iterable[Record]) -> list[JsonValue]:
        """Return the workflows as a page of the list shows them."""
        now = self.store.now()
        page: list[JsonValue] = [self._returned(self._summary(record, now)) for record in records]
        if "shuffled" in self.profile:
            self._random.shuffle(page)
        return page

    def describe(self, workflow_id: int) -> JsonObject:
        """Return one workflow in full: the body as stored, with what the platform adds to it.

        Raises:
            HttpError: 404 when no workflow has this ID, or a switch does not show it yet; 400 to 599 when a
                switch refuses to describe it.
        """
        record = self.store.get(workflow_id, self._seconds("describe-lag"))
        body = as_object(copy_json(record.body))
        self._refuse_describe(record, body)
        shown = self._summary(record, self.store.now())
        shown["steps"] = {
            name: self._described_step(as_object(step)) for name, step in as_object(body.get("steps")).items()
        }
        head: JsonObject = {key: shown[key] for key in _HEAD if key in shown}
        rest = {key: value for key, value in body.items() if key not in {*shown, "watchers", "lastExecution"}}
        view = {**head, "watchers": as_list(body.get("watchers")), "tags": shown["tags"], **rest}
        return self._returned(view)

    def metadata(self) -> JsonObject:
        """Return the metadata of the tenant."""
        metadata: JsonObject = {"tenantName": "emulator"}
        if "spoke" in self.profile:
            metadata["spokeDetails"] = {"domain": "emulator-spoke.peak.ai"}
        return metadata

    def position(self, position: dict[str, int], total: int) -> dict[str, int]:
        """Return a page's position in the list of workflows as the list shows it, with the total."""
        shown = {**position, "workflowsCount": total}
        if "page-count-short" in self.profile:
            shown["pageCount"] = max(1, shown["pageCount"] - 1)
        if "total-hidden" in self.profile:
            del shown["workflowsCount"]
        return shown

    def _accepted(self, body: JsonObject) -> JsonObject:
        """Return a checked `body` as it is to be stored.

        Raises:
            HttpError: When a switch refuses it.
        """
        for refuse, value in rewrites_of(self.profile, REFUSED):
            refuse(body, value)
        if "rewrites-returned" not in self.profile:
            for rewrite, value in rewrites_of(self.profile, STORED):
                rewrite(body, value)
        return body

    def _returned(self, shown: JsonObject) -> JsonObject:
        """Return the documented answer `shown`, a private copy, as this profile returns it."""
        effects = (RETURNED, STORED) if "rewrites-returned" in self.profile else (RETURNED,)
        for rewrite, value in rewrites_of(self.profile, *effects):
            rewrite(shown, value)
        return as_object(_shuffled(shown, self._random)) if "shuffled" in self.profile else shown

    def _refuse_describe(self, record: Record, body: JsonObject) -> None:
        if self.store.now() - record.created_at < self._seconds("describe-missing"):
            raise HttpError(404, f"workflow {record.id} not found")
        status = parameter(self.profile, "describe-refused")
        if status is not None and any(step_kind(step) != "standard" for step in steps_of(body)):
            raise HttpError(int(status), f"workflow {record.id} has steps that are not standard")

    def _seconds(self, switch: str) -> float:
        """Return the parameter of a switch that is a time; 0 when it is not in force."""
        return int(parameter(self.profile, switch) or 0) / 1000

    def _with_counts(self, tags: list[JsonValue]) -> list[JsonValue]:
        """Return `tags` with the number of workflows that have each."""
        names = [
            tag.get("name")
            for record in self.store.records()
            for tag in as_list(record.body.get("tags"))
            if isinstance(tag, dict)
        ]
        return [
            {**tag, "count": names.count(tag.get("name"))} if isinstance(tag, dict) else tag for tag in tags
        ]

    def _identity(self, workflow_id: int) -> JsonObject:
        """Return the answer to a create or a replacement."""
        record = self.store.get(workflow_id)
        return {"id": record.id, "triggers": self._shown_triggers(record)}

    def _summary(self, record: Record, now: float) -> JsonObject:
        """Return the workflow as the list shows it, before any profile."""
        shown: JsonObject = {
            "id": record.id,
            "name": record.name,
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.updated_at),
            "status": self.store.status(record),
        }
        last = self.store.last_execution(record.id)
        if last is not None:
            shown["lastExecution"] = emulated_executions.last_execution(last, now)
        shown["triggers"] = self._shown_triggers(record)
        tags = [copy_json(tag) for tag in as_list(record.body.get("tags"))]
        shown["tags"] = self._with_counts(tags) if "tags-counted" in self.profile else tags
        return shown

    def _shown_triggers(self, record: Record) -> list[JsonValue]:
        webhooks = iter(record.webhooks)
        shown: list[JsonValue] = []
        for trigger in effective_triggers(record.body):
            rest = {key: value for key, value in trigger.items() if key not in _TRIGGER_KEYS}
            if trigger.get("webhook"):
                shown.append({"webhook": next(webhooks), **rest})
            else:
                start = self._next_start(str(trigger["cron"]))
                scheduled: JsonObject = {"scheduled": iso(start.timestamp())} if start else {}
                shown.append({"cron": trigger["cron"], **scheduled, **rest})
        return shown

    def _next_start(self, cron: str) -> datetime | None:
        """Return the next start of a schedule, looked for again only once the last one found is over."""
        now = datetime.fromtimestamp(self.store.now(), tz=timezone.utc)
        zone, sunday = self._zone(), self._sunday(cron)
        since, found = self._next_starts.get((cron, zone, sunday), (None, None))
        if since is None or now < since or (found is not None and now >= found):
            found = next_fire(cron, now, zone, sunday)
            self._next_starts[cron, zone, sunday] = (now, found)
        return found

    def _zone(self) -> tzinfo:
        name = parameter(self.profile, "schedule-zone")
        return ZoneInfo(name) if name else timezone.utc

    def _sunday(self, cron: str) -> int | None:
        if len(cron.split()) == _CRONTAB_FIELDS:
            return 1 if "crontab-sunday-1" in self.profile else None
        return 0 if "quartz-sunday-0" in self.profile else None

    def fire_schedules(self) -> None:
        """Start the executions that schedules have started since the last call, each at its time.

        A workflow that cannot be executed at that time, such as a paused one, is left out.
        """
        until = datetime.fromtimestamp(self.store.now(), tz=timezone.utc)
        since, self._fired_until = self._fired_until, until
        if "schedules-fire" not in self.profile or until <= since:
            return
        zone = self._zone()
        due = [
            (moment, record.id)
            for record in self.store.records()
            for trigger in effective_triggers(record.body)
            if (cron := str(trigger.get("cron") or ""))
            for moment in fires(cron, since, until, zone, self._sunday(cron))
        ]
        for moment, workflow_id in sorted(due):
            with suppress(HttpError):
                self.store.execute(workflow_id, at=moment.timestamp())

    def _described_step(self, step: JsonObject) -> JsonObject:
        """Return a copied `step` with its image's name and version, and `env` as a list of one-key maps."""
        if step.get("imageId") is not None:
            step["imageName"] = emulated_catalogue.image_name(step["imageId"], self.id_shift)
        if step.get("imageVersionId") is not None:
            step["imageVersion"] = emulated_catalogue.image_version(step["imageVersionId"], self.id_shift)
        if "defaults-filled" in self.profile and step_kind(step) == "standard":
            step["resources"] = {**self.default_resource, **as_object(step.get("resources"))}
        parameters = step.get("parameters")
        if isinstance(parameters, dict):
            env = merged_env(parameters.get("env"))
            if isinstance(env, dict):
                parameters["env"] = [{key: value} for key, value in env.items()]
        return step

    def _last_status(self, record: Record) -> str:
        last = self.store.last_execution(record.id)
        return emulated_executions.status(last, self.store.now()) if last else ""


def _shuffled(value: JsonValue, generator: random.Random) -> JsonValue:
    """Return `value` with its lists and the keys of its maps in random order, at any depth."""
    if isinstance(value, dict):
        keys = list(value)
        generator.shuffle(keys)
        return {key: _shuffled(value[key], generator) for key in keys}
    if isinstance(value, list):
        items = [_shuffled(item, generator) for item in value]
        generator.shuffle(items)
        return items
    return value
