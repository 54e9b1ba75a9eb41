"""Write-only fields: their digests are kept in tags, and they are planned when Git changes them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flow_helpers import RETRY, Git, body, kinds, paths, rich, statuses, step

from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER

TOKEN_PATH = ("steps", "one", "repository", "token")
HIDING = ["token-masked", "token-omitted", "token-null", "token-empty"]

hiding = pytest.mark.parametrize("profile", HIDING)


def _with_token(value: str | None = "first", name: str = "flow", **fields: Any) -> dict[str, Any]:
    repository = {"url": "https://example.com/r", "branch": "main"}
    if value is not None:
        repository["token"] = value
    return body(name, steps={"one": step(repository=repository)}, **fields)


def _sent_token(git: Git, name: str = "flow") -> str | None:
    token: str | None = git.stored(name)["steps"]["one"]["repository"].get("token")
    return token


def _own_tags(git: Git, name: str = "flow") -> list[str]:
    """Return the names of our tags, without the mark that is another one after each write."""
    tags = [tag["name"] for tag in git.stored(name).get("tags", []) if tag["name"].startswith("reconciler-")]
    names = [re.sub(r"(?<=sent-)0[a-z2-7]{7,13}-?", "", tag) for tag in tags]
    return [tag for tag in names if tag != "reconciler-sent-"]


@hiding
@pytest.mark.parametrize("rest", [frozenset(), ALL_PROFILES_TOGETHER - {"token-masked"}], ids=["only", "all"])
def test_a_changed_token_is_planned(git: Git, profile: str, rest: frozenset[str]) -> None:
    """A token that Git changes is planned as that one field, although the tenant does not return it."""
    git.server.profile = rest | {profile}
    git.write(_with_token())
    git.done()
    git.write(_with_token("second"))
    (change,) = git.action().changes
    assert (change.path, change.sensitive) == (TOKEN_PATH, True)
    git.done()
    assert _sent_token(git) == "second"


@hiding
def test_a_token_taken_away_and_given_back(git: Git, profile: str) -> None:
    """A token that Git removes is removed; given back, it is planned again."""
    git.server.profile = frozenset({profile})
    git.write(_with_token())
    git.done()
    for token in (None, "second", None, "third"):
        git.write(_with_token(token))
        assert paths(git.action()) == [TOKEN_PATH]
        git.done()
        assert _sent_token(git) == token


@hiding
def test_a_first_token(git: Git, profile: str) -> None:
    """In a tenant that is known not to return tokens, one that Git adds to a repository is planned."""
    git.server.profile = frozenset({profile})
    git.write(_with_token(), "flow.yaml")
    git.done()
    git.write(_with_token(None, "other"), "other.yaml")
    git.done()
    git.write(_with_token("second", "other"), "other.yaml")
    assert [paths(action) for action in git.plan().actions] == [[], [TOKEN_PATH]]
    git.done()
    assert _sent_token(git, "other") == "second"


@hiding
def test_a_token_is_kept_over_other_updates(git: Git, profile: str) -> None:
    """No update of something else, of either method, loses a token that the tenant does not return."""
    git.server.profile = frozenset({profile})
    git.write(_with_token(tags=[{"name": "a"}]))
    git.done()
    for tags in ([{"name": "a"}, {"name": "b"}], [{"name": "b"}], []):
        git.write(_with_token(tags=tags))
        assert paths(git.action()) == [("tags",)]
        git.done()
        assert _sent_token(git) == "first"


@hiding
@pytest.mark.parametrize("remember", [True, False])
def test_a_token_of_a_new_repository(git: Git, profile: str, remember: bool) -> None:
    """Where Git adds a whole repository, its token is planned with it: nothing can be live there yet."""
    git.server.profile = frozenset({profile})
    git.choose(remember=remember)
    git.write(body())
    git.done()
    git.write(_with_token())
    assert paths(git.action()) == [("steps", "one", "repository", key) for key in ("branch", "token", "url")]
    git.done()
    assert _sent_token(git) == "first"


@pytest.mark.parametrize("profile", ["token-masked", "token-omitted"])
def test_somebody_elses_workflow_is_unchanged(git: Git, profile: str) -> None:
    """A masked or missing token alone is no difference: a note says what cannot be seen, and how to send it.

    Also not when the tenant returns other secrets, those of an http step's `auth`.
    """
    git.server.profile = frozenset({profile})
    theirs = _with_token()
    auth = {"type": "basic", "username": "robot", "password": "robot-password"}
    theirs["steps"]["call"] = {"type": "http", "method": "get", "url": "https://e.example", "auth": auth}
    git.server.store.create(theirs)
    git.write(theirs)
    git.is_clean()
    (note,) = git.action().notes
    assert "steps.one.repository.token" in note
    assert "--resend-secrets" in note
    assert "first" not in note


@pytest.mark.parametrize("profile", HIDING)
def test_resend_secrets(git: Git, profile: str) -> None:
    """`--resend-secrets` sends what cannot be seen; then it is remembered, and a change is planned."""
    git.server.profile = frozenset({profile})
    git.server.store.create(_with_token("theirs"))
    git.write(_with_token())
    git.is_clean()
    git.choose(resend_secrets=True)
    assert paths(git.action()) == [TOKEN_PATH]
    git.apply()
    assert _sent_token(git) == "first"
    git.choose()
    git.is_clean()
    assert git.action().notes == ()
    git.write(_with_token("second"))
    assert paths(git.action()) == [TOKEN_PATH]


@hiding
def test_no_remember(git: Git, profile: str) -> None:
    """With `--no-remember` no tag is written; the plan notes what it cannot see, and resending sends it."""
    git.server.profile = frozenset({profile})
    git.choose(remember=False)
    git.write(_with_token())
    git.done()
    assert "tags" not in git.stored()
    git.write(_with_token("second"))
    git.is_clean()
    assert "steps.one.repository.token" in git.action().notes[0]
    git.choose(remember=False, resend_secrets=True)
    assert statuses(git.apply()) == {"flow": "done"}
    assert (_sent_token(git), _own_tags(git)) == ("second", [])


def test_forgetting(git: Git) -> None:
    """`--no-remember` after a time with memory takes the tags away with the next update."""
    git.server.profile = frozenset({"token-omitted"})
    git.write(_with_token())
    git.done()
    assert _own_tags(git)
    git.choose(remember=False)
    git.write({**_with_token(), "tags": [{"name": "a"}]})
    git.done()
    assert git.stored()["tags"] == [{"name": "a"}]


@pytest.mark.parametrize("value", [True, False])
def test_hidden_metadata(git: Git, value: bool) -> None:
    """Metadata that the tenant hides: created, clean, a change planned, its removal, too, if it is one."""
    git.server.profile = frozenset({"metadata-hidden"})
    path = ("metadata", "allowConcurrentExecution")
    git.write(body(metadata={"allowConcurrentExecution": value}))
    git.done()
    git.write(body(metadata={"allowConcurrentExecution": not value}))
    assert paths(git.action()) == [path]
    git.done()
    assert git.stored()["metadata"] == {"allowConcurrentExecution": not value}
    git.write(body())
    assert paths(git.action()) == ([] if value else [path]), "false is as good as nothing"
    git.done()
    assert git.stored().get("metadata") == ({"allowConcurrentExecution": False} if value else None)
    assert _own_tags(git) == []


def test_hidden_metadata_given_later(git: Git) -> None:
    """Metadata that Git adds to a workflow that never had any is planned, also where it is hidden."""
    git.server.profile = frozenset({"metadata-hidden"})
    git.write(body())
    git.done()
    git.write(body(metadata={"allowConcurrentExecution": True}))
    assert paths(git.action()) == [("metadata", "allowConcurrentExecution")]
    git.done()
    assert git.stored()["metadata"] == {"allowConcurrentExecution": True}


def test_hidden_retry_options(git: Git) -> None:
    """Hidden `retryOptions`: a change is planned as one field, their removal as all, and each is done."""
    git.server.profile = frozenset({"retry-hidden"})
    git.write(body(retryOptions=RETRY))
    git.done()
    git.write(body(retryOptions={**RETRY, "duration": 7}))
    assert paths(git.action()) == [("retryOptions", "duration")]
    git.done()
    assert git.stored()["retryOptions"]["duration"] == 7
    git.write(body())
    assert sorted(paths(git.action())) == [("retryOptions", key) for key in sorted(RETRY)]
    git.done()
    assert "retryOptions" not in git.stored()


@pytest.mark.parametrize("profile", ["metadata-hidden", "retry-hidden"])
def test_hidden_fields_survive_a_patch(git: Git, profile: str) -> None:
    """An update of something else sends hidden fields as Git states them: nothing is lost."""
    manifest = rich()
    git.server.profile = frozenset({profile})
    git.write(manifest)
    git.done()
    git.write(rich(tags=[*manifest["tags"], {"name": "green"}]))
    assert paths(git.action()) == [("tags",)]
    git.done()
    stored = git.stored("rich")
    assert (stored["metadata"], stored["retryOptions"]) == (manifest["metadata"], RETRY)


def test_tags_of_our_own(git: Git) -> None:
    """The reconciler's tags are no difference and never lost; a user's tags come and go next to them."""
    git.server.profile = frozenset({"token-omitted", "metadata-hidden"})
    manifest = _with_token(metadata={"allowConcurrentExecution": True}, tags=[{"name": "a"}])
    git.write(manifest)
    git.done()
    own = _own_tags(git)
    assert own
    assert all(re.fullmatch(r"reconciler-sent-[a-z2-7-]{12,62}", tag) for tag in own)
    for tags in ([{"name": "b"}, {"name": "a"}], [{"name": "b"}], []):
        git.write({**manifest, "tags": tags})
        action = git.action()
        assert paths(action) == [("tags",)]
        assert "reconciler-" not in str([(change.before, change.after) for change in action.changes])
        git.done()
        assert _own_tags(git) == own
    git.write({**manifest, "tags": []}, ignore=["tags"])
    git.done()
    git.write(
        {**manifest, "steps": {"one": {**manifest["steps"]["one"], "command": "echo 2"}}}, ignore=["tags"]
    )
    git.done()
    assert _own_tags(git) == own


def test_other_tags_of_ours_are_kept(git: Git) -> None:
    """A tag with our prefix that is neither a digest nor an owner stays over every update."""
    git.server.store.create(body(tags=[{"name": "reconciler-other"}, {"name": "red"}]))
    git.write(body(tags=[{"name": "red"}]))
    git.is_clean()
    for manifest in (body(command="echo 2"), body(steps={"two": step()}, tags=[{"name": "x"}])):
        git.write(manifest)
        git.done()
        assert _own_tags(git) == ["reconciler-other"]


def test_a_lost_tag_is_healed(git: Git) -> None:
    """When somebody removes our tags, hidden fields are planned once and remembered again."""
    git.server.profile = frozenset({"metadata-hidden", "token-omitted"})
    manifest = _with_token(metadata={"allowConcurrentExecution": True})
    git.write(manifest)
    git.done()
    own = _own_tags(git)
    git.server.store.replace(git.live(), {**git.stored(), "tags": []})
    assert kinds(git.plan()) == {"flow": "update"}
    git.done()
    assert _own_tags(git) == own


def test_tags_that_are_no_digests(git: Git) -> None:
    """Tags that look like a memory and are none do no harm, whoever put them there."""
    names = [
        "reconciler-sent-",
        "reconciler-sent-zzz",
        "reconciler-sent-" + "a" * 500,
        "reconciler-sent-\n-\x00",
    ]
    git.server.profile = frozenset({"token-omitted", "metadata-hidden"})
    git.server.store.create(body(tags=[{"name": name} for name in names]))
    git.write(body())
    git.is_clean()
    git.write(body(command="echo 2"))
    git.done()


def test_the_digests_reveal_nothing(git: Git) -> None:
    """Equal tokens of two workflows have different digests, and another key makes others still."""
    git.server.profile = frozenset({"token-omitted"})
    git.write(_with_token(name="a"), "a.yaml")
    git.write(_with_token(name="b"), "b.yaml")
    git.done()
    first = {name: _own_tags(git, name) for name in "ab"}
    assert first["a"] != first["b"]
    git.env["RECONCILER_REMEMBER_KEY"] = "a key of our own"
    git.choose(resend_secrets=True)
    git.apply()
    git.choose()
    git.is_clean()
    assert {name: _own_tags(git, name) for name in "ab"} != first


def test_a_rename_keeps_the_digests(git: Git) -> None:
    """The digests are made again for a new name: the plan is empty, and changes still show."""
    git.server.profile = frozenset({"token-masked", "metadata-hidden"})
    metadata = {"allowConcurrentExecution": True}
    git.write(_with_token(name="old", metadata=metadata))
    git.done()
    git.write(_with_token(name="new", metadata=metadata), renamedFrom=["old"])
    assert paths(git.action()) == [("name",)]
    git.done()
    git.write(_with_token("second", name="new", metadata=metadata))
    assert paths(git.action()) == [TOKEN_PATH]
    git.done()


def test_a_platform_that_keeps_no_tags(git: Git) -> None:
    """Where tags are not kept, memory cannot work: apply ends, and says what the next plan will show."""
    git.server.profile = frozenset({"metadata-hidden"})
    replace, create = git.server.store.replace, git.server.store.create

    def forgetful_replace(workflow_id: int, sent: dict[str, Any], **options: Any) -> None:
        replace(workflow_id, {**sent, "tags": []}, **options)

    def forgetful_create(sent: dict[str, Any], **options: Any) -> int:
        return create({**sent, "tags": []}, **options)

    git.server.store.replace = forgetful_replace  # type: ignore[method-assign]
    git.server.store.create = forgetful_create  # type: ignore[method-assign]
    git.write(body(metadata={"allowConcurrentExecution": True}))
    (result,) = git.apply().results
    assert result.status.value == "done"
    assert "does not keep the tags that say what was sent" in result.notes[0]
    assert kinds(git.plan()) == {"flow": "update"}


def test_a_masked_token_that_the_manifest_leaves_out(git: Git) -> None:
    """An update that would remove a masked token of somebody else's warns of it and names it."""
    git.server.profile = frozenset({"token-masked"})
    git.server.store.create(_with_token("theirs"))
    git.write(_with_token(None))
    git.is_clean()
    git.write({**_with_token(None), "tags": [{"name": "a"}]})
    (warning,) = git.action().warnings
    assert "the live workflow has steps.one.repository.token" in warning


