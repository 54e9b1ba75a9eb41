"""`capture` as a user types it: a live edit comes back into the file, and nothing else changes there."""

from __future__ import annotations

import io
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Ended

from reconciler.client import Session, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

MANIFEST = """\
# The nightly run. Ask Ann before you change it.
x-small: &small {instanceTypeId: 22, storage: 10GB}   # shared

reconcile:
  prevent_delete: false

body:
  name: "daily"            # as in the UI
  tags: [{name: red}, {name: blue}]
  triggers:
    # before the office opens
    - cron: '0 6 * * *'    # every day
  watchers:
    - user: ann@example.com   # on call
      events: {fail: true}
  steps:
    load:
      imageId: 100
      imageVersionId: 200  # pinned

      command: |
        set -e
        python load.py
      stepTimeout: 60
      resources: *small
      repository:
        url: https://github.com/org/load
        branch: main
        token: team-repository
      parameters:
        env:
          MODE: full   # or: delta
          LEVEL: !env LEVEL
    train:
      imageId: 100
      imageVersionId: 200
      command: python train.py
      parents: [load]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Callable[..., Ended]) -> Path:
    """Return the file of a manifest that is in sync with the tenant, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEVEL", "3")
    (tmp_path / "reconciler.yaml").write_text("manifests: [workflows]\n")
    (tmp_path / "workflows").mkdir()
    file = tmp_path / "workflows" / "daily.yaml"
    file.write_text(MANIFEST)
    assert typed("apply", "--auto-approve").code == 0
    return file


