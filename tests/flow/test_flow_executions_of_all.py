"""`executions --all`: what failed last night, over all managed workflows, with few requests."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from flow_helpers import TOKEN, Ended, Git, body, step
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS

from reconciler.emulator.request_reading import Query
from reconciler.executions import ExecutionFilter, ListedExecution, executions_or_error, read_executions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.values import JsonObject

LISTS = "/workflows/api/v1/workflows/executions/"
CHAIN = {"load": step(), "train": step("exit 3", parents=["load"])}
SINCE = "2020-09-13T13:00:00Z"
NIGHT = ("executions", "--all", "--since", SINCE, "--status", "failed")


@pytest.fixture
def night(git: Git, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Return a Git whose workflows ran at 12:26, 14:26 and 15:26, except `old` and `bad`, which ran less."""
    monkeypatch.chdir(git.folder.parent)
    for name in ("good", "bad", "old", "worse"):
        manifest = body(name, steps=CHAIN if name in {"bad", "worse"} else {"load": step()})
        git.write(manifest, f"{name}.yaml")
        git.server.store.create(manifest)
    git.server.store.create(body("stranger", "exit 1"))
    git.write(body("never-applied"), "never.yaml")
    (git.folder.parent / "reconciler.yaml").write_text("version: 1\nmanifests: [workflows]\n")
    for hour in range(3):
        for record in git.server.store.records():
            if (record.name != "old" or hour == 0) and (record.name != "bad" or hour < 2):
                git.server.store.execute(record.id, {})
        git.time.sleep(3600 if hour else 7200)
    git.server.clear_requests()
    return git


def _run(git: Git, name: str, number: int = 0) -> str:
    return git.server.store.executions(git.live(name))[number].id


def test_what_failed_last_night(night: Git, typed: Callable[..., Ended]) -> None:
    """Each workflow with a failure has a line: how many, in which step, when; then come the commands."""
    ended = typed(*NIGHT)
    assert (ended.code, ended.err) == (0, "")
    head, *rows, blank, title, first, second, _, summary = ended.out.splitlines()
    assert head.split("  ")[0] == "WORKFLOW"
    assert [row.split() for row in rows] == [
        ["worse", "2", "train", "2020-09-13T15:26:40Z"],
        ["bad", "1", "train", "2020-09-13T14:26:40Z"],
    ]
    assert (blank, title) == ("", "Read the log of the last failure of each:")
    assert first == f"  peak-reconciler logs worse {_run(night, 'worse')} --step train"
    assert second == f"  peak-reconciler logs bad {_run(night, 'bad')} --step train"
    assert summary == f"2 of 4 workflows have failed executions since {SINCE}, 3 in all."
    shown = typed(*first.split()[1:])
    assert "train | Step train finished with exit code 3" in shown.out


def test_only_what_may_have_run_is_asked_for(night: Git, typed: Callable[..., Ended]) -> None:
    """A workflow whose last execution is more than a week too old takes no request; nor has any a write."""
    night.time.sleep(8 * 86_400)
    night.server.store.execute(night.live("good"), {})
    night.time.sleep(60)
    typed("executions", "--all", "--since", "2020-09-21T17:00:00Z")
    assert [request.path for request in night.server.requests if request.path.startswith(LISTS)] == [
        f"{LISTS}{night.live('good')}"
    ]
    assert night.writes() == []


@pytest.mark.usefixtures("night")
def test_all_of_them(typed: Callable[..., Ended]) -> None:
    """Without a status each workflow that ran has a line, failures first, with both counts."""
    ended = typed("executions", "--all", "--since", SINCE)
    head, worse, bad, good, *_ = ended.out.splitlines()
    assert head.split("  ")[0] == "WORKFLOW"
    assert worse.split()[:3] == ["worse", "2", "train"]
    assert bad.split()[:3] == ["bad", "1", "train"]
    assert good.split() == ["good", "0", "-", "-", "2", "Success", "2020-09-13T15:26:40Z"]
    assert ended.out.endswith(f"3 of 4 workflows have executions since {SINCE}, 5 in all.\n")


def test_none(night: Git, typed: Callable[..., Ended]) -> None:
    """Nothing found is said in words; the default is the last 24 hours."""
    ended = typed("executions", "--all", "--status", "Stopped, failed")
    assert ended.code == 0
    assert ended.out.startswith("No stopped or failed executions since 20")
    assert ended.out.endswith(" in 4 workflows.\n")
    assert night.writes() == []


