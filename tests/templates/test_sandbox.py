"""The sandbox: no way out of it, nothing of the environment, and bounds on time and memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering_helpers import problem, rendered

from reconciler.templates import TemplateProblemError, TemplateSettings, sandbox
from reconciler.templates.budget import MAX_SIZE, MAX_STEPS

_ESCAPES = (
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__class__']",
    "''|attr('__class__')",
    "''|attr('__cla' ~ 'ss__')",
    "['']|map(attribute='__class__')|list",
    "['x']|map('attr', '__class__')|list",
    "['x']|groupby('__class__')",
    "['x']|sort(attribute='__class__')",
    "'{0.__class__.__mro__}'.format('')",
    "'{x.__class__}'.format_map({'x': 1})",
    "('{0.__class__}'|attr('format'))(1)",
    "['{0.__class__}']|map('format', 1)|list and '{0.__class__}'.format(1)",
    "cycler.__init__.__globals__.os",
    "joiner.__init__.__globals__",
    "namespace.__init__.__globals__",
    "self.__init__.__globals__",
    "self._TemplateReference__context",
    "dict.__base__",
    "range.__class__",
    "lipsum.__globals__",
    "config", "request", "context", "environment", "__import__('os')", "open('/etc/passwd')",
    "loop.__class__",
    "(1).__class__.__base__",
    "().__class__", "{}.__class__", "true.__class__", "none.__class__",
    "({}|attr('__class__'))",
    "namespace()._Namespace__attrs",
    "xs.append(1)", "xs.__add__([1])", "m.update({})", "m.pop('a')", "m.clear()", "xs.sort()",
    "[1]|map('output of expression')|list",
    "[1]|map('included template', 'x')|list",
    "(m.values())|attr('mapping')|attr('__class__')",
)  # fmt: skip


@pytest.mark.parametrize("expression", _ESCAPES)
def test_known_escapes_are_refused(expression: str) -> None:
    """No known way out of a sandbox works: each is an error."""
    values = {"xs": [3, 2], "m": {"a": 1}}
    for text in (f"{{{{ {expression} }}}}", f"{{% set x = {expression} %}}{{{{ x }}}}"):
        found = problem(text, values)
        assert found.rule in {"template", "undefined"}


_BOMBS = (
    "{{ 'a' * 10**9 }}",
    "{{ [0] * 10**9 }}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ (10**1000) * (10**1000) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=999999999) }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ 'a' | center(10**9) }}",
    "{{ ('a\n' * 1000) | indent(10**6) }}",
    "{{ ('\t' * 1000).expandtabs(10**6) }}",
    "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ range(100000) | join('a' * 100000) }}",
    "{{ ('a' * 100000).join(range(100000) | map('string')) }}",
    "{{ [1] | batch(10**9, 'x') | list }}",
    "{{ [1] | slice(10**9) | list }}",
    "{{ {'a': 1} | tojson(10**9) }}",
    "{{ 1.5 | round(10**9, 'ceil') }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ ('a' * 100000).translate({97: 'b' * 100000}) }}",
    "{{ [[1]] | sum(start=[]) }}",
    "{{ range(10**9) | list }}",
    *(
        f"{{% set n = namespace(x='a') %}}{{% for i in range(99) %}}{{% set n.x = {value} %}}{{% endfor %}}"
        for value in (
            "n.x ~ n.x",
            "n.x + n.x",
            "[n.x, n.x]",
            "{'a': n.x, 'b': n.x}",
            "namespace(a=n.x, b=n.x)",
        )
    ),
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = range(100000) | list %}{% endfor %}",
    "{% set big = 'a' * 900000 %}{% for i in range(100000) %}{% if big == big[1:] %}{% endif %}{% endfor %}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% for i in range(100000) %}{% for j in range(9) %}0123456789{% endfor %}{% endfor %}",
    "{% set a %}" + "x" * 9000 + "{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 20 + "{{ a }}",
    "{% for a in range(1000) recursive %}{{ loop(range(1000)) }}{% endfor %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 5000 + "1 }}",
    "{{ 1" + " + 1" * 5000 + " }}",
    "{% if 1 %}" * 3000,
    "{{ " + "9" * 100000 + " }}",
    "{{ 1 }}" * 50000,
    "{% include 'self' %}",
)


@pytest.mark.parametrize("text", _BOMBS, ids=lambda text: text[:40])
def test_bombs_are_bounded(text: str) -> None:
    """What would take much time or memory is an error instead."""
    found = problem(text, files={"self": "{% include 'self' %}"})
    assert found.rule in {"template", "template-too-large"}


def test_bounds_leave_room() -> None:
    """Ordinary templates are far from the bounds."""
    text = (
        "{% for i in range(2000) %}- {{ i }}: {{ '%05d' | format(i) }} {{ 'a' | center(20) }}\n{% endfor %}"
    )
    assert rendered(text).steps < MAX_STEPS / 10
    assert len(rendered("{{ 'a' * 90000 }}").text) == 90000 < MAX_SIZE


def test_names_of_filters_that_are_not_offered() -> None:
    """Filters whose text differs from time to time, or that are for HTML, are not there."""
    for name in ("random", "urlize", "striptags", "pprint", "xmlattr"):
        assert f"No filter named '{name}'" in problem(f"{{{{ [1] | {name} }}}}").message


def _outcome(text: str, values: dict[str, Any], env: dict[str, str]) -> str:
    """Return what a template renders to, or its problem, which has a place."""
    try:
        return rendered(text, values, settings=TemplateSettings(), env=env).text
    except TemplateProblemError as error:
        return f"{error.message} at {error.position.line if error.position else 1 / 0}"


_WORDS = st.sampled_from(
    ["x", "m", "xs", "os_env", "self", "range", "dict", "cycler", "namespace", "joiner", "''", "'{0.a}'", "1"]
)
_TAILS = st.sampled_from(
    ["__class__", "__mro__", "__globals__", "__init__", "format", "items", "get", "upper", "__dict__", "keys",
     "_x", "gi_frame", "f_globals", "__self__", "__func__", "__wrapped__", "__code__", "tb_frame", "mapping"]
)  # fmt: skip


@st.composite
def _expressions(draw: st.DrawFn) -> str:
    text = draw(_WORDS)
    for _ in range(draw(st.integers(1, 5))):
        tail = draw(_TAILS)
        form = draw(st.sampled_from([".{}", "['{}']", "|attr('{}')", "()", "|list", "(x)", "|first"]))
        text = f"({text}){form.format(tail)}"
    return text


@settings(max_examples=300)
@given(_expressions())
def test_no_expression_leaks(expression: str) -> None:
    """Law: no expression gives a class, a function's inside, or a variable that it is not offered."""
    values = {"x": "value", "m": {"a": 1}, "xs": [1]}
    env = {"HIDDEN": "canary-7f21"}
    text = _outcome(f"{{{{ {expression} }}}}", values, env)
    assert "canary" not in text
    assert "<class '" not in text


