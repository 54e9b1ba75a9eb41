"""What holds: a flag, else a variable, else the environment's block, else the top level, else a default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from settings_helpers import configure, settings_of

from reconciler.apply_limits import Safety
from reconciler.errors import ReconcilerError, UsageError
from reconciler.operations.engine import open_session

_ROWS: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "ownership-tag": ("owner", {"ownership": {"tag": ...}}, ["one", "two", "three", "four", None]),
    "concurrency": ("concurrency", {"concurrency": ...}, [1, 2, 3, 4, 10]),
    "max-requests-per-second": (
        "max_requests_per_second",
        {"max_requests_per_second": ...},
        [1.5, 2.5, 3.5, 4.5, None],
    ),
    "max-deletes": ("safety.max_deletes", {"safety": {"max_deletes": ...}}, [1, 2, 4, 5, 3]),
    "max-delete-ratio": (
        "safety.max_delete_ratio",
        {"safety": {"max_delete_ratio": ...}},
        [0.1, 0.2, 0.4, 0.5, 0.3],
    ),
    "max-change-ratio": (
        "safety.max_change_ratio",
        {"safety": {"max_change_ratio": ...}},
        [0.1, 0.2, 0.4, 0.5, 1.0],
    ),
}
"""For each option: the setting, its place in the file, and a value for each level, the highest first."""


def _filled(place: dict[str, Any], value: Any) -> dict[str, Any]:
    return {key: value if item is ... else _filled(item, value) for key, item in place.items()}


def _read(settings: Any, path: str) -> Any:
    for part in path.split("."):
        settings = getattr(settings, part)
    return settings


@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("option", _ROWS)
def test_precedence(tmp_path: Path, option: str, level: int) -> None:
    """What is said at a level holds, whatever all lower ones say."""
    attribute, place, values = _ROWS[option]
    whole: dict[str, Any] = {"manifests": ["flows"], "environments": {"prod": {}}}
    words, env = ["--environment", "prod"], {}
    if level <= 3:
        whole |= _filled(place, values[3])
    if level <= 2:
        whole["environments"]["prod"] = _filled(place, values[2])
    if level <= 1:
        env["RECONCILER_" + option.upper().replace("-", "_")] = str(values[1])
    if level == 0:
        words += [f"--{option}", str(values[0])]
    configure(tmp_path, whole)
    assert _read(settings_of(tmp_path, *words, **env), attribute) == values[level]


def test_precedence_of_remember(tmp_path: Path) -> None:
    """A switch has the same five levels."""
    base = {"manifests": ["flows"], "environments": {"prod": {"remember": True}}}
    configure(tmp_path, {**base, "remember": False})
    assert settings_of(tmp_path).remember is False
    assert settings_of(tmp_path, "--environment", "prod").remember is True
    assert settings_of(tmp_path, RECONCILER_ENVIRONMENT="prod", RECONCILER_REMEMBER="false").remember is False
    assert settings_of(tmp_path, "--remember", RECONCILER_REMEMBER="false").remember is True
    assert settings_of(tmp_path, "--no-remember", RECONCILER_ENVIRONMENT="prod").remember is False


def test_precedence_of_manifests(tmp_path: Path) -> None:
    """PATH goes before the block's manifests, and these before those of the top level."""
    configure(tmp_path, {"manifests": ["all"], "environments": {"prod": {"manifests": ["prod"]}, "dev": {}}})
    assert settings_of(tmp_path, "typed", "--environment", "prod").paths == ("typed",)
    assert settings_of(tmp_path, "--environment", "prod").paths == ("prod",)
    assert settings_of(tmp_path, "--environment", "dev").paths == ("all",)
    assert settings_of(tmp_path).paths == ("all",)


def test_precedence_of_exclude(tmp_path: Path) -> None:
    """What a block excludes takes the place of what the top level does."""
    whole = {"manifests": ["."], "exclude": ["a.yaml"], "environments": {"prod": {"exclude": ["b.yaml"]}}}
    configure(tmp_path, whole)
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    assert [settings_of(tmp_path).reading.excludes(file) for file in files] == [True, False]
    prod = settings_of(tmp_path, "--environment", "prod")
    assert [prod.reading.excludes(file) for file in files] == [False, True]


