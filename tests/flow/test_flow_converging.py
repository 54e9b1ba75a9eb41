"""Values that a platform keeps in another form: written twice at most, then known, or said and left alone."""

from __future__ import annotations

import functools
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from bent_bodies import BENDS, bend_bodies
from flow_helpers import Git, body, kinds, paths, rich, run, step
from spellings import EQUAL

from reconciler.apply import Status
from reconciler.schema import is_valid

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.emulator.server import EmulatorServer

    Bend = Callable[[dict[str, Any]], object]

COMMAND = ("steps", "one", "command")
_OWN_RETRIES = {"runConfiguration": {"retryOptions": {"duration": 9}}}


def _upper(sent: dict[str, Any]) -> None:
    sent["steps"]["one"]["command"] = sent["steps"]["one"]["command"].upper()


_VALID = sorted(name for name, (first, *_) in EQUAL.items() if is_valid(first, "workflow"))
"""What can be written in more than one way, where the first of them is one for Git."""


def _written(git: Git) -> list[dict[str, Any]]:
    """Return the bodies of all writes so far."""
    return [request.body for request in git.writes() if request.body]


@pytest.mark.parametrize(("bend", "field"), BENDS.values(), ids=BENDS)
def test_a_value_in_another_form_is_written_twice_and_then_in_sync(
    git: Git, server: EmulatorServer, bend: Bend, field: str
) -> None:
    """The apply is done and says so; later plans have a note, and no later apply writes the value again."""
    bend_bodies(server, bend)
    git.write(rich())
    (result,) = git.apply().results
    assert (result.status, result.error) == (Status.DONE, "")
    assert f"{field} reads back as" in " ".join(result.notes) or not field
    assert len(git.writes()) == 2
    for _ in range(2):
        git.done()
        (note,) = git.action().notes or ("",)
        assert (field in note, "another value than was sent" in note) == (True, bool(field))
    assert len(git.writes()) == 2
    git.write(rich(steps={**rich()["steps"], "more": step()}))
    assert paths(git.action()) == [("steps", "more")]
    git.done()
    assert len(git.writes()) == 3


def test_a_change_of_either_side_is_seen(git: Git, server: EmulatorServer) -> None:
    """Changed in Git, or by hand, a value that the platform keeps in its own form is planned and written."""
    bend_bodies(server, _upper)
    git.write(body(command="first"))
    git.done()
    git.write(body(command="second"))
    assert paths(git.action()) == [COMMAND]
    git.done()
    assert git.stored()["steps"]["one"]["command"] == "SECOND"
    stored = server.store.get(git.live())
    by_hand = {**stored.body, "steps": {"one": step("by hand")}}
    server.store.replace(git.live(), by_hand)
    (change,) = git.action().changes
    assert (change.path, change.before, change.after) == (COMMAND, "BY HAND", "second")
    git.done()
    assert git.stored()["steps"]["one"]["command"] == "SECOND"


@pytest.mark.parametrize(
    ("hidden", "removed", "shown"),
    [
        ("stepTimeout", ("steps", "load", "stepTimeout"), ("steps", "load", "stepTimeout")),
        ("outputParameters", ("steps", "load", "outputParameters", "rows"), ("(not returned)",)),
        ("watchers", ("watchers",), ("(not returned)",)),
    ],
)
def test_a_field_that_is_not_returned_and_goes(
    git: Git, server: EmulatorServer, hidden: str, removed: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    """Removed in Git, a field that never reads back is planned and removed, once."""
    server.profile = frozenset({f"hidden={hidden}"})
    git.write(rich())
    git.done()
    changed = rich()
    *above, last = removed
    functools.reduce(dict.__getitem__, above, changed).pop(last)
    git.write(changed)
    assert shown in paths(git.action())
    git.done()
    assert not functools.reduce(lambda value, key: value.get(key, {}), removed, git.stored("rich"))
    writes = len(git.writes())
    git.done()
    assert len(git.writes()) == writes


@pytest.mark.parametrize(
    ("field", "ours", "others"),
    [
        ("command", "echo new", "echo new there"),
        ("command", "echo new", "by hand"),
        ("stepTimeout", 3600, 3601),
        ("clearImageCache", True, False),
        ("parents", ["two"], ["two", "three"]),
    ],
    ids=["a text like it", "another text", "a close number", "a boolean", "a list"],
)
def test_a_value_of_another_write_is_not_overwritten(
    git: Git, server: EmulatorServer, field: str, ours: Any, others: Any
) -> None:
    """Another write right after ours stays, however like it; the apply fails, and the next plan shows it."""
    git.owned_by("team", prune=False)
    steps = {"one": step(), "two": step(), "three": step()}
    git.write(body(steps=steps))
    git.done()
    git.write(body(steps={**steps, "one": {**step(), field: ours}}))
    writes = iter([True])

    def once(sent: dict[str, Any]) -> None:
        if next(writes, False):
            sent["steps"]["one"][field] = others
            sent["tags"] = [{"name": "reconciler-owner-team"}, {"name": "reconciler-sent-0another"}]

    bend_bodies(server, once)
    before = len(git.writes())
    (result,) = git.apply().results
    assert result.status is Status.FAILED
    assert f"steps.one.{field} reads back as" in result.error
    assert "The other write stays" in result.error
    assert len(git.writes()) == before + 1
    assert paths(git.action()) == [("steps", "one", field)]
    git.done()


def test_a_form_unlike_what_was_sent_is_known_at_once(git: Git, server: EmulatorServer) -> None:
    """The mark of an update proves that its read-back is the platform's form: two writes, no failure."""
    git.owned_by("team", prune=False)
    git.write(body(command="first"))
    git.done()
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(command="sh -c main"))
    git.write(body(command="second"))
    writes = len(git.writes())
    git.done()
    assert len(git.writes()) == writes + 2


