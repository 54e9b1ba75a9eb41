"""Credentials in free text: a plan shows them no more than it shows secret fields."""

from __future__ import annotations

from reconciler.plan.masked_changes import masked
from reconciler.secrecy import SecretFields, mask
from reconciler.values import ABSENT
from reconciler.workflow import FieldChange

_TOKEN = "ghp_" + "a1B2" * 9


def test_a_credential_in_a_command_is_masked() -> None:
    """What looks like a credential is taken out of the words around it, on both sides of a change."""
    path = ("steps", "one", "command")
    shown = masked(FieldChange(path=path, before=ABSENT, after=f"curl -H {_TOKEN} x"), SecretFields())
    assert shown.after == "curl -H (sensitive) x"
    url = "postgres://robot:hunter2@db/x"
    both = masked(FieldChange(path=path, before=[url], after={"a": url}), SecretFields())
    assert "hunter2" not in str((both.before, both.after))


def test_a_credential_in_a_body_is_masked() -> None:
    """The exact body that is shown has none either, at any depth."""
    body = {"name": "a", "steps": {"one": {"parameters": {"env": {"URL": f"x {_TOKEN}"}}}}}
    assert _TOKEN not in str(mask(body, SecretFields()))
    assert mask({"name": "plain"}, SecretFields()) == {"name": "plain"}
