"""Parameters of manifests: layers, their order, and where each value is stated."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from manifest_helpers import only, write

from reconciler.errors import InvalidInputError
from reconciler.findings import Position
from reconciler.manifests import (
    LoadResult,
    ManifestFile,
    ParameterLayer,
    Parameters,
    ReadOptions,
    load_manifests,
    read_file,
)
from reconciler.operations import RawOptions, load_settings, resolve_settings

_CONFIGURATION = """\
params:
  version: 1
  team: {name: forecasting, owner: ann@example.com}
environments:
  dev:
    params: params/dev.yaml
  prod:
    params:
      team: {name: prod-team}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a configuration and a file of parameters."""
    (tmp_path / "reconciler.yaml").write_text(_CONFIGURATION)
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "dev.yaml").write_text("# for dev\nversion: 2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_option_over_file_over_environment_over_top_level(folder: Path) -> None:
    """Each layer overrides the one below, by key, also inside mappings; each value has its source."""
    (folder / "more.json").write_text('{"version": 3,\n "size": 2, "face": "\\ud83d\\ude00"}')
    (folder / "last.yaml").write_text("size: 5\n")
    raw = RawOptions(
        environment="prod",
        params_files=(Path("more.json"), Path("last.yaml")),
        params={"team": {"lead": "bo"}},
    )
    parameters = resolve_settings(raw).reading.parameters
    assert parameters.values == {
        "version": 3,
        "size": 5,
        "face": "\U0001f600",
        "team": {"name": "prod-team", "owner": "ann@example.com", "lead": "bo"},
    }
    sources = {name: parameters.source(name) for name in parameters.names()}
    assert sources == {
        "version": "more.json:1",
        "size": "last.yaml:1",
        "face": "more.json:2",
        "team": "--param",
        "team.name": "reconciler.yaml:9, environment prod",
        "team.owner": "reconciler.yaml:3",
        "team.lead": "--param",
    }


@pytest.mark.usefixtures("folder")
def test_environment_names_a_file_of_parameters() -> None:
    """`environments.<name>.params` may be a file next to or below the configuration, read from anywhere."""
    parameters = load_settings(environment="dev").reading.parameters
    assert parameters.get("version") == 2
    assert parameters.get("team.name") == "forecasting"
    assert parameters.source("version") == "params/dev.yaml:2, environment dev"
    assert load_settings().reading.parameters.get("version") == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("absent.yaml", "absent.yaml: no such file"),
        ("../outside.yaml", "outside the directory"),
        ("list.yaml", "must be a mapping"),
        ("secret.yaml", "!env is not supported"),
        (7, "must be a mapping or text"),
    ],
)
def test_parameters_that_cannot_be_read(folder: Path, params: str | int, message: str) -> None:
    """A file that is missing, outside, no mapping or with `!env` is invalid, with its place."""
    (folder.parent / "outside.yaml").write_text("version: 1\n")
    (folder / "list.yaml").write_text("[1]")
    (folder / "secret.yaml").write_text("version: !env VERSION\n")
    (folder / "reconciler.yaml").write_text(yaml.safe_dump({"environments": {"dev": {"params": params}}}))
    with pytest.raises(InvalidInputError, match=r"reconciler\.yaml:3") as raised:
        load_settings(environment="dev")
    assert message in str(raised.value)


_VALUES = {
    "version": 3,
    "ratio": 0.5,
    "on": True,
    "text": "3",
    "team": {"name": "forecasting", "tags": [{"name": "a"}, {"name": "b"}]},
    "a.b": "dotted",
}


def _load(folder: Path, text: str) -> LoadResult:
    parameters = Parameters().overridden_by(ParameterLayer(values=_VALUES))
    return load_manifests((str(write(folder / "a.yaml", text)),), {}, ReadOptions(parameters=parameters))


def test_parameters_keep_their_types(tmp_path: Path) -> None:
    """A number stays a number; a parameter may be a mapping or a list, and a dot leads into one."""
    result = _load(
        tmp_path,
        "x-team: &team !param team.tags\nbody:\n  name: !param team.name\n  tags: *team\n  steps:\n"
        "    s:\n      imageId: !param version\n      command: !param {name: text}\n"
        "      stepTimeout: !param {name: absent, default: 60}\n"
        "      repository: !param {name: none, default: ~}\n"
        "      parameters: {env: !param {name: vars, default: {A: !param a.b}}}\n",
    )
    assert result.findings == ()
    (manifest,) = result.manifests
    assert manifest.body == {
        "name": "forecasting",
        "tags": [{"name": "a"}, {"name": "b"}],
        "steps": {
            "s": {
                "imageId": 3,
                "command": "3",
                "stepTimeout": 60,
                "parameters": {"env": {"A": "dotted"}},
            }
        },
    }
    assert manifest.source.parameter(("steps", "s", "imageId")) == "version"
    assert manifest.source.parameter(("tags", 1, "name")) == "team.tags"
    assert manifest.source.parameter(("steps",)) is None
    assert manifest.sensitive == frozenset()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("versoin", "the parameter 'versoin' is not set: set it with --param, --params or params in"),
        ("versoin", "or write a default; did you mean 'version'?"),
        ("team.nam", "did you mean 'team.name'?"),
        ("version.x", "the parameter 'version.x' is not set"),
        ("zzz", "known parameters: a.b, on, ratio, team, team.name, team.tags, text, version"),
    ],
)
def test_unknown_parameter_names_the_nearest(tmp_path: Path, name: str, said: str) -> None:
    """A parameter that nothing sets is an error with its place and the nearest name."""
    finding = only(_load(tmp_path, f"name: a\nsteps:\n  s:\n    imageId: !param {name}\n"))
    assert (finding.rule, finding.position) == ("param", Position(4, 14))
    assert said in finding.message


def test_value_of_a_parameter_is_named_in_a_finding(tmp_path: Path) -> None:
    """A parameter that does not fit is reported where the manifest uses it, with its name."""
    finding = only(_load(tmp_path, "name: a\nsteps:\n  s:\n    imageId: !param text\n"))
    assert (finding.rule, finding.position) == ("schema-type", Position(4, 14))
    assert (
        finding.message
        == "steps.s.imageId must be a whole number, found '3', the value of the parameter 'text'"
    )


def test_large_parameters_count_each_time(tmp_path: Path) -> None:
    """A large parameter that is used many times meets the bound of one file."""
    values = {"many": list[object](range(20_000))}
    parameters = Parameters().overridden_by(ParameterLayer(values=values))  # type: ignore[arg-type]
    uses = "".join(f"x-{number}: !param many\n" for number in range(60))
    file = write(tmp_path / "a.yaml", uses + "name: a\nsteps: {s: {imageId: 1}}\n")
    result = load_manifests((str(file),), {}, ReadOptions(parameters=parameters))
    assert only(result).rule == "too-large"


def test_anchors_next_to_a_patch_and_a_bare_manifest(tmp_path: Path) -> None:
    """Keys that begin with `x-` are a place for anchors next to `body`, `patch` and a bare manifest."""
    result = _load(
        tmp_path,
        "x-env: &env {A: one}\nx-b: 1\npatch:\n  name: p\n"
        "  body: {steps: {s: {parameters: {env: *env}}}}\n"
        "---\nx-env: &env {A: two}\nname: bare\nsteps: {s: {imageId: 1, parameters: {env: *env}}}\n"
        "---\nx-env: &env {A: three}\nbody: {name: b, steps: {s: {imageId: 1, parameters: {env: *env}}}}\n",
    )
    assert result.findings == ()
    steps = [manifest.body["steps"]["s"]["parameters"]["env"]["A"] for manifest in result.manifests]  # type: ignore[index, call-overload]
    assert steps == ["one", "two", "three"]
    assert not any(key.startswith("x-") for manifest in result.manifests for key in manifest.body)


def test_files_of_parameters_count_as_included(folder: Path) -> None:
    """A change of a parameter is a change of the manifests that use parameters, for `--changed-since`."""
    reading = load_settings(environment="dev").reading
    files = {}
    for name, value in (("uses.yaml", "!param version"), ("literal.yaml", "1")):
        file = write(folder / name, f"name: {name[:3]}\nsteps: {{s: {{imageId: {value}}}}}\n")
        files[name] = read_file(ManifestFile(file, folder), {}, reading).summary.included
    assert files["literal.yaml"] == frozenset()
    assert files["uses.yaml"] == {folder / "reconciler.yaml", folder / "params" / "dev.yaml"}
