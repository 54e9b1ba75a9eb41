"""Templates, as a user types it: parameters, includes, secrets, files of the public client, findings."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from flow_helpers import Ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

_MAIN = """\
body:
  name: {{ name }}
  steps:
    {% for step in steps %}
    {{ step }}:
      {% include 'parts/step.yaml.inc' %}
    {% endfor %}
"""
_PART = """\
imageId: {{ image }}
imageVersionId: {{ version }}
command: python {{ step }}.py
stepTimeout: {{ timeout | default(60) }}
"""
_PARAMS = "name: train\nsteps: [load, fit]\nimage: 100\nversion: 200\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a repository with one template, a part of it, and parameters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows" / "parts").mkdir(parents=True)
    (tmp_path / "reconciler.yaml").write_text("manifests: [flows]\nparams: flows/params.yaml\n")
    (tmp_path / "flows" / "params.yaml").write_text(_PARAMS)
    (tmp_path / "flows" / "train.yaml.j2").write_text(_MAIN)
    (tmp_path / "flows" / "parts" / "step.yaml.inc").write_text(_PART)
    return tmp_path


@pytest.mark.usefixtures("tree")
def test_a_template_is_applied(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """A template with parameters is planned, applied, and then in sync; another parameter is a change."""
    done = typed("apply", "--auto-approve")
    assert done.code == 0, done.out + done.err
    (live,) = server.store.workflows().values()
    assert [step["command"] for step in live["steps"].values()] == ["python load.py", "python fit.py"]
    assert typed("plan", "--detailed-exitcode").code == 0
    plan = typed("plan", "--param", "timeout=90", "--detailed-exitcode", "--format", "json")
    assert plan.code == 2
    (change,) = json.loads(plan.out)["changes"]
    assert (change["file"], change["line"]) == ("flows/train.yaml.j2", 2)


def test_findings_are_in_the_templates(tree: Path, typed: Callable[..., Ended]) -> None:
    """A finding names the file and line of the template, or of the file that it includes, and shows it."""
    found = typed("validate", "--param", "timeout=soon")
    assert found.code == 3
    assert "flows/parts/step.yaml.inc:4:14: error: steps.load.stepTimeout" in found.out
    assert "stepTimeout: {{ timeout | default(60) }}" in found.out
    (tree / "flows" / "train.yaml.j2").write_text(_MAIN.replace("name }}", "nmae }}"))
    found = typed("validate")
    assert found.code == 3
    assert "flows/train.yaml.j2:2:12: error: the parameter 'nmae' is not set" in found.out
    assert "did you mean 'name'?" in found.out
    (tree / "flows" / "train.yaml.j2").write_text(_MAIN + "  tags: [{{ name }}\n")
    assert "flows/train.yaml.j2:" in typed("validate").out
    (tree / "flows" / "train.yaml.j2").write_text("{% include '../../secret' %}\n" + _MAIN)
    (tree.parent / "secret").write_text("canary: 1\n")
    found = typed("validate")
    assert (
        "flows/train.yaml.j2:1:1: error: cannot include the file '../../secret': it is outside" in found.out
    )
    (tree / "flows" / "train.yaml.j2").write_text("{% include 'parts/a' %}")
    (tree / "flows" / "parts" / "a").write_text("{% include 'b' %}")
    (tree / "flows" / "parts" / "b").write_text("\n{% include 'a' %}")
    assert (
        "b:2:1: error: circular include: flows/parts/a → flows/parts/b → flows/parts/a"
        in typed("validate").out
    )


def test_rules_and_comments_hold_in_templates(tree: Path, typed: Callable[..., Ended]) -> None:
    """A rule reports the template's line, and a comment on it suppresses the finding."""
    bad = "body: {name: a, steps: {x: {imageId: 1, parents: [{{ parent }}]}}}\n"
    (tree / "flows" / "train.yaml.j2").write_text("\n" + bad)
    found = typed("validate", "--param", "parent=nope").out
    rule = re.search(r"train\.yaml\.j2:2:\d+: error: .* \[([a-z-]+)\]", found)
    assert rule, found
    (tree / "flows" / "train.yaml.j2").write_text(f"\n{bad.rstrip()} # reconciler: ignore[{rule[1]}]\n")
    assert rule[1] not in typed("validate", "--param", "parent=nope").out


