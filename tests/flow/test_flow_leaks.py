"""No secret comes out, anywhere: every command, every format and verbosity, every failure, every file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from flow_helpers import LIST, TENANTS, body
from leak_helpers import CANARIES, FORMS, GITHUB_TOKEN, Stage, found_in, secretive

from reconciler.emulator.state import HttpError
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    pass

_PROFILES = ["documented", "token-masked", "all+token-omitted"]
_OWNED = ("--ownership-tag", "team-a")


def test_the_search_finds_every_form() -> None:
    """The search itself: each form of each canary is found anywhere in a text, and nothing else is."""
    for form, place in FORMS.items():
        assert place in found_in(f"x{form}y")
    assert found_in("canary/") == []


def test_validate(stage: Stage) -> None:
    """Findings are about manifests full of secrets, and show none, in any format, printed or as a file."""
    stage.git()
    for name in ("text", "json", "github", "gitlab", "sarif", "junit"):
        assert stage.run("validate", "workflows", "--format", name, "--output", f"out.{name}") == 0
    assert stage.run("validate", "workflows", "--online", "--strict") in {1, 3}


@pytest.mark.parametrize(
    "broken",
    [
        "      repository: {{url: x, branch: y, token: ['{secret}']}}",
        "      repository: {{url: x, branch: y, tokn: '{secret}'}}",
        "      repository: {{url: x, branch: y, token: '{secret}', token: '{secret}'}}",
        "      auth: {{type: basic, username: x, password: {{a: '{secret}'}}}}",
        "      parameters: {{env: {{A: ['{free}']}}}}",
        "      command: ['{env}', !env CANARY_ENV]",
        "      imageId: !env CANARY_ENV",
        "      imageId: !env {{name: CANARY_ENV, default: 1, more: 2}}",
        "      command: !env CANARY_NOWHERE",
        "      command: !file ../../outside",
    ],
)
def test_broken_manifests(stage: Stage, broken: str) -> None:
    """An error in a secret, or on its line, is reported without it by every command that reads manifests."""
    line = broken.format(secret=CANARIES["repository"], env=CANARIES["env"], free=GITHUB_TOKEN)
    stage.put("workflows/x.yaml", f"body:\n  name: x\n  steps:\n    one:\n{line}\n")
    unknown = "NOWHERE" in broken  # what a variable holds is nothing to validate
    assert stage.run("validate", "workflows") == (0 if unknown else 3)
    assert stage.run("plan", "workflows") == 3
    assert stage.run("apply", "workflows", "--auto-approve", "--run-record", "record.json") == 3


@pytest.mark.parametrize("verbose", ["", "1"], ids=["quiet", "verbose"])
@pytest.mark.parametrize("profile", _PROFILES)
def test_the_whole_round(stage: Stage, profile: str, verbose: str) -> None:
    """Create, change, save, apply, blocked, roll back, prune: output, plan files, backups and records."""
    stage.env(RECONCILER_VERBOSE=verbose)
    stage.server.profile = TENANTS[profile]
    stage.git("old-")
    assert stage.run("plan", "workflows", "--show-bodies") == 0
    assert (
        stage.run(
            "apply", "workflows", "--auto-approve", "--show-bodies", "--run-record", "one.json", *_OWNED
        )
        == 0
    )
    stage.git(metadata={"allowConcurrentExecution": False})
    for words in (["--show-bodies"], ["--format", "json"], ["--save-plan", "plan.json"]):
        assert stage.run("plan", "workflows", "--resend-secrets", *_OWNED, *words) == 0
    assert (
        stage.run(
            "apply",
            "workflows",
            "--plan",
            "plan.json",
            "--run-record",
            "two.json",
            "--format",
            "json",
            *_OWNED,
        )
        == 0
    )
    assert stage.run("apply", "workflows", "--plan", "plan.json", *_OWNED) in {0, 4}
    sent = stage.sent()
    for place in ("env", "repository", "old-repository", "bearer", "old-bearer"):
        assert json.dumps(CANARIES[place])[1:-1] in sent, f"the canary {place} was never in play"
    assert GITHUB_TOKEN in sent
    assert stage.run("rollback", "--list") == 0
    assert stage.run("rollback", "--list", "--format", "json") == 0
    assert stage.run("rollback", "workflows", "--auto-approve", "--show-bodies", *_OWNED) in {0, 4, 64}
    stage.put("reconciler.yaml", "manifests: [workflows]\nownership: {tag: team-a}\n")
    (stage.manifests / "secretive.yaml").unlink()
    assert stage.run(
        "apply", "--prune", "--allow-deletes", "1", "--auto-approve", "--run-record", "three.json"
    ) in {0, 4}
    backups = [name for name in stage.written() if "backups" in name and name.endswith(".json")]
    assert len(backups) >= 2, "an update and a delete"


def test_what_others_keep_in_the_tenant(stage: Stage) -> None:
    """Secrets of live workflows that Git never knew: not in a plan, a backup, an update or a delete."""
    tags = [{"name": owner_tag("team-a")}]
    stage.server.store.create(secretive("old-", tags=tags))
    free = {"KEY": GITHUB_TOKEN, "DB_PASSWORD": CANARIES["old-password"]}
    only = {"imageId": 1, "imageVersionId": 2, "command": f"run {GITHUB_TOKEN}", "parameters": {"env": free}}
    stage.server.store.create({"name": "going", "steps": {"one": only}, "tags": tags})
    stage.put("workflows/x.yaml", json.dumps({"body": body("secretive")}))
    stage.put("reconciler.yaml", "manifests: [workflows]\nownership: {tag: team-a}\n")
    assert stage.run("plan", "--prune", "--allow-deletes", "1", "--show-unmanaged") == 0
    assert stage.run("apply", "--prune", "--allow-deletes", "1", "--auto-approve") == 0
    assert stage.run("rollback", "going", "--auto-approve") == 4


_REFLECTING = [400, 401, 403, 404, 409, 413, 422, 500]


@pytest.mark.parametrize("status", _REFLECTING)
def test_a_server_that_repeats_what_it_was_sent(stage: Stage, status: int) -> None:
    """A refusal that quotes the whole request, credentials and body, is reported without them."""
    stage.git()

    def refusing(sent: object, **_: object) -> None:
        raise HttpError(status, f"{CANARIES['api-token']} sent {json.dumps(sent)} {sent}")

    stage.server.store.create = refusing  # type: ignore[method-assign,assignment]
    assert stage.run("apply", "workflows", "--auto-approve", "--run-record", "record.json") == 1
    assert stage.run("apply", "workflows", "--auto-approve", "--format", "json") == 1
    assert str(status) in "".join(stage.said)


@pytest.mark.parametrize("fault", ["drop-after", "truncated", "not-json", "504-text", "429-seconds:0"])
def test_answers_that_are_lost(stage: Stage, fault: str) -> None:
    """Whatever is said of a write that may have taken effect, it is said without the body."""
    stage.git()
    stage.server.faults = (f"{fault}:x2@POST", f"{fault}:x1@PUT")
    assert stage.run("apply", "workflows", "--auto-approve", "--run-record", "record.json") in {0, 1}
    assert stage.run("apply", "workflows", "--auto-approve") in {0, 1}


def test_files_that_cannot_be_written(stage: Stage) -> None:
    """The error about a plan, a record or a backup that cannot be written quotes none of it."""
    stage.server.store.create(secretive("old-"))
    stage.git()
    stage.put("file", "")
    assert stage.run("plan", "workflows", "--save-plan", "none/plan.json") == 1
    assert stage.run("apply", "workflows", "--auto-approve", "--run-record", "none/record.json") == 1
    assert stage.run("apply", "workflows", "--auto-approve", "--backup-dir", "file/backups") == 1
    assert stage.run("apply", "workflows", stdin="no\n") == 1


def test_a_plan_file_that_was_edited_or_is_stale(stage: Stage) -> None:
    """A plan file is refused without quoting it, or the manifests, or the tenant."""
    stage.git()
    assert stage.run("plan", "workflows", "--save-plan", "plan.json") == 0
    edited = json.loads((stage.folder / "plan.json").read_text(encoding="utf-8"))
    edited["changes"][0]["body"]["name"] = CANARIES["env"]
    stage.put("edited.json", json.dumps(edited))
    assert stage.run("apply", "workflows", "--plan", "edited.json") == 4
    stage.put("garbage.json", CANARIES["env"])
    assert stage.run("apply", "workflows", "--plan", "garbage.json") == 3
    stage.git("old-")
    assert stage.run("apply", "workflows", "--plan", "plan.json") in {0, 4}


def test_runs(stage: Stage) -> None:
    """The parameters of an execution are never shown, however it ends."""
    stage.server.store.create({"name": "flow", "steps": {"one": {"imageId": 1, "imageVersionId": 2}}})
    params = {"global": {"A": CANARIES["run-global"]}, "stepWise": {"one": {"B": CANARIES["run-step"]}}}
    stage.put("params.json", json.dumps(params))
    assert stage.run("run", "flow", "--params", "params.json", "--wait") == 0
    assert json.dumps(CANARIES["run-global"])[1:-1] in stage.sent()
    for fault in ("drop-after:x1@POST", "400@POST", "500:x1@POST"):
        stage.server.faults = (fault,)
        assert stage.run("run", "flow", "--params", "params.json", "--format", "json") in {0, 1}
    stage.put("broken.yaml", f"global: {{A: ['{CANARIES['run-global']}']}}\nmore: '{CANARIES['run-step']}'\n")
    assert stage.run("run", "flow", "--params", "broken.yaml") == 3
    stage.put("worse.yaml", f"global: {{A: '{CANARIES['run-global']}\n")
    assert stage.run("run", "flow", "--params", "worse.yaml") == 3
    stage.server.faults = ()

    def refusing(*_: object, **__: object) -> None:
        raise HttpError(422, f"{CANARIES['run-global']} {json.dumps(CANARIES['run-step'])}")

    stage.server.store.execute = refusing  # type: ignore[method-assign,assignment]
    assert stage.run("run", "flow", "--params", "params.json") == 1


def test_ways_to_the_server(stage: Stage) -> None:
    """Credentials in an address, a proxy or a netrc file are not shown when the server cannot be reached."""
    stage.git()
    user = "user:" + "canary-proxy-7f9a"
    stage.env(PEAK_API_URL=f"https://{user}@127.0.0.1:1")
    assert stage.run("plan", "workflows") == 3
    stage.env(PEAK_API_URL="http://example.com/" + "canary-url-7f9a")
    assert stage.run("plan", "workflows") == 3
    stage.env(PEAK_API_URL="https://nowhere.invalid", HTTPS_PROXY=f"http://{user}@127.0.0.1:1")
    assert stage.run("plan", "workflows", "--max-requests-per-second", "1000") == 1
    said = "".join(stage.said)
    assert "127.0.0.1" in said or "proxy" in said.lower() or "no connection" in said
    assert "canary-proxy-7f9a" not in said
    assert "canary-url-7f9a" not in said


@pytest.mark.parametrize("token", ["canary-token\n7f9a", "canary-token-7f9a ", "canary-token-\u20ac7f9a"])
def test_tokens_that_cannot_be_sent(stage: Stage, token: str) -> None:
    """A token that no header can carry is refused without being quoted."""
    stage.git()
    stage.env(PEAK_AUTH_TOKEN=token)
    assert stage.run("plan", "workflows") == 3
    assert "canary-token" not in "".join(stage.said)


def test_lists_that_cannot_be_read(stage: Stage) -> None:
    """A tenant that answers with nonsense is reported without its answer."""
    stage.git()
    stage.server.faults = (f"not-json@GET{LIST}",)
    assert stage.run("plan", "workflows") == 1
    stage.server.faults = (f"truncated@GET{LIST}*",)
    assert stage.run("apply", "workflows", "--auto-approve", "--run-record", "record.json") == 1


def test_commands_that_only_look(stage: Stage) -> None:
    """What shows live workflows, their runs and their steps shows no secret of theirs, or of Git."""
    stage.server.store.create(secretive("old-", tags=[{"name": "red"}]))
    only = {"imageId": 1, "imageVersionId": 2, "command": "x", "parameters": {"env": {"KEY": GITHUB_TOKEN}}}
    flow = stage.server.store.create({"name": "flow", "steps": {"one": only}})
    stage.server.store.execute(flow)
    stage.git()
    for words in (
        ["status", "workflows"],
        ["status", "workflows", "--format", "json", "--show-unmanaged"],
        ["plan", "workflows", "--format", "markdown", "--output", "gitlab=gitlab.json", "--show-bodies"],
        ["export", "--all"],
        ["export", "--all", "--output-dir", "exported"],
        ["graph", "flow"],
        ["graph", "workflows", "--format", "mermaid"],
        ["executions", "flow", "--format", "json"],
        ["logs", "flow"],
    ):
        assert stage.run(*words) in {0, 1}, words
    assert len(list((stage.folder / "exported").iterdir())) == 2


@pytest.mark.parametrize("log", ["text", "json"])
def test_the_scheduled_job(stage: Stage, log: str) -> None:
    """Its log, its metrics, its record and what it says of a receiver that refuses hold no secret."""
    stage.git()
    stage.env(
        RECONCILER_NOTIFY_URL=f"{stage.server.url}/hook?key={CANARIES['url']}", RECONCILER_LOG_FORMAT=log
    )
    job = ("reconcile", "workflows", "--metrics-file", "job.prom", "--run-record", "record.json")
    assert stage.run(*job, "--dry-run", "--format", "json") == 2
    assert stage.run(*job) == 0
    stage.server.faults = (f"400@GET{LIST}*",)
    stage.git("old-")
    assert stage.run(*job) == 1


_BEFORE = CANARIES["before"]
_STEP: dict[str, Any] = {"imageId": 1, "imageVersionId": 2, "command": "x"}
_CALL: dict[str, Any] = {"type": "http", "method": "get", "url": "https://x.example/"}
_EVENTS = {"events": {"success": True, "fail": True, "runtimeExceeded": 5}}


def _steps(**more: Any) -> dict[str, Any]:
    return {"steps": {"one": {**_STEP, **more}}}


def _hook(url: str) -> dict[str, Any]:
    return {**_steps(), "watchers": [{**_EVENTS, "webhook": {"name": "ops", "url": url, "payload": "x"}}]}


_SIDES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a removed variable": (
        _steps(parameters={"env": {"API_TOKEN": _BEFORE}}),
        _steps(),
        "steps.one.parameters.env.API_TOKEN: removed (sensitive)",
    ),
    "a renamed variable": (
        _steps(parameters={"env": {"API_TOKEN": _BEFORE}}),
        _steps(parameters={"env": {"PARTNER_TOKEN": _BEFORE}}),
        "steps.one.parameters.env.PARTNER_TOKEN: added (sensitive)",
    ),
    "a variable typed in the UI": (
        _steps(parameters={"env": {"DB_PASSWORD": _BEFORE}}),
        _steps(parameters={"env": {"DB_PASSWORD": "b"}}),
        "steps.one.parameters.env.DB_PASSWORD: changed (sensitive)",
    ),
    "a removed variable with a plain name": (
        _steps(parameters={"env": {"MODE": _BEFORE}}),
        _steps(),
        "steps.one.parameters.env.MODE: removed (sensitive)",
    ),
    "a removed header with a plain name": (
        {"steps": {"one": {**_CALL, "headers": {"absolute": {"X-Site": _BEFORE}}}}},
        {"steps": {"one": _CALL}},
        "steps.one.headers.absolute.X-Site: removed (sensitive)",
    ),
    "a removed step with a plainly named variable": (
        {"steps": {"one": _STEP, "two": {**_STEP, "parameters": {"env": {"MODE": _BEFORE}}}}},
        _steps(),
        "steps.two",
    ),
    "a removed header": (
        {"steps": {"one": {**_CALL, "headers": {"absolute": {"Authorization": f"Bearer {_BEFORE}"}}}}},
        {"steps": {"one": _CALL}},
        "steps.one.headers.absolute.Authorization: removed (sensitive)",
    ),
    "a removed step": (
        {"steps": {"one": _STEP, "two": {**_CALL, "headers": {"absolute": {"X-Api-Key": _BEFORE}}}}},
        _steps(),
        "steps.two",
    ),
    "an added step": (
        _steps(),
        {"steps": {"one": _STEP, "two": {**_STEP, "parameters": {"env": {"DB_PASSWORD": _BEFORE}}}}},
        "steps.two",
    ),
    "a removed watcher": (_hook(f"https://hooks.example/{quote(_BEFORE)}"), _steps(), "hooks.example"),
    "a changed watcher": (
        _hook(f"https://hooks.example/{quote(_BEFORE)}"),
        _hook("https://other.example/x"),
        "other.example",
    ),
}


@pytest.mark.parametrize("side", _SIDES)
def test_both_sides_of_a_change(stage: Stage, side: str) -> None:
    """A secret that only the live workflow has, or has no longer, is shown by no output and no file."""
    before, after, line = _SIDES[side]
    stage.server.store.create({"name": "flow", **before})
    stage.put("workflows/x.yaml", json.dumps({"body": {"name": "flow", **after}}))
    for words in (["--show-bodies"], ["--format", "json"], ["--format", "markdown", "--show-bodies"]):
        assert stage.run("plan", "workflows", *words) == 0
    assert line in "".join(stage.said)
    assert stage.run("plan", "workflows", "--save-plan", "plan.json") == 0
    words = ("--plan", "plan.json", "--run-record", "record.json", "--format", "json")
    kept = (
        ("--no-backup",) if "watcher" in side or "plain" in side else ()
    )  # a backup keeps what it takes to restore it
    assert stage.run("apply", "workflows", *words, *kept) == 0
    assert stage.run("plan", "workflows", "--detailed-exitcode") == 0
    assert kept or any("backups" in name for name in stage.written())


_ORDINARY = ("update", "name", "body", "patch", "action", "changes", "format_version", "fields", "1234")


@pytest.mark.parametrize("word", _ORDINARY)
def test_a_secret_that_is_an_ordinary_word(stage: Stage, word: str) -> None:
    """A variable whose value is one of our keys or words hides none of them: the plan file reads back."""
    stage.env(MODE=word)
    stage.server.store.create({"name": "flow", **_steps()})
    manifest = "body:\n  name: flow\n  steps:\n    one: {imageId: 1, imageVersionId: 2, command: y,"
    stage.put("workflows/x.yaml", f"{manifest} parameters: {{env: {{MODE: !env MODE}}}}}}\n")
    assert stage.run("plan", "workflows", "--save-plan", "plan.json", "--format", "json") == 0
    shown = json.loads(stage.said[-2])
    change = shown["changes"][0]
    assert (change["name"], change["action"], change["method"]) == ("flow", "update", "patch")
    fields = {tuple(field["path"]): (field["before"], field["after"]) for field in change["fields"]}
    assert fields["steps", "one", "command"] == ("x", "y")
    assert fields["steps", "one", "parameters", "env", "MODE"] == (None, "(sensitive)")
    assert stage.run("apply", "workflows", "--plan", "plan.json", "--run-record", "record.json") == 0
    record = json.loads((stage.folder / "record.json").read_text(encoding="utf-8"))
    assert record["plan"]["changes"][0]["action"] == "update"
    assert record["report"]["results"][0]["status"] == "done"


def test_a_default_hides_nothing(stage: Stage) -> None:
    """The default of a variable is in Git: neither a name, a path nor a value is masked because of it."""
    tags = [{"name": owner_tag("team-a")}]
    for name in ("alpha", "g0ne-workflow-x1", "other"):
        stage.server.store.create({"name": name, **_steps(), "tags": tags})
    stage.put("reconciler.yaml", "manifests: [workflows]\nownership: {tag: team-a}\n")
    env = "{A: !env {name: N1, default: g0ne-workflow-x1}, B: !env {name: N2, default: c0mmand-x1}}"
    step = f"{{imageId: 1, imageVersionId: 2, command: run c0mmand-x1, parameters: {{env: {env}}}}}"
    stage.put("workflows/x.yaml", f"body:\n  name: alpha\n  steps:\n    one: {step}\n")
    stage.put("workflows/y.yaml", json.dumps({"body": {"name": "other", **_steps()}}))
    options = ("--prune", "--allow-deletes", "1")
    assert stage.run("plan", *options, "--format", "markdown") == 0
    assert "**delete** `g0ne-workflow-x1`" in stage.said[-2]
    assert "run c0mmand-x1" in stage.said[-2]
    assert stage.run("plan", *options) == 0
    assert "delete   g0ne-workflow-x1" in stage.said[-2]


_DEFAULT = CANARIES["env"]
_DEFAULTS = {
    "by its name": f"parameters: {{env: {{API_TOKEN: !env {{name: N1, default: '{_DEFAULT}'}}}}}}",
    "by its field": f"repository: {{url: x, branch: y, token: !env {{name: N1, default: '{_DEFAULT}'}}}}",
    "by its looks": f"parameters: {{env: {{A: !env {{name: N1, default: {GITHUB_TOKEN}}}}}}}",
}


@pytest.mark.parametrize("how", _DEFAULTS)
def test_a_default_is_secret_like_any_value(stage: Stage, how: str) -> None:
    """The default of a variable is masked where a value written in its place would be."""
    stage.server.store.create({"name": "flow", **_steps()})
    step = f"{{imageId: 1, imageVersionId: 2, command: x, {_DEFAULTS[how]}}}"
    stage.put("workflows/x.yaml", f"body:\n  name: flow\n  steps:\n    one: {step}\n")
    for words in (["--show-bodies"], ["--format", "json"], ["--format", "markdown"]):
        assert stage.run("plan", "workflows", *words) == 0
    assert "(sensitive)" in "".join(stage.said)
    assert stage.run("plan", "workflows", "--save-plan", "plan.json") == 0
    assert stage.run("apply", "workflows", "--plan", "plan.json", "--run-record", "record.json") == 0


def test_a_default_is_shown_like_any_value(stage: Stage) -> None:
    """A command or a variable that takes its default from the manifest is shown: nobody hides it so."""
    stage.server.store.create({"name": "flow", **_steps()})
    step = "{imageId: 1, imageVersionId: 2, command: !env {name: N1, default: curl evil.example}}"
    stage.put("workflows/x.yaml", f"body:\n  name: flow\n  steps:\n    one: {step}\n")
    for words in ([], ["--format", "json"], ["--format", "markdown"]):
        assert stage.run("plan", "workflows", *words) == 0
        assert "curl evil.example" in stage.said[-2]
