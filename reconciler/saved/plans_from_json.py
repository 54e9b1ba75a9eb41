"""Plans and results as their JSON documents have them, as values again, so that they are shown like new ones.

A document lacks what is not for people: the live workflows, and of the manifests all but name and place. It
must fit its schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.apply import Report, Result, Status
from reconciler.findings import Position
from reconciler.manifests import Document, ReconcileSettings, Source, WorkflowManifest
from reconciler.plan import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Desired,
    Method,
    Plan,
    ScheduleChange,
    SetPaused,
    Unchanged,
    Update,
)
from reconciler.timestamps import parse_timestamp
from reconciler.values import ABSENT, JsonObject, JsonValue, Packed, Path, as_list, as_object, as_objects
from reconciler.workflow import Body, FieldChange, Listed, Live, Origin, Ownership, PackedChanges

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000
_NO_FILE: Final = "a file that is not named"


@dataclass(frozen=True, slots=True, kw_only=True)
class _SavedSource(Source):
    """The place of a manifest, of which only the line of its name is known."""

    known_line: int | None

    def position(self, path: Path = (), *, at_key: bool = False) -> Position | None:  # noqa: ARG002 - one place
        """Return the place of the name."""
        return None if self.known_line is None else Position(self.known_line, 1)


def saved_plan(changes: Iterable[JsonObject], document: JsonObject | None = None) -> Plan:
    """Return the plan that these changes are from.

    Args:
        changes: The changes of a plan file, or of the JSON document of a plan.
        document: That JSON document; a plan file has none.
    """
    document = document or {}
    notes: dict[str, list[str]] = {}
    for note in as_objects(document.get("notes")):
        notes.setdefault(str(note["name"]), []).append(str(note["note"]))
    actions = [
        dataclasses.replace(
            _action(change, tuple(notes.pop(str(change["name"]), ()))), next_run=_next_run(change)
        )
        for change in changes
    ]
    noted = [_unchanged(name, tuple(texts)) for name, texts in notes.items()]
    summary = as_object(document.get("summary"))
    return Plan(
        actions=(*actions, *noted),
        orphaned=tuple(map(_listed, as_objects(document.get("orphaned")))),
        unmanaged=tuple(map(_listed, as_objects(document.get("unmanaged")))),
        unselected=_number(document.get("unselected")),
        refusal=_text(document.get("refusal")),
        base=_text(document.get("base")),
        unknown_origins=_number(summary.get("unknown", 0)),
        in_sync=max(0, _number(summary.get("unchanged", 0)) - len(noted)),
    )


def report_of_document(document: JsonObject, plan: Plan) -> Report:
    """Return the results of a JSON document, of the actions of `plan`."""
    actions = {action.name: action for action in plan.actions}
    return Report(
        results=tuple(_results(as_objects(document["results"]), actions)),
        interrupted=document.get("interrupted") is True,
    )


def _results(results: Iterable[JsonObject], actions: Mapping[str, Action]) -> Iterator[Result]:
    for result in results:
        seconds = result.get("seconds")
        blank: JsonObject = {"fields": [], "warnings": [], "body": None, "file": None, "line": None}
        yield Result(
            action=actions.get(str(result["name"])) or _action({**blank, **result, "reason": None}, ()),
            status=Status(str(result["status"])),
            id=None if result["id"] is None else _number(result["id"]),
            error=_text(result["error"]),
            notes=tuple(map(str, as_list(result["notes"]))),
            in_doubt=result.get("in_doubt") is True,
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
        )


def _action(change: JsonObject, notes: tuple[str, ...]) -> Action:
    manifest, live = _manifest(change), _live(change)
    warnings = tuple(map(str, as_list(change["warnings"])))
    origin = _origin(change)
    fields = tuple(map(_field, as_objects(change["fields"])))
    reason = _text(change["reason"])
    body = as_object(change["body"])
    match change["action"]:
        case "create":
            return Create(
                manifest=manifest,
                desired=Desired(manifest=manifest, body=Body(body)),
                packed_body=Packed.of(body),
                packed_changes=PackedChanges(fields),
                pause=any(field.path == ("reconcile", "paused") and field.after is True for field in fields),
                warnings=warnings,
                notes=notes,
                origin=origin,
            )
        case "pause" | "resume":
            return SetPaused(
                manifest=manifest,
                live=live,
                paused=change["action"] == "pause",
                changes=fields,
                warnings=warnings,
                notes=notes,
                origin=origin,
            )
        case "delete":
            return Delete(live=live, warnings=warnings, notes=notes, origin=origin)
        case "blocked" if change["file"] is None:
            return BlockedDelete(live=live, reason=reason, warnings=warnings, notes=notes, origin=origin)
        case "blocked":
            known = None if change["id"] is None else live.id
            return Blocked(
                manifest=manifest, id=known, reason=reason, warnings=warnings, notes=notes, origin=origin
            )
    graph = as_object(change.get("step_graph"))
    return Update(
        manifest=manifest,
        live=Live(id=live.id, name=_live_name(change, fields), body=_steps(graph.get("before"))),
        desired=Desired(manifest=manifest, body=_steps(graph.get("after"))),
        packed_body=Packed.of(body),
        method=Method(change["method"] or Method.PATCH.value),
        reason=reason,
        changes=fields,
        warnings=warnings,
        notes=notes,
        origin=origin,
    )


def _live_name(change: JsonObject, fields: Iterable[FieldChange]) -> str:
    """Return the live name, which is another one before a rename."""
    if change["action"] != "rename":
        return str(change["name"])
    return next((str(field.before) for field in fields if field.path == ("name",)), "")


def _steps(graph: JsonValue) -> Body:
    """Return a body of which only the steps are known, and what each waits for."""
    steps: JsonObject = {str(step["name"]): {"parents": step["parents"]} for step in as_objects(graph)}
    return Body({"steps": steps})


def _unchanged(name: str, notes: tuple[str, ...]) -> Unchanged:
    named: JsonObject = {"name": name, "id": None, "file": None, "line": None}
    return Unchanged(manifest=_manifest(named), id=_live(named).id, notes=notes)


def _manifest(change: JsonObject) -> WorkflowManifest:
    file, line = change["file"], change["line"]
    source = _SavedSource(
        document=Document(file=_NO_FILE if file is None else str(file), text="", index=0),
        base=(),
        known_line=None if line is None else _number(line),
    )
    return WorkflowManifest(
        name=str(change["name"]),
        packed=Packed.of({}),
        settings=ReconcileSettings(),
        source=source,
        sensitive=frozenset(),
    )


def _live(change: JsonObject) -> Live:
    return Live(id=_number(change["id"]), name=str(change["name"]), body=Body({}))


def _field(field: JsonObject) -> FieldChange:
    """Return a change of a field. A value that is null was absent: the two are the same."""
    before, after = (ABSENT if field[side] is None else field[side] for side in ("before", "after"))
    return FieldChange(
        path=_path(field),
        before=before,
        after=after,
        sensitive=field["sensitive"] is True,
        names_before=_names(field, "before_name"),
        names_after=_names(field, "after_name"),
        origin=_origin(field),
    )


def _path(item: JsonObject) -> Path:
    return tuple(part if isinstance(part, int) else str(part) for part in as_list(item["path"]))


def _names(field: JsonObject, key: str) -> Mapping[Path, str]:
    inside = {_path(item): str(item["name"]) for item in as_objects(field.get(f"{key}s"))}
    return {(): str(field[key]), **inside} if key in field else inside


def _origin(item: JsonObject) -> Origin | None:
    return Origin(str(item["origin"])) if item.get("origin") else None


def _next_run(change: JsonObject) -> ScheduleChange | None:
    run = as_object(change.get("next_run"))
    if not run:
        return None
    return ScheduleChange(
        before=_moment(run["before"]),
        after=_moment(run["after"]),
        first=run["first"] is True,
        paused=run["paused"] is True,
        zone=_zone(str(run["time_zone"])),
        assumed=run["assumed"] is True,
    )


def _moment(stamp: JsonValue) -> datetime | None:
    """Return the time of a timestamp; `None` for none, and for what is not one of this age."""
    with suppress(ValueError, OverflowError):
        moment = parse_timestamp(_text(stamp))
        return moment if _FIRST_YEAR < moment.year < _LAST_YEAR else None
    return None


def _zone(name: str) -> tzinfo:
    with suppress(ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo(name)
    return timezone.utc


def _listed(item: JsonObject) -> Listed:
    owners = frozenset(map(str, as_list(item.get("owners"))))
    return Listed(
        id=_number(item["id"]),
        name=str(item["name"]),
        ownership=Ownership(owners=owners) if owners else None,
    )


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
