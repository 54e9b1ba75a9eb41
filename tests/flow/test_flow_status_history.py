"""`status`: how the last executions went, the next run, who owns and changed a workflow, and watching."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fake_terminal import FakeTerminal
from flow_helpers import Ended, Git, body

from reconciler.cli import status_watch
from reconciler.emulator.emulated_tenant import EmulatedTenant
from reconciler.operations import status_and_history
from reconciler.plan import NextRun, workflow_statuses
from reconciler.render import Display, StatusView, status_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LISTS = "/workflows/api/v1/workflows/executions/"


def _executed(git: Git, name: str, *commands: str) -> None:
    """Execute a workflow once with each of `commands`, an hour apart; the last one is what Git has."""
    git.write(body(name), f"{name}.yaml")
    git.done()
    identity = git.live(name)
    for command in commands:
        git.server.store.replace(identity, body(name, command))
        git.server.store.execute(identity, {})
        git.time.sleep(3600)
    git.write(body(name, *commands[-1:]), f"{name}.yaml")


def _histories(git: Git) -> int:
    """Return the number of lists of executions that the server was asked for."""
    return sum(request.path.startswith(LISTS) for request in git.server.requests)


def test_marks(git: Git, typed: Callable[..., Ended]) -> None:
    """The last ten executions are marks, the latest on the right, with a legend."""
    _executed(git, "flow", *["exit 1"] * 3, *["echo 1"] * 8, "exit 2")
    git.server.store.execute(git.live(), {})
    text = typed("status", git.folder).out
    assert " SSSSSSSSFR " in text
    assert "S Success, F Failed, R running, O other" in text
    document = json.loads(typed("status", git.folder, "--format", "json").out)
    statuses = [item["status"] for item in document["workflows"][0]["history"]]
    assert statuses == ["Running", "Failed", *["Success"] * 8]


def test_one_request_for_each_that_has_some(git: Git, typed: Callable[..., Ended]) -> None:
    """A history takes a request for each workflow to show, and none with --no-history."""
    for name in ("a", "b", "c"):
        _executed(git, name, "exit 1" if name == "a" else "echo 1")
    for words, number in (
        ((), 3),
        (("--no-history",), 0),
        (("--only", "failed"), 1),
        (("--target", "b"), 1),
    ):
        git.server.clear_requests()
        assert typed("status", git.folder, *words).code == 0
        assert _histories(git) == number, words


def test_too_many_histories(git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """With many workflows no history is read unless asked for, and a note says so."""
    monkeypatch.setattr(status_and_history, "MOST_HISTORIES", 1)
    for name in ("a", "b"):
        _executed(git, name, "echo 1")
    git.server.clear_requests()
    ended = typed("status", git.folder)
    assert "the last executions of 2 workflows are not read" in ended.err
    assert (_histories(git), "LAST 10" in ended.out) == (0, False)
    assert "LAST 10" in typed("status", git.folder, "--history").out


def test_a_history_that_cannot_be_read(git: Git, typed: Callable[..., Ended]) -> None:
    """The rest of the status is shown all the same, with a warning."""
    for name in ("a", "b"):
        _executed(git, name, "echo 1")
    git.server.faults = (f"403:x1@GET{LISTS}*",)
    ended = typed("status", git.folder, "--format", "json")
    assert (ended.code, ended.err.count("warning: ")) == (0, 1)
    assert "the last executions of a workflow cannot be read" in ended.err
    histories = [item["history"] for item in json.loads(ended.out)["workflows"]]
    assert sum(history is None for history in histories) == 1


def _shown(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` turn each workflow that the tenant describes into what it answers."""
    describe = EmulatedTenant.describe

    def changed(tenant: EmulatedTenant, workflow_id: int) -> Any:
        shown: Any = describe(tenant, workflow_id)
        change(shown)
        return shown

    monkeypatch.setattr(EmulatedTenant, "describe", changed)


@pytest.mark.parametrize(
    ("triggers", "following"),
    [
        ([{"cron": "0 6 * * *", "scheduled": "2020-09-14T06:00:00.000Z"}], "2020-09-14T06:00:00.000Z"),
        (
            [{"cron": "0 6 * * *", "scheduled": "2031-01-02T06:00:00Z"}, {"scheduled": "2031-01-01T06:00Z"}],
            "2031-01-01T06:00Z",
        ),
        ([{"webhook": "x"}, "odd", {"cron": "soon", "scheduled": 7}, {"scheduled": "soon"}], None),
    ],
)
def test_next_run(
    git: Git,
    typed: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    triggers: list[Any],
    following: str | None,
) -> None:
    """The next run is the earliest that the server says, whatever else it says of triggers."""
    git.write(body())
    git.done()
    _shown(monkeypatch, lambda shown: shown.update(triggers=triggers))
    (workflow,) = json.loads(typed("status", git.folder, "--format", "json").out)["workflows"]
    assert (workflow["next_run"], workflow["next_run_computed"]) == (following, False)