def test_marks_are_no_difference(git: Git) -> None:
    """Each write of an owned workflow has a mark of its own, and the next plan is empty."""
    git.owned_by("team", prune=False)
    marks = set()
    for command in ("echo 1", "echo 2", "echo 3"):
        git.write(body(command=command))
        git.done()
        owner, mark = (tag["name"] for tag in git.stored()["tags"])
        assert owner == "reconciler-owner-team"
        assert re.fullmatch("reconciler-sent-0[a-z2-7]{13}", mark)
        marks.add(mark)
    assert len(marks) == 3
    writes = len(git.writes())
    git.done()
    assert len(git.writes()) == writes


@pytest.mark.parametrize("choice", ["no owner", "no digests"])
def test_no_mark(git: Git, choice: str) -> None:
    """Without an owner a body has no tag of ours, and without digests nothing is ever taken for a form."""
    if choice == "no digests":
        git.owned_by("team", prune=False)
        git.choose(remember=False)
    git.write(body())
    git.done()
    owned = [{"name": "reconciler-owner-team"}] if choice == "no digests" else []
    assert git.stored().get("tags", []) == owned


@pytest.mark.parametrize("limit", ["tag-count-refused=2", "tag-count-cut=2"])
def test_a_mark_that_does_not_fit(git: Git, server: EmulatorServer, limit: str) -> None:
    """Where the mark is one tag too many, the likeness of values decides, and that is said once."""
    git.owned_by("team", prune=False)
    server.profile = frozenset({limit})
    for name in ("a", "b"):
        git.write(body(name, tags=[{"name": "red"}]), f"{name}.yaml")
    git.done()
    bend_bodies(server, _upper)
    for name in ("a", "b"):
        git.write(body(name, "echo new", tags=[{"name": "red"}]), f"{name}.yaml")
    notes = [note for result in git.apply().results for note in result.notes]
    assert sum("does not keep the mark" in note for note in notes) == 1
    assert git.stored("a")["steps"]["one"]["command"] == "ECHO NEW"


def test_another_write_without_marks_is_overwritten_with_a_word(git: Git, server: EmulatorServer) -> None:
    """Where nothing shows whose a value is, and another one was overwritten, the apply fails and says so."""
    others = iter([True])

    def once(sent: dict[str, Any]) -> None:
        if next(others, False):
            sent["steps"]["one"]["command"] = "by hand"

    bend_bodies(server, once)
    git.write(body(command="echo hi"))
    (result,) = git.apply().results
    assert result.status is Status.FAILED
    assert 'was overwritten: steps.one.command reads back as "by hand", not "echo hi"' in result.error
    assert git.stored()["steps"]["one"]["command"] == "echo hi"
    (tag,) = git.stored()["tags"]
    assert re.fullmatch("reconciler-sent-0[a-z2-7]{13}", tag["name"]), "no digest of the other value is kept"
    git.is_clean()