def test_which_workflows(night: Git, typed: Callable[..., Ended]) -> None:
    """--target chooses; --show-unmanaged adds the others; an owned one without a manifest is managed."""
    words = ("executions", "--all", "--since", SINCE, "--format", "json")

    def names(*options: str) -> list[str]:
        ended = typed(*words, *options)
        assert ended.code == 0, ended.err
        return sorted(item["workflow"]["name"] for item in json.loads(ended.out)["workflows"])

    assert names("--target", "*d") == ["bad", "good"]
    assert names("--show-unmanaged", "--target", "stranger") == ["stranger"]
    night.server.store.replace(
        night.live("stranger"), body("stranger", tags=[{"name": "reconciler-owner-me"}])
    )
    assert "stranger" not in names()
    assert "stranger" in names("--ownership-tag", "ME")
    unknown = typed(*words, "--target", "stronger")
    assert (unknown.code, "matches no workflow" in unknown.err) == (64, True)
    (night.folder.parent / "reconciler.yaml").write_text("version: 1\n")
    refused = typed(*words)
    assert (refused.code, "--show-unmanaged" in refused.err) == (64, True)
    assert names("--show-unmanaged") == ["bad", "good", "stranger", "worse"]


def test_no_variable_is_needed(night: Git, typed: Callable[..., Ended]) -> None:
    """A variable of a manifest that is not set does not hide what failed."""
    night.write("name: bad\nsteps: {load: {command: !env NOT_SET}}\n", "bad.yaml")
    ended = typed(*NIGHT)
    assert (ended.code, "bad " in ended.out) == (0, True), ended.err


def test_documents(night: Git, typed: Callable[..., Ended]) -> None:
    """The JSON holds every execution, and the failed steps of the latest one; ndjson has a line for each."""
    document = json.loads(typed(*NIGHT, "--format", "json").out)
    assert (document["since"], document["statuses"], document["searched"]) == (SINCE, ["Failed"], 4)
    worse, bad = document["workflows"]
    assert worse["workflow"] == {"id": night.live("worse"), "name": "worse"}
    assert (worse["error"], worse["capped"]) == (None, False)
    assert [each["failed_steps"] for each in worse["executions"]] == [["train"], None]
    assert bad["executions"] == [
        {
            "id": _run(night, "bad"),
            "status": "Failed",
            "started_at": "2020-09-13T14:26:40.000Z",
            "finished_at": "2020-09-13T14:26:42.000Z",
            "duration_seconds": 2.0,
            "failed_steps": ["train"],
        }
    ]
    lines = [json.loads(line) for line in typed(*NIGHT, "--format", "ndjson").out.splitlines()]
    assert [(line["workflow"]["name"], line["id"]) for line in lines] == [
        ("worse", _run(night, "worse")),
        ("worse", _run(night, "worse", 1)),
        ("bad", _run(night, "bad")),
    ]
    of_one = typed("executions", "bad", "--since", SINCE, "--format", "ndjson")
    assert [json.loads(line)["id"] for line in of_one.out.splitlines()] == [_run(night, "bad")]


def test_one_that_cannot_be_read(night: Git, typed: Callable[..., Ended]) -> None:
    """What can be read is shown, the rest is an error; where nobody may read anything, the command ends."""
    night.server.faults = (f"403@GET{LISTS}{night.live('worse')}",)
    ended = typed(*NIGHT)
    assert ended.code == 1
    assert "\nbad " in ended.out
    assert "error: the executions of worse cannot be read: " in ended.out
    broken = [
        item for item in json.loads(typed(*NIGHT, "--format", "json").out)["workflows"] if item["error"]
    ]
    assert [item["workflow"]["name"] for item in broken] == ["worse"]
    night.server.faults = (f"401@GET{LISTS}*",)
    refused = typed(*NIGHT)
    assert (refused.code, refused.out) == (1, "")


def test_a_step_that_is_not_known(night: Git, typed: Callable[..., Ended]) -> None:
    """Where the details of a failure cannot be read, its command is for the logs of all steps."""
    night.server.faults = ("404@GET/workflows/api/v1/workflows/*/executions/*",)
    ended = typed(*NIGHT)
    assert ended.code == 0
    assert f"  peak-reconciler logs bad {_run(night, 'bad')}\n" in ended.out


def test_the_environment_is_in_the_commands(night: Git, typed: Callable[..., Ended]) -> None:
    """A command to copy is complete."""
    config = "version: 1\nmanifests: [workflows]\nenvironments: {dev: {token_env: PEAK_AUTH_TOKEN}}\n"
    (night.folder.parent / "reconciler.yaml").write_text(config)
    ended = typed(*NIGHT, "--environment", "dev")
    assert f"  peak-reconciler logs --environment dev bad {_run(night, 'bad')} --step train\n" in ended.out


@pytest.mark.parametrize("name", ["-rf", "a\x1b[2J\nb", "it's; rm"])
def test_hostile_names(night: Git, typed: Callable[..., Ended], name: str) -> None:
    """A name steers no terminal, and no shell when its command is copied."""
    flow = night.server.store.create(body(name, steps={f"{TOKEN}-x": step("exit 1")}))
    night.server.store.execute(flow, {})
    night.time.sleep(60)
    for form in ("text", "json", "ndjson"):
        ended = typed(*NIGHT, "--show-unmanaged", "--format", form)
        assert ended.code == 0
        assert all(line.isprintable() for line in ended.out.splitlines())
        assert TOKEN not in ended.out
    (line,) = [
        line for line in typed(*NIGHT, "--show-unmanaged").out.splitlines() if _run_of(night, flow) in line
    ]
    assert f"--id {flow} " in line or "'it'\"'\"'s; rm'" in line


