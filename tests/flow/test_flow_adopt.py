"""`adopt` as a user types it: manifests, the ownership tag and nothing else, and an empty plan at the end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Ended, body, rich, step

from reconciler.cli.commands.init import EXAMPLE
from reconciler.values import as_list
from reconciler.workflow import Body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

OWNED = "reconciler-owner-team-a"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a repository with an owner, and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text("manifests: [workflows]\nownership: {tag: team-a}\n")
    return tmp_path


def _meanings(server: EmulatorServer) -> dict[Any, Any]:
    """Return what each live workflow means, without own tags, by name: its form and its webhook URLs."""
    return {
        record.body["name"]: (Body(record.body).form, record.webhooks) for record in server.store.records()
    }


def _owned(server: EmulatorServer) -> set[Any]:
    """Return the names of the live workflows with the tag of the owner."""
    return {
        live["name"]
        for live in server.store.workflows().values()
        if {"name": OWNED} in as_list(live.get("tags"))
    }


@pytest.mark.usefixtures("repository")
def test_only_the_tag_changes(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Every workflow gets a manifest and the tag; else the tenant is as before, and the plan is empty."""
    server.store.create(rich())
    server.store.create(body("daily", tags=[{"name": "red"}], triggers=[{"webhook": True}]))
    before = _meanings(server)
    ended = typed("adopt", "--auto-approve", "--concurrency", "1")
    assert ended.code == 0, ended.out + ended.err
    assert "Plan: 2 to update." in ended.out
    assert ended.out.endswith("Adopted 2 workflows (owned by team-a); a plan of them is empty.\n")
    assert "wrote workflows/daily.yaml\n" in ended.err
    assert _meanings(server) == before
    assert _owned(server) == {"daily", "rich"}
    planned = typed("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "No changes. 2 workflows match Git.\n")
    assert typed("adopt", "--auto-approve").out == "Nothing to adopt.\n"


def test_asked_first(
    server: EmulatorServer, typed: Callable[..., Ended], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a yes the manifests stay, and the tenant is not touched; a dry run writes nothing at all."""
    server.store.create(body("daily"))
    dry = typed("adopt", "--dry-run")
    assert (dry.code, dry.out) == (0, "would adopt: daily (id 1)\nWould adopt 1 workflow.\n")
    assert not (repository / "workflows").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    ended = typed("adopt")
    assert ended.code == 1
    assert (
        "note: 1 manifest is written; to own its workflow, run apply; to undo that, delete it\n" in ended.err
    )
    assert "error: cancelled; nothing was changed in the tenant" in ended.err
    assert (repository / "workflows" / "daily.yaml").exists()
    assert _owned(server) == set()
    server.store.create(body("theirs", tags=[{"name": "reconciler-owner-team-b"}]))
    again = typed("adopt", "--auto-approve")
    assert again.code == 1
    assert again.out == (
        "left out: theirs (id 2): it is owned by team-b\n"
        "1 workflow has a manifest but not the tag team-a: daily; run apply to own it\n"
        "Nothing to adopt.\n"
    )
    assert typed("adopt", "--auto-approve", "--exclude", "daily").code == 0
    assert typed("apply", "--auto-approve").code == 0
    assert _owned(server) == {"daily"}
    assert typed("adopt", "--auto-approve").code == 0


def test_without_an_owner(server: EmulatorServer, typed: Callable[..., Ended], repository: Path) -> None:
    """Where no owner is named, nothing is written to the tenant, and the result says so."""
    (repository / "reconciler.yaml").write_text("manifests: [workflows]\n")
    server.store.create(body("daily"))
    assert typed("adopt", "--dry-run").out.endswith("No ownership tag is set: nothing would be owned.\n")
    ended = typed("adopt")
    assert ended.code == 0, ended.err
    assert ended.out == "Adopted 1 workflow (no ownership tag is set); a plan of it is empty.\n"


@pytest.mark.usefixtures("repository")
def test_who_is_left_out(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Another owner's workflow never, a deployment's and an orphan only by name, each with a reason."""
    server.store.create(body("theirs", tags=[{"name": "reconciler-owner-team-b"}]))
    server.store.create(body("app-flow", deploymentId="d-1"))
    server.store.create(body("gone", tags=[{"name": OWNED}]))
    server.store.create(body("plain"))
    ended = typed("adopt", "--auto-approve")
    assert ended.code == 0, ended.err
    assert "left out: theirs (id 1): it is owned by team-b\n" in ended.out
    assert "left out: app-flow (id 2): a Press deployment owns it (deploymentId)" in ended.out
    assert "left out: gone (id 3): it is orphaned: team-a owns it, and its manifest is gone" in ended.out
    assert _owned(server) == {"gone", "plain"}
    globbed = typed("adopt", "app-*", "--auto-approve")
    assert "a Press deployment owns it" in globbed.out
    named = typed("adopt", "app-flow", "gone", "--auto-approve")
    assert named.code == 0, named.out + named.err
    assert _owned(server) == {"app-flow", "gone", "plain"}
    refused = typed("adopt", "theirs", "--auto-approve")
    assert (refused.code, refused.out.splitlines()[-1]) == (1, "Nothing to adopt.")
    assert typed("adopt", "plian").code == 1


@pytest.mark.usefixtures("repository")
def test_what_cannot_be_adopted(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """A workflow without a manifest is named and the others are adopted; the exit code is 1."""
    server.store.create(body("no_manifest", steps={"under_score": step()}))
    server.store.create(body("fine"))
    ended = typed("adopt", "--auto-approve")
    assert ended.code == 1
    assert "left out: no_manifest (id 1): steps.under_score" in ended.out
    assert _owned(server) == {"fine"}


def test_variables(server: EmulatorServer, typed: Callable[..., Ended], repository: Path) -> None:
    """A manifest whose variable is not set is written and not planned; with the variable, it is adopted."""
    secret = step(parameters={"env": {"DB_PASSWORD": "canary-1"}})
    server.store.create(body("a", steps={"one": secret}))
    server.store.create(body("b", steps={"one": secret}))
    warning = "warning: 2 workflows are not tagged until 1 variable is set: PEAK_A_ONE_DB_PASSWORD\n"
    assert warning in typed("adopt", "--dry-run", PEAK_A_ONE_DB_PASSWORD="").err
    ended = typed("adopt", "--auto-approve", PEAK_A_ONE_DB_PASSWORD="")
    assert ended.code == 1
    assert ended.err.index(warning) < ended.err.index("wrote ")
    assert "set PEAK_A_ONE_DB_PASSWORD, then run apply" in ended.out
    assert "canary" not in ended.out + ended.err
    assert _owned(server) == set()
    left = typed("adopt", "--auto-approve", PEAK_A_ONE_DB_PASSWORD="")
    assert left.code == 1
    assert "2 workflows have a manifest but not the tag team-a: a, b; run apply to own them\n" in left.out
    for file in (repository / "workflows").iterdir():
        file.unlink()
    again = typed("adopt", "--auto-approve", PEAK_A_ONE_DB_PASSWORD="canary-1")
    assert again.code == 0, again.out
    assert _owned(server) == {"a", "b"}


@pytest.mark.usefixtures("repository")
def test_a_plan_that_would_change_more(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Where the tag cannot be written without a masked field, it is not, and the field is named."""
    server.profile = frozenset({"token-masked"})
    repository_of = {"url": "u", "branch": "b", "token": "canary-1"}
    server.store.create(body("a", steps={"one": step(repository=repository_of)}))
    ended = typed("adopt", "--auto-approve", PEAK_A_ONE_TOKEN="canary-1")
    assert ended.code == 1
    assert "left out: a (id 1): a plan changes more than the ownership tag" in ended.out
    assert "steps.one.repository.token" in ended.out
    assert _owned(server) == set()


def test_names_of_files(server: EmulatorServer, typed: Callable[..., Ended], repository: Path) -> None:
    """A manifest of another workflow keeps its file, and a workflow with a manifest is not written again."""
    folder = repository / "workflows"
    folder.mkdir()
    (folder / "daily.yaml").write_text(
        "name: other\nsteps: {one: {imageId: 1, imageVersionId: 2, command: x}}\n"
    )
    server.store.create(body("daily"))
    server.store.create(body("other"))
    ended = typed("adopt", "--auto-approve")
    assert ended.code == 0, ended.out + ended.err
    assert "1 workflow has a manifest but not the tag team-a: other; run apply to own it\n" in ended.out
    assert sorted(file.name for file in folder.iterdir()) == ["daily-1.yaml", "daily.yaml"]
    assert "workflows/daily.yaml:1 describes it" in typed("adopt", "other").out


def test_directories(server: EmulatorServer, typed: Callable[..., Ended], repository: Path) -> None:
    """The directory must be one that the manifests are read from."""
    server.store.create(body("daily"))
    refused = typed("adopt", "--output-dir", "elsewhere")
    assert refused.code == 64
    assert "Name that directory under manifests" in refused.err
    assert not (repository / "elsewhere").exists()
    assert typed("adopt", "--out", "workflows/sub", "--auto-approve").code == 0
    assert (repository / "workflows" / "sub" / "daily.yaml").exists()
    (repository / "reconciler.yaml").write_text("manifests: [a.yaml]\n")
    assert typed("adopt").code == 64


def test_the_first_day(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty workflows made by hand are in Git and owned after three commands, and no variable is set."""
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        repository = {"url": "https://github.com/org/x", "branch": "main"}
        if number % 5 < 2:
            repository["token"] = f"team-{number % 5}-repository"
        server.store.create(
            body(
                f"Flow {number}",
                steps={
                    "load": step(repository=repository),
                    "train": step("python train.py", parents=["load"], stepTimeout=60 + number),
                },
                triggers=[{"cron": f"{number} 6 * * *"}],
            )
        )
    before = _meanings(server)
    assert typed("init").code == 0
    configuration = tmp_path / "reconciler.yaml"
    configuration.write_text(
        configuration.read_text().replace("# ownership: {tag: my-team}", "ownership: {tag: team-a}")
    )
    adopted = typed("adopt", "--auto-approve")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "16 fields hold names of credentials on the platform" in adopted.err
    planned = typed("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "No changes. 40 workflows match Git.\n")
    assert _meanings(server) == before
    assert len(_owned(server)) == 40


_TEMPLATE = """\
body:
  name: {{ team }}-{{ workflow }}
  tags: [{name: {{ team }}}]
  steps:
    load:
      type: standard
      imageId: {{ image.id }}
      imageVersionId: {{ image.version }}
      command: |
        {% include 'load.sh' %}
      repository:
        url: https://github.com/org/x
        branch: {{ branch }}
        token: team-repository
"""


def test_the_first_day_with_templates(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of templates for the public client stays as it is; the rest of the tenant is adopted.

    Five commands, no variable, and no file of the folder changed: some of the live workflows are what these
    templates made, the others were made by hand.
    """
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "flows"
    folder.mkdir()
    texts = {
        "daily.yaml": _TEMPLATE.replace("{{ workflow }}", "daily"),
        "weekly.yaml": _TEMPLATE.replace("{{ workflow }}", "weekly"),
        "load.sh": "set -e\npython load.py {{ team }}\n",
        "params.yaml": "team: red\nimage: {id: 7, version: 8}\nbranch: main\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    for number in range(38):
        repository = {"url": "https://github.com/org/x", "branch": "main", "token": f"team-{number % 3}"}
        server.store.create(body(f"Flow {number}", steps={"load": step(repository=repository)}))
    for name in ("daily", "weekly"):
        repository = {"url": "https://github.com/org/x", "branch": "main", "token": "team-repository"}
        load = step("set -e\npython load.py red", imageId=7, imageVersionId=8, repository=repository)
        server.store.create(body(f"red-{name}", steps={"load": load}, tags=[{"name": "red"}]))
    before = _meanings(server)
    assert typed("init", "--from-peak").code == 0
    configuration = tmp_path / "reconciler.yaml"
    configuration.write_text(
        configuration.read_text()
        .replace("# ownership: {tag: my-team}", "ownership: {tag: team-a}")
        .replace("# params: ", "params: ")
    )
    planned = typed("plan", "--format", "json")
    assert [change["fields"] for change in json.loads(planned.out)["changes"]] == [[], []]
    adopted = typed("adopt", "--auto-approve")
    assert adopted.code == 0, adopted.out + adopted.err
    assert typed("apply", "--auto-approve").code == 0
    planned = typed("plan", "--detailed-exitcode")
    assert (planned.code, planned.out) == (0, "No changes. 40 workflows match Git.\n")
    assert _meanings(server) == before
    assert len(_owned(server)) == 40
    assert {name: (folder / name).read_text() for name in texts} == texts


def test_the_example_of_init(
    server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example goes only if nobody changed it, and only when there is something to adopt."""
    monkeypatch.chdir(tmp_path)
    typed("init")
    example = tmp_path / "workflows" / "example.yaml"
    assert typed("adopt").out == "Nothing to adopt.\n"
    assert example.read_text() == EXAMPLE
    example.write_text(EXAMPLE.replace("0 6", "0 7"))
    server.store.create(body("daily"))
    assert typed("adopt").code == 0
    assert example.exists()
    server.store.create(body("example"))
    example.write_text(EXAMPLE)
    ended = typed("adopt")
    assert ended.code == 0, ended.out
    assert "removed workflows/example.yaml, the unchanged example of init" in ended.err
    assert "echo hi" in example.read_text()


def test_an_environment_that_adds_to_names(
    server: EmulatorServer, typed: Callable[..., Ended], repository: Path
) -> None:
    """Where the name in Git is not the live one, nothing is written."""
    (repository / "reconciler.yaml").write_text(
        "manifests: [workflows]\nenvironments: {prod: {names: {prefix: prod-}}}\n"
    )
    server.store.create(body("prod-daily"))
    ended = typed("adopt", "--environment", "prod", "--auto-approve")
    assert ended.code == 64
    assert "adds to the names of workflows" in ended.err
    assert not (repository / "workflows").exists()
