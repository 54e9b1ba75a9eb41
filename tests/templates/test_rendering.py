"""Rendering: parameters, undefined names, includes, and the origin of each part of the text."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError
from rendering_helpers import MAIN, problem, rendered

from reconciler.findings import Position
from reconciler.templates import PEAK_TEMPLATES, TemplateSettings, Undefined
from reconciler.templates.places import tokens

_KEEP = TemplateSettings(undefined=Undefined.KEEP)
_TEMPLATE = """\
name: {{ name }} # comment
steps:
  {% include 'steps' %}
tags:
{% for tag in tags %}
- {{ tag }}
{% endfor %}
"""
_STEPS = "load:\n  image: {{ image }}\n\ntrain: {}\n"


def _place(text: str, part: str, found: str, files: dict[str, str] | None = None) -> tuple[str, int, int]:
    """Return the place in a template of the first character of `found` in the rendered text."""
    values = {"name": "flow", "image": 12, "tags": ["a", "b"], "part": part}
    result = rendered(text, values, files=files)
    before = result.text[: result.text.index(found)]
    at = result.origins.translate(Position(before.count("\n") + 1, len(before) - before.rfind("\n")))
    return at.file or MAIN, at.line, at.column


def test_includes_keep_the_indentation_of_their_line() -> None:
    """Every line of an included text is indented as the line that includes it; empty lines stay empty."""
    result = rendered(_TEMPLATE, {"name": "n", "image": 1, "tags": []}, files={"steps": _STEPS})
    assert result.text.startswith("name: n # comment\nsteps:\n  load:\n    image: 1\n\n  train: {}\ntags:\n")


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ("name", (MAIN, 1, 1)),
        ("flow", (MAIN, 1, 7)),
        ("# comment", (MAIN, 1, 18)),
        ("load", ("steps", 1, 1)),
        ("image", ("steps", 2, 3)),
        ("12", ("steps", 2, 10)),
        ("train", ("steps", 4, 1)),
        ("tags", (MAIN, 4, 1)),
        ("a\n", (MAIN, 6, 3)),
        ("b\n", (MAIN, 6, 3)),
    ],
)
def test_places(found: str, place: tuple[str, int, int]) -> None:
    """Each part of the rendered text has the place of what gave it, also in an included file."""
    assert _place(_TEMPLATE, "", found, {"steps": _STEPS}) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{% set x = 1 %}\n{{ part }}", (MAIN, 2, 1)),
        ("{# a\nb #}\n{{ part }}", (MAIN, 3, 1)),
        ("x:  {%- if part %}\n\n  {{ part }}{% endif %}", (MAIN, 3, 3)),
        ("{% raw %}{{ x }}\n{% endraw %}{{ part }}", (MAIN, 2, 13)),
        ("a\r\nb: {{ part }}", (MAIN, 2, 4)),
        ("{% print 1, 2 %} {{ part }}", (MAIN, 1, 18)),
        ("{% macro m(x) %}\n{{ x }}{% endmacro %}\n\n{{ m(part) }}", (MAIN, 4, 1)),
        ("a\n{% filter trim %}{{ part }}{% endfilter %}", (MAIN, 2, 1)),
        ("{% extends 'base' %}\n{% block b %}\n{{ part }}{% endblock %}", (MAIN, 3, 1)),
        ("{% import 'macros' as m %}\n{{ m.same(part) }}", (MAIN, 2, 1)),
    ],
)
def test_places_after_statements(text: str, place: tuple[str, int, int]) -> None:
    """Statements, comments, raw text and macros do not move the places of what follows."""
    files = {"base": "x\n{% block b %}{% endblock %}", "macros": "{% macro same(x) %}{{ x }}{% endmacro %}"}
    assert _place(text, "VALUE", "VALUE", files) == place


@given(st.lists(st.text("ab ü-:x", max_size=8), max_size=6))
def test_literal_text_has_its_own_place(words: list[str]) -> None:
    """Law: every character of literal text that is rendered has its own place in the template."""
    source = "{{ gap }}".join(f"{word}\n" for word in words)
    result = rendered(source, {"gap": "two\nlines"})
    lines, shown = source.split("\n"), result.text.split("\n")
    for number, line in enumerate(shown, 1):
        for column, char in enumerate(line, 1):
            at = result.origins.translate(Position(number, column))
            if (at.line, at.column) != (at.line, 1) or not lines[at.line - 1].startswith("{{"):
                assert lines[at.line - 1][at.column - 1] == char


_FRAGMENTS = (
    *("{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "%", "#", "-", "+", "(", ")", "[", "]", "'", '"', "\\"),
    *(
        "{{ x }}",
        "{{- x -}}",
        "{% if x %}",
        "{%- if x -%}",
        "{# note #}",
        "{#- note -#}",
        "{{ 'a' | f(1.5) }}",
    ),
    *("{% raw %}", "{% endraw %}", "{%- raw -%}", "raw", "text", "é", "\0", " ", "\n", " \n  "),
)


def _outcome(found: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | tuple[str, int]:
    """Return the tokens, ends without the white space after them, or the error and its line."""
    try:
        return [(kind, text.rstrip() if kind.endswith("_end") else text) for kind, text in found]
    except TemplateSyntaxError as error:
        return str(error.message), error.lineno


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=14).map("".join))
@example("{{ ' }} and {{ ' }}")
@example("{{ (x }} and {{ x }}")
@example("{{{ x }} and {{% x %}")
@example("{{-}}  {{ x -}}  {{ x }}")
@example("{% raw %}{{ x }}{% endraw %}")
def test_tokens_are_those_of_the_lexer(source: str) -> None:
    """Law: brackets that were read before give the tokens that Jinja2 reads, and the same errors."""
    lexer = Environment().lexer  # noqa: S701 - nothing is rendered
    expected = _outcome((kind, text) for _, kind, text in lexer.tokeniter(source, None))
    assert _outcome(tokens(lexer, source)) == expected


def test_undefined_names_are_errors() -> None:
    """An undefined name is an error with its place, and with what it may mean."""
    found = problem("a: 1\nb: {{ nme }}")
    assert (found.rule, found.position) == ("undefined", Position(2, 7))
    assert found.message == "the parameter 'nme' is not set: nothing is like nme"
    found = problem("{{ team.ownr }}", {"team": {"owner": "x"}})
    assert found.message == "the mapping has no key 'ownr'; did you mean 'owner'?"
    found = problem("a\n{% include 'b' %}", files={"b": "x\n\n{{ c }}"})
    assert (found.file, found.position) == ("b", Position(3, 4))
    assert rendered("{{ x | default('d') }}{{ 'y' if x is defined }}z").text == "dz"


def test_templates_of_one_shape_have_their_own_places() -> None:
    """Templates that differ in literal text only are compiled once; places and errors are each one's own."""
    for above in ("", "# one\n", "# one\n# two\n"):
        line = above.count("\n") + 1
        text = f"{above}name: {'x' * line}{{{{ name }}}}\nb: {{{{ 1 / zero }}}}"
        result = rendered(text, {"name": "VALUE", "zero": 1})
        column = result.text.split("\n")[line - 1].index("VALUE") + 1
        assert result.origins.translate(Position(line, column)) == Position(line, column)
        assert problem(text, {"name": "VALUE", "zero": 0}).position == Position(line + 1, 4)
        assert problem(text, {"name": "VALUE"}).position == Position(line + 1, 11)


