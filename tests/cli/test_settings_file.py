"""What reconciler.yaml may say: an error is reported with its line, what was found and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_helpers import configure

from reconciler.apply_limits import Safety
from reconciler.concurrency import CONCURRENCY
from reconciler.configuration import Configuration, Environment, load_configuration
from reconciler.errors import InvalidInputError, UsageError
from reconciler.schema import load_schema

_BAD = [
    ("bogus: 1", "1:1: unknown key 'bogus'"),
    ("version: 2", "1:10: version must be one of 1; found 2"),
    ("concurrency: 0", "1:14: concurrency must be at least 1, found 0"),
    ("concurrency: 65", "1:14: concurrency must be at most 64, found 65"),
    ("concurrency: true", "1:14: concurrency must be a whole number, found true"),
    (
        "ownership: {tag: 'a b'}",
        "1:18: ownership.tag: must contain only letters, digits and hyphens",
    ),
    ('ownership: {tag: "a\\n"}', "1:18: ownership.tag: must contain only letters"),
    ("ownership: {tags: a}", "1:13: unknown key 'tags' in ownership; did you mean 'tag'?"),
    ("safety: {max_deletes: -1}", "1:23: safety.max_deletes must be at least 0, found -1"),
    ("safety: {max_deletes: .inf}", "1:23: safety.max_deletes must be a whole number, found '.inf'"),
    ("safety: {max_delete_ratio: 1.1}", "1:28: safety.max_delete_ratio must be at most 1, found 1.1"),
    ("safety: {max_change_ratio: .nan}", "1:28: safety.max_change_ratio must be a number, found '.nan'"),
    ("max_requests_per_second: 0", "1:26: max_requests_per_second must be at least 0.01, found 0"),
    ("remember: perhaps", "1:11: remember must be true or false, found 'perhaps'"),
    ("environments:\n  dev: {stage: moon}", "2:16: environments.dev.stage must be one of prod, dev, latest"),
    (
        "environments:\n  dev: {token_env: A-B}",
        "2:20: environments.dev.token_env: must contain only letters",
    ),
    (
        "environments:\n  dev: {api_url_env: CI_MERGE_REQUEST_TITLE}",
        "2:22: environments.dev.api_url_env: must be the name of a variable that begins with PEAK_",
    ),
    (
        "environments:\n  dev: {version: 1}",
        "2:9: unknown key 'version' in environments.dev; allowed here: allow_latest, api_url_env, conc",
    ),
    ("environments:\n  dev: {safety: {max_deletes: x}}", "2:31: environments.dev.safety.max_deletes must be"),
    ("validate: {off: [no-such]}", "unknown rule 'no-such'; see validate --list-rules"),
    ("manifests: !env HOME", "!env is not supported in the configuration"),
    ("a: 1\n---\nb: 1", "has 2 documents; only one is allowed"),
]


@pytest.mark.parametrize(("text", "words"), _BAD, ids=[text for text, _ in _BAD])
def test_errors(tmp_path: Path, text: str, words: str) -> None:
    """An error is reported with the file, its line, what was found and what is allowed."""
    file = configure(tmp_path, text + "\n")
    with pytest.raises(InvalidInputError) as caught:
        load_configuration(file)
    assert str(file) in caught.value.message or "not supported" in caught.value.message
    assert words in caught.value.message


def test_all_errors_at_once(tmp_path: Path) -> None:
    """All errors are reported at once."""
    file = configure(tmp_path, "concurrency: 0\nremember: 1\nenvironments: {a: {stage: x}}\n")
    with pytest.raises(InvalidInputError) as caught:
        load_configuration(file)
    assert len(caught.value.message.splitlines()) == 4


def test_everything_is_read(tmp_path: Path) -> None:
    """Each key of the format gets where it belongs."""
    file = configure(
        tmp_path,
        """\
version: 1
ownership: {tag: gitops-team-a}
safety: {max_deletes: 1, max_delete_ratio: 0.25, max_change_ratio: 0.5}
concurrency: 4
max_requests_per_second: 2.5
remember: false
validate: {off: [cron-and-webhook], strict: true}
environments:
  prod: {stage: test, token_env: PROD, api_url_env: PEAK_PROD_URL, protected: true}
""",
    )
    found = load_configuration(file, "prod")
    assert found == Configuration(
        file=file,
        off=frozenset({"cron-and-webhook"}),
        strict=True,
        remember=False,
        owner="gitops-team-a",
        safety=Safety(max_deletes=1, max_delete_ratio=0.25, max_change_ratio=0.5),
        concurrency=4,
        max_requests_per_second=2.5,
        environment=Environment(
            name="prod", stage="test", token_env="PROD", api_url_env="PEAK_PROD_URL", protected=True
        ),
        environments=("prod",),
    )


def test_an_environment_that_says_nothing(tmp_path: Path) -> None:
    """An environment needs nothing but its name; an empty value is none, and the error says so."""
    file = configure(tmp_path, "environments:\n  dev: {}\n  test:\n")
    assert load_configuration(file, "dev").environment == Environment(name="dev")
    with pytest.raises(UsageError) as caught:
        load_configuration(file, "test")
    assert "an environment without settings is written as NAME: {}." in caught.value.hint


def test_many_environments_are_not_all_listed(tmp_path: Path) -> None:
    """An error names those environments that there are, within bounds and without control characters."""
    file = configure(tmp_path, {"environments": {f"\x1b[{number}m": {} for number in range(1000)}})
    with pytest.raises(UsageError, match="has no environment 'x'") as caught:
        load_configuration(file, "x")
    assert len(caught.value.hint) < 450
    assert "\x1b" not in caught.value.hint


def test_the_schema_has_the_defaults_of_the_code() -> None:
    """What the schema documents as a default is what holds where nothing is said."""
    schema = load_schema("configuration")["$defs"]
    limits = {name: item["default"] for name, item in schema["safety"]["properties"].items()}
    assert Safety(**limits) == Safety()
    assert schema["concurrency"]["default"] == CONCURRENCY
    assert schema["remember"]["default"] is Configuration().remember
