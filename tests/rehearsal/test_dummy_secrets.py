"""Dummy values: equal where the secrets are equal, of the same shape, and nothing of the secret is left."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.rehearsal import DummySecrets
from reconciler.secrecy import Redactor, SecretFields, is_mask

TEXTS = st.text(min_size=1, max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_one_for_each_secret(secrets: list[str]) -> None:
    """Two secrets have one dummy value only if they are equal; a dummy value is no secret, and no mask."""
    dummies = DummySecrets(Redactor())
    found = {secret: dummies.text(secret) for secret in secrets}
    assert len({*found.values()}) == len(found)
    assert [dummies.text(secret) for secret in secrets] == [found[secret] for secret in secrets]
    assert not [secret for secret, dummy in found.items() if secret == dummy]
    assert not [dummy for secret, dummy in found.items() if is_mask(dummy) and not is_mask(secret)]


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), min_size=12, max_size=60))
def test_the_shape_stays(secret: str) -> None:
    """Letters become letters, digits digits, and everything else stays, as a platform may look at it."""
    dummy = DummySecrets(Redactor()).text(secret)
    if sum(char.isalnum() for char in secret) < 3:
        return
    assert len(dummy) == len(secret)
    for before, after in zip(secret, dummy, strict=True):
        if before.isdecimal():
            assert after.isdecimal()
        elif before.isalpha():
            assert after.isalpha()
            assert before.isupper() is after.isupper()
        else:
            assert after == before


def _body(token: str, city: str) -> dict[str, Any]:
    step = {
        "command": f"python load.py --key {token}",
        "repository": {"url": "https://github.com/example/load", "token": token},
        "parameters": {"env": {"CITY": city, "EMPTY": "", "MASKED": "********"}},
    }
    watcher = {"webhook": {"name": "chat", "url": f"https://chat.example.com/{token}"}}
    return {
        "name": "daily",
        "triggers": [{"cron": "0 6 * * *"}],
        "watchers": [watcher],
        "steps": {"load": step},
    }


def test_a_body() -> None:
    """Secret fields, variables, webhook URLs and quoted secrets get dummy values; masks and the rest stay."""
    token = "hunter2-and-more"
    dummies = DummySecrets(Redactor.of([token]))
    found: Any = dummies.body(_body(token, "Oslo"), SecretFields())
    step = found["steps"]["load"]
    assert token not in str(found)
    assert "Oslo" not in str(found)
    assert step["repository"]["token"] == dummies.text(token)
    assert step["repository"]["url"] == "https://github.com/example/load"
    assert step["parameters"]["env"]["EMPTY"] == ""
    assert step["parameters"]["env"]["MASKED"] == "********"
    assert found["watchers"][0]["webhook"]["url"].startswith("https://")
    assert (found["name"], found["triggers"]) == ("daily", [{"cron": "0 6 * * *"}])
    assert dummies.body(_body(token, "Oslo"), SecretFields()) == found
    other: Any = dummies.body(_body(token, "Rome"), SecretFields())
    assert other["steps"]["load"]["parameters"] != step["parameters"]
