"""Stand-ins: equal where the secrets are equal, of the same shape, and nothing of the secret is left."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.rehearsal import StandIns
from reconciler.secrecy import Redactor, SecretFields, is_mask

TEXTS = st.text(min_size=1, max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_one_for_each_secret(secrets: list[str]) -> None:
    """Two secrets have one stand-in only if they are equal; a stand-in is no secret, and no mask."""
    stand_ins = StandIns(Redactor())
    found = {secret: stand_ins.text(secret) for secret in secrets}
    assert len({*found.values()}) == len(found)
    assert [stand_ins.text(secret) for secret in secrets] == [found[secret] for secret in secrets]
    assert not [secret for secret, stand_in in found.items() if secret == stand_in]
    assert not [stand_in for secret, stand_in in found.items() if is_mask(stand_in) and not is_mask(secret)]


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), min_size=12, max_size=60))
def test_the_shape_stays(secret: str) -> None:
    """Letters become letters, digits digits, and everything else stays, as a platform may look at it."""
    stand_in = StandIns(Redactor()).text(secret)
    if sum(char.isalnum() for char in secret) < 3:
        return
    assert len(stand_in) == len(secret)
    for before, after in zip(secret, stand_in, strict=True):
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
    """Secret fields, variables, webhook URLs and quoted secrets have stand-ins; the rest, and masks, stay."""
    token = "hunter2-and-more"
    stand_ins = StandIns(Redactor.of([token]))
    found: Any = stand_ins.body(_body(token, "Oslo"), SecretFields())
    step = found["steps"]["load"]
    assert token not in str(found)
    assert "Oslo" not in str(found)
    assert step["repository"]["token"] == stand_ins.text(token)
    assert step["repository"]["url"] == "https://github.com/example/load"
    assert step["parameters"]["env"]["EMPTY"] == ""
    assert step["parameters"]["env"]["MASKED"] == "********"
    assert found["watchers"][0]["webhook"]["url"].startswith("https://")
    assert (found["name"], found["triggers"]) == ("daily", [{"cron": "0 6 * * *"}])
    assert stand_ins.body(_body(token, "Oslo"), SecretFields()) == found
    other: Any = stand_ins.body(_body(token, "Rome"), SecretFields())
    assert other["steps"]["load"]["parameters"] != step["parameters"]
