"""One set of manifests for several environments, as a user types it: parameters and overlays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

_CONFIGURATION = """\
manifests: [flows]
params: {version: 200}
environments:
  dev: {}
  prod:
    params: params.yaml
    overlays: [flows/prod]
    names: {prefix: prod-}
"""
_MANIFEST = """\
body:
  name: train
  triggers: [{cron: 0 6 * * *}]
  steps:
    fit:
      imageId: 100
      imageVersionId: !param version
      command: !param {name: team.command, default: python fit.py}
      parameters: {env: {MODE: fast, REGION: !env {name: REGION, default: eu}}}
"""
_OVERLAY = """\
patch:
  name: train
  body:
    triggers: ~
    steps:
      fit:
        parameters: {env: {MODE: exact, KEY: !env KEY}}
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a repository with two environments; overlays lie below the manifests."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text(_CONFIGURATION)
    (tmp_path / "flows" / "prod").mkdir(parents=True)
    (tmp_path / "flows" / "train.yaml").write_text(_MANIFEST)
    (tmp_path / "flows" / "prod" / "train.yaml").write_text(_OVERLAY)
    (tmp_path / "params.yaml").write_text("version: 300\nteam: {command: python prod.py}\n")
    return tmp_path


def _live(server: EmulatorServer) -> dict[str, Any]:
    return {live["name"]: live for live in server.store.workflows().values()}