def test_precedence_of_the_configuration(tmp_path: Path) -> None:
    """A file that is typed goes before that of the variable, and that before the nearest one."""
    configure(tmp_path, {"manifests": ["nearest"]})
    configure(tmp_path, {"manifests": ["variable"]}, "v.yaml")
    configure(tmp_path, {"manifests": ["typed"]}, "t.yaml")
    assert settings_of(tmp_path).paths == ("nearest",)
    assert settings_of(tmp_path, RECONCILER_CONFIG="v.yaml").paths == ("variable",)
    assert settings_of(tmp_path, "--config", "t.yaml", RECONCILER_CONFIG="v.yaml").paths == ("typed",)


def test_precedence_of_the_environment(tmp_path: Path) -> None:
    """An environment that is typed goes before that of the variable; without either none holds."""
    configure(tmp_path, "manifests: [f]\nenvironments: {dev: {concurrency: 2}, prod: {concurrency: 3}}\n")
    assert settings_of(tmp_path).concurrency == 10
    assert settings_of(tmp_path, RECONCILER_ENVIRONMENT="prod").concurrency == 3
    typed = settings_of(tmp_path, "--environment", "dev", RECONCILER_ENVIRONMENT="prod")
    assert (typed.concurrency, typed.environment_named) == (2, True)


def test_variables_that_are_empty(tmp_path: Path) -> None:
    """A variable that is empty says nothing: so a pipeline can leave one open."""
    configure(tmp_path, {"manifests": ["flows"], "concurrency": 4, "ownership": {"tag": "a"}})
    empty = dict.fromkeys(("RECONCILER_CONCURRENCY", "RECONCILER_OWNERSHIP_TAG", "RECONCILER_CONFIG"), "")
    found = settings_of(tmp_path, **empty, RECONCILER_ENVIRONMENT="", RECONCILER_REMEMBER="")
    assert (found.concurrency, found.owner, found.environment, found.remember) == (4, "a", None, True)


def test_limits_of_a_block_leave_the_others(tmp_path: Path) -> None:
    """A block that states one limit keeps the others of the top level."""
    whole = {
        "manifests": ["flows"],
        "safety": {"max_deletes": 7, "max_delete_ratio": 0.5},
        "environments": {"prod": {"safety": {"max_deletes": 1}}},
    }
    configure(tmp_path, whole)
    settings = settings_of(tmp_path, "--environment", "prod")
    assert settings.safety == Safety(max_deletes=1, max_delete_ratio=0.5)


def test_a_block_that_states_nothing_of_a_setting_leaves_it(tmp_path: Path) -> None:
    """An empty `ownership` of a block takes no owner away: what was owned stays so."""
    whole = {"manifests": ["flows"], "ownership": {"tag": "a"}, "environments": {"prod": {"ownership": {}}}}
    configure(tmp_path, whole)
    assert settings_of(tmp_path, "--environment", "prod").owner == "a"


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ([], True),
        (["flows"], False),
        (["flows", "more"], True),
        (["."], True),
        (["flows/part", "more"], False),
        (["flows", "more", "others"], True),
    ],
)
def test_whether_the_paths_are_all_there_are(tmp_path: Path, words: list[str], whole: bool) -> None:
    """Paths are whole when everything that the configuration names is at or below them."""
    configure(tmp_path, "manifests: [flows, more]\n")
    assert settings_of(tmp_path, *words).whole is whole


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RECONCILER_CONCURRENCY", "many", "a whole number from 1 to 64, found 'many'"),
        ("RECONCILER_CONCURRENCY", "0", "a whole number from 1 to 64, found '0'"),
        ("RECONCILER_CONCURRENCY", "65", "a whole number from 1 to 64, found '65'"),
        ("RECONCILER_CONCURRENCY", "2.5", "a whole number from 1 to 64, found '2.5'"),
        ("RECONCILER_CONCURRENCY", "9" * 5000, "a whole number from 1 to 64, found '" + "9" * 59 + "…'"),
        ("RECONCILER_MAX_DELETES", "-1", "a whole number of at least 0, found '-1'"),
        ("RECONCILER_MAX_DELETES", "inf", "a whole number of at least 0, found 'inf'"),
        ("RECONCILER_MAX_DELETE_RATIO", "2", "a number from 0 to 1, found '2'"),
        ("RECONCILER_MAX_DELETE_RATIO", "nan", "a number from 0 to 1, found 'nan'"),
        ("RECONCILER_MAX_CHANGE_RATIO", "nan", "a number from 0 to 1, found 'nan'"),
        ("RECONCILER_MAX_CHANGE_RATIO", "\x1b[2J", "a number from 0 to 1, found '\\x1b[2J'"),
        ("RECONCILER_MAX_REQUESTS_PER_SECOND", "0", "a number from 0.01 to 1000, found '0'"),
        ("RECONCILER_MAX_REQUESTS_PER_SECOND", "NaN", "a number from 0.01 to 1000, found 'NaN'"),
        ("RECONCILER_OWNERSHIP_TAG", "a b", "letters, digits and hyphens only, 64 at most, found 'a b'"),
        ("RECONCILER_REMEMBER", "perhaps", "'perhaps' is not a valid boolean"),
    ],
)
def test_a_bad_value_in_a_variable(tmp_path: Path, variable: str, value: str, words: str) -> None:
    """A value that a variable cannot have is refused with its name, what was found and what is allowed."""
    with pytest.raises(click.UsageError) as caught:
        settings_of(tmp_path, "flows", **{variable: value})
    told = caught.value.format_message()
    assert f"(env var: '{variable}')" in told
    assert words in told


