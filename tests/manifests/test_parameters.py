"""Parameters of manifests: layers, their order, and where each value is stated."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler.errors import InvalidInputError
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
    (folder / "more.json").write_text('{"version": 3,\n "size": 2}')
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
        "team": {"name": "prod-team", "owner": "ann@example.com", "lead": "bo"},
    }
    sources = {name: parameters.source(name) for name in parameters.names()}
    assert sources == {
        "version": "more.json:1",
        "size": "last.yaml:1",
        "team": "--param",
        "team.name": f"{folder / 'reconciler.yaml'}:9 (environment prod)",
        "team.owner": f"{folder / 'reconciler.yaml'}:3",
        "team.lead": "--param",
    }


def test_environment_names_a_file_of_parameters(folder: Path) -> None:
    """`environments.<name>.params` may be a file next to or below the configuration, read from anywhere."""
    parameters = load_settings(environment="dev").reading.parameters
    assert parameters.get("version") == 2
    assert parameters.get("team.name") == "forecasting"
    assert parameters.source("version") == f"{folder / 'params' / 'dev.yaml'}:2 (environment dev)"
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