def test_a_value_that_the_platform_ignores_is_not_converging(git: Git, server: EmulatorServer) -> None:
    """An update that changes nothing fails, with both values, and is not sent again until a side changes."""
    git.write(body(command="old"))
    git.done()
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(command="old"))
    git.write(body(command="new"))
    (result,) = git.apply().results
    assert result.status is Status.FAILED
    assert (
        'not converging: after two writes, steps.one.command reads back as "old", not "new"' in result.error
    )
    writes = len(git.writes())
    assert writes == 3
    for _ in range(2):
        assert kinds(git.plan()) == {"flow": "blocked"}
        assert 'steps.one.command reads back as "old", not "new"' in git.action().reason
        git.apply()
    assert len(git.writes()) == writes
    git.write(body(command="newer"))
    assert kinds(git.plan()) == {"flow": "update"}
    git.write(body(command="old"))
    git.is_clean()


def test_a_value_that_reads_back_otherwise_each_time_is_not_converging(
    git: Git, server: EmulatorServer
) -> None:
    """A field that never settles is sent twice, named, and not sent again until Git changes."""
    numbers = iter(range(1000))
    bend_bodies(server, lambda sent: sent["steps"]["one"].update(command=f"build {next(numbers)}"))
    git.write(body(command="wanted"))
    for attempt in range(3):
        (result,) = git.apply().results
        assert result.status is (Status.BLOCKED if attempt else Status.FAILED)
        assert "it is not converging" in result.error
        assert 'steps.one.command reads back as "build' in result.error
        assert ', not "wanted"' in result.error
    sent = [written["steps"]["one"]["command"] for written in _written(git)]
    assert sent.count("wanted") == 2
    git.write(body(command="else"))
    assert kinds(git.plan()) == {"flow": "update"}


def test_a_step_of_the_platform_s_own_is_not_converging(git: Git, server: EmulatorServer) -> None:
    """A whole step that comes with every write is never taken for a form of what was sent."""
    bend_bodies(server, lambda sent: sent["steps"].update(audit=step("audit")))
    git.write(body())
    (result,) = git.apply().results
    assert result.status is Status.FAILED
    assert "steps.audit reads back as a map, not nothing" in result.error
    assert kinds(git.plan()) == {"flow": "blocked"}


def test_no_value_shows_in_notes_and_tags(git: Git, server: EmulatorServer) -> None:
    """Neither what was sent for a secret nor what reads back is in a note, a plan or a tag."""
    bend_bodies(server, lambda sent: sent["steps"]["one"]["parameters"]["env"].update(KEY="canary-back"))
    git.env["KEY"] = "canary-sent"
    git.write("body:\n  name: flow\n  steps:\n    one:\n      parameters: {env: {KEY: !env KEY}}\n")
    (result,) = git.apply().results
    assert "steps.one.parameters.env.KEY reads back as" in " ".join(result.notes)
    plan = run(git, "plan", "--format", "json", KEY="canary-sent")
    texts = [*result.notes, plan.stdout, plan.stderr, json.dumps(git.stored()["tags"])]
    assert [text for text in texts if "canary" in text] == []
    assert json.loads(plan.stdout)["notes"]


def test_digests_of_another_key_say_nothing(git: Git, server: EmulatorServer) -> None:
    """Without the key, the value is sent once more: the digests are keyed."""
    bend_bodies(server, _upper)
    git.write(body())
    git.done()
    git.env["RECONCILER_REMEMBER_KEY"] = "another"
    assert paths(git.action()) == [COMMAND]
    git.done()


def test_where_tags_are_not_kept_it_says_so(git: Git) -> None:
    """A platform that hides tags keeps no digests: the apply is done, and says what the next plan shows."""
    git.server.profile = frozenset({"tags-hidden", "text-escaped"})
    git.write(body(command="a && b"))
    (result,) = git.apply().results
    assert result.status is Status.DONE
    assert "does not keep the tags that say what was sent" in result.notes[-1]
    assert len(git.writes()) == 2


