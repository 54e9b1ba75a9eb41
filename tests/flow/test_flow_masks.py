"""A value that the platform masks is never written back: by a patch, an ignored field, or a rollback."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Git, body, process_env, run, step
from processes import forked_command
from strategies import DEPTH

from reconciler.errors import InvalidParameterException
from reconciler.plan import Blocked, Method, Unchanged, Update
from reconciler.values import dump_compact

if TYPE_CHECKING:
    from pathlib import Path

import subprocess

LIVE: dict[str, Any] = body(
    watchers=[
        {"webhook": {"name": "chat", "url": "https://chat.example.com/x/y", "payload": "{}"}, "events": {}}
    ],
    steps={
        "one": step(
            repository={"url": "https://example.com/r", "branch": "main", "token": "vault-name"},
            parameters={"env": {"CITY": "Oslo", "DB_PASSWORD": "vault-entry"}},
        ),
        "call": {
            "type": "http",
            "method": "get",
            "url": "https://example.com/call",
            "headers": {"absolute": {"X-Team": "blue"}, "secrets": {"Authorization": "vault-header"}},
            "auth": {"type": "basic", "username": "robot", "password": "vault-password"},
        },
    },
)

MASKS: dict[str, list[str]] = {
    "token-masked": ["steps.one.repository.token"],
    "auth-masked": ["steps.call.auth.password"],
    "headers-masked": ["steps.call.headers.absolute.X-Team", "steps.call.headers.secrets.Authorization"],
    "env-masked": ["steps.one.parameters.env.CITY", "steps.one.parameters.env.DB_PASSWORD"],
    "env-secrets-masked": ["steps.one.parameters.env.DB_PASSWORD"],
    "watchers-masked": ["watchers.webhook:chat.webhook.url"],
}
"""What each switch masks in `LIVE`."""

PATCH = {"patch": {"name": "flow", "stepNames": ["one"], "set": {"command": "echo new"}}}


def _put_live(git: Git, switch: str) -> str:
    git.server.store.create(copy.deepcopy(LIVE))
    git.server.profile = frozenset({switch})
    return switch


@pytest.fixture(params=sorted(MASKS))
def masked(request: pytest.FixtureRequest, git: Git) -> str:
    """Return a switch that masks, in force on a tenant with the workflow `LIVE`."""
    return _put_live(git, request.param)


@pytest.fixture(params=sorted(set(MASKS) - {"watchers-masked"}))
def left_out(request: pytest.FixtureRequest, git: Git) -> list[str]:
    """Return the paths that are masked in `LIVE`, of fields that a manifest can leave out."""
    return MASKS[_put_live(git, request.param)]


def _unchanged(git: Git) -> bool:
    return git.stored() == LIVE and git.writes() == []


def _is_stored(git: Git, manifest: dict[str, Any]) -> bool:
    """Return whether the steps and watchers of `manifest` are what is stored."""
    return all(git.stored()[key] == manifest[key] for key in ("steps", "watchers"))


def test_patch_that_would_lose_a_masked_value_is_blocked(git: Git, masked: str) -> None:
    """The plan names every masked field and what to do, and nothing is written."""
    git.write(PATCH)
    action = git.action()
    assert isinstance(action, Blocked)
    assert action.reason.startswith(f"the platform masks {', '.join(MASKS[masked])}, and any update")
    assert action.reason.endswith("state it in the patch as well")
    git.apply()
    assert _unchanged(git)


def test_patch_that_changes_nothing_is_in_sync(git: Git, masked: str) -> None:
    """Masks elsewhere in the workflow are no reason to block a patch that has nothing to write."""
    git.write({"patch": {"name": "flow", "stepNames": ["one"], "set": {"command": "echo hi"}}})
    git.is_clean()
    assert _unchanged(git), masked


def test_patch_that_states_the_masked_values_is_applied(git: Git, masked: str) -> None:
    """With the values in the patch, the change alone is stored."""
    stated = copy.deepcopy(LIVE)
    stated["steps"]["one"]["command"] = "echo new"
    git.write({"patch": {"name": "flow", "body": stated}})
    git.apply()
    assert _is_stored(git, stated), masked


def test_ignored_masked_value_is_blocked(git: Git, left_out: list[str]) -> None:
    """A field left to others that only the platform knows the value of blocks the update that needs it."""
    git.write(_without(left_out), ignore=left_out)
    action = git.action()
    assert isinstance(action, Blocked)
    assert action.reason.startswith(f"the platform masks {', '.join(left_out)}, and any update")
    assert action.reason.endswith("state it in the body as well")
    git.apply()
    assert _unchanged(git)


def test_ignored_watcher_with_a_masked_url_is_blocked(git: Git) -> None:
    """A whole watcher left to others cannot be sent back without its URL."""
    _put_live(git, "watchers-masked")
    manifest = {**_without([]), "watchers": []}
    git.write(manifest, ignore=["watchers"])
    assert "the platform masks watchers.webhook:chat.webhook.url" in git.action().reason
    git.apply()
    assert _unchanged(git)


def test_ignored_masked_value_that_git_states_is_sent(git: Git, masked: str) -> None:
    """A field left to others whose live value is masked keeps the value of the manifest in an update."""
    manifest = copy.deepcopy(LIVE)
    manifest["steps"]["one"]["command"] = "echo new"
    git.write(manifest, ignore=MASKS[masked])
    git.apply()
    assert _is_stored(git, manifest), masked


def test_replacement_says_that_it_drops_a_masked_value(git: Git, left_out: list[str]) -> None:
    """A manifest that leaves out what is masked removes it, as it says, and warns of it."""
    manifest = _without(left_out)
    git.write(manifest)
    action = git.action()
    assert isinstance(action, Update)
    assert action.method is Method.CREATE_OR_UPDATE
    assert f"the live workflow has {', '.join(left_out)}, which the manifest leaves out" in str(
        action.warnings
    )
    git.apply()
    assert _is_stored(git, manifest)


def test_client_refuses_a_patch_that_would_lose_a_masked_value(git: Git, masked: str) -> None:
    """`patch_workflow` names the fields, and sends nothing."""
    with pytest.raises(InvalidParameterException, match="the platform masks") as caught:
        git.client.patch_workflow(git.live(), command="echo new", step_names=["one"])
    assert ", ".join(MASKS[masked]) in caught.value.message
    assert _unchanged(git)


def test_rollback_never_restores_a_mask(git: Git, masked: str, tmp_path: Path) -> None:
    """A backup of masked values is restored with those of Git; without them it is blocked."""
    if DEPTH == 1 and masked != "env-masked":
        pytest.skip("slow: it is part of the long explorations")
    backups = tmp_path / "backups"
    changed = copy.deepcopy(LIVE)
    changed["steps"]["one"]["command"] = "echo new"
    git.write(changed)
    run(git, "apply", "--auto-approve", "--backup-dir", str(backups))
    assert _is_stored(git, changed), masked
    assert "***" not in dump_compact(git.stored())
    (backup,) = backups.glob("*/*.json")
    assert "***" not in backup.read_text(encoding="utf-8")
    without = _rollback(git, backups)
    assert without.returncode == 4
    assert all(path in without.stdout for path in MASKS[masked]), without.stdout
    assert _is_stored(git, changed)
    (git.folder.parent / "reconciler.yaml").write_text(f"manifests: [{git.folder.name}]\n", encoding="utf-8")
    _rollback(git, backups)
    assert _is_stored(git, LIVE)


def test_variables_as_rows_lose_nothing(git: Git) -> None:
    """`env` as `{name, value}` rows is the map: a patch keeps every variable, and nothing of it is shown."""
    _put_live(git, "env-name-value")
    git.write(copy.deepcopy(LIVE))
    assert isinstance(git.action(), Unchanged)
    git.write(PATCH)
    git.done()
    assert git.stored()["steps"]["one"]["parameters"] == LIVE["steps"]["one"]["parameters"]
    git.write(_without(["steps.one.parameters.env.DB_PASSWORD"]))
    (change,) = [found for found in git.action().changes if "DB_PASSWORD" in found.path]
    assert (change.sensitive, change.before) == (True, "(sensitive)")


def _without(left_out: list[str]) -> dict[str, Any]:
    """Return `LIVE` with another command, and without some fields of its steps."""
    manifest = copy.deepcopy(LIVE)
    manifest["steps"]["one"]["command"] = "echo new"
    for path in left_out:
        *above, last = path.split(".")
        holder: Any = manifest
        for part in above:
            holder = holder[part]
        del holder[last]
    return manifest


def _rollback(git: Git, backups: Path) -> Any:
    return subprocess.run(
        [*forked_command(), "rollback", "--auto-approve", "--backup-dir", str(backups)],
        cwd=git.folder.parent,
        env=process_env(git),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        input="",
    )


HIDDEN: dict[str, list[str]] = {
    "token-omitted": ["steps.*.repository.token"],
    "token-empty": ["steps.*.repository.token"],
    "auth-hidden": ["steps.*.auth.password"],
    "headers-hidden": ["steps.*.headers"],
    "retry-hidden+metadata-hidden": ["metadata", "retryOptions"],
    "step-retry-hidden": ["steps.*.runConfiguration.retryOptions"],
    "tags-hidden": ["tags"],
    "hidden=watchers": ["watchers"],
}
"""What each profile hides of a workflow that has it."""

WHOLE: dict[str, Any] = {
    **LIVE,
    "tags": [{"name": "red"}],
    "metadata": {"allowConcurrentExecution": True},
    "retryOptions": {"duration": 20},
    "steps": {
        **LIVE["steps"],
        "one": {
            **LIVE["steps"]["one"],
            "runConfiguration": {
                "skipConfiguration": {"skip": True},
                "retryOptions": {"numberOfRetries": 1},
            },
        },
    },
}


@pytest.mark.parametrize("profile", HIDDEN)
def test_patch_says_what_it_may_remove(git: Git, profile: str) -> None:
    """A patch names the fields that are not returned, in the plan and in the report."""
    git.server.store.create(copy.deepcopy(WHOLE))
    git.write(PATCH)
    before = " ".join(git.action().notes)
    git.server.profile = frozenset(profile.split("+"))
    note = " ".join(git.action().notes)
    (result,) = git.apply().results
    for path in HIDDEN[profile]:
        assert path not in _words(before)
        assert path in _words(note)
        assert path in _words(" ".join(result.notes))


def test_patch_says_nothing_of_fields_that_others_show(git: Git) -> None:
    """A field that another workflow of the run shows is returned, and so is not there."""
    git.server.store.create(body())
    git.server.store.create({**copy.deepcopy(WHOLE), "name": "other"})
    git.write(PATCH)
    assert {"retryOptions", "steps.*.repository"} <= _words(" ".join(git.action().notes))
    git.write({**copy.deepcopy(WHOLE), "name": "other"}, "other.yaml")
    (note,) = [note for action in git.plan().actions for note in action.notes if "not returned" in note]
    assert not {"retryOptions", "steps.*.repository"} & _words(note)


def _words(text: str) -> set[str]:
    return set(text.replace(",", " ").replace(";", " ").split())


@pytest.mark.parametrize(
    "profile", ["token-omitted", "retry-hidden", "metadata-hidden", "hidden=stepTimeout"]
)
def test_patch_of_what_was_sent_and_is_hidden_is_blocked(git: Git, profile: str) -> None:
    """Where digests know that a field is there, only a patch that states it is applied."""
    git.server.profile = frozenset({profile})
    whole = copy.deepcopy(WHOLE)
    whole["steps"]["one"]["stepTimeout"] = 77
    git.write(whole)
    git.apply()
    git.is_clean()
    before = git.stored()
    git.write(PATCH)
    action = git.action()
    assert isinstance(action, Blocked)
    assert "was sent before and is not returned" in action.reason
    git.apply()
    assert git.stored() == before
    stated = copy.deepcopy(whole)
    stated["steps"]["one"]["command"] = "echo new"
    git.write({"patch": {"name": "flow", "body": stated}})
    git.apply()
    assert git.stored()["steps"] == stated["steps"]
