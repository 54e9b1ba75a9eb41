"""A campaign: a tenant that differs from Git in every way that an apply fixes, and what must hold throughout.

Next to the workflows that are to change there are foreign ones, which no apply may touch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flow_helpers import body, step

from reconciler.apply import Report, Result, Status
from reconciler.plan import Delete, SetPaused, Unchanged
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from flow_helpers import Git

    from reconciler.emulator.state import Record
    from reconciler.plan import Plan

OWNER = "team-a"
OLD, NEW = "echo 1", "echo 2"
_HOOK: Any = {"triggers": [{"webhook": True}]}
_SECRET = {
    "one": step(
        NEW, repository={"url": "https://github.com/example/x", "branch": "main", "token": "credential"}
    )
}

OPERATIONS = ("create", "create-paused", "patch", "replace", "rename", "pause", "resume", "delete")
"""Every way in which an apply writes: a workflow's name begins with its own."""

SETTINGS: dict[str, dict[str, Any]] = {
    "create-paused": {"paused": True},
    "pause": {"paused": True},
    "resume": {"paused": False},
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a workflow must be in the end: its id, where it has one from the beginning, and whether paused."""

    id: int | None
    paused: bool


class Campaign:
    """Workflows that wait for each operation, `each` of them.

    Args:
        git: An empty Git and its empty tenant.
        each: How many workflows wait for each operation.
        operations: Which operations.

    Attributes:
        expected: What Git wants, by name.
        going: The ids of the workflows that are to be deleted.
        before: Our workflows as they were in the beginning, by id.
    """

    def __init__(self, git: Git, each: int, operations: tuple[str, ...] = OPERATIONS) -> None:
        self.git = git
        self.expected: dict[str, Expected] = {}
        self.going: set[int] = set()
        for operation in operations:
            for number in range(each):
                self._prepare(operation, f"{operation}-{number:02}")
        self._foreign = self._put_foreign()
        self.before = {
            record.id: record for record in git.server.store.records() if record.id not in self._foreign
        }
        git.owned_by(OWNER, allow_deletes=len(self.going))

    def _prepare(self, operation: str, name: str) -> None:
        store = self.git.server.store
        identity = None
        if not operation.startswith("create"):
            old_name = f"old-{name}" if operation == "rename" else name
            old = OLD if operation in {"patch", "delete"} else NEW
            tags = [{"name": owner_tag(OWNER)}, *([{"name": "extra"}] if operation == "replace" else [])]
            identity = store.create(body(old_name, old, tags=tags, **_HOOK))
            store.set_paused(identity, paused=operation == "resume")
        if operation == "delete":
            self.going.add(identity or 0)
            return
        settings = dict(SETTINGS.get(operation, {}))
        if operation == "rename":
            settings["renamedFrom"] = [f"old-{name}"]
        steps = {"steps": _SECRET} if operation == "create" else {}
        self.git.write({**body(name, NEW, **_HOOK), **steps}, f"{name}.yaml", **settings)
        self.expected[name] = Expected(identity, settings.get("paused", False))

    def _put_foreign(self) -> dict[int, Record]:
        """Put in nobody's and others' workflows, their names like ours, so that a search finds them too."""
        store = self.git.server.store
        ids = [store.create(body(f"{name}-copy", OLD)) for name in ("create-00", "patch-00", "delete-00")]
        theirs = [{"name": owner_tag("team-b")}]
        ids += [store.create(body(f"theirs-{number}", tags=theirs, **_HOOK)) for number in range(3)]
        store.set_paused(ids[0], paused=True)
        return {number: store.get(number) for number in ids}

    def holds(self) -> None:
        """Check what must hold at any time: no twin, no loss, kept URLs, foreign workflows untouched."""
        records = {record.id: record for record in self.git.server.store.records()}
        twins = [name for name, count in Counter(r.name for r in records.values()).items() if count > 1]
        assert twins == []
        assert {number: records.get(number) for number in self._foreign} == self._foreign
        for number, record in self.before.items():
            assert number in self.going or records[number].webhooks == record.webhooks
        known = {*self._foreign, *self.before}
        made = {record.name for number, record in records.items() if number not in known}
        assert made <= {name for name, expected in self.expected.items() if expected.id is None}

    def is_true(self, plan: Plan, report: Report) -> None:
        """Check that a report has every action, what it calls done is so, and the rest has a reason."""
        meant = [action for action in plan.actions if not isinstance(action, Unchanged)]
        assert [result.action for result in report.results] == meant
        for result in report.results:
            if result.status is Status.DONE:
                self._is_done(result)
            else:
                assert result.error

    def _is_done(self, result: Result) -> None:
        records = {record.id: record for record in self.git.server.store.records()}
        assert result.id is not None
        if isinstance(result.action, Delete):
            assert result.id not in records
        else:
            self._is_as_wanted(records[result.id], whole=not isinstance(result.action, SetPaused))

    def _is_as_wanted(self, record: Record, *, whole: bool = True) -> None:
        expected = self.expected[record.name]
        assert expected.id in {None, record.id}
        assert (record.name, record.paused) == (record.name, expected.paused)
        if whole:
            assert command(record) == NEW
            assert {"name": "extra"} not in record.body.get("tags", [])  # type: ignore[operator]

    def is_finished(self) -> None:
        """Check that the tenant equals Git, that the plan is empty, and that all that must hold does."""
        self.git.server.faults = ()
        self.holds()
        self.git.is_clean()
        records = [r for r in self.git.server.store.records() if r.id not in self._foreign]
        assert sorted(record.name for record in records) == sorted(self.expected)
        for record in records:
            self._is_as_wanted(record)


def command(record: Record) -> Any:
    """Return the command of the only step of a workflow that `body` made."""
    steps: Any = record.body["steps"]
    return steps["one"]["command"]


def is_done(report: Report) -> bool:
    """Return whether everything was done."""
    return all(result.status is Status.DONE for result in report.results)