@pytest.mark.parametrize("refuses", [True, False])
def test_a_server_that_merges_gets_explicit_empties(
    git: Git, server: EmulatorServer, *, refuses: bool
) -> None:
    """What stays although Git removed it is sent as empty; where that is refused, it is known as it is."""
    git.write(rich())
    git.done()
    server.profile = frozenset({"put-merges-deep"})
    if refuses:
        server.add_fault("400:+1:x1@PUT")
    changed = rich()
    del changed["steps"]["load"]["stepTimeout"], changed["watchers"]
    git.write(changed)
    git.done()
    stored = git.stored("rich")
    assert ("stepTimeout" in stored["steps"]["load"], bool(stored.get("watchers"))) == (refuses, refuses)


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        ("put-merges-deep", {}),
        ("put-merges-deep+retry-spread", {}),
        ("put-merges-deep", {**_OWN_RETRIES, "resources": {"instanceTypeId": 1, "storage": "10GB"}}),
        ("put-merges-deep", _OWN_RETRIES),
    ],
    ids=[
        "retry options of the workflow",
        "the same, spread",
        "default resources",
        "retry options of its own",
    ],
)
def test_a_step_that_goes_is_removed_where_the_server_merges(
    git: Git, server: EmulatorServer, profile: str, fields: dict[str, Any]
) -> None:
    """The second write removes it, also if it has the workflow's retry options or the default resources."""
    server.profile = frozenset(profile.split("+"))
    git.write(body(retryOptions={"duration": 7}, steps={"one": step(), "two": step(**fields)}))
    git.done()
    git.write(body(retryOptions={"duration": 8}))
    git.done()
    assert list(git.stored()["steps"]) == ["one"]
    assert len(git.writes()) == 3


@pytest.mark.parametrize("refuses", [False, True])
def test_a_step_of_another_type_where_the_server_merges(
    git: Git, server: EmulatorServer, *, refuses: bool
) -> None:
    """What belongs to the former type of a step is removed; where that is refused, a note names it."""
    server.profile = frozenset({"put-merges-deep"})
    git.write(body())
    git.done()
    http = {"type": "http", "method": "get", "url": "https://example.com"}
    git.write(body(steps={"one": http}))
    if refuses:
        server.add_fault("400:+1:x1@PUT")
    before = len(git.writes())
    (result,) = git.done().results
    kept = sorted(set(git.stored()["steps"]["one"]) - set(http))
    assert kept == (["command", "imageId", "imageVersionId"] if refuses else [])
    notes = " ".join(result.notes)
    assert all(f"steps.one.{key}" in notes for key in kept)
    assert ("former type" in notes) == refuses
    assert len([request for request in git.writes()[before:] if request.status == HTTPStatus.OK]) <= 2
    git.is_clean()


def test_a_token_that_goes_is_removed_where_the_server_merges(git: Git, server: EmulatorServer) -> None:
    """A token that Git no longer states, and that still reads back, is removed by the second write."""
    server.profile = frozenset({"put-merges-deep"})
    repository = {"url": "https://github.com/example/app", "branch": "main"}
    git.write(body(steps={"one": step(repository={**repository, "token": "vault-name"})}))
    git.done()
    git.write(body(steps={"one": step(repository=repository)}))
    git.done()
    assert git.stored()["steps"]["one"]["repository"] == repository


def test_whole_numbers_are_sent_as_integers(git: Git, server: EmulatorServer) -> None:
    """Where the platform returns floats and takes integers only, no patch and no manifest is refused."""
    server.profile = frozenset({"floats", "integers-only"})
    git.write(body(steps={"one": step(stepTimeout=60.0)}))
    git.done()
    git.write({"patch": {"name": "flow", "set": {"command": "new"}}})
    git.done()
    assert git.stored()["steps"]["one"] == step("new", stepTimeout=60)


@pytest.mark.parametrize("what", _VALID)
def test_a_spelling_of_the_platform_s_own_is_written_once(
    git: Git, server: EmulatorServer, what: str
) -> None:
    """Whichever spelling of what Git wants the platform stores: one write, and nothing to say about it."""
    wanted, *others = EQUAL[what]
    spelled = {f"w{number}": stored for number, stored in enumerate(others)}
    for name in spelled:
        git.write({**wanted, "name": name}, f"{name}.json")
    bend_bodies(server, lambda sent: sent.update(spelled[sent["name"]], name=sent["name"]))
    report = git.done()
    assert [result.notes for result in report.results] == [()] * len(others)
    assert len(git.writes()) == len(others)


def test_an_ownership_tag_with_capitals_is_the_one_without(git: Git, server: EmulatorServer) -> None:
    """Where tags come back in lower case, the owner is still the owner, also with the tag of another day."""
    server.profile = frozenset({"tags-lower"})
    server.store.create(body(tags=[{"name": "reconciler-owner-Team-A"}]))
    git.choose(owner="Team-A")
    git.write(body(tags=[{"name": "Finance"}]))
    git.done()
    assert len(git.writes()) == 1
    assert sorted(git.tag_names()) == ["finance", "reconciler-owner-team-a"]
    git.choose(owner="team-a")
    git.is_clean()