@pytest.mark.usefixtures("tree")
def test_one_tree_for_two_environments(
    server: EmulatorServer, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each environment gets its values; what is applied is in sync, and an overlay is no manifest."""
    monkeypatch.setenv("KEY", "canary-key")
    for name in ("dev", "prod"):
        assert typed("apply", "--environment", name, "--auto-approve").code == 0
        again = typed("plan", "--environment", name, "--detailed-exitcode")
        assert again.code == 0, again.out + again.err
    live = _live(server)
    assert sorted(live) == ["prod-train", "train"]
    dev, prod = live["train"]["steps"]["fit"], live["prod-train"]["steps"]["fit"]
    assert (dev["imageVersionId"], dev["command"]) == (200, "python fit.py")
    assert (prod["imageVersionId"], prod["command"]) == (300, "python prod.py")
    assert dev["parameters"]["env"] == {"MODE": "fast", "REGION": "eu"}
    assert prod["parameters"]["env"] == {"MODE": "exact", "REGION": "eu", "KEY": "canary-key"}
    assert live["train"]["triggers"]
    assert not live["prod-train"].get("triggers")


@pytest.mark.parametrize("command", ["validate", "plan", "status", "graph", "apply"])
def test_options_of_parameters(
    tree: Path, server: EmulatorServer, typed: Callable[..., Ended], command: str
) -> None:
    """`--param` wins over `--params`, on every command that reads manifests; text stays text."""
    (tree / "more.yaml").write_text("version: 7\nteam: {command: from the file}\n")
    words = ["flows/train.yaml"] if command in {"validate", "graph"} else ["--environment", "dev"]
    words += ["--auto-approve"] if command == "apply" else []
    ended = typed(command, *words, "--params", "more.yaml", "--param", "team.command=typed")
    assert ended.code == 0, ended.out + ended.err
    if command == "apply":
        step = _live(server)["train"]["steps"]["fit"]
        assert (step["imageVersionId"], step["command"]) == (7, "typed")
    assert typed(command, *words, "--param", "version").code == 64
    wrong = typed(command, *words, "--param", "version=eight")
    assert wrong.code == 3
    assert "found 'eight', the value of the parameter 'version'" in wrong.out + wrong.err


@pytest.mark.usefixtures("tree")
def test_plan_shows_no_secret_of_an_overlay(
    server: EmulatorServer, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of `!env` in an overlay is masked; an unset variable is an error in the overlay."""
    missing = typed("plan", "--environment", "prod")
    assert missing.code == 3
    assert "flows/prod/train.yaml:7" in missing.out + missing.err
    monkeypatch.setenv("KEY", "canary-key")
    shown = typed("plan", "--environment", "prod", "--show-bodies")
    assert (shown.code, "canary-key" in shown.out + shown.err) == (0, False)
    assert not server.store.workflows()
    as_json = json.loads(typed("plan", "--environment", "prod", "--format", "json").out)
    assert "canary-key" not in json.dumps(as_json)


def test_validate_of_an_environment(tree: Path, typed: Callable[..., Ended]) -> None:
    """`validate --environment` checks the result; a finding of an overlay is in the overlay's file."""
    file = tree / "flows" / "prod" / "train.yaml"
    file.write_text(_OVERLAY.replace("MODE: exact", "MODE: [exact]").replace("KEY: !env KEY", "KEY: k"))
    assert typed("validate").code == 0
    ended = typed("validate", "--environment", "prod", "--format", "json")
    assert ended.code == 3
    (finding,) = json.loads(ended.out)["findings"]
    assert (finding["file"], finding["line"]) == ("flows/prod/train.yaml", 7)
    outside = (tree / "reconciler.yaml").read_text().replace("[flows/prod]", "[../elsewhere]")
    (tree / "reconciler.yaml").write_text(outside)
    assert typed("validate", "--environment", "prod").code == 3


@pytest.mark.usefixtures("tree")
def test_render_shows_the_result_and_its_sources(
    typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`render` prints what an environment gets, with the place of each value and without a secret."""
    monkeypatch.setenv("REGION", "canary-region")
    ended = typed("render", "--environment", "prod")
    assert (ended.code, ended.err) == (0, "")
    lines = {line.split("  # ")[0].strip(): line.partition("  # ")[2] for line in ended.out.splitlines()}
    assert lines == {
        "body:": "",
        "name: prod-train": "flows/train.yaml:2, names of the environment",
        "steps:": "",
        "fit:": "",
        "imageId: 100": "flows/train.yaml:6",
        "imageVersionId: 300": "flows/train.yaml:7, parameter version from params.yaml:1, environment prod",
        "command: python prod.py": "flows/train.yaml:8, parameter team.command "
        "from params.yaml:2, environment prod",
        "parameters:": "",
        "env:": "",
        "MODE: exact": "flows/prod/train.yaml:7",
        "REGION: !env REGION": "flows/train.yaml:9, variable REGION",
        "KEY: !env KEY": "flows/prod/train.yaml:7, variable KEY",
    }
    plain = typed("render", "train", "--no-sources", "--param", "version=8")
    assert (plain.code, "#" in plain.out, "canary" in plain.out) == (3, False, False)


def test_render_of_a_part(tree: Path, typed: Callable[..., Ended]) -> None:
    """`render` takes a name, a glob or a path; the JSON has the same sources, and no secret."""
    manifest = _MANIFEST.replace("train", "other").replace(
        "{MODE: fast, ", "{MODE: fast, API_TOKEN: abcdef, "
    )
    (tree / "flows" / "other.yaml").write_text(manifest)
    for word in ("train", "tr*", "flows/train.yaml"):
        document = json.loads(typed("render", word, "--environment", "dev", "--format", "json").out)
        (shown,) = document["manifests"]
        assert (document["format_version"], shown["name"], shown["file"]) == (1, "train", "flows/train.yaml")
        (version,) = (one for one in shown["sources"] if one["path"] == "body.steps.fit.imageVersionId")
        assert (version["line"], version["parameter"]) == (7, "version")
        assert version["parameter_source"] == "reconciler.yaml:2"
    whole = typed("render", "--no-sources")
    assert whole.code == 0
    assert (whole.out.count("---"), "abcdef" in whole.out) == (1, False)
    (tree / "again.yaml").write_text(typed("render", "train", "--no-sources").out)
    assert typed("validate", "again.yaml").code == 0
    unknown = typed("render", "trian")
    assert (unknown.code, "did you mean 'train'?" in unknown.err) == (64, True)


def test_plan_file_of_an_environment(
    tree: Path, server: EmulatorServer, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan file keeps no secret of an overlay, and its apply takes it from the variable again."""
    monkeypatch.setenv("KEY", "canary-key")
    assert typed("plan", "--environment", "prod", "--save-plan", "plan.json").code == 0
    assert "canary-key" not in (tree / "plan.json").read_text(encoding="utf-8")
    assert typed("apply", "--environment", "prod", "--plan", "plan.json").code == 0
    step = _live(server)["prod-train"]["steps"]["fit"]
    assert (step["parameters"]["env"]["KEY"], step["imageVersionId"]) == ("canary-key", 300)


def test_scheduled_job_with_parameters(
    tree: Path, server: EmulatorServer, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduled job takes parameters and overlays like `apply`."""
    monkeypatch.setenv("KEY", "canary-key")
    (tree / "more.json").write_text('{"version": 9}')
    ended = typed("reconcile", "--environment", "prod", "--params", "more.json")
    assert ended.code == 0, ended.out + ended.err
    assert "canary-key" not in ended.out + ended.err
    step = _live(server)["prod-train"]["steps"]["fit"]
    assert (step["imageVersionId"], step["parameters"]["env"]["MODE"]) == (9, "exact")
