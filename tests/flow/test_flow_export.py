"""`export` as a user types it: what it writes plans clean, holds no secret, and says what it leaves out."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import RICH, TENANTS, Ended, Git, body, process_env, rich, step
from processes import forked_command

from reconciler.values import lookup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

PASSWORD = "hunter2-canary"
GITHUB = "ghp_" + "a1B2" * 9
SECRETS: dict[str, Any] = {
    "name": "Secret Keeper",
    "watchers": [
        {"webhook": {"name": "chat", "url": f"https://me:{PASSWORD}@x.example.com", "payload": "{}"}}
    ],
    "steps": {
        "load": step(
            f"git clone https://x:{PASSWORD}@example.com/r\necho done",
            repository={"url": "https://example.com/r", "branch": "main", "token": "token-canary"},
            parameters={"env": {"DB_PASSWORD": PASSWORD, "KEY": GITHUB, "MODE": "full"}},
        ),
        "tell": {
            "type": "http",
            "method": "get",
            "url": "https://example.com",
            "headers": {"absolute": {"Authorization": "Basic canary"}},
            "auth": {"type": "basic", "username": "robot", "password": "auth-canary"},
        },
    },
}


def _variables(err: str) -> dict[str, str]:
    """Return the variables that standard error names, and the path of each."""
    words = [line.split(" ", 3) for line in err.splitlines() if line.startswith("PEAK_")]
    return {name.removesuffix(":"): path for name, path, *_ in words}


@pytest.mark.parametrize("profile", ["documented", "all", "retry-spread", "all+token-omitted"])
def test_the_round(git: Git, typed: Callable[..., Ended], tmp_path: Path, profile: str) -> None:
    """What an apply made is exported with GET alone, is valid and, given its variables, plans clean."""
    git.server.profile = TENANTS[profile]
    git.write(RICH)
    git.write(body("Daily Forecast", "echo one\necho two"), "daily.yaml", paused=True)
    git.done()
    git.server.clear_requests()
    ended = typed("export", "--all", "--output-dir", tmp_path / "live", "--secrets", "env")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [f"{tmp_path}/live/daily-forecast.yaml", f"{tmp_path}/live/rich.yaml"]
    assert git.writes() == []
    assert typed("validate", tmp_path / "live").code == 0
    named = _variables(ended.err)
    env = {name: str(lookup(RICH, tuple(path.split(".")))) for name, path in named.items()}
    assert env["PEAK_RICH_LOAD_TOKEN"] == "load-credential"
    planned = typed("plan", tmp_path / "live", "--detailed-exitcode", **env)
    assert (planned.code, planned.out) == (0, "No changes. 2 workflows match Git.\n")


def test_words(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """Defaults, ids, times and our own tags are left out; a webhook is `true`, a text over lines a block."""
    server.profile = TENANTS["defaults-filled"]
    tags = [{"name": "reconciler-protected"}, {"name": "reconciler-owner-team-a"}, {"name": "red"}]
    one = step("set -e\nrun 'it'", parameters={"env": {"DAYS": "30"}}, parents=["zero"])
    server.store.create(
        body("flow", tags=tags, triggers=[{"webhook": True}], steps={"one": one, "zero": step("yes")})
    )
    (tmp_path / "own.yaml").write_text("version: 1\nownership: {tag: Team-A}\n")
    assert "owned by" not in typed("export", "flow", "--config", tmp_path / "own.yaml").out
    ended = typed("export", "flow")
    assert ended.code == 0
    assert ended.out == (
        "# Note: owned by team-a: plan it with --ownership-tag team-a\n"
        "reconcile:\n  prevent_delete: true\n"
        "body:\n  name: flow\n  tags:\n    - name: red\n  triggers:\n    - webhook: true\n  steps:\n"
        "    zero:\n      imageId: 100\n      imageVersionId: 200\n      command: 'yes'\n"
        "    one:\n      imageId: 100\n      imageVersionId: 200\n      command: |-\n        set -e\n"
        "        run 'it'\n      parameters:\n        env:\n          DAYS: '30'\n      parents:\n"
        "        - zero\n"
    )


def test_no_secret(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """Whatever is a secret, or looks like one, becomes a variable; no stream and no file has it."""
    server.store.create(SECRETS)
    ended = typed("export", "Secret Keeper", "--output-dir", tmp_path, "--secrets", "env")
    text = (tmp_path / "secret-keeper.yaml").read_text()
    for canary in (PASSWORD, GITHUB, "canary"):
        assert canary not in text + ended.out + ended.err
    assert set(_variables(ended.err)) == {
        "PEAK_SECRET_KEEPER_WATCHER_CHAT_URL",
        "PEAK_SECRET_KEEPER_LOAD_COMMAND",
        "PEAK_SECRET_KEEPER_LOAD_TOKEN",
        "PEAK_SECRET_KEEPER_LOAD_DB_PASSWORD",
        "PEAK_SECRET_KEEPER_LOAD_KEY",
        "PEAK_SECRET_KEEPER_TELL_AUTHORIZATION",
        "PEAK_SECRET_KEEPER_TELL_PASSWORD",
    }
    assert "token: !env PEAK_SECRET_KEEPER_LOAD_TOKEN\n" in text
    assert "#   PEAK_SECRET_KEEPER_LOAD_TOKEN: steps.load.repository.token\n" in text
    assert "MODE: full\n" in text


def test_names_of_credentials_stay(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path
) -> None:
    """By default what is documented as a name is written as it is, and the plan needs no variable for it."""
    tokens = [
        "team-repository",
        "Team Repository 2024",
        GITHUB,
        "0b9f7c1e-58a1-4c0a-9f5e-3d3c6c1f2a10",
        "p&w!",
    ]
    for number, token in enumerate(tokens):
        repository = {"url": "u", "branch": "b", "token": token}
        server.store.create(body(f"flow-{number}", steps={"one": step(repository=repository)}))
    server.store.create(body("call", steps={"one": SECRETS["steps"]["tell"] | {"headers": {}}}))
    ended = typed("export", "--all", "--out", tmp_path)
    assert ended.code == 0, ended.err
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "token: team-repository\n" in text
    assert "token: Team Repository 2024\n" in text
    assert "password: auth-canary\n" in text
    assert all(token not in text + ended.err for token in tokens[2:])
    assert set(_variables(ended.err)) == {f"PEAK_FLOW_{number}_ONE_TOKEN" for number in (2, 3, 4)}
    assert "note: 3 fields hold names of credentials on the platform, kept as is" in ended.err
    planned = typed("plan", tmp_path, "--target", "flow-[01]", "--target", "call", "--detailed-exitcode")
    assert planned.code == 0, planned.out


def test_one_variable_for_each_value(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path
) -> None:
    """Fields of one value share a variable, over all workflows; the line of it counts them."""
    for name in ("a", "b", "c"):
        secret = {"DB_PASSWORD": PASSWORD, "KEY": GITHUB if name == "c" else f"{GITHUB}{name}"}
        server.store.create(body(name, steps={"one": step(parameters={"env": secret})}))
    ended = typed("export", "--all", "--out", tmp_path)
    assert ended.err.splitlines() == [
        "PEAK_A_ONE_DB_PASSWORD: steps.one.parameters.env.DB_PASSWORD of a and 2 more: a secret by its name",
        "PEAK_A_ONE_KEY: steps.one.parameters.env.KEY of a: looks like a credential (GitHub Token)",
        "PEAK_B_ONE_KEY: steps.one.parameters.env.KEY of b: looks like a credential (GitHub Token)",
        "PEAK_C_ONE_KEY: steps.one.parameters.env.KEY of c: looks like a credential (GitHub Token)",
    ]
    values = {"A_ONE_DB_PASSWORD": PASSWORD, "A_ONE_KEY": f"{GITHUB}a", "B_ONE_KEY": f"{GITHUB}b"}
    env = {f"PEAK_{name}": value for name, value in values.items()} | {"PEAK_C_ONE_KEY": GITHUB}
    assert typed("plan", tmp_path, "--detailed-exitcode", **env).code == 0


def test_secrets_left_to_the_tenant(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path
) -> None:
    """With --secrets ignore no variable is needed, the plan is empty, and what is ignored is named."""
    server.store.create(SECRETS)
    ended = typed("export", "--all", "--out", tmp_path, "--secrets", "ignore")
    text = (tmp_path / "secret-keeper.yaml").read_text()
    assert ended.code == 0, ended.err
    for canary in (PASSWORD, GITHUB, "canary", "!env"):
        assert canary not in text + ended.out + ended.err
    assert "    - steps.load.repository.token\n" in text
    assert (
        "steps.load.repository.token is left out and ignored (reconcile.ignore): a secret field" in ended.err
    )
    assert typed("validate", tmp_path).code == 0
    assert typed("plan", tmp_path, "--detailed-exitcode").code == 0


def test_each_secret_has_a_variable_of_its_own(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Three workflows whose names make the same variable name get three different variables."""
    for number, name in enumerate(("flow a", "flow-a", "flow.a")):
        credential = step(repository={"url": "u", "branch": "b", "token": f"canary-{number}"})
        server.store.create(body(name, steps={"one": credential}))
    ended = typed("export", "--all", "--secrets", "env")
    assert ended.code == 0, ended.err
    variables = sorted(re.findall(r"!env (\w+)", ended.out))
    assert variables == ["PEAK_FLOW_A_ONE_TOKEN", "PEAK_FLOW_A_ONE_TOKEN_2", "PEAK_FLOW_A_ONE_TOKEN_3"]