@pytest.mark.parametrize("paused", [False, True])
def test_a_next_run_that_the_server_does_not_say(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    """It is computed from the cron expression, and marked as such; a paused workflow has none."""
    git.write(body(), paused=paused)
    git.done()
    _shown(monkeypatch, lambda shown: shown.update(triggers=[{"cron": "0 0 6 1 1 ? 2098"}]))
    (workflow,) = json.loads(typed("status", git.folder, "--format", "json").out)["workflows"]
    if paused:
        assert workflow["next_run"] is None
        return
    at = "2098-01-01T06:00:00Z"
    keys = ("next_run", "next_run_computed", "next_run_zone")
    assert [workflow[key] for key in keys] == [at, True, "UTC"]
    text = typed("status", git.folder).out
    assert f"~{at}" in text
    said = "computed from the cron expression, in UTC, which is assumed"
    assert f"~ NEXT RUN is {said}." in text
    assert f"next run {at} ({said})" in typed("status", git.folder, "--format", "markdown").out


def test_a_computed_next_run_is_in_the_zone_that_another_schedule_shows(
    git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read as in a forecast: by the clock that explains what the server says is scheduled."""
    git.server.profile = ("schedule-zone=Asia/Kolkata",)
    for name, cron in (("said", "30 6 * * *"), ("silent", "0 6 * * *")):
        git.write(body(name, triggers=[{"cron": cron}]), f"{name}.yaml")
    git.done()

    def without(shown: dict[str, Any]) -> None:
        if shown["name"] == "silent":
            del shown["triggers"][0]["scheduled"]

    _shown(monkeypatch, without)
    with git.engine("status") as engine:
        now = datetime.fromtimestamp(git.time(), tz=timezone.utc)
        said, silent = workflow_statuses(*engine.plan_with_snapshot(git.scope), now)
        view = StatusView(statuses=(said, silent), redactor=engine.redactor)
    assert said.next_run == NextRun(at="2020-09-14T01:00:00.000Z")
    assert silent.next_run == NextRun(at="2020-09-14T00:30:00Z", computed=True, zone="Asia/Kolkata")
    assert "computed from the cron expression, in Asia/Kolkata." in status_text(view, Display())


@pytest.mark.parametrize(
    "stated",
    [
        {"lastModifiedBy": "ann@example.com"},
        {"updatedBy": {"name": "Ann", "email": "ann@example.com"}},
        {"lastModifiedBy": None, "modifiedBy": "ann@example.com"},
    ],
)
def test_who_changed_it_and_who_owns_it(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    """The last modifier is shown where the platform names one, and the owner where there is one."""
    git.owned_by("team-a")
    git.write(body())
    git.done()
    _shown(monkeypatch, lambda shown: shown.update(stated))
    (workflow,) = json.loads(typed("status", git.folder, "--format", "json").out)["workflows"]
    assert (workflow["modified_by"], workflow["owners"]) == ("ann@example.com", ["team-a"])
    text = typed("status", git.folder).out
    assert "MODIFIED BY      OWNER" in text
    assert "ann@example.com  team-a" in text


def test_an_owner_alike_in_every_row(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow terminal has no column for the owner where it is the same of all; a wide one has."""
    git.owned_by("team-a")
    for name in ("a", "b"):
        git.write(body(name), f"{name}.yaml")
    git.done()
    for columns, shown in (("60", False), ("150", True)):
        terminal = FakeTerminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            typed("status", git.folder, "--ownership-tag=team-a", COLUMNS=columns, TERM="xterm", NO_COLOR="1")
        assert ("team-a" in terminal.getvalue()) == shown


def test_on_a_terminal(git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 60 columns gets marks and relative times, and no line is wider; a dumb one gets ASCII."""
    _executed(git, "a-workflow-with-a-rather-long-name", "exit 1", "echo 1")
    for variables, marks, widest in (
        ({"COLUMNS": "60", "TERM": "xterm"}, "✗✓", 60),
        ({"TERM": "dumb"}, "x+", 1000),
    ):
        terminal = FakeTerminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            typed("status", git.folder, NO_COLOR="1", **variables)
        lines = terminal.getvalue().splitlines()
        assert marks in lines[1]
        assert max(map(len, lines)) <= widest
        assert re.search(r"\d d ago", terminal.getvalue())


@pytest.fixture
def watched(git: Git, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], object]]]:
    """Yield what happens while `status --watch` sleeps, one after the other; then Ctrl-C."""
    happenings: list[Callable[[], object]] = []

    def sleep(_seconds: float) -> None:
        if not happenings:
            raise KeyboardInterrupt
        happenings.pop(0)()

    monkeypatch.setattr(status_watch, "time", SimpleNamespace(sleep=sleep))
    git.write(body("one"), "one.yaml")
    git.done()
    yield happenings
    assert happenings == []


def test_watch_in_a_pipe(git: Git, typed: Callable[..., Ended], watched: list[Callable[[], object]]) -> None:
    """The table is printed once, then a line with the time for each change; Ctrl-C ends it with 130."""
    watched += [
        lambda: None,
        lambda: git.write(body("one", "echo 2"), "one.yaml"),
        lambda: git.server.store.execute(git.live("one"), {}),
        lambda: git.write(body("two"), "two.yaml"),
        lambda: git.remove("two.yaml"),
    ]
    ended = typed("status", git.folder, "--watch")
    assert (ended.code, ended.err) == (130, "")
    head, row, total, *changes = ended.out.splitlines()
    assert head.startswith("SYNC")
    assert row.startswith("in sync")
    assert total == "1 in sync."
    (run,) = git.server.store.executions(git.live("one"))
    assert [change.partition(" ")[2] for change in changes] == [
        "one: in sync → out of sync",
        f"one: Available → Running; none → execution {run.id} Running",
        "two: missing",
        "two: no longer listed",
    ]
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ ", change) for change in changes)


def test_watch_as_json(git: Git, typed: Callable[..., Ended], watched: list[Callable[[], object]]) -> None:
    """Each workflow and each change is a line of JSON."""
    watched += [lambda: git.write(body("one", "echo 2"), "one.yaml"), lambda: git.remove("one.yaml")]
    watched += [lambda: git.write(body("two"), "two.yaml")]
    ended = typed("status", git.folder, "--watch", "--format", "json")
    assert ended.code == 130
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [(line["event"], line["name"], line["sync"]) for line in lines] == [
        ("listed", "one", "synced"),
        ("changed", "one", "differs"),
        ("listed", "two", "missing"),
        ("gone", "one", "differs"),
    ]
    assert all("observed_at" in line for line in lines)
    assert "no manifests below this directory" in ended.err  # while the directory was empty


def test_watch_goes_on_after_an_error(
    git: Git, typed: Callable[..., Ended], watched: list[Callable[[], object]]
) -> None:
    """An error while watching is shown once, and it is tried again; at the first read it ends the command."""
    broken = {"name": "one", "steps": {"one": {"comand": "x"}}}
    watched += [lambda: git.write(broken, "one.yaml"), lambda: None]
    watched += [lambda: git.write(body("one", "echo 2"), "one.yaml")]
    ended = typed("status", git.folder, "--watch")
    assert ended.code == 130
    assert ended.err.count("error: the manifests are invalid") == 1
    assert "Trying again." in ended.err
    assert ended.out.splitlines()[-1].endswith("one: in sync → out of sync")
    git.write(broken, "one.yaml")
    assert typed("status", git.folder, "--watch").code == 3


def test_watch_on_a_terminal(
    git: Git,
    typed: Callable[..., Ended],
    watched: list[Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal has the table redrawn, cut to its height with the number of hidden lines."""
    for number in range(9):
        git.write(body(f"more-{number}"), f"more-{number}.yaml")
    broken = {"name": "one", "steps": {"one": {"comand": "x"}}}
    watched += [lambda: git.write(broken, "one.yaml")]
    watched += [lambda: git.write(body("one", "echo 2"), "one.yaml")]
    terminal = FakeTerminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        variables = {"COLUMNS": "80", "LINES": "8", "TERM": "xterm", "NO_COLOR": "1"}
        assert typed("status", git.folder, "--watch", "--interval", 5, **variables).code == 130
    text = terminal.getvalue()
    assert text.count("every 5 s, until Ctrl-C") >= 2
    assert "in sync" in text
    assert "out of sync  one" in text
    assert "error: the manifests are invalid" in text
    assert "comand" in text
    assert "… 7 more lines: choose fewer with --only or --target" in text
    assert text.count("9 missing.") >= 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "html"], "--watch prints text or JSON"),
        (["--output", "json=x.json"], "--watch prints text or JSON"),
        (["--interval", "0"], "a number from 1"),
    ],
)
def test_what_cannot_be_watched(git: Git, typed: Callable[..., Ended], words: list[str], said: str) -> None:
    """A page and a file are not watched."""
    ended = typed("status", git.folder, "--watch", *words)
    assert (ended.code, ended.out) == (64, "")
    assert said in ended.err
