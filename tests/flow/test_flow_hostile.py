"""Hostile words from both sides come out harmless, and no secret comes out at all, whatever happens."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, RICH, TOKEN, Git, body, process_env, rich, run, step
from processes import forked_command

from reconciler.emulator.state import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x1b[2J\x9b31m"
NAMES = [
    f"escapes {ESCAPES}",
    "two\nlines\r\n::error::pwned",
    "::error file=x::pwned",
    "  ::add-mask::pwned",
    "<script>alert(1)</script>",
    "bidi \u202egnp.exe\u2066 \u2028::error::pwned\u2029",
    "`code` | table | [link](javascript:x) {{name}}",
    "%0A::error::pwned",
    "##vso[task.prependpath]/pwned and ##[add-matcher]pwned and ##teamcity[pwned]",
    "\u0000nul\u0085next\x0c\x0b::error::pwned",
]

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _is_harmless(ended: subprocess.CompletedProcess[str]) -> None:
    """Check that no control character came out, and no line that a pipeline would take for a command."""
    for text in (ended.stdout, ended.stderr):
        assert _CONTROL.search(text) is None, repr(text)
        assert [line for line in text.splitlines() if line.lstrip().startswith("::")] == []
        assert re.search(r"##[a-zA-Z]*\[", text) is None, text
    assert "Traceback" not in ended.stderr


def _hostile(name: str) -> dict[str, Any]:
    """Return a workflow that says `name` wherever it can."""
    steps = {
        "one": step(
            name, parameters={"env": {name: name}, "inherit": {name: name}}, outputParameters={name: name}
        )
    }
    return body(name, steps=steps, tags=[{"name": name}], watchers=[{"user": name, "events": {"fail": True}}])


def _write(git: Git, manifest: dict[str, Any], file: str, **settings: Any) -> None:
    """Write a manifest with texts that `validate` refuses, and a comment that allows them."""
    whole = {"body": manifest, "reconcile": settings} if settings else {"body": manifest}
    git.write(f"{json.dumps(whole)} # reconciler: ignore[name-spelling, unrendered-template]\n", file)


def test_hostile_names_are_refused(git: Git) -> None:
    """A name with control characters or outer white space is refused, and shown harmlessly."""
    for number, name in enumerate(NAMES):
        git.write(body(name), f"{number}.yaml")
    for words in (["plan"], ["plan", "--format", "json"]):
        ended = run(git, *words)
        assert (ended.returncode, ended.stderr.count("[name-spelling]")) == (3, 5)
        _is_harmless(ended)
    assert git.writes() == []


def test_hostile_manifests(git: Git) -> None:
    """Whatever manifests say, plan and apply show it so that it steers neither a terminal nor a pipeline."""
    for number, name in enumerate(NAMES):
        _write(git, _hostile(name), f"{number}.yaml")
        _write(git, body(f"{name} blocked"), f"{number}-blocked.yaml", id=1000 + number)
    for words in (["plan", "--show-bodies"], ["apply", "--auto-approve"]):
        _is_harmless(run(git, *words))
    git.write({**_hostile(NAMES[2]), "tags": []}, "2.yaml")
    where = ("--backup-dir", str(git.folder.parent / "backups"))
    _is_harmless(run(git, "apply", "--auto-approve", *where))
    words = [*forked_command(), "rollback", "--list", *where]
    backups = subprocess.run(words, capture_output=True, text=True, check=False, env=process_env(git))
    _is_harmless(backups)
    assert "\\u003a:error file=x::pwned (id" in backups.stdout
    plan = run(git, "plan", "--format", "json")
    _is_harmless(plan)
    document = json.loads(plan.stdout)
    assert {change["name"] for change in document["changes"]} == {f"{name} blocked" for name in NAMES}
    assert document["summary"]["unchanged"] == len(NAMES)


def test_hostile_tenants(git: Git) -> None:
    """Whatever live workflows and refusals say is shown harmlessly, in both formats."""
    for number, name in enumerate(NAMES):
        git.server.store.create({**_hostile(name), "name": f"flow-{number}"})
        git.server.store.create(body(name, name, future=name))
        if number % 2:
            git.server.store.create(body(name, name))
        git.write(body(f"flow-{number}"), f"a{number}.yaml")
        _write(git, body(name), f"b{number}.yaml")

    def refusing(*_: object, **__: object) -> None:
        raise HttpError(422, f"::error::pwned\n{NAMES[1]}\n::error::pwned\n{ESCAPES}")

    git.server.store.replace = refusing  # type: ignore[method-assign]
    for words in (["plan"], ["plan", "--format", "json"], ["apply", "--auto-approve"]):
        ended = run(git, *words)
        _is_harmless(ended)
    assert "fault" not in ended.stderr
    assert "422" in ended.stdout


def test_hostile_files(git: Git) -> None:
    """A file's name and its errors are shown harmlessly, also where the name begins the line."""
    git.write(
        "body: {name: x, steps: {one: {'\x1b[31m\\n::error::x': 1}}}", "::error::x\x1b[31m\n::error::x.yaml"
    )
    words = [*forked_command(), "plan", "."]
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=git.folder, env=process_env(git)
    )
    assert ended.returncode == 3
    assert "error::x" in ended.stderr
    _is_harmless(ended)


CANARIES = {
    "env": "canary-env-0123456789",
    "token": "canary-repository-token",
    "sql": "canary-sql-token",
    "client": "canary-client-secret",
    "password": "canary-password",
    "key": "canary-api-key",
    "bearer": "canary-bearer-token",
}