def test_variables_in_templates_are_secrets(
    tree: Path, server: EmulatorServer, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of `os_env` is sent, and shown nowhere."""
    monkeypatch.setenv("LICENCE", "canary-5f3a91")
    (tree / "reconciler.yaml").write_text("manifests: [flows]\ntemplates: peak\nparams: flows/params.yaml\n")
    text = _MAIN + "    end:\n      imageId: 1\n      command: run {{ os_env.LICENCE }} {{ nothing }}\n"
    (tree / "flows" / "train.yaml.j2").unlink()
    (tree / "flows" / "train.yaml").write_text(text)
    for words in (
        ["plan"],
        ["plan", "--show-bodies"],
        ["plan", "--format", "json"],
        ["apply", "--auto-approve"],
    ):
        done = typed(*words)
        assert done.code == 0, done.out + done.err
        assert "canary" not in done.out + done.err
    (live,) = server.store.workflows().values()
    assert live["steps"]["end"]["command"].startswith("run canary-5f3a91")
    assert typed("plan", "--detailed-exitcode").code == 0


def test_kept_names_reach_the_platform(tree: Path, typed: Callable[..., Ended]) -> None:
    """With `undefined: keep`, a name that is not set stays as it is written, and is no finding."""
    configuration = "manifests: [flows]\nparams: flows/params.yaml\ntemplates: {undefined: keep}\n"
    (tree / "reconciler.yaml").write_text(configuration)
    (tree / "flows" / "train.yaml.j2").write_text(
        'body: {name: a, steps: {x: {imageId: 1, imageVersionId: 1, command: "run {{run_id}} {{ x.y }}"}}}\n'
    )
    assert typed("validate").code == 0
    assert "run {{run_id}} {{ x.y }}" in typed("render").out


def test_included_files_count_as_changed(tree: Path, typed: Callable[..., Ended]) -> None:
    """With --changed-since, a change to an included file reports the template that includes it."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=tree, check=True, env=dict(os.environ))
    assert typed("validate", "--changed-since", "HEAD", "--param", "timeout=soon").code == 0
    part = tree / "flows" / "parts" / "step.yaml.inc"
    part.write_text(part.read_text() + "clearImageCache: maybe\n")
    found = typed("validate", "--changed-since", "HEAD")
    assert found.code == 3
    assert "step.yaml.inc:5:18" in found.out


def test_a_folder_of_the_public_client(tree: Path, typed: Callable[..., Ended]) -> None:
    """`init --from-peak` writes the configuration under which files of the public client work unchanged."""
    (tree / "reconciler.yaml").unlink()
    (tree / "flows" / "train.yaml.j2").rename(tree / "flows" / "train.yaml")
    (tree / "flows" / "image.yaml").write_text("body: {name: x, buildDetails: {source: github}}\n")
    done = typed("init", "--from-peak")
    assert done.code == 0, done.err
    text = (tree / "reconciler.yaml").read_text()
    assert 'manifests: ["flows"]' in text
    assert "\ntemplates: peak\n" in text
    assert '  - "flows/image.yaml"\n' in text
    assert '\n# params: "flows/params.yaml"\n' in text
    found = typed("validate", "--params", "flows/params.yaml")
    assert found.code == 0, found.out
    assert typed("init", "--from-peak").code == 4
    (tree / "empty").mkdir()
    found = typed("init", "empty", "--from-peak")
    assert (found.code, "Name the folder" in found.err) == (64, True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("body: {name: x, version: 1, buildDetails: {source: github}}", "an image or a version of one"),
        (
            "body: {kind: workflow, metadata: {name: x}, config: {steps: {a: {command: x}}}}",
            "a specification",
        ),
        ("body: {kind: app, release: {version: 1}}", "a specification of a Press app or block"),
        ("body: {params: {global: {a: 1}}, stepsToRun: [{stepName: a}]}", "the parameters of an execution"),
        ("body: {name: x, imageDetails: {imageId: 1}}", "a web app or a service"),
        ("body: {spec: {id: x}, metadata: {name: y}}", "a deployment of Press"),
        ("body: {recipients: [x], subject: y}", "an e-mail"),
        ("body: {name: x}\nartifact: {path: .}", "a release, an artifact"),
        ("measures: [a]\ndimensions: [b]", "a query or a namespace of metrics"),
    ],
)
def test_other_kinds_are_one_warning(tree: Path, typed: Callable[..., Ended], text: str, kind: str) -> None:
    """A file of another kind is one warning, which says what it is and what to write."""
    (tree / "flows" / "other.yaml").write_text(text + "\n")
    found = typed("validate")
    (line,) = [line for line in found.out.splitlines() if "other.yaml" in line]
    assert found.code == 0
    assert f"warning: this is {kind}" in line
    assert "exclude: [flows/other.yaml] [other-kind]" in line


def test_a_body_of_something_else_is_one_error(tree: Path, typed: Callable[..., Ended]) -> None:
    """A body without any key of a workflow is one error, not one for each key."""
    (tree / "flows" / "other.yaml").write_text("body: {a: 1, b: 2, c: 3}\n")
    found = typed("validate")
    assert found.code == 3
    assert found.out.count("error:") == 1
    assert "other.yaml:1:1: error: this is not a workflow" in found.out