@pytest.mark.parametrize(
    ("profile", "there", "said"),
    [
        ("token-masked", True, "the API does not return its value"),
        ("token-omitted", False, "the API does not return steps.one.repository.token"),
        ("token-empty", False, "the API does not return steps.one.repository.token"),
    ],
)
def test_a_token_that_is_not_returned(
    git: Git, typed: Callable[..., Ended], profile: str, said: str, *, there: bool
) -> None:
    """A masked token becomes a variable, and so does a missing one with a sent digest; otherwise a note."""
    git.server.profile = TENANTS[profile]
    credential = step(repository={"url": "u", "branch": "b", "token": "canary-1"})
    git.server.store.create(body("foreign", steps={"one": credential}))
    git.write(body("ours", steps={"one": credential}))
    git.done()
    foreign, ours = typed("export", "foreign"), typed("export", "ours")
    assert ("token: !env PEAK_FOREIGN_ONE_TOKEN" in foreign.out) is there
    assert said in foreign.err
    assert "token: !env PEAK_OURS_ONE_TOKEN" in ours.out
    assert "the API does not return its value" in ours.err


def test_values_recovered_from_digests(git: Git, typed: Callable[..., Ended]) -> None:
    """What is hidden is found by its digest where few values are possible; else it is ignored, and noted."""
    git.server.profile = TENANTS["retry-hidden"] | TENANTS["metadata-hidden"]
    git.write(rich("known"), "known.yaml")
    git.write(body("odd", retryOptions={"duration": 7.25, "numberOfRetries": 2}), "odd.yaml")
    git.done()
    known, odd = typed("export", "known"), typed("export", "odd")
    assert "allowConcurrentExecution: true" in known.out
    assert "  retryOptions:\n    duration: 20\n    numberOfRetries: 2\n" in known.out
    assert "      - 1\n      - 137\n" in known.out
    assert "  ignore:\n    - retryOptions.duration\n" in odd.out
    assert "does not return retryOptions.duration" in odd.err
    assert "  retryOptions:\n    numberOfRetries: 2\n" in odd.out