def _secretive(suffix: str = "") -> dict[str, Any]:
    """Return a workflow with a canary in every field that is a secret."""
    whole = rich("secretive")
    steps = whole["steps"]
    steps["load"]["repository"]["token"] = CANARIES["token"] + suffix
    steps["query"]["repository"]["token"] = CANARIES["sql"] + suffix
    steps["tell"]["auth"]["clientSecret"] = CANARIES["client"] + suffix
    steps["basic"]["auth"]["password"] = CANARIES["password"] + suffix
    steps["key"]["auth"]["apiKey"] = CANARIES["key"] + suffix
    steps["bearer"]["auth"]["bearerToken"] = CANARIES["bearer"] + suffix
    return whole


def _write_secretive(git: Git, suffix: str = "", **changes: Any) -> None:
    """Write it with one more workflow, whose every text comes through `!env`."""
    git.env["VARIABLE"] = CANARIES["env"] + suffix
    git.write({**_secretive(suffix), **changes})
    git.write(
        "body:\n  name: from-env\n  tags: [{name: !env VARIABLE}]\n  steps:\n"
        "    one:\n      command: !env VARIABLE\n"
        "      parameters: {env: {KEY: !env VARIABLE, OTHER: x}, secrets: [!env VARIABLE]}\n"
        "    two: {type: http, method: post, url: !env VARIABLE, payload: !env VARIABLE,\n"
        "          auth: {type: bearer-token, bearerToken: !env VARIABLE}}\n",
        "env.yaml",
    )


def _reveals_nothing(git: Git, *commands: list[str]) -> list[int]:
    codes = []
    for words in commands:
        ended = run(git, *words, waits=False)
        codes.append(ended.returncode)
        for text in (ended.stdout, ended.stderr):
            assert "canary" not in text.lower()
            assert TOKEN not in text
        assert "Traceback" not in ended.stderr
    return codes


_PLAN = (["plan", "--show-bodies"], ["plan", "--format", "json", "--resend-secrets", "--no-remember"])
_APPLY = (["apply", "--auto-approve", "--show-bodies"], ["apply", "--auto-approve", "--format", "json"])


@pytest.mark.parametrize("profile", ["unique-names", "token-masked"])
def test_secrets_are_never_shown(git: Git, profile: str) -> None:
    """No secret, old or new, is in any output of creating, changing and removing it."""
    git.server.profile = frozenset({profile})
    _write_secretive(git)
    assert _reveals_nothing(git, ["validate"], *_PLAN, _APPLY[0]) == [0, 0, 0, 0]
    _write_secretive(git, "-new")
    assert _reveals_nothing(git, *_PLAN, _APPLY[1], ["plan", "--detailed-exitcode"]) == [0, 0, 0, 0]
    git.write({**RICH, "name": "secretive", "steps": {"load": step(repository={"url": "u"})}})
    assert _reveals_nothing(git, _APPLY[0]) == [0]


@pytest.mark.parametrize(
    "quote", [json.dumps, lambda sent: " ".join(re.findall(r"canary[a-z0-9-]*", str(sent)))]
)
def test_secrets_that_a_server_repeats(git: Git, quote: Callable[[object], str]) -> None:
    """A server that quotes the whole request in its refusal, the token too, gets none of it shown."""
    _write_secretive(git)

    def quoting(sent: object, **_: object) -> int:
        raise HttpError(400, f"{TOKEN}: {quote(sent)}")

    git.server.store.create = quoting  # type: ignore[method-assign]
    assert _reveals_nothing(git, _APPLY[0]) == [1]


def test_secrets_that_do_not_stick(git: Git) -> None:
    """A platform that changes secrets, or returns other ones, gets neither old nor new ones shown."""
    _write_secretive(git)
    create, replace = git.server.store.create, git.server.store.replace

    def bend(sent: dict[str, Any]) -> dict[str, Any]:
        bent: dict[str, Any] = json.loads(json.dumps(sent).replace("canary-", "canary-bent-"))
        return bent

    git.server.store.create = lambda sent, **options: create(bend(sent), **options)  # type: ignore[method-assign]
    git.server.store.replace = (  # type: ignore[method-assign]
        lambda identity, sent, **options: replace(identity, bend(sent), **options)
    )
    assert _reveals_nothing(git, _APPLY[1], ["plan"]) == [0, 0]
    assert "returns another value than was sent" in run(git, "plan", "--show-bodies").stdout


def test_secrets_in_invalid_manifests(git: Git) -> None:
    """A secret that breaks a rule of the schema is not quoted by the finding."""
    _write_secretive(git)
    git.write(
        "body:\n  name: !env VARIABLE\n  steps:\n"
        "    one: {imageId: !env VARIABLE, stepTimeout: !env VARIABLE}\n"
        "    two: {repository: {token: [canary-list]}}\n  triggers: [{cron: !env VARIABLE}]\n",
        "bad.yaml",
    )
    assert _reveals_nothing(git, ["validate"], _APPLY[0]) == [3, 3]


def test_secrets_in_faults(git: Git) -> None:
    """Whatever goes wrong with a request, no output quotes a secret."""
    _write_secretive(git)
    git.done()
    _write_secretive(git, "-new")
    for fault in ("422@PUT", "drop-before@PUT", f"401@GET{LIST}1"):
        git.server.faults = (fault,)
        (code,) = _reveals_nothing(git, _APPLY[1])
        assert code == 1


def test_the_request_log_and_tags_reveal_nothing(git: Git) -> None:
    """What the tenant keeps besides the secrets themselves, tags above all, reveals nothing of them."""
    git.server.profile = frozenset({"token-omitted"})
    _write_secretive(git)
    git.write(body("from-env"), "env.yaml")
    git.done()
    tags = json.dumps(git.stored("secretive")["tags"])
    assert "reconciler-sent-" in tags
    assert "canary" not in tags
