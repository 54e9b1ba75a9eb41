"""What `reconcile:` says besides the body: ignored fields, paused, and what to do while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import RETRY, TENANTS, TOGETHER, FakeTime, Git, body, kinds, paths, rich, statuses, step
from strategies import DEPTH

from reconciler.apply.report import Status, StoppedError
from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

PROFILES = pytest.mark.parametrize("profile", [frozenset(), ALL_PROFILES_TOGETHER], ids=["documented", "all"])


def _theirs(**parts: Any) -> dict[str, Any]:
    """Return what others made of the workflow."""
    steps = {
        "one": step("echo theirs", imageVersionId=999, resources={"instanceTypeId": 25, "storage": "99GB"}),
        "two": step(imageVersionId=998),
    }
    return body(
        steps=steps,
        tags=[{"name": "theirs"}],
        watchers=[{"user": "them", "events": {"fail": True}}],
        triggers=[{"cron": "9 9 * * *"}],
        retryOptions={"duration": 99},
        **parts,
    )


def _ours() -> dict[str, Any]:
    return body(
        steps={"one": step("echo theirs"), "two": step()},
        tags=[{"name": "ours"}],
        watchers=[{"user": "us", "events": {"fail": True}}],
        triggers=[{"cron": "1 1 * * *"}],
        retryOptions=RETRY,
    )


ALL_IGNORED = [
    "steps.*.imageVersionId",
    "steps.one.resources",
    "tags",
    "watchers",
    "triggers.cron",
    "retryOptions",
]


@PROFILES
def test_ignored_fields_are_not_compared(git: Git, profile: frozenset[str]) -> None:
    """Paths under `reconcile.ignore`, wildcards among them, are no difference: the plan is clean."""
    git.server.profile = profile
    git.server.store.create(_theirs())
    git.write(_ours(), ignore=ALL_IGNORED)
    git.is_clean()


@pytest.mark.parametrize("left", ALL_IGNORED)
def test_each_path_ignores_no_more_than_it_says(git: Git, left: str) -> None:
    """With one of the paths left out, exactly the fields below that path are planned."""
    git.server.store.create(_theirs())
    git.write(_ours(), ignore=[path for path in ALL_IGNORED if path != left])
    parts = left.split(".")
    found = paths(git.action())
    assert found
    for path in found:
        assert all(part in {"*", at} for part, at in zip(parts, path, strict=False)), path


@PROFILES
@pytest.mark.parametrize("command", ["echo ours", None], ids=["patch", "replacement"])
def test_ignored_fields_keep_their_live_value(git: Git, profile: frozenset[str], command: str | None) -> None:
    """An update of something else, of either method, sends ignored fields as they are live."""
    git.server.profile = profile
    theirs = _theirs()
    git.server.store.create(theirs)
    ours = _ours()
    if command is None:
        del ours["steps"]["one"]["command"]
    else:
        ours["steps"]["one"]["command"] = command
    git.write(ours, ignore=ALL_IGNORED)
    assert paths(git.action()) == [("steps", "one", "command")]
    git.done()
    stored = git.stored()
    assert stored["steps"]["one"]["imageVersionId"] == 999
    assert stored["steps"]["two"]["imageVersionId"] == 998
    assert stored["steps"]["one"]["resources"]["instanceTypeId"] == 25
    assert stored["tags"][0]["name"] == "theirs"
    assert [watcher["user"] for watcher in stored["watchers"]] == ["them"]
    assert [trigger["cron"] for trigger in stored["triggers"]] == ["9 9 * * *"]
    if not profile:
        assert stored["retryOptions"] == {"duration": 99}
    assert stored["steps"]["one"].get("command") == command


def test_an_ignored_field_that_is_not_live(git: Git) -> None:
    """An ignored field that others took away stays away; in a step that Git adds it starts as Git says."""
    git.server.store.create(body())
    ours = body(steps={"one": step(stepTimeout=5), "new": step(stepTimeout=6)})
    git.write(ours, ignore=["steps.*.stepTimeout"])
    assert paths(git.action()) == [("steps", "new")]
    git.done()
    assert "stepTimeout" not in git.stored()["steps"]["one"]
    assert git.stored()["steps"]["new"]["stepTimeout"] == 6


def test_an_ignored_field_is_created(git: Git) -> None:
    """A workflow that Git creates starts with what Git says, ignored or not."""
    git.write(_ours(), ignore=ALL_IGNORED)
    git.done()
    assert git.stored() == _ours()


def test_an_ignored_step(git: Git) -> None:
    """A whole step can be left to others: it is not removed, and Git's other changes go on."""
    git.server.store.create(body(steps={"one": step("echo old"), "theirs": step("echo x")}))
    git.write(body(), ignore=["steps.theirs"])
    assert paths(git.action()) == [("steps", "one", "command")]
    git.done()
    assert git.stored()["steps"] == {"one": step(), "theirs": step("echo x")}