def test_what_a_manifest_cannot_say(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path
) -> None:
    """What no manifest may say is left to the platform and named; without it, the rest plans clean."""
    odd = {"env": {"COUNT": [5], "MODE": "x"}}
    server.store.create(
        body(
            "odd",
            watchers=[{"events": {"fail": True}}],
            triggers=[{"cron": "never"}],
            steps={"one": step(parameters=odd, retries=3), "two": step(parents=["gone"])},
        )
    )
    ended = typed("export", "odd", "--output-dir", tmp_path)
    text = (tmp_path / "odd.yaml").read_text()
    assert ended.code == 0, ended.err
    assert "COUNT" not in text.partition("reconcile:")[2].partition("body:")[2]
    assert "    - steps.one.parameters.env.COUNT\n" in text
    assert "    - watchers.other\n" in text
    assert "- cron: never  # reconciler: ignore[cron-syntax]\n" in text
    assert "- gone  # reconciler: ignore[unknown-parent]\n" in text
    assert "steps.one.retries is not documented" in ended.err
    assert typed("validate", tmp_path).code == 0
    assert typed("plan", tmp_path, "--detailed-exitcode").code == 0


def test_an_empty_tenant(typed: Callable[..., Ended], tmp_path: Path) -> None:
    """Where there is nothing to export, that is said, and no directory is made."""
    ended = typed("export", "--all", "--output-dir", tmp_path / "live")
    assert (ended.code, ended.out, ended.err) == (
        0,
        "",
        "The tenant has no workflows; nothing was written.\n",
    )
    assert not (tmp_path / "live").exists()