def test_null_parameters_are_undefined() -> None:
    """A parameter without a value is not defined, also inside a mapping."""
    assert problem("{{ a }}", {"a": None}).rule == "undefined"
    assert problem("{{ a.b }}", {"a": {"b": None}}).rule == "undefined"


def test_undefined_names_can_be_kept() -> None:
    """With `keep`, an undefined name stays as it is written; anything else done with it is an error."""
    text = "{{name}} {{  a.b['c'] }} {{ x }}"
    assert rendered(text, {"x": 1}, settings=_KEEP).text == "{{name}} {{  a.b['c'] }} 1"
    assert problem("{{ name | upper }}", settings=_KEEP).rule == "undefined"


def test_undefined_names_can_be_empty() -> None:
    """As in the public client, an undefined name is empty."""
    assert rendered("a: {{ name }}|{{ x }}", {"x": True}, settings=PEAK_TEMPLATES).text == "a: |True"


def test_variables_are_secrets() -> None:
    """What is read of `os_env` is a secret: in the result, and in the places of the text."""
    env = {"TOKEN": "s3cret-value", "SHORT": "q"}
    text = (
        "a: {{ os_env.TOKEN }}\nb: {{ os_env['SHORT'] }}\nc: {{ os_env.get('NO', 'd') }}\n"
        "{% set s = os_env.TOKEN %}d: x{{ s }}"
    )
    result = rendered(text, settings=PEAK_TEMPLATES, env={**env, "OTHER": "unread-value"})
    assert result.text == "a: s3cret-value\nb: q\nc: d\nd: xs3cret-value"
    assert dict(result.secrets) == {"s3cret-value": "TOKEN", "q": "SHORT"}
    secret = [line for line in range(1, 5) if result.origins.is_secret(Position(line, 4), Position(line, 6))]
    assert secret == [1, 2, 4]
    assert "os_env: true" in problem("{{ os_env.TOKEN }}", env=env).message
    strict = TemplateSettings(os_env=True)
    assert "TOKN" in problem("{{ os_env.TOKN }}", settings=strict, env=env).message
    found = problem("{{ os_env.TOKEN | round }}", settings=strict, env=env)
    assert "s3cret" not in found.message