@pytest.mark.parametrize("profile", ["token-masked", "token-omitted"])
def test_an_ignored_token(git: Git, profile: str) -> None:
    """An ignored token that the tenant does not return is sent as Git says, so that no update removes it."""
    git.server.profile = frozenset({profile})
    git.write(rich(), ignore=["steps.load.repository.token"])
    git.done()
    git.write(rich(tags=[]), ignore=["steps.load.repository.token"])
    git.done()
    assert git.stored("rich")["steps"]["load"]["repository"]["token"] == "load-credential"


@pytest.mark.parametrize("profile", TENANTS if DEPTH > 1 else TOGETHER)
def test_paused(git: Git, profile: str) -> None:
    """`paused` pauses and resumes without any update, creates paused, and then the plan is empty."""
    git.server.profile = TENANTS[profile]
    git.write(body(), paused=True)
    assert kinds(git.plan()) == {"flow": "create"}
    git.done()
    assert _paused(git)
    git.write(body(), paused=False)
    assert (kinds(git.plan()), paths(git.action())) == ({"flow": "resume"}, [("reconcile", "paused")])
    git.server.clear_requests()
    git.done()
    assert [request.path.rpartition("/")[2] for request in git.writes()] == ["resume"]
    git.write(body(), paused=True)
    assert kinds(git.plan()) == {"flow": "pause"}
    git.done()
    assert _paused(git)


def _paused(git: Git) -> bool:
    return git.server.store.get(git.live()).paused


@pytest.mark.parametrize("paused", [True, None])
@pytest.mark.parametrize("manifest", [body(command="echo 2"), body(steps={"two": step()})])
def test_an_update_leaves_a_paused_workflow_paused(
    git: Git, manifest: dict[str, Any], paused: bool | None
) -> None:
    """A workflow that is paused stays paused over an update, whether Git says so or leaves that alone."""
    settings = {} if paused is None else {"paused": paused}
    git.write(body())
    git.done()
    git.server.store.set_paused(git.live(), paused=True)
    git.write(manifest, **settings)
    assert kinds(git.plan()) == {"flow": "update"}
    git.done()
    assert _paused(git)


def test_a_platform_that_resumes_on_update(git: Git, server: EmulatorServer) -> None:
    """Where an update wakes a paused workflow up, it is paused again."""
    git.write(body())
    git.done()
    server.store.set_paused(git.live(), paused=True)
    replace = server.store.replace

    def waking(workflow_id: int, sent: dict[str, Any], **options: Any) -> None:
        replace(workflow_id, sent, **options)
        server.store.set_paused(workflow_id, paused=False)

    server.store.replace = waking  # type: ignore[method-assign]
    git.write(body(command="echo 2"))
    git.done()
    assert _paused(git)


def test_an_update_and_a_pause_together(git: Git) -> None:
    """An update and a pause are one action, and both are named."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"), paused=True)
    assert paths(git.action()) == [("steps", "one", "command"), ("reconcile", "paused")]
    git.done()
    assert _paused(git)
    git.write(body(command="echo 3"), paused=False)
    git.done()
    assert not _paused(git)


def _running(git: Git, **settings: Any) -> None:
    """Let the workflow run, for one second of the test's time, and Git want another command."""
    git.write(body())
    git.done()
    git.server.store.execute(git.live())
    git.write(body(command="echo 2"), **settings)
    git.server.clear_requests()


