"""What validation says: for every keyword, and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from schema_walk import subschemas

from reconciler.schema import SCHEMA_NAMES, SchemaProblem, load_schema, validate
from reconciler.schema.explaining import _DESCRIBE, _OWN_WORDS

if TYPE_CHECKING:
    from reconciler.values import JsonValue

_ANNOTATIONS = {"$schema", "$id", "$ref", "$defs", "title", "description", "default", "examples"}
_APPLICATORS = {
    "properties",
    "patternProperties",
    "items",
    "propertyNames",
    "allOf",
    "if",
    "then",
    "else",
    "additionalProperties",
}
_CANARY = "canary-5f3a91"


def _problems(value: JsonValue, schema: str = "workflow") -> list[SchemaProblem]:
    return list(validate(value, schema))


def _body(**parts: Any) -> dict[str, Any]:
    return {"name": "a", "steps": {"s": {"imageId": 1}}, **parts}


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_keyword_has_words(name: str) -> None:
    """Every keyword that a schema uses has a message of its own, or its schema brings one."""
    for place, part in subschemas(load_schema(name)):
        if {"if", "not"} & set(place.split("/")):
            continue
        for keyword in set(part) - _ANNOTATIONS - _APPLICATORS:
            if keyword in _OWN_WORDS:
                assert "x-message" in part, (place, keyword)
            else:
                assert keyword in _DESCRIBE or keyword.startswith("x-"), (place, keyword)


def test_each_problem_is_reported_once() -> None:
    """What several branches of the schema find alike is one problem."""
    assert len(_problems(_body(steps={"s": {"type": "http", "runConfiguration": {"x": 1}}}))) == 1


def test_every_missing_key_is_named() -> None:
    """Each missing key is a problem of its own."""
    messages = [problem.message for problem in _problems({})]
    assert messages == ["'name' is missing at the top level", "'steps' is missing at the top level"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": 1}, ", found a mapping"),
        ([1], ", found a list"),
        (True, ", found true; quote the value"),
        (1.5, ", found 1.5; quote the value"),
    ],
)
def test_found_value_is_a_separate_part(value: JsonValue, found: str) -> None:
    """The part that quotes the value is separate, so that it can be left out."""
    (problem,) = _problems(_body(steps={"s": {"command": value}}))
    assert (problem.message, problem.found) == ("steps.s.command must be text", found)
    assert (problem.path, problem.rule, problem.at_key) == (("steps", "s", "command"), "schema-type", False)


@pytest.mark.parametrize("schema", SCHEMA_NAMES)
@pytest.mark.parametrize("wrong", [_CANARY, 5, [_CANARY], {"a": _CANARY}, True])
def test_value_of_a_secret_field_is_never_shown(schema: str, wrong: JsonValue) -> None:
    """An error in a secret field is reported without its value."""
    step: dict[str, Any] = {
        "type": "http",
        "repository": {"token": wrong},
        "auth": dict.fromkeys(("clientSecret", "password", "apiKey", "bearerToken"), wrong),
    }
    steps = {
        "s": step,
        "t": {"repository": {"token": wrong}},
        "u": {"type": "sql", "repository": {"token": wrong}},
    }
    values: list[JsonValue] = [
        {"name": "a", "steps": steps},
        {"name": "a", "set": {"token": wrong}, "body": {"steps": steps}},
        {"id": 1, "token": wrong},
    ]
    for value in values:
        for problem in _problems(value, schema):
            assert _CANARY not in problem.message + problem.found
            if problem.path and problem.path[-1] in {"token", "apiKey", "password"} and not problem.at_key:
                assert problem.found.startswith(", found (sensitive)")


@pytest.mark.parametrize("odd", ["\x1b[31mred", "a\nb", "\u202eevil", "\x9b1m", "\u2028"])
def test_messages_are_harmless(odd: str) -> None:
    """Control characters in keys and values come out as escapes."""
    value = _body(steps={odd: {"type": odd, odd: odd}}, tags=[{"name": f"reconciler-{odd}"}], **{odd: 1})
    problems = _problems(value)
    assert {problem.rule for problem in problems} >= {"schema-pattern", "schema-enum", "schema-not"}
    assert all((problem.message + problem.found).isprintable() for problem in problems)


def test_messages_are_short() -> None:
    """However long a key or a value is, the message can be read."""
    long = "x" * 100_000
    value = _body(steps={long: {long: long, "type": long, "command": [long]}}, **{long: 1})
    assert max(len(problem.message + problem.found) for problem in _problems(value)) < 600


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", [], [{}], {"name": {}}, {"steps": [[]]}])
@pytest.mark.parametrize("schema", SCHEMA_NAMES)
def test_any_json_value_gets_an_answer(schema: str, value: JsonValue) -> None:
    """Any value in place of a body, a patch or settings gives problems in words."""
    for problem in _problems(value, schema):
        assert problem.message
        assert problem.rule.startswith("schema-")


@pytest.mark.parametrize(
    ("key", "known"),
    [("imageID", "imageId"), ("image_id", "imageId"), ("comand", "command"), ("Parents", "parents")],
)
def test_near_misses_are_understood(key: str, known: str) -> None:
    """A key that is nearly one of the known ones gets that as a suggestion."""
    (problem,) = _problems(_body(steps={"s": {key: 1}}))
    assert problem.message == f"unknown key {key!r} in steps.s; did you mean {known!r}?"
    assert (problem.path, problem.at_key) == (("steps", "s", key), True)


def test_not_applies_to_text_only() -> None:
    """A tag name that is not text is reported once, as the wrong type."""
    assert [problem.rule for problem in _problems(_body(tags=[{"name": 5}]))] == ["schema-type"]


@pytest.mark.parametrize("name", ["reconciler", "my-reconciler-tag", "Reconciler-x", "reconciled"])
def test_other_tags_are_free(name: str) -> None:
    """Only names that start with the kept prefix are refused."""
    assert _problems(_body(tags=[{"name": name}])) == []