def _run_of(git: Git, flow: int) -> str:
    return git.server.store.executions(flow)[0].id


@pytest.mark.usefixtures("night")
def test_a_server_that_ignores_the_filter(
    typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is the same where the server returns executions of any status and date."""
    expected = typed(*NIGHT).out
    asked_for = Query.words
    monkeypatch.setattr(Query, "words", lambda query, key: [] if key == "statuses" else asked_for(query, key))
    moment = Query.moment
    monkeypatch.setattr(Query, "moment", lambda query, _key, default: moment(query, "nothing", default))
    assert typed(*NIGHT).out == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "To search all managed workflows, pass --all."),
        (["--all", "--status", "faild"], "unknown status 'faild'; did you mean 'failed'?"),
        (["--all", "bad"], "NAME cannot be used with --all"),
        (["--all", "--follow"], "--follow cannot be used with --all"),
        (["--all", "--id", "3"], "--id cannot be used with --all"),
        (["bad", "--target", "x"], "--target cannot be used without --all"),
        (["bad", "--show-unmanaged"], "--show-unmanaged cannot be used without --all"),
        (["bad", "some-id", "--since", "7d"], "--since cannot be used with one execution"),
        (["bad", "--follow", "--format", "ndjson"], "--format ndjson cannot be used with one execution"),
    ],
)
def test_options_that_do_nothing(
    night: Git, typed: Callable[..., Ended], words: list[str], said: str
) -> None:
    """An option that would do nothing is refused, and nothing is sent."""
    ended = typed("executions", *words)
    assert (ended.code, ended.out) == (64, "")
    assert said in ended.err
    assert night.server.requests == []


# What is read of one workflow

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
STATUSES = ("Success", "Failed", "Running", "Odd")


@st.composite
def _listings(draw: st.DrawFn) -> list[JsonObject]:
    """Return executions, the latest first."""
    starts = sorted(draw(st.lists(st.integers(0, 72), max_size=12)), reverse=True)
    items: list[JsonObject] = []
    for number, hours in enumerate(starts):
        start = NOW - timedelta(hours=72 - hours)
        end = start + timedelta(hours=draw(st.integers(0, 23)))
        status = draw(st.sampled_from(STATUSES))
        items.append(
            {
                "executionId": str(number),
                "status": status,
                "executedAt": start.isoformat(),
                "finishedAt": None if status == "Running" else end.isoformat(),
            }
        )
    return items


class _Api:
    """A server that honours what it is asked for, or ignores it."""

    def __init__(self, items: list[JsonObject], *, honest: bool) -> None:
        self._items = items
        self._honest = honest

    def list_executions(
        self,
        workflow_id: int,  # noqa: ARG002 - the one there is
        date_from: str | None = None,
        *,
        page_size: int | None = None,  # noqa: ARG002 - the caller sees no pages
        status: list[str] | None = None,
        count: int | None = None,
    ) -> Iterator[JsonObject]:
        """Yield the executions."""
        items = [
            item
            for item in self._items
            if not self._honest
            or (
                (not status or item["status"] in status)
                and (not date_from or str(item["executedAt"]) >= date_from.replace(".000Z", "+00:00"))
            )
        ]
        yield from items[:count] if self._honest else items


@LAWS
@given(
    items=_listings(),
    hours=st.none() | st.integers(0, 80),
    statuses=st.lists(st.sampled_from(STATUSES), unique=True, max_size=2),
    count=st.integers(1, 14),
    honest=st.booleans(),
)
def test_the_law_of_the_filter(
    items: list[JsonObject], hours: int | None, statuses: list[str], count: int, *, honest: bool
) -> None:
    """What is read is what the filter takes of all executions, whether or not the server filters."""
    since = None if hours is None else NOW - timedelta(hours=hours)
    wanted = ExecutionFilter(since=since, statuses=tuple(statuses), count=count)
    expected = [
        execution
        for execution in map(ListedExecution.of, items)
        if (not statuses or execution.status in statuses)
        and (since is None or not execution.ended_before(since))
    ][:count]
    assert read_executions(_Api(items, honest=honest), 1, wanted) == expected


def test_a_long_list_is_read_only_as_far_as_needed() -> None:
    """Where the server ignores the date, a page of older executions ends the reading."""
    read = []

    def endless(*_: object, **_unused: object) -> Iterator[JsonObject]:
        for number in range(100_000):
            read.append(number)
            time = (NOW - timedelta(hours=number)).isoformat()
            yield {"executionId": str(number), "status": "Failed", "executedAt": time, "finishedAt": time}

    class _Endless:
        list_executions = staticmethod(endless)

    found = executions_or_error(_Endless(), 1, ExecutionFilter(since=NOW - timedelta(hours=9), count=1_000))  # type: ignore[arg-type]
    assert len(found) == 10
    assert len(read) == 110
