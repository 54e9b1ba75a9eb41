"""Fields of the API that nobody has documented: an update keeps them, or says what became of them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Git, body, run, statuses, step

from reconciler.manifests import ReadOptions
from reconciler.plan import Method

if TYPE_CHECKING:
    from reconciler.apply import Report

LIVE: dict[str, Any] = body(
    priority="high",
    triggers=[{"cron": "0 6 * * *"}],
    steps={"one": step(stepTimeout=50, shellPath="/bin/sh"), "two": step(shellPath="/bin/ash")},
)
NAMED = "priority, steps.one.shellPath, steps.two.shellPath"

PATCH = {"patch": {"name": "flow", "stepNames": ["one"], "set": {"command": "echo new"}}}
ADDING = body(
    triggers=[{"cron": "0 6 * * *"}],
    steps={"one": step("echo new", stepTimeout=50), "two": step()},
)
REMOVING = body(triggers=[{"cron": "0 6 * * *"}], steps={"one": step("echo new"), "two": step()})

MANIFESTS = {"patch-manifest": PATCH, "patch": ADDING, "replacement": REMOVING}


@pytest.fixture(params=sorted(MANIFESTS))
def manifest(request: pytest.FixtureRequest, git: Git) -> dict[str, Any]:
    """Return a manifest that changes a command of the live workflow `LIVE`, by either method."""
    git.server.store.create(copy.deepcopy(LIVE))
    git.write(MANIFESTS[request.param])
    return MANIFESTS[request.param]


def _notes(report: Report) -> str:
    return " ".join(note for result in report.results for note in result.notes)


def _undocumented(git: Git) -> list[Any]:
    stored = git.stored()
    return [
        stored.get("priority"),
        *(each.get("shellPath") for each in stored["steps"].values()),
    ]


def test_undocumented_fields_survive_an_update(git: Git, manifest: dict[str, Any]) -> None:
    """They are sent back by each method, as the plan says, and are never a difference."""
    action = git.action()
    assert action.method is (Method.CREATE_OR_UPDATE if manifest is REMOVING else Method.PATCH)
    assert f"{NAMED} is not documented: it is sent back as it is" in " ".join(action.notes)
    assert action.warnings == ()
    assert "not documented" not in _notes(git.done())
    assert _undocumented(git) == ["high", "/bin/sh", "/bin/ash"]
    assert git.stored()["steps"]["one"]["command"] == "echo new"
    assert len(git.writes()) == 1


@pytest.mark.parametrize("status", ["400", "422"])
def test_refused_undocumented_fields_are_left_out_once(
    git: Git, manifest: dict[str, Any], status: str
) -> None:
    """An API that refuses what it returns gets the update once more without, and the report names it."""
    git.server.profile = frozenset({f"unknown-keys-refused={status}", f"unknown-step-keys-refused={status}"})
    report = git.done()
    assert f"the API refused {NAMED}, which is not documented" in _notes(report)
    assert len(git.writes()) == 2
    assert git.stored()["steps"]["one"]["command"] == "echo new", manifest
    git.is_clean()


def test_undocumented_fields_that_the_platform_drops_are_named(git: Git, manifest: dict[str, Any]) -> None:
    """What was sent back and is gone afterwards is in the report."""
    git.server.profile = frozenset({"unknown-keys-dropped", "unknown-step-keys-dropped"})
    report = git.done()
    assert f"the platform did not keep {NAMED}, which is not documented" in _notes(report)
    assert len(git.writes()) == 1, manifest


def test_another_refusal_fails_as_before(git: Git, manifest: dict[str, Any]) -> None:
    """What is refused for another reason is tried once without the undocumented fields, and fails."""
    git.server.profile = frozenset({"tag-count-refused=1"})
    tags = {"tags": [{"name": "a"}, {"name": "b"}]}
    patch = manifest.get("patch")
    git.write({"patch": {**patch, "body": tags}} if patch else {**manifest, **tags})
    report = git.apply()
    assert statuses(report) == {"flow": "failed"}
    assert len(git.writes()) == 2
    assert _undocumented(git) == ["high", "/bin/sh", "/bin/ash"]


def test_step_that_changes_its_type_loses_its_undocumented_fields(git: Git) -> None:
    """A step of another type is another step: the plan warns of what goes with the old one."""
    git.server.store.create(body(steps={"one": step(shellPath="/bin/sh")}))
    git.write(body(steps={"one": {"type": "http", "method": "get", "url": "https://example.com"}}))
    assert "this drops fields that are not documented: steps.one.shellPath" in git.action().warnings
    git.done()
    assert "shellPath" not in git.stored()["steps"]["one"]


EXTRA: dict[str, Any] = {
    "priority": "high",
    "limits": {"cpu": 4.0, "tags": ["a"]},
    "steps": {"one": {"priorityClass": "gold"}},
}


def _with_extra(git: Git, way: str, extra: dict[str, Any], **fields: Any) -> None:
    """Write a manifest with new fields of the API, stated in one of three ways."""
    if way == "settings":
        git.write(body(**fields), extra=extra)
    elif way == "patch":
        git.write({"patch": {"name": "flow", "body": body(**fields)}, "reconcile": {"extra": extra}})
    else:
        git.choose(reading=ReadOptions(extra=(("priority",), ("limits",), ("steps", "*", "priorityClass"))))
        merged = {**body(**fields), **{key: item for key, item in extra.items() if key != "steps"}}
        merged["steps"]["one"] |= extra.get("steps", {}).get("one", {})
        git.write(merged)


@pytest.mark.parametrize("way", ["settings", "configuration"])
def test_new_fields_are_created_compared_and_verified(git: Git, way: str) -> None:
    """A field of the API that no release knows is sent as it is, in a create and in an update."""
    _with_extra(git, way, EXTRA)
    shown = {change.path: change.after for change in git.action().changes}
    assert shown["priority",] == "high"
    assert shown["steps", "one", "priorityClass"] == "gold"
    git.done()
    assert git.stored()["limits"] == {"cpu": 4, "tags": ["a"]}
    assert git.stored()["steps"]["one"]["priorityClass"] == "gold"
    git.server.clear_requests()
    _with_extra(
        git, way, {**EXTRA, "limits": {"cpu": 4, "tags": ["a"]}, "steps": {"one": {"priorityClass": 3}}}
    )
    (change,) = git.action().changes
    assert (change.path, change.before, change.after) == (("steps", "one", "priorityClass"), "gold", 3)
    git.done()
    assert git.stored()["steps"]["one"]["priorityClass"] == 3
    assert len(git.writes()) == 1


def test_new_field_in_a_patch_and_changed_by_hand(git: Git) -> None:
    """A patch manifest owns the new fields that it states; a change by hand is drift."""
    git.server.store.create(body(priority="low"))
    _with_extra(git, "patch", {"priority": "high"})
    git.done()
    assert git.stored()["priority"] == "high"
    git.client.update_workflow(git.live(), {**git.stored(), "priority": "low"})
    assert [change.path for change in git.action().changes] == [("priority",)]
    git.done()
    assert git.stored()["priority"] == "high"


def test_new_field_that_the_platform_does_not_keep_is_named(git: Git) -> None:
    """A platform that drops a stated field is named in the report, and gets it once."""
    git.server.profile = frozenset({"unknown-keys-dropped"})
    _with_extra(git, "settings", {"priority": "high"})
    (result,) = git.apply().results
    assert "priority" in " ".join((result.error, *result.notes))
    writes = len(git.writes())
    git.apply()
    assert len(git.writes()) == writes


def test_new_field_that_is_refused_fails(git: Git) -> None:
    """A field that Git states is never left out: a refusal of it fails the workflow."""
    git.server.store.create(body())
    git.server.profile = frozenset({"unknown-keys-refused"})
    _with_extra(git, "settings", {"priority": "high"})
    report = git.apply()
    assert statuses(report) == {"flow": "failed"}
    assert len(git.writes()) == 1


def test_field_that_leaves_the_manifest_stays_live(git: Git) -> None:
    """Once Git states it no more, a field is like any other that is not documented: updates keep it."""
    _with_extra(git, "settings", {"priority": "high"})
    git.done()
    git.write(body())
    git.is_clean()
    git.write(body(command="echo new"))
    git.done()
    assert git.stored()["priority"] == "high"


def test_secret_in_a_new_field_is_masked(git: Git) -> None:
    """A value that came through `!env` is a secret in a new field, too."""
    git.server.store.create(body(gateway={"credential": "canary-live-7f"}))
    git.write(
        "body: {name: flow, steps: {one: {imageId: 1, command: echo}}}\n"
        "reconcile: {extra: {gateway: {credential: !env GATEWAY}}}\n"
    )
    done = run(git, "plan", GATEWAY="canary-value-7f")
    assert done.returncode == 0, done.stderr
    assert "gateway.credential" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_validate_warns_of_new_fields(git: Git) -> None:
    """Without a word they are errors; listed in `reconciler.yaml`, warnings that can be turned off."""
    git.write('{"body": {"name": "flow", "steps": {"one": {"imageId": 1, "priorityClass": "gold"}}}}')
    settings = git.folder / "reconciler.yaml"

    def validated(text: str) -> tuple[int, str]:
        settings.write_text(f"manifests: [flow.yaml]\n{text}", encoding="utf-8")
        done = run(git, "validate", "--config", str(settings))
        return done.returncode, done.stdout + done.stderr

    assert validated("")[0] == 3
    listed = "reconcile: {extra: [steps.*.priorityClass]}\n"
    code, out = validated(listed)
    assert code == 0, out
    assert "warning: steps.one.priorityClass is not documented" in out
    assert validated(f"{listed}validate: {{strict: true}}")[0] == 3
    assert validated(f"{listed}validate: {{strict: true, off: [undocumented-field]}}")[0] == 0
    code, out = validated("validate: {off: [schema-unknown-key]}")
    assert code == 3
    assert "reconciler.yaml:2:18: 'schema-unknown-key' cannot be turned off; list the paths" in out


@pytest.mark.parametrize("stated", [1, 2])
def test_each_webhook_keeps_its_undocumented_fields(git: Git, stated: int) -> None:
    """Webhooks that are equal but for fields that nobody documented keep their URLs, and their own fields."""
    webhooks = [{"webhook": True, "label": label} for label in ("b", "a")]
    git.server.store.create(body(triggers=[{"cron": "0 6 * * *"}, *webhooks]))
    urls = git.webhooks()
    git.write(body(command="echo new", triggers=[*[{"webhook": True}] * stated, {"cron": "0 6 * * *"}]))
    git.done()
    triggers = [trigger for trigger in git.stored()["triggers"] if "webhook" in trigger]
    assert [trigger.get("label") for trigger in triggers] == ["b", "a"]
    assert git.webhooks() == urls