def _edit(server: EmulatorServer, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit the live workflow as somebody in the UI."""
    with Session("a-token", base_url=server.url, env={}) as session:
        client = Workflow(session)
        live = server.store.workflows()[1]
        change(live)
        client.update_workflow(1, live)


def _changed(before: str, after: str) -> list[str]:
    """Return the lines that differ: those that are gone with `-`, and the new ones with `+`."""
    old, new = before.splitlines(), after.splitlines()
    return [
        *(f"-{line}" for line in old if line not in new),
        *(f"+{line}" for line in new if line not in old),
    ]


EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "cron": (
        lambda live: live["triggers"][0].update(cron="0 7 * * *"),
        ["-    - cron: '0 6 * * *'    # every day", "+    - cron: '0 7 * * *'    # every day"],
    ),
    "webhook": (lambda live: live["triggers"].append({"webhook": True}), ["+    - webhook: true"]),
    "no trigger": (
        lambda live: live.pop("triggers"),
        ["-  triggers:", "-    # before the office opens", "-    - cron: '0 6 * * *'    # every day"],
    ),
    "tags": (
        lambda live: live.update(tags=[*live["tags"][1:], {"name": "green"}]),
        ["-  tags: [{name: red}, {name: blue}]", "+  tags: [{name: blue}, {name: green}]"],
    ),
    "number": (
        lambda live: live["steps"]["load"].update(imageVersionId=201),
        ["-      imageVersionId: 200  # pinned", "+      imageVersionId: 201  # pinned"],
    ),
    "block": (
        lambda live: live["steps"]["load"].update(command="set -e\npython load.py --all\n"),
        ["-        python load.py", "+        python load.py --all"],
    ),
    "text": (
        lambda live: live["steps"]["train"].update(command="python: 'train'"),
        ["-      command: python train.py", "+      command: 'python: ''train'''"],
    ),
    "variable": (
        lambda live: live["steps"]["load"]["parameters"]["env"].update(MODE="yes"),
        ["-          MODE: full   # or: delta", "+          MODE: 'yes'   # or: delta"],
    ),
    "removed": (lambda live: live["steps"]["load"].pop("stepTimeout"), ["-      stepTimeout: 60"]),
    "added": (lambda live: live["steps"]["train"].update(stepTimeout=90), ["+      stepTimeout: 90"]),
    "token": (
        lambda live: live["steps"]["load"]["repository"].update(token="other-repository"),
        ["-        token: team-repository", "+        token: other-repository"],
    ),
    "watcher": (
        lambda live: live["watchers"].append({"user": "bob@example.com", "events": {"success": True}}),
        ["+    - user: bob@example.com", "+      events:", "+        success: true"],
    ),
    "event": (
        lambda live: live["watchers"][0]["events"].update(success=True),
        ["-      events: {fail: true}", "+      events: {fail: true, success: true}"],
    ),
    "step": (
        lambda live: live["steps"].update(
            check={"imageId": 1, "imageVersionId": 2, "command": "check", "parents": ["train"]}
        ),
        [
            "+    check:",
            "+      imageId: 1",
            "+      imageVersionId: 2",
            "+      command: check",
            "+      parents:",
            "+        - train",
        ],
    ),
    "no step": (
        lambda live: live["steps"].pop("train"),
        [
            "-    train:",
            "-      imageVersionId: 200",
            "-      command: python train.py",
            "-      parents: [load]",
        ],
    ),
    "retries": (
        lambda live: live["steps"]["train"].update(
            runConfiguration={"retryOptions": {"duration": 9, "numberOfRetries": 2}}
        ),
        [
            "+      runConfiguration:",
            "+        retryOptions:",
            "+          duration: 9",
            "+          numberOfRetries: 2",
        ],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_only_the_lines_that_differ(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path, name: str
) -> None:
    """Each edit changes its own lines and no other, keeps comments and quoting, and the plan is empty."""
    change, lines = EDITS[name]
    _edit(server, change)
    ended = typed("capture", "daily", "--yes")
    assert ended.code == 0, ended.out + ended.err
    assert _changed(MANIFEST, file.read_text()) == lines
    assert all(line in ended.out.splitlines() for line in lines)
    planned = typed("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "No changes. 1 workflow matches Git.\n")


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        (
            lambda live: live["steps"]["load"]["parameters"]["env"].update(LEVEL="9"),
            "steps.load.parameters.env.LEVEL",
            "workflows/daily.yaml:33:18: it comes from !env",
        ),
        (
            lambda live: live["steps"]["load"]["parameters"]["env"].pop("LEVEL"),
            "steps.load.parameters.env.LEVEL",
            "workflows/daily.yaml:33:18: it comes from !env",
        ),
        (
            lambda live: live["steps"]["load"]["resources"].update(instanceTypeId=23),
            "steps.load.resources.instanceTypeId",
            "workflows/daily.yaml:25:18: it is an alias (*small)",
        ),
        (
            lambda live: live["steps"]["train"].update(parameters={"env": {"DB_PASSWORD": "canary"}}),
            "steps.train.parameters.env.DB_PASSWORD",
            "the live value is a secret by its name; write it as !env NAME",
        ),
    ],
)
def test_what_is_written_elsewhere(  # noqa: PLR0913, PLR0917 - fixtures
    server: EmulatorServer,
    typed: Callable[..., Ended],
    file: Path,
    change: Callable[[dict[str, Any]], object],
    field: str,
    why: str,
) -> None:
    """What comes from a variable or an alias, and what is a secret, stays; the other changes are captured."""
    _edit(server, change)
    ended = typed("capture", "--all", "--yes")
    assert (ended.code, file.read_text()) == (1, MANIFEST)
    assert ended.err == f"daily (id 1): not captured: {field}: {why}\n"
    _edit(server, EDITS["number"][0])
    both = typed("capture", "--all", "--yes")
    assert both.code == 1
    captured = "daily (id 1): captured: steps.load.imageVersionId\n"
    assert both.err == f"{captured}{ended.err}wrote workflows/daily.yaml\n"
    assert "canary" not in both.out + both.err
    assert _changed(MANIFEST, file.read_text()) == EDITS["number"][1]
    left = typed("plan").out
    assert (field in left, "imageVersionId" in left) == (True, False)


def test_asked_first(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The diff is shown before the question; a dry run only shows it; without one nothing is asked."""
    assert typed("capture", "--all").out == "No changes to capture.\n"
    _edit(server, EDITS["number"][0])
    dry = typed("capture", "--all", "--dry-run")
    assert (dry.code, file.read_text()) == (0, MANIFEST)
    assert "+      imageVersionId: 201  # pinned\n" in dry.out
    assert "daily (id 1): would capture: steps.load.imageVersionId\n" in dry.err
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    refused = typed("capture", "daily")
    assert (refused.code, file.read_text()) == (1, MANIFEST)
    assert "cancelled; nothing was written" in refused.err
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert typed("capture", "daily").code == 0
    assert "imageVersionId: 201  # pinned" in file.read_text()


@pytest.mark.parametrize("words", [[], ["daily", "--all"], ["--all", "-"]])
def test_what_is_asked_for(typed: Callable[..., Ended], file: Path, words: list[str]) -> None:
    """Without a name, or with one too many, nothing is read."""
    assert typed("capture", *words).code in {64, 1}
    assert file.read_text() == MANIFEST


@pytest.mark.parametrize("indent", [None, 2, 4])
def test_json(server: EmulatorServer, typed: Callable[..., Ended], file: Path, indent: int | None) -> None:
    """A manifest in JSON stays JSON, on one line or over many."""
    steps = {"one": {"imageId": 1, "imageVersionId": 2, "command": "x", "parameters": {"env": {}}}}
    document = {"body": {"name": "daily", "steps": steps}}
    file.unlink()
    file = file.with_suffix(".json")
    file.write_text(json.dumps(document, indent=indent) + "\n")
    assert typed("apply", "--auto-approve").code == 0
    _edit(server, lambda live: live["steps"].update(two={**steps["one"], "parents": ["one"]}))
    _edit(
        server, lambda live: live["steps"]["one"].update(command='say "hi"', parameters={"env": {"A": "1"}})
    )
    ended = typed("capture", "--all", "--yes", "--plain-text")
    assert ended.code == 0, ended.out + ended.err
    assert json.loads(file.read_text())["body"]["steps"]["one"]["command"] == 'say "hi"'
    assert typed("plan", "--detailed-exitcode").code == 0


def test_several_documents_in_a_file(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """Two workflows of one file, with Windows line ends and a byte order mark, are both captured."""
    text = "\ufeff" + "".join(
        f"--- # {name}\nbody:\n  name: {name}\n  steps:\n    one:\n      imageId: 1\n"
        "      imageVersionId: 2\n      command: x\n"
        for name in ("daily", "weekly")
    ).replace("\n", "\r\n")
    file.write_bytes(text.encode())
    assert typed("apply", "--auto-approve").code == 0
    with Session("a-token", base_url=server.url, env={}) as session:
        for number, live in server.store.workflows().items():
            live["steps"]["one"].update(command="y", stepTimeout=number)  # type: ignore[call-overload, index, union-attr]
            Workflow(session).update_workflow(number, live)
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 0, ended.out + ended.err
    wanted = text.replace("command: x\r\n", "command: y\r\n      stepTimeout: 1\r\n", 1)
    wanted = wanted.replace("command: x\r\n", "command: y\r\n      stepTimeout: 2\r\n", 1)
    assert file.read_bytes() == wanted.encode()


def test_paused(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """A workflow that somebody resumed is no longer stated to be paused."""
    file.write_text(MANIFEST.replace("  prevent_delete: false\n", "  paused: true # for now\n"))
    assert typed("apply", "--auto-approve").code == 0
    server.store.set_paused(1, paused=False)
    assert typed("capture", "--all", "--yes").code == 0
    assert "  paused: false # for now\n" in file.read_text()


def test_patches(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """A patch is edited where it states the field: in its body, or as a keyword."""
    patch = file.with_name("patch.yaml")
    file.unlink()
    patch.write_text(
        "patch:\n  name: daily\n  stepNames: [train]\n  set:\n    imageVersionId: 200 # pinned\n"
        "  body:\n    steps:\n      load:\n        stepTimeout: 60\n"
    )
    assert typed("plan", "--detailed-exitcode").code == 0
    _edit(server, lambda live: live["steps"]["train"].update(imageVersionId=202))
    _edit(server, lambda live: live["steps"]["load"].update(stepTimeout=61))
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 0, ended.err
    assert "    imageVersionId: 202 # pinned\n" in patch.read_text()
    assert "stepTimeout: 61\n" in patch.read_text()
    assert typed("plan", "--detailed-exitcode").code == 0


def test_parameters(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """A value from a parameter is not replaced."""
    file.write_text(MANIFEST.replace("stepTimeout: 60", "stepTimeout: !param timeout"))
    (file.parents[1] / "reconciler.yaml").write_text("manifests: [workflows]\nparams: {timeout: 60}\n")
    assert typed("capture", "--all", "--yes").out == "No changes to capture.\n"
    _edit(server, lambda live: live["steps"]["load"].update(stepTimeout=61))
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 1
    assert "steps.load.stepTimeout: workflows/daily.yaml:24:20: it comes from !param" in ended.err


def test_a_merge(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """A value that a merge brings in is overridden in the workflow itself; the others keep theirs."""
    text = MANIFEST.replace("resources: *small", "resources:\n        <<: *small # as all")
    file.write_text(text)
    _edit(server, lambda live: live["steps"]["load"]["resources"].update(instanceTypeId=23))
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 0, ended.err
    assert file.read_text() == text.replace("# as all\n", "# as all\n        instanceTypeId: 23\n")
    assert typed("plan", "--detailed-exitcode").code == 0


def test_watchers_that_are_alike(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """Watchers of one name are known by their number, whatever else changes with them."""
    hook = (
        "    - webhook: {name: a, url: 'https://example.com', payload: PAYLOAD}\n      events: {fail: true}\n"
    )
    both = hook.replace("PAYLOAD", "one") + hook.replace("PAYLOAD", "two")
    file.write_text(MANIFEST.replace("  steps:\n", f"{both}  steps:\n", 1))
    assert typed("apply", "--auto-approve").code == 0
    _edit(server, lambda live: live.update(watchers=[*live["watchers"][:1], *_with_payload(live, "zoo")]))
    assert typed("capture", "--all", "--yes").code == 0
    assert typed("plan", "--detailed-exitcode").code == 0
    _edit(server, lambda live: live.update(watchers=live["watchers"][:1]))
    assert typed("capture", "--all", "--yes").code == 0
    assert file.read_text() == MANIFEST
    assert typed("plan", "--detailed-exitcode").code == 0


def _with_payload(live: dict[str, Any], payload: str) -> list[dict[str, Any]]:
    """Return the last watcher with another payload."""
    last = live["watchers"][-1]
    return [{**last, "webhook": {**last["webhook"], "payload": payload}}]


def test_a_file_that_changes_meanwhile(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody writes into the file while the question is open is not overwritten."""

    class Answer(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # noqa: ARG002 - as the base class
            file.write_text("mine")
            return "yes\n"

    _edit(server, EDITS["number"][0])
    monkeypatch.setattr("sys.stdin", Answer())
    ended = typed("capture", "--all")
    assert ended.code == 4
    assert "workflows/daily.yaml has changed meanwhile" in ended.err
    assert file.read_text() == "mine"


class _Terminal(io.StringIO):
    """A terminal at which somebody answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "changed"), [("1", "daily.yaml"), ("2", "overlay.yaml"), ("9", "")])
def test_the_file_is_asked_for(  # noqa: PLR0913, PLR0917 - fixtures
    server: EmulatorServer,
    typed: Callable[..., Ended],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    changed: str,
) -> None:
    """On a terminal, an environment with overlays asks which file gets the change; no choice changes none."""
    overlay = file.parents[1] / "overlays" / "overlay.yaml"
    overlay.parent.mkdir()
    overlay.write_text("patch:\n  name: daily\n  body:\n    steps:\n      load:\n        stepTimeout: 60\n")
    (file.parents[1] / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments: {prod: {overlays: [overlays]}}\n"
    )
    _edit(server, EDITS["number"][0])
    before = {path: path.read_text() for path in (file, overlay)}
    monkeypatch.setattr("sys.stdin", _Terminal(f"{answer}\nyes\n"))
    ended = typed("capture", "--all", "--environment", "prod")
    assert "  1  base\n  2  overlays/overlay.yaml\n" in ended.err
    assert [path.name for path, text in before.items() if path.read_text() != text] == list(
        filter(None, [changed])
    )
    assert ended.code == (0 if changed else 64)


def test_overlays(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """What an overlay states is named there; the rest goes into the shared manifest, when asked to."""
    overlay = file.parents[1] / "overlays" / "daily.yaml"
    overlay.parent.mkdir()
    overlay.write_text("patch:\n  name: daily\n  body:\n    steps:\n      load:\n        stepTimeout: 90\n")
    (file.parents[1] / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments: {prod: {overlays: [overlays]}}\n"
    )
    prod = ("--environment", "prod")
    assert typed("apply", *prod, "--auto-approve").code == 0
    _edit(server, EDITS["number"][0])
    asked = typed("capture", "--all", "--yes", *prod)
    assert asked.code == 64
    assert "Pass --into base" in asked.err
    assert typed("capture", "--all", "--yes", "--into", "base", *prod).code == 0
    assert _changed(MANIFEST, file.read_text()) == EDITS["number"][1]
    assert typed("plan", "--detailed-exitcode", *prod).code == 0
    _edit(server, lambda live: live["steps"]["load"].update(stepTimeout=91))
    ended = typed("capture", "--all", "--yes", "--into", "base", *prod)
    assert ended.code == 1
    assert "overlays/daily.yaml:6:22: an overlay states the value; edit it there" in ended.err
    before, shared = overlay.read_text(), file.read_text()
    _edit(server, lambda live: live["steps"]["train"].pop("parents"))
    _edit(server, lambda live: live["steps"]["train"].update(command="train --all"))
    assert typed("capture", "--all", "--yes", "--into", "elsewhere.yaml", *prod).code == 64
    ended = typed("capture", "--all", "--yes", "--into", "overlays/daily.yaml", *prod)
    assert ended.code == 0, ended.err
    assert _changed(before, overlay.read_text()) == [
        "-        stepTimeout: 90",
        "+        stepTimeout: 91",
        "+      train:",
        "+        command: train --all",
        "+        parents: null",
    ]
    assert file.read_text() == shared
    assert typed("plan", "--detailed-exitcode", *prod).code == 0
    _edit(server, EDITS["cron"][0])
    ended = typed("capture", "--all", "--yes", "--into", "overlays/daily.yaml", *prod)
    assert ended.code == 1
    assert "write triggers.cron by hand" in ended.err


def test_templates(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """A file that a template renders is not edited; it is named."""
    template = file.with_name("daily.yaml.j2")
    file.rename(template)
    template.write_text(MANIFEST.replace("stepTimeout: 60", "stepTimeout: {{ 6 * 10 }}"))
    assert typed("capture", "--all", "--yes").out == "No changes to capture.\n"
    _edit(server, EDITS["number"][0])
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 1
    assert "workflows/daily.yaml.j2" in ended.err
    assert "a template renders it" in ended.err


def test_names_of_images(server: EmulatorServer, typed: Callable[..., Ended], file: Path) -> None:
    """Where a manifest names its image, edits are captured: a version without a name as ids."""
    named = "image: {name: workflow-python, version: '1.0.400'}   # by name"
    ids = "imageId: 100\n      imageVersionId: 200\n      command: python train.py"
    text = MANIFEST.replace(ids, f"{named}\n      command: python train.py")
    assert text != MANIFEST
    file.write_text(text)
    applied = typed("apply", "--auto-approve")
    assert applied.code == 0, applied.out + applied.err
    _edit(server, lambda live: live["steps"]["train"].update(command="python train.py --all"))
    ended = typed("capture", "--all", "--yes")
    assert ended.code == 0, ended.err
    assert _changed(text, file.read_text()) == [
        "-      command: python train.py",
        "+      command: python train.py --all",
    ]
    _edit(server, lambda live: live["steps"]["train"].update(imageVersionId=1))
    assert typed("capture", "--all", "--yes").code == 0
    assert "imageVersionId: 1\n" in file.read_text()
    assert "image:" not in file.read_text()
    assert typed("plan", "--detailed-exitcode").code == 0


HOOK = {"name": "pager", "url": "https://example.com/T0/canary", "payload": "x"}
MAY_BE_SECRET: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "added variable": (
        lambda live: live["steps"]["load"]["parameters"]["env"].update(LICENCE="canary"),
        "steps.load.parameters.env.LICENCE",
    ),
    "added step": (
        lambda live: live["steps"].update(
            new={"imageId": 1, "imageVersionId": 2, "command": "x", "parameters": {"env": {"A": "canary"}}}
        ),
        "steps.new.parameters.env.A",
    ),
    "added webhook": (
        lambda live: live["watchers"].append({"webhook": HOOK, "events": {"fail": True}}),
        "watchers.webhook:pager.webhook.url",
    ),
}


@pytest.mark.parametrize("name", MAY_BE_SECRET)
def test_what_a_plan_masks(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path, name: str
) -> None:
    """A live value that a plan masks because it may be a secret is written only with an option."""
    change, path = MAY_BE_SECRET[name]
    _edit(server, change)
    planned = typed("plan", "--show-bodies").out
    assert "(sensitive)" in planned
    assert "canary" not in planned
    ended = typed("capture", "daily", "--yes")
    assert (ended.code, file.read_text()) == (1, MANIFEST)
    value = "the live value" if name == "added variable" else f"the live value of {path}"
    assert f"{value} may be a secret (plan masks it); write it as !env NAME" in ended.err
    assert "canary" not in ended.out + ended.err
    assert typed("capture", "daily", "--yes", "--plain-text").code == 0
    assert "canary" in file.read_text()
    assert typed("plan", "--detailed-exitcode").code == 0


def test_a_variable_that_git_no_longer_has(typed: Callable[..., Ended], file: Path) -> None:
    """The value that came from a variable of the environment is not written once its lines are removed."""
    file.write_text(MANIFEST.replace("          LEVEL: !env LEVEL\n", "          LICENCE: !env LICENCE\n"))
    assert typed("apply", "--auto-approve", LICENCE="a-licence-canary").code == 0
    text = MANIFEST.replace("          LEVEL: !env LEVEL\n", "")
    file.write_text(text)
    ended = typed("capture", "--all", "--yes")
    assert (ended.code, file.read_text()) == (1, text)
    assert "LICENCE: the live value may be a secret (plan masks it)" in ended.err
    assert "canary" not in ended.out + ended.err


@pytest.fixture
def owned(file: Path, typed: Callable[..., Ended]) -> Path:
    """Return the file of a manifest that was applied with an ownership tag."""
    (file.parents[1] / "reconciler.yaml").write_text("manifests: [workflows]\nownership: {tag: team-a}\n")
    assert typed("apply", "--auto-approve").code == 0
    return file


def test_what_git_changed_since_the_last_apply(
    server: EmulatorServer, typed: Callable[..., Ended], owned: Path
) -> None:
    """A change in Git that is not applied yet stays, and the live change beside it is captured."""
    text = MANIFEST.replace("python train.py", "python train.py --new")
    owned.write_text(text)
    alone = typed("capture", "--all", "--yes")
    assert (alone.code, owned.read_text()) == (1, text)
    why = "Git changed it since the last apply, the tenant did not; run apply, or"
    assert f"daily (id 1): not captured: steps.train.command: {why}" in alone.err
    _edit(server, EDITS["number"][0])
    both = typed("capture", "--all", "--yes")
    assert both.code == 1
    assert "daily (id 1): captured: steps.load.imageVersionId\n" in both.err
    assert "daily (id 1): not captured: steps.train.command: Git" in both.err
    assert _changed(text, owned.read_text()) == EDITS["number"][1]
    owned.write_text(text)
    assert typed("capture", "--all", "--yes", "--include-unapplied").code == 0
    assert _changed(MANIFEST, owned.read_text()) == EDITS["number"][1]


def test_a_change_on_both_sides(server: EmulatorServer, typed: Callable[..., Ended], owned: Path) -> None:
    """A field that both sides may have changed is captured with a warning; without a question it stays."""
    owned.write_text(MANIFEST.replace("python train.py", "python train.py --new"))
    _edit(server, EDITS["text"][0])
    ended = typed("capture", "--all", "--dry-run")
    assert ended.code == 0
    assert "daily (id 1): would capture: steps.train.command\n" in ended.err
    assert "warning: Git may have changed steps.train.command as well since the last apply" in ended.err
    text = owned.read_text()
    unasked = typed("capture", "--all", "--yes")
    assert (unasked.code, owned.read_text()) == (1, text)
    assert "not captured: steps.train.command: the last apply does not show whether Git or the" in unasked.err
    owned.write_text(MANIFEST.replace("  prevent_delete: false\n", "  paused: true\n"))
    text = owned.read_text()
    _edit(
        server,
        lambda live: (EDITS["number"][0](live), live["steps"]["train"].update(command="python train.py")),
    )
    assert typed("capture", "--all", "--yes").code == 1
    assert _changed(text, owned.read_text()) == EDITS["number"][1]
    paused = typed("capture", "--all", "--dry-run")
    assert "warning: Git may have changed reconcile.paused as well since" in paused.err


def test_what_git_changed_below_an_overlay(
    server: EmulatorServer, typed: Callable[..., Ended], owned: Path
) -> None:
    """An overlay does not take over what Git changed in the manifest below it, either."""
    overlay = owned.parents[1] / "overlays" / "daily.yaml"
    overlay.parent.mkdir()
    overlay.write_text("patch: {name: daily, body: {}}\n")
    (owned.parents[1] / "reconciler.yaml").write_text(
        "manifests: [workflows]\nownership: {tag: team-a}\nenvironments: {prod: {overlays: [overlays]}}\n"
    )
    owned.write_text(MANIFEST.replace("python train.py", "python train.py --new"))
    _edit(server, EDITS["number"][0])
    ended = typed("capture", "--all", "--yes", "--into", "overlays/daily.yaml", "--environment", "prod")
    assert ended.code == 1
    assert "daily (id 1): captured: steps.load.imageVersionId\n" in ended.err
    assert "imageVersionId: 201" in overlay.read_text()
    assert "train" not in overlay.read_text()


def test_a_workflow_that_was_renamed_live(
    server: EmulatorServer, typed: Callable[..., Ended], owned: Path
) -> None:
    """A manifest whose workflow has another name now is named, with the workflow that it may be."""
    _edit(server, lambda live: live.update(name="daily-2"))
    ended = typed("capture", "--all")
    assert (ended.code, owned.read_text()) == (0, MANIFEST)
    assert (
        'daily: not captured: no live workflow has this name; "daily" and "daily-2" are nearly' in ended.err
    )


def test_what_git_changed_since_a_commit(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path
) -> None:
    """With a base, what Git changed stays, drift is captured, and what both changed is told from it."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], check=True, cwd=file.parents[1])
    text = MANIFEST.replace("python train.py", "python train.py --new").replace("full ", "half ")
    file.write_text(text)
    _edit(server, EDITS["number"][0])
    _edit(server, EDITS["variable"][0])
    ended = typed("capture", "--all", "--yes", "--base", "HEAD")
    assert ended.code == 1
    assert "daily (id 1): captured: steps.load.imageVersionId\n" in ended.err
    assert re.search(
        r"not captured: steps.load.parameters.env.MODE: Git changed it as well since [0-9a-f]{12}; leave",
        ended.err,
    )
    assert re.search(
        r"not captured: steps.train.command: Git changed it since [0-9a-f]{12}, the tenant", ended.err
    )
    assert _changed(text, file.read_text()) == EDITS["number"][1]
    asked = typed("capture", "--all", "--dry-run", "--base", "HEAD").err
    assert "would capture: steps.load.parameters.env.MODE\n" in asked
    assert re.search(
        r"warning: Git changed steps.load.parameters.env.MODE as well since [0-9a-f]{12}; the", asked
    )
    assert typed("capture", "--all", "--yes", "--base", "nowhere").code == 64


def test_what_was_a_secret_at_the_base(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path
) -> None:
    """The value that a variable gave at the base is masked by the plan, and not written in plain text."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], check=True, cwd=file.parents[1])
    _edit(server, lambda live: live["steps"]["load"]["parameters"]["env"].update(LEVEL="canary"))
    text = MANIFEST.replace("!env LEVEL", "'4'")
    file.write_text(text)
    ended = typed("capture", "--all", "--base", "HEAD", "--dry-run")
    assert (ended.code, "canary" in ended.out + ended.err) == (1, False)
    assert "not captured: steps.load.parameters.env.LEVEL: it was a secret at " in ended.err


def test_whether_it_is_paused_is_no_part_of_an_overlay(
    server: EmulatorServer, typed: Callable[..., Ended], file: Path
) -> None:
    """It is named, and the other changes go into the overlay."""
    overlay = file.parents[1] / "overlays" / "daily.yaml"
    overlay.parent.mkdir()
    overlay.write_text("patch:\n  name: daily\n  body:\n    steps:\n      load:\n        stepTimeout: 60\n")
    (file.parents[1] / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments: {prod: {overlays: [overlays]}}\n"
    )
    file.write_text(MANIFEST.replace("  prevent_delete: false\n", "  paused: true\n"))
    _edit(server, lambda live: live["steps"]["load"].update(stepTimeout=61))
    words = ("--into", "overlays/daily.yaml", "--environment", "prod")
    ended = typed("capture", "--all", "--yes", *words)
    assert ended.code == 1
    assert "captured: steps.load.stepTimeout\n" in ended.err
    assert "not captured: reconcile.paused: overlays/daily.yaml: an overlay does not state it" in ended.err
    assert "stepTimeout: 61" in overlay.read_text()
