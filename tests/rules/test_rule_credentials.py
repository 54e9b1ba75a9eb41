"""Credentials written out: which are found, which ordinary texts are none, and that none is ever shown.

The tokens are made up, and put together here, so that nothing in this repository looks like one.
"""

from __future__ import annotations

import base64
import json
import string
from typing import TYPE_CHECKING

import pytest
from rule_helpers import check, rules, shown

from reconciler.secrecy import SENSITIVE, credential_kind, mask_credentials

if TYPE_CHECKING:
    from pathlib import Path

_ALNUM = (string.ascii_letters + string.digits) * 4
_HEX = "0123456789abcdef" * 4


def _jwt() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "robot"})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*encoded, _ALNUM[:43]])


_TOKENS = {
    "aws-id": "AKIA" + "IOSFODNN7EXAMPL2",
    "aws-key": "aws_secret_access_key = '" + _ALNUM[:40] + "'",
    "artifactory": "AKC" + _ALNUM[20:90],
    "artifactory-password": "AP5" + _ALNUM[40:70],
    "azure": "AccountKey=" + _ALNUM[:86] + "==",
    "discord": "MTk4NjIyNDgzNDcxOTI1" + "MjQ4" + ".Cl2FMQ." + _ALNUM[:27],
    "github": "ghp_" + _ALNUM[:36],
    "github-app": "ghs_" + _ALNUM[:36],
    "github-fine": "github_pat_" + _ALNUM[:22] + "_" + _ALNUM[:59],
    "gitlab": "glpat-" + _ALNUM[:20],
    "gitlab-deploy": "gldt-" + _ALNUM[:20],
    "gitlab-runner": "GR1348941" + _ALNUM[:20],
    "jwt": _jwt(),
    "mailchimp": _HEX[:32] + "-us12",
    "npm": "npm_" + _ALNUM[:36],
    "npmrc": "//registry.example.com/:_authToken=" + "npm_" + _ALNUM[:36],
    "openai": "sk-" + _ALNUM[:20] + "T3BlbkFJ" + _ALNUM[:20],
    "openai-project": "sk-proj-" + _ALNUM[:60] + "T3BlbkFJ" + _ALNUM[:60],
    "private-key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n",
    "private-key-openssh": "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Bl\n",
    "putty": "PuTTY-User-Key-File-2" + ": ssh-rsa",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + _ALNUM[:80],
    "sendgrid": "SG." + _ALNUM[:22] + "." + _ALNUM[:43],
    "slack": "xoxb-" + "123456789012-123456789012-" + _ALNUM[:24],
    "slack-hook": "https://hooks.slack.com/services/" + "T00000000/B00000000/" + _ALNUM[:24],
    "square": "sq0csp-" + _ALNUM[:43],
    "stripe": "sk_live_" + _ALNUM[:24],
    "telegram": "123456789:AA" + _ALNUM[:33],
    "twilio": "SK" + _HEX[:32],
    "url": "https://robot:" + "pass-word-1@example.com/r.git",
    "url-database": "postgresql+psycopg2://robot:" + "hunter2@db:5432/x",
    "url-upper-case": "HTTPS://ROBOT:" + "HUNTER2@EXAMPLE.COM",
}

