"""`config show`: every effective setting with its source, and no credential."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from settings_helpers import process

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = """\
manifests: [flows]
ownership: {tag: team-a}
safety:
  max_deletes: 5
  max_delete_ratio: 0.5
params: {team: a, api_token: hush-hush}
environments:
  dev: {}
  prod:
    stage: beta
    token_env: PROD_TOKEN
    protected: true
    safety: {max_deletes: 1}
    params: {team: p}
    overlays: [over]
"""


def _shown(folder: Path, *words: str, **env: str) -> dict[str, tuple[object, str]]:
    """Return the value and the source of each setting, by key."""
    (folder / "over").mkdir(exist_ok=True)
    (folder / "reconciler.yaml").write_text(_TEXT)
    done = process(folder, "config", "show", "--format", "json", *words, **env)
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["format_version"] == 1
    return {
        item["key"]: (item["value"], item["source"].replace(f"{folder}/", "")) for item in printed["settings"]
    }


def test_each_source(tmp_path: Path) -> None:
    """An option, a variable, the environment's block, the top level and the default, in this order."""
    found = _shown(
        tmp_path,
        *("--environment", "prod", "--max-change-ratio", "0.1", "--param", "size=2"),
        RECONCILER_RETRY_FOR="7",
    )
    assert found["environment"] == ("prod", "--environment")
    assert found["safety.max_change_ratio"] == (0.1, "--max-change-ratio")
    assert found["retry_for"] == (7, "RECONCILER_RETRY_FOR")
    assert found["safety.max_deletes"] == (1, "reconciler.yaml:13, environment prod")
    assert found["safety.max_delete_ratio"] == (0.5, "reconciler.yaml:5")
    assert found["ownership.tag"] == ("team-a", "reconciler.yaml:2")
    assert found["concurrency"] == (10, "default")
    assert found["stage"] == ("beta", "reconciler.yaml:10, environment prod")
    assert found["protected"] == (True, "reconciler.yaml:12, environment prod")
    assert found["overlays"] == (["over"], "reconciler.yaml:15, environment prod")
    assert found["params.team"] == ("p", "reconciler.yaml:14, environment prod")
    assert found["params.size"] == ("2", "--param")


def test_without_an_environment(tmp_path: Path) -> None:
    """The top level is shown, although environments are defined: nothing is sent."""
    found = _shown(tmp_path, PEAK__STAGE="dev")
    assert found["environment"] == (None, "default")
    assert found["safety.max_deletes"] == (5, "reconciler.yaml:4")
    assert found["stage"] == ("dev", "PEAK__STAGE")
    assert found["address"] == ("https://service.dev.peak.ai", "stage")
    assert found["token"] == (None, "PEAK_AUTH_TOKEN or API_KEY")


def test_an_environment_by_a_variable(tmp_path: Path) -> None:
    """The variable that names the environment is its source."""
    assert _shown(tmp_path, RECONCILER_ENVIRONMENT="dev")["environment"] == ("dev", "RECONCILER_ENVIRONMENT")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Of a token the variable is shown; a parameter that looks like a secret, and a bad address, are not."""
    secrets = {
        "PROD_TOKEN": "hush-1",
        "PEAK_AUTH_TOKEN": "hush-2",
        "RECONCILER_REMEMBER_KEY": "hush-3",
        "PEAK_API_URL": "https://user:hush-4@example.com",
    }
    found = _shown(tmp_path, "--environment", "prod", **secrets)
    assert found["token"] == ("(sensitive)", "PROD_TOKEN")
    assert found["address"] == (None, "PEAK_API_URL")
    text = process(tmp_path, "config", "show", "--environment", "prod", **secrets).stdout
    assert "hush" not in text + json.dumps(found)
    assert "params.api_token" in text


def test_without_a_configuration(tmp_path: Path) -> None:
    """Defaults are shown where there is no reconciler.yaml; an unknown environment is wrong use."""
    done = process(tmp_path, "config", "show")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == ["SETTING", "VALUE", "SOURCE"]
    assert process(tmp_path, "config", "show", "--environment", "x").returncode == 64


def test_overlays_and_names_of_an_environment(tmp_path: Path) -> None:
    """What an environment lays over the manifests is shown; its overlays and names are none without it."""
    text = "environments:\n  prod:\n    overlays: [over]\n    names: {prefix: prod-}\n"
    (tmp_path / "reconciler.yaml").write_text(text, encoding="utf-8")
    shown = process(tmp_path, "config", "show", "--environment", "prod", "--format", "json").stdout
    found = {item["key"]: (item["value"], item["source"]) for item in json.loads(shown)["settings"]}
    assert found["overlays"] == (["over"], "reconciler.yaml:3, environment prod")
    assert found["names.prefix"] == ("prod-", "reconciler.yaml:4, environment prod")
    assert found["names.suffix"] == ("", "default")
