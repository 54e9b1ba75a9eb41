"""Values of `!env`: no rule fires because of one, whether the variable is set or not, and none shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rule_helpers import check, rules, shown

if TYPE_CHECKING:
    from pathlib import Path

_SECRET = "canary-5f3a91"

_HTTP = "type: http, method: get, url: 'https://example.com'"
_OUTPUT = "outputParameters: {x: x.txt}"
_ALL_KINDS = """
steps:
  a: {outputParameters: {x: x.txt}}
  b:
    parents: [!env V]
    parameters: {inherit: {A: y}}
    executionParameters:
      conditional: [{condition: equals, stepName: a, paramName: x, value: '1'}]
      parentStatus: [{condition: all-of, parents: [a], status: [success]}]
"""
_WHERE = {
    "parent": "steps: {a: {}, b: {parents: [!env V]}}",
    "parent-of-all-kinds": _ALL_KINDS,
    "repeated-parent": "steps: {a: {}, b: {parents: [!env V, !env V]}}",
    "condition-step": f"steps: {{a: {{{_OUTPUT}}}, b: {{parents: [a], executionParameters: "
    "{conditional: [{condition: equals, stepName: !env V, paramName: x, value: '1'}]}}}",
    "condition-parameter": f"steps: {{a: {{{_OUTPUT}}}, b: {{parents: [a], executionParameters: "
    "{conditional: [{condition: equals, stepName: a, paramName: !env V, value: '1'}]}}}",
    "status-parent": "steps: {a: {}, b: {parents: [a], executionParameters: "
    "{parentStatus: [{condition: all-of, parents: [!env V], status: [failure]}]}}}",
    "inherit": f"steps: {{a: {{{_OUTPUT}}}, b: {{parents: [a], parameters: {{inherit: {{A: !env V}}}}}}}}",
    "http-output": f"steps: {{a: {{{_HTTP}, outputParameters: {{x: !env V}}}}}}",
    "payload": "steps: {a: {type: http, method: post, url: 'https://example.com', payload: !env V}}",
    "url": "steps: {a: {type: http, method: get, url: !env V}}",
    "repository": "steps: {a: {repository: {url: !env V, branch: main}}}",
    "cron": "triggers: [{cron: !env V}]\nsteps: {a: {}}",
    "tags": "tags: [{name: !env V}, {name: !env V}]\nsteps: {a: {}}",
    "secrets": "steps: {a: {parameters: {secrets: [!env V, !env V]}}}",
    "watchers": "watchers: [{user: !env V, events: {fail: true}}, {user: !env V, events: {fail: true}}]\n"
    "steps: {a: {}}",
    "email": "watchers: [{email: {name: a, recipients: {to: [!env V]}}, events: {fail: true}}]\n"
    "steps: {a: {}}",
    "webhook": "watchers: [{webhook: {name: a, url: !env V, payload: x}, events: {fail: true}}]\n"
    "steps: {a: {}}",
    "header": f"steps: {{a: {{{_HTTP}, headers: {{absolute: {{Authorization: !env V}}}}}}}}",
    "auth": f"steps: {{a: {{{_HTTP}, auth: {{type: basic, username: !env V, password: !env V}}}}}}",
    "command": "steps: {a: {command: !env V}}",
    "body": "body: {name: x, steps: {a: {command: !env V, parents: []}}}",
}
_VALUES = [
    None,
    "",
    _SECRET,
    "a",
    "b",
    "x",
    "post",
    "https://me:canary-5f3a91@example.com",
    "-----BEGIN RSA PRIVATE KEY-----",
    "0 99 * * *",
]


@pytest.mark.parametrize("value", _VALUES)
@pytest.mark.parametrize("where", _WHERE)
def test_value_of_env_triggers_no_rule(tmp_path: Path, where: str, value: str | None) -> None:
    """The variable may be anything, empty or not set: the rules are silent, and nothing of it is shown."""
    text = _WHERE[where]
    text = text if text.startswith("body") else f"name: x\n{text}"
    result = check(tmp_path, text + "\n", {} if value is None else {"V": value})
    assert [rule for rule in rules(result) if not rule.startswith("schema-")] == (
        [] if value else ["env"] * text.count("!env")
    )
    assert _SECRET not in shown(result)


def test_known_values_next_to_it_are_checked(tmp_path: Path) -> None:
    """A finding that does not depend on the variable is reported."""
    text = (
        "name: x\nsteps:\n  a: {}\n  b:\n    parents: [!env V, gone, a, a]\n"
        "  c:\n    type: http\n    method: !env M\n    url: http://example.com\n"
        "    auth: {type: basic, username: u}\n"
    )
    for env in ({}, {"V": _SECRET, "M": "get"}):
        result = check(tmp_path, text, env)
        found = [rule for rule in rules(result) if rule != "env"]
        assert found == ["unknown-parent", "repeated-parent", "http-auth"]
        assert _SECRET not in shown(result)


def test_cycle_through_a_variable_is_not_reported(tmp_path: Path) -> None:
    """A cycle that exists only for one value of a variable is not reported."""
    text = "name: x\nsteps: {a: {parents: [!env V]}, b: {parents: [a]}}\n"
    assert rules(check(tmp_path, text, {"V": "b"})) == []


def test_aliases_of_a_variable_are_unknown_as_well(tmp_path: Path) -> None:
    """A value that is repeated by an alias or merged came through `!env` there, too."""
    text = (
        "name: x\nsteps:\n  a: &a\n    command: &c !env V\n    repository: {url: !env V, branch: main}\n"
        "  b: {command: *c}\n  c: {<<: *a}\n"
    )
    assert rules(check(tmp_path, text, {"V": f"https://me:{_SECRET}@example.com/ x"})) == []


@pytest.mark.parametrize(
    "line",
    [
        f"tags: [{{name: {_SECRET}}}, {{name: a}}, {{name: a}}, {{name: !env V}}]",
        f"tags: [{{name: a}}, {{name: a}}, {{name: !env {{name: V, default: {_SECRET}}}}}]",
    ],
)
def test_line_with_the_value_is_not_shown(tmp_path: Path, line: str) -> None:
    """A line on which the value of a variable is written out, if only as a default, is left out."""
    result = check(tmp_path, f"name: x\n{line}\nsteps: {{a: {{}}}}\n", {"V": _SECRET})
    assert rules(result) == ["duplicate-tag"]
    assert _SECRET not in shown(result)


def test_duplicate_names_by_variable_do_not_show(tmp_path: Path) -> None:
    """Names that are equal through a variable are reported without their value."""
    result = check(tmp_path, "---\nname: !env V\nsteps: {a: {}}\n" * 2, {"V": _SECRET})
    assert rules(result) == ["duplicate-name"] * 2
    assert _SECRET not in shown(result)