_ORDINARY = [
    "python train.py --mode full --since 2024-01-01T00:00:00Z",
    "publish-daily-forecast-results-to-the-warehouse-2024",
    "registry.example.com/team/image@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "arn:aws:iam::123456789012:role/service-role/forecast-execution-role-for-token-exchange",
    "arn:aws:sns:eu-west-1:123456789012:my-very-long-topic-name-for-the-daily-forecast",
    "s3://bucket-name-with-dashes-us-east-1/prefix/key=value/part-00000.parquet",
    "aws s3 cp 's3://bucket/key' . && echo 'token'",
    "mc-data-us1 eu-us2",
    "https://github.com/org/forecast-models/tree/main/src?a=b&c=d#L10",
    "https://robot:${TOKEN}@github.com/org/repository",
    "https://robot:$TOKEN@github.com/org/repository",
    "https://robot:{{token}}@github.com/org/repository",
    "https://robot:***@github.com/org/repository",
    "https://robot:xxxx@github.com/org/repository",
    "https://robot:<password>@github.com/org/repository",
    "https://example.com:8443/a@b",
    "git@github.com:org/repository-with-a-long-name.git",
    "APCustomers2024 APEXCLASSES APDailyForecastFigures",
    "ACCOUNTING_DEPARTMENT_FORECASTS ASIA_PACIFIC_REGION_FIGURES_2024",
    "SKUS_OF_THE_DAY SKdailyforecastdailyforecastdailyfo",
    "gh_pages ghost_writer global-forecast-of-the-next-quarter glue-job-for-the-catalogue",
    "npm_config_registry npm_lifecycle_event_of_the_build",
    "sk-learn-pipelines-with-many-stages-and-a-very-long-name",
    "SG.region.forecast",
    "eyJ is how a token begins",
    "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIE\n",
    "where is the private key kept? PRIVATE KEY",
    "SELECT customer_id, SUM(amount) FROM sales.daily WHERE week = '2024-W01' GROUP BY 1 -- 12345678:90",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore",
    "0123456789" * 30,
    "a" * 3000,
    "",
    "short",
]


@pytest.mark.parametrize("kind", _TOKENS)
def test_token_is_found_and_not_shown(tmp_path: Path, kind: str) -> None:
    """A token is found anywhere, alone or inside a text, and neither message nor line shows it."""
    token = _TOKENS[kind]
    assert credential_kind(token)
    for text in (token, f"run --with {token} --now", f"# a script\nexport A=1\nrun\n{token}\n"):
        manifest = {"name": "x", "steps": {"a": {"parameters": {"env": {"A": text}}}}}
        result = check(tmp_path, json.dumps(manifest))
        assert rules(result) == ["literal-credential"]
        assert result.findings[0].path == ("steps", "a", "parameters", "env", "A")
        assert result.findings[0].excerpt == ""
        assert token[5:] not in shown(result)


@pytest.mark.parametrize("kind", _TOKENS)
def test_token_is_not_shown_by_another_finding(tmp_path: Path, kind: str) -> None:
    """An error next to a token, or in a token, does not repeat it, whichever check finds it."""
    token = _TOKENS[kind].split("\n")[0]
    quoted = json.dumps(token)
    for text in (
        f"name: x\nsteps: {{a: {{command: {quoted}, parents: [gone]}}}}\n",
        f"name: x\nsteps: {{a: {{command: {quoted}, comand: 1}}}}\n",
        f"name: x\nsteps: {{a: {{parents: [{quoted}]}}}}\n",
        f"name: x\nsteps: {{a: {{stepTimeout: {quoted}}}}}\n",
        f"name: x\nsteps: {{a: {{}}}}\ntriggers: [{{cron: {quoted}}}]\n",
        f"name: x\nsteps: {{a: {{}}}}\ntags: [{{name: {quoted}}}, {{name: {quoted}}}]\n",
        f"name: x\nsteps: {{a: {{type: http, method: get, url: {quoted}}}}}\n",
    ):
        result = check(tmp_path, text)
        assert result.findings
        file_rules = shown(result)
        for length in range(20, len(token)):
            assert token[-length:] not in file_rules, text


@pytest.mark.parametrize("text", _ORDINARY)
def test_ordinary_text_is_no_credential(text: str) -> None:
    """What a manifest is full of is no credential."""
    assert credential_kind(text) == ""
    assert mask_credentials(text) == text


def test_one_root_cause_is_reported_once(tmp_path: Path) -> None:
    """A token in a header for credentials is one finding."""
    text = (
        "name: x\nsteps: {a: {type: http, method: get, url: 'https://example.com', headers: {absolute: "
        f"{{Authorization: 'Bearer {_TOKENS['github']}'}}}}}}}}\n"
    )
    assert rules(check(tmp_path, text)) == ["literal-credential"]


def test_only_the_word_is_masked() -> None:
    """Of a message only what looks like a credential is taken out."""
    token = _TOKENS["github"]
    assert mask_credentials(f"found '{token}', not text") == f"found '{SENSITIVE}', not text"
    assert mask_credentials("-----BEGIN RSA PRIVATE KEY-----") == SENSITIVE
