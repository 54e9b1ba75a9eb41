"""Recognition of a saved document by its content: a plan file, a run record, a backup, or many of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.backup import RunBackups, read_backup, read_backups, read_run_backups
from reconciler.client import Traffic
from reconciler.errors import BlockedError, InvalidInputError, ReconcilerError, reason_of
from reconciler.files import UnreadableError
from reconciler.json_documents import read_object
from reconciler.plan import Plan
from reconciler.planfile import PLAN_FILE_BYTES, PlanContext, parse_plan_file
from reconciler.render import RunRecord
from reconciler.saved.plans_from_json import report_of_document, saved_plan
from reconciler.schema import validate
from reconciler.text import printable
from reconciler.values import JsonObject, as_object, as_objects

_RUN_RECORD_FORMAT: Final = 1
_KNOWN: Final = (
    "It shows plan files (plan --save-plan FILE), run records (apply --run-record FILE), and backups: one "
    "file, the directory of a run, or .reconciler/backups."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan file.

    Args:
        context: What the plan was made for.
        created: RFC 3339, in UTC.
        plan: The plan.
    """

    context: PlanContext
    created: str
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """A run record.

    Args:
        record: What it says.
        document: The JSON object in the file.
    """

    record: RunRecord
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedBackups:
    """Backups.

    Args:
        runs: The backups by run, the latest first; at least one.
        directory: Where they are.
    """

    runs: tuple[RunBackups, ...]
    directory: Path

    @property
    def is_one(self) -> bool:
        """Whether it is one backup, of which a reader wants to see everything."""
        return sum(len(run.backups) for run in self.runs) == 1


SavedDocument: TypeAlias = SavedPlan | SavedRun | SavedBackups


def read_saved(path: Path) -> SavedDocument:
    """Return what is saved at `path`: a file, or a directory of backups.

    Raises:
        InvalidInputError: It cannot be read, or is none of these.
        BlockedError: It is a plan file or a run record that was edited, or has the format of another version.
        ReconcilerError: A directory cannot be read.
    """
    if path.is_dir():
        return _backups_in(path)
    try:
        value = read_object(path, PLAN_FILE_BYTES, streams=True)
    except UnreadableError as error:
        raise InvalidInputError(f"{path} cannot be shown: {error}", hint=_KNOWN) from None
    keys = value.keys()
    if keys >= {"digest", "manifests", "changes"}:
        saved = parse_plan_file(value, path)
        return SavedPlan(context=saved.context, created=saved.created, plan=saved_plan(saved.records))
    if keys >= {"run_id", "who", "requests"}:
        return SavedRun(record=_run_record(value, path), document=value)
    if keys >= {"run", "left_out", "body"}:
        backup = read_backup(path)
        return SavedBackups(runs=(RunBackups(id=backup.run, backups=(backup,)),), directory=path.parent)
    raise InvalidInputError(f"{path} is not a plan file, a run record or a backup", hint=_KNOWN)


def _backups_in(directory: Path) -> SavedBackups:
    """Return the backups of one run, whose directory this is, else those of all runs in it."""
    try:
        one = any(directory.glob("*.json"))
    except OSError as error:
        raise ReconcilerError(f"{directory} cannot be read: {reason_of(error)}") from None
    runs = [read_run_backups(directory)] if one else read_backups(directory)
    if not any(run.backups for run in runs):
        broken = next((problem for run in runs for problem in run.broken), "")
        raise InvalidInputError(
            f"{directory} holds no backups" + (f": {broken}" if broken else ""), hint=_KNOWN
        )
    return SavedBackups(runs=tuple(runs), directory=directory)


def _run_record(value: JsonObject, path: Path) -> RunRecord:
    version = value.get("format_version")
    if version != _RUN_RECORD_FORMAT:
        raise BlockedError(
            f"the run record {path} has format {printable(str(version))[:20]}; "
            f"this version reads format {_RUN_RECORD_FORMAT}",
            hint="Show it with the version that wrote it.",
        )
    problems = list(validate(value, "run-record"))
    if problems:
        raise InvalidInputError(f"{path} is not a run record: {problems[0].message}{problems[0].found}")
    document = as_object(value["plan"])
    plan = saved_plan(as_objects(document["changes"]), document) if document else None
    report = (
        report_of_document(as_object(value["report"]), plan or Plan(actions=())) if value["report"] else None
    )
    code, traffic = value["exit_code"], as_object(value["traffic"])
    return RunRecord(
        run_id=str(value["run_id"]),
        started=str(value["started"]),
        ended=_optional(value, "ended"),
        exit_code=code if isinstance(code, int) else None,
        who=as_object(value["who"]),
        tenant=_optional(value, "tenant"),
        stage=_optional(value, "stage"),
        plan=plan,
        report=report,
        error=_optional(value, "error"),
        requests=as_objects(value["requests"]),
        traffic=Traffic(
            requests=int(str(traffic["requests"])),
            retries=int(str(traffic["retries"])),
            throttled=int(str(traffic["throttled"])),
            waited=float(str(traffic["waited"])),
        ),
    )


def _optional(value: JsonObject, key: str) -> str | None:
    return None if value[key] is None else str(value[key])