@settings(max_examples=100)
@given(st.text(st.sampled_from("{}%#'\"ab |.()[]~*+-\n0123456789"), max_size=40))
def test_any_text_renders_or_has_a_problem(text: str) -> None:
    """Law: a template renders, or has a problem with a place; nothing else is raised."""
    _outcome(text, {"a": 1}, {})


def test_what_is_kept_of_templates_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled templates are kept while their texts are short in all; the result is the same without."""
    built: list[str] = []
    build = sandbox._Environment._build

    def counted(self: Any, file: str, text: str) -> Any:
        built.append(file)
        return build(self, file, text)

    monkeypatch.setattr(sandbox._Environment, "_build", counted)
    found = {}
    for limit, mark in ((100, "a"), (10_000, "b")):
        monkeypatch.setattr(sandbox, "_KEPT_CHARACTERS", limit)
        files = {f"part-{number}": f"{number}: {{{{ x }}}}{mark * 40}" for number in range(3)}
        text = "{% for n in range(3) %}{% include 'part-' ~ n %}{% endfor %}" + mark
        texts = {rendered(text, {"x": 1}, files=files).text for _ in range(3)}
        found[limit] = (len(built), texts)
        built.clear()
    assert found == {
        100: (12, {"".join(f"{number}: 1{'a' * 40}" for number in range(3)) + "a"}),
        10_000: (4, {"".join(f"{number}: 1{'b' * 40}" for number in range(3)) + "b"}),
    }