@hiding
def test_a_token_that_is_sent_along_is_listed(git: Git, profile: str) -> None:
    """What an update sends without knowing the live value is among the plan's changes, with a warning."""
    git.client.create_workflow(_with_token("somebody-elses"))
    git.server.profile = frozenset({profile})
    git.write({**_with_token("ours"), "tags": [{"name": "new"}]})
    action = git.action()
    assert paths(action) == [("tags",), TOKEN_PATH]
    assert (
        "the API does not return the live value of steps.one.repository.token; the value in Git replaces it"
        in action.warnings[0]
    )
    git.done()
    assert _sent_token(git) == "ours"


def test_another_key_is_reported(git: Git) -> None:
    """With another key nothing that was remembered can be read: the plan says so, and sends it once more."""
    git.server.profile = frozenset({"token-masked"})
    git.env["RECONCILER_REMEMBER_KEY"] = "the first key"
    git.write(_with_token())
    git.done()
    git.env["RECONCILER_REMEMBER_KEY"] = "the second key"
    git.write(_with_token("rotated"))
    action = git.action()
    assert paths(action) == [TOKEN_PATH]
    assert "made with another RECONCILER_REMEMBER_KEY" in action.warnings[-1]
    git.done()
    assert _sent_token(git) == "rotated"


@pytest.mark.parametrize("profile", ["retry-hidden", "retry-hidden,step-retry-hidden", "step-retry-hidden"])
def test_a_step_that_loses_its_own_retry_options_is_the_only_change(git: Git, profile: str) -> None:
    """Of the workflow's options and of other steps, which read back as before, nothing is planned."""
    git.server.profile = frozenset(profile.split(","))
    own = {"runConfiguration": {"retryOptions": {"numberOfRetries": 5}}}
    shared = {"retryOptions": {"numberOfRetries": 1}}
    git.write(body(steps={"a": step(), "b": step(**own)}, **shared))
    git.done()
    git.write(body(steps={"a": step(), "b": step()}, **shared))
    assert paths(git.action()) == [("steps", "b", "runConfiguration", "retryOptions", "numberOfRetries")]
    git.done()
    assert "runConfiguration" not in git.stored()["steps"]["b"]
    assert git.stored()["retryOptions"] == {"numberOfRetries": 1}


@pytest.mark.parametrize("limit", ["tag-length-refused", "tag-count-refused=2"])
def test_digests_within_the_limits_of_tags(git: Git, limit: str) -> None:
    """Digest tags that are refused are written shorter; where none fits, a note says so."""
    git.server.profile = frozenset({"retry-hidden", limit})
    git.write(
        body(tags=[{"name": "red"}, {"name": "blue"}], retryOptions={"duration": 9, "numberOfRetries": 1})
    )
    (result,) = git.apply().results
    assert result.error == ""
    kept = [tag["name"] for tag in git.stored()["tags"] if tag["name"].startswith("reconciler-sent-")]
    if limit == "tag-length-refused":
        assert (len(kept), result.notes) == (3, ())
        assert max(map(len, kept)) <= 30
        git.is_clean()
    else:
        assert kept == []
        assert "does not keep the tags that say what was sent" in " ".join(result.notes)