def test_what_cannot_be_exported(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """A workflow for which there is no manifest is named, the others are written, and the exit code is 1."""
    server.store.create(body("twin"))
    second = server.store.create(body("twin", "echo second"))
    server.store.create(body("no_manifest", steps={"under_score": step()}))
    server.store.create(body("fine"))
    server.store.create(body("key", steps={"one": step(parameters={"env": {GITHUB: "x"}})}))
    ended = typed("export", "--all")
    assert ended.code == 1
    assert GITHUB not in ended.out + ended.err
    assert "key (id 5): not exported: one of its keys looks like a credential" in ended.err
    assert ended.out.count("name: ") == 1
    assert "warning: no_manifest (id 3): not exported: steps.under_score: must contain only" in ended.err
    assert ended.err.count("2 live workflows have this name") == 2
    pinned = typed("export", "--id", second)
    assert pinned.code == 0
    assert pinned.out.startswith("reconcile:\n  id: 2\n")


def test_the_same_text_every_time(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """The text is the same in whatever order the platform returns lists and the names are given."""
    server.profile = TENANTS["shuffled"]
    server.store.create(rich("a"))
    server.store.create(rich("b"))
    texts = {typed("export", *words).out for words in (["a", "b"], ["--all"], ["?"], ["b", "a", "--all"])}
    assert len(texts) == 1
    assert texts.pop().count("\n---\n") == 1


def test_file_names(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """No name leads out of the directory, hides a file or is the configuration's; two of one slug differ."""
    names = ["../../etc/passwd", ".hidden", "reconciler", "A b", "a-b", "\u2603", "n" * 500, "nul\0\n"]
    for name in names:
        server.store.create(body(name))
    ended = typed("export", "--all", "--output-dir", tmp_path / "new" / "deep")
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in (tmp_path / "new" / "deep").iterdir()) == [
        "a-b-4.yaml",
        "a-b-5.yaml",
        "etc-passwd.yaml",
        "hidden.yaml",
        f"{'n' * 60}.yaml",
        "reconciler-3.yaml",
        "workflow-nul.yaml",
        "workflow.yaml",
    ]
    assert typed("plan", tmp_path / "new", "--detailed-exitcode").code == 0


def test_nothing_is_overwritten(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """Where one file is there already, nothing is written; --force replaces it, and never follows a link."""
    server.store.create(body("one"))
    server.store.create(body("two"))
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.write_text("mine")
    (out / "two.yaml").symlink_to(outside)
    refused = typed("export", "--all", "--output-dir", out)
    assert (refused.code, refused.out) == (4, "")
    assert "two.yaml already exists" in refused.err
    assert [path.name for path in out.iterdir()] == ["two.yaml"]
    forced = typed("export", "--all", "--output-dir", out, "--force")
    assert forced.code == 0
    assert outside.read_text() == "mine"
    assert not (out / "two.yaml").is_symlink()
    assert sorted(path.name for path in out.iterdir()) == ["one.yaml", "two.yaml"]


def test_a_directory_that_cannot_be_written(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path
) -> None:
    """A directory that cannot be created is an error, and leaves nothing behind."""
    server.store.create(body("one"))
    (tmp_path / "file").write_text("")
    ended = typed("export", "one", "--output-dir", tmp_path / "file" / "sub")
    assert (ended.code, ended.out) == (1, "")
    assert "cannot be written: not a directory" in ended.err


def test_a_standard_output_that_knows_no_umlauts(git: Git) -> None:
    """No character is exchanged for an escape, which YAML would read as another text: it is an error."""
    git.server.store.create(body("\u00fcml\u00e4ut"))
    command = [*forked_command(), "export", "--all"]
    ended, refused = (
        subprocess.run(
            command, capture_output=True, check=False, env=process_env(git, PYTHONIOENCODING=encoding)
        )
        for encoding in ("utf-8", "ascii")
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "name: \u00fcml\u00e4ut\n" in ended.stdout.decode()
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"standard output takes ascii only" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 64, "name the workflows"),
        (["flow", "--force"], 64, "--force replaces files"),
        (["flwo"], 1, "Did you mean flow?"),
        (["x*"], 1, "no workflow is named 'x*' or matches it"),
        (["--id", "77"], 1, "no workflow with the id 77"),
    ],
)
def test_what_is_asked_for(
    server: EmulatorServer, typed: Callable[..., Ended], words: list[str], code: int, said: str
) -> None:
    """A name without a workflow is an error with a suggestion."""
    server.store.create(body("flow"))
    ended = typed("export", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_hostile_text(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Names and texts of the platform reach no terminal as they are, in the manifest or in messages."""
    server.store.create(body("a\x1b[31m\u202e\n::error::x", "echo \x1b[2J\n\u202e", futureMode=1))
    ended = typed("export", "--all")
    assert ended.code == 0
    assert all(line.isprintable() for line in (ended.out + ended.err).splitlines())
    assert typed("export", "*").out == ended.out


def test_portable(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path) -> None:
    """With --portable names take the place of ids, and the plan is still empty."""
    resources = {"instanceTypeId": 22, "storage": "20GB"}
    server.store.create(body("flow", steps={"one": step(resources=resources), "two": step(imageId=77)}))
    ended = typed("export", "--all", "--portable", "--out", tmp_path)
    assert ended.code == 0, ended.err
    text = (tmp_path / "flow.yaml").read_text()
    assert "      image:\n        name: workflow-python\n        version: 1.0.200\n" in text
    assert "instanceType: Nano\n" in text
    assert "imageId: 77\n" in text
    planned = typed("plan", tmp_path, "--detailed-exitcode")
    assert planned.code == 0, planned.out + planned.err