@pytest.mark.parametrize("settings", [{}, {"whenRunning": "proceed"}])
def test_a_running_workflow_is_updated(git: Git, settings: dict[str, Any], time: FakeTime) -> None:
    """By default a running workflow is updated at once."""
    _running(git, **settings)
    git.done()
    assert time.sleeps == []


def test_waiting_for_a_run(git: Git, time: FakeTime) -> None:
    """With `whenRunning: wait` the update is written only when the run has ended."""
    _running(git, whenRunning="wait")
    assert kinds(git.plan()) == {"flow": "update"}
    git.done()
    assert time.sleeps == [2.0]
    assert git.stored()["steps"] == {"one": step("echo 2")}


def test_waiting_has_an_end(git: Git, server: EmulatorServer, time: FakeTime) -> None:
    """A run that does not end blocks its workflow after the time that waiting may take."""
    _running(git, whenRunning="wait")
    server.store._step_seconds = 100_000
    time.now += 10
    time.policy = time.policy._replace(wait_running=20.0)
    server.store.execute(git.live())
    (result,) = git.apply().results
    assert result.status is Status.BLOCKED
    assert result.error == (
        "the workflow is still running after 20 s. Use --wait-running SECONDS to wait longer."
    )
    assert git.stored() == body()


def test_an_edit_while_waiting(git: Git, server: EmulatorServer, time: FakeTime) -> None:
    """What somebody changes while apply waits for a run is not overwritten."""
    _running(git, whenRunning="wait")
    sleep = time.sleep

    def editing(seconds: float) -> None:
        sleep(seconds)
        server.store.replace(git.live(), body(command="echo theirs"))

    time.policy = time.policy._replace(sleep=editing)
    assert statuses(git.apply()) == {"flow": "blocked"}
    assert git.stored() == body(command="echo theirs")


def test_skipping_a_running_workflow(git: Git, time: FakeTime) -> None:
    """With `whenRunning: skip` a running workflow is left out, said so, and done by a later run."""
    _running(git, whenRunning="skip")
    assert "it is running, and reconcile.whenRunning is skip" in git.action().reason
    assert statuses(git.apply()) == {"flow": "blocked"}
    assert git.writes() == []
    time.sleep(5)
    git.done()


def test_a_run_that_begins_after_the_plan(git: Git, server: EmulatorServer) -> None:
    """With `whenRunning: skip` a run that began after the plan was made is respected, too."""
    git.write(body())
    git.done()
    git.write(body(command="echo 2"), whenRunning="skip")
    plan = git.plan()
    server.store.execute(git.live())
    assert statuses(git.apply(plan)) == {"flow": "blocked"}
    assert git.stored() == body()


def test_a_running_workflow_without_a_difference(git: Git) -> None:
    """An execution is no difference and blocks nothing when there are no changes."""
    git.write(body(), whenRunning="skip")
    git.done()
    git.server.store.execute(git.live())
    git.is_clean()


def test_pausing_while_it_runs(git: Git) -> None:
    """A running workflow can be paused; afterwards, and after the execution, the plan is empty."""
    git.write(body())
    git.done()
    git.server.store.execute(git.live())
    git.write(body(), paused=True)
    assert kinds(git.plan()) == {"flow": "pause"}
    git.done()


def test_an_interrupt_while_waiting(git: Git) -> None:
    """Who stops an apply that waits for a run stops it: nothing is written for that workflow."""
    git.write(body())
    git.done()
    git.client.execute_workflow(git.live())
    git.write(body(command="echo new"), whenRunning="wait")
    before = len(git.writes())
    with git.engine() as engine:
        (action,) = engine.plan().actions
        with pytest.raises(StoppedError):
            git.applier(engine).apply(action, stopped=lambda: True)
    assert len(git.writes()) == before