def test_environments_that_are_not_known(tmp_path: Path) -> None:
    """An environment that the configuration does not have is refused, with those that it has."""
    with pytest.raises(UsageError, match=r"no reconciler\.yaml"):
        settings_of(tmp_path, "flows", "--environment", "prod")
    configure(tmp_path, "environments: {dev: {}, test: {}}\n")
    with pytest.raises(UsageError) as caught:
        settings_of(tmp_path, "flows", "--environment", "prod")
    assert caught.value.message == "the configuration has no environment 'prod'"
    assert caught.value.hint.startswith("Known environments: dev, test. ")
    assert "--environment and RECONCILER_ENVIRONMENT" in caught.value.hint


def test_a_protected_environment_is_typed(tmp_path: Path) -> None:
    """What writes to a protected environment names it on the command line; a variable does not do."""
    text = "manifests: [flows]\nenvironments: {prod: {protected: true}, dev: {}}\n"
    configure(tmp_path, text)
    settings_of(tmp_path, "--environment", "prod").require_named_environment()
    settings_of(tmp_path, RECONCILER_ENVIRONMENT="dev").require_named_environment()
    with pytest.raises(UsageError, match="is protected"):
        settings_of(tmp_path, RECONCILER_ENVIRONMENT="prod").require_named_environment()


def test_where_backups_go(tmp_path: Path) -> None:
    """Backups are where a flag says, else a variable, else next to the configuration, else here."""
    variable = {"RECONCILER_BACKUP_DIR": "v"}
    assert settings_of(tmp_path, "flows", "--backup-dir", "t", **variable).backup_dir == Path("t")
    assert settings_of(tmp_path, "flows", **variable).backup_dir == Path("v")
    assert settings_of(tmp_path, "flows").backup_dir == Path(".reconciler/backups")
    configure(tmp_path, "manifests: [flows]\n")
    below = tmp_path / "below"
    below.mkdir()
    assert settings_of(below).backup_dir.resolve() == tmp_path.resolve() / ".reconciler" / "backups"


def test_the_stage_of_an_environment(tmp_path: Path) -> None:
    """An environment's stage goes before the variables of the SDK; an address goes before any stage."""
    whole = "manifests: [flows]\nenvironments: {dev: {stage: dev}}\n"
    configure(tmp_path, whole)
    settings = settings_of(tmp_path, "--environment", "dev")
    env = {"PEAK_AUTH_TOKEN": "t" * 20, "PEAK__STAGE": "beta"}
    with open_session(settings, env) as session:
        assert session.base_url == "https://service.dev.peak.ai"
    with open_session(settings, {**env, "PEAK_API_URL": "http://127.0.0.1:1"}) as session:
        assert session.base_url == "http://127.0.0.1:1"
    with pytest.raises(ReconcilerError), open_session(settings, {}):
        pass