def test_circular_includes() -> None:
    """A circle of includes is an error that shows it, however it is closed."""
    found = problem("{% include 'a' %}", files={"a": "\n{% include 'b' %}", "b": "{% include 'a' %}"})
    assert (found.message, found.file) == ("circular include: a → b → a", "b")
    found = problem("{% include 'a' %}", files={"a": "{% extends 'b' %}", "b": "{% import 'a' as x %}"})
    assert found.message == "circular include: a → b → a"


def test_missing_includes() -> None:
    """A missing file is an error, unless it may be missing."""
    found = problem("a: 1\n{% include 'b' %}")
    assert (found.rule, found.position, found.message) == ("template", Position(2, 1), "there is no file b")
    assert rendered("a{% include 'b' ignore missing %}").text == "a"
    assert rendered("{% include ['b', 'c'] %}", files={"c": "found"}).text == "found"


def test_includes_see_what_is_set() -> None:
    """An include sees the names of the loop that it is in, unless it is without context."""
    files = {"p": "{{ x }}{{ y }}", "q": "{{ y | default('-') }}"}
    assert (
        rendered("{% for x in [1, 2] %}{% include 'p' %},{% endfor %}", {"y": "z"}, files=files).text
        == "1z,2z,"
    )
    assert rendered("{% include 'q' without context %}", {"y": "z"}, files=files).text == "-"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% if %}", "not a valid template: Expected an expression"),
        ("{{ a | nothing }}", "not a valid template: No filter named 'nothing'"),
        ("{% endif %}", "not a valid template: Encountered unknown tag 'endif'"),
        ("{{ 1 / 0 }}", "the template fails: division by zero"),
        ("{{ 'a' + 1 }}", "the template fails: "),
        ("{% include 3 %}", "the template fails: "),
    ],
)
def test_errors_have_a_place(text: str, message: str) -> None:
    """Whatever is wrong with a template is an error with its line."""
    found = problem(f"a: 1\nb: {text}\n")
    assert found.message.startswith(message)
    assert found.position == Position(2, 4)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_values_survive_tojson(value: object) -> None:
    """Law: a value that a template writes with `tojson` is read back."""
    if value is not None:
        assert json.loads(rendered("{{ value | tojson }}", {"value": value}).text) == value
