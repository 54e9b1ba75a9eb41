"""Log lines: bounded, and without characters that could steer a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from job_helpers import START

from reconciler.job.log import Entry, Event, Level, event_line
from reconciler.schema import load_schema, validate
from reconciler.secrecy import Redactor


def _line(message: str = "m", redactor: Redactor | None = None, **fields: Any) -> str:
    entry = Entry(event=Event.MESSAGE, message=message, fields=fields)
    return event_line(entry, "run-1", START, redactor or Redactor())


def test_the_names_are_those_of_the_schema() -> None:
    """Events and levels are fixed sets, and the schema has both."""
    known: Any = load_schema("log-event")["properties"]
    assert known["event"]["enum"] == [event.value for event in Event]
    assert known["level"]["enum"] == [level.value for level in Level]


def test_time_is_utc_with_milliseconds() -> None:
    """RFC 3339, and always of the same length, so that lines sort."""
    assert json.loads(_line())["time"] == "2030-01-02T03:04:05.678Z"


def test_what_is_not_known_is_left_out() -> None:
    """An unknown field is left out; only run_id may be null, between runs."""
    entry = json.loads(_line(workflow_id=None, drift=0))
    assert "workflow_id" not in entry
    assert entry["drift"] == 0
    line = event_line(Entry(event=Event.LISTENING, message="m"), None, START, Redactor())
    assert json.loads(line)["run_id"] is None


@pytest.mark.parametrize(
    "bad", ["\n", "\r\n", "\x1b[31m", "\x00", "\u2028", "\u202e", "\ud800", "\x9b", "\x85"]
)
def test_a_line_is_one_line_also_once_it_is_parsed(bad: str) -> None:
    """Neither the line nor the texts that a parser gets from it hold anything that steers a terminal."""
    line = _line(f"a{bad}b", workflow=f"c{bad}d", warnings=[f"e{bad}f"])
    assert line.isascii()
    assert line.isprintable()
    entry = json.loads(line)
    assert all(text.isprintable() for text in (entry["message"], entry["workflow"], *entry["warnings"]))


def test_a_line_holds_no_command_for_a_ci() -> None:
    """A job that runs in a pipeline logs names of workflows, which say the same once they are parsed."""
    name = "##vso[task.setvariable variable=PATH]x"
    line = _line(name, workflow=name)
    assert "##" not in line
    assert (json.loads(line)["message"], json.loads(line)["workflow"]) == (name, name)


def test_secrets_are_removed_at_every_depth() -> None:
    """Also where they have a quote or a line break in them, which JSON and the log write otherwise."""
    secret = 'top"secret\nvalue'
    redactor = Redactor.of([secret])
    line = _line(f"x {secret}", redactor, error=secret, notes=[secret, f"a{secret}"], planned={secret: 1})
    assert "secret" not in line
    assert line.count("(sensitive)") == 5


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600", "\x01"])
def test_a_line_is_bounded(letter: str) -> None:
    """However long texts and lists are, a line stays below 16 KiB, and is still one of the schema."""
    line = _line(letter * 100_000, notes=[letter * 5000] * 1000, warnings=[letter * 5000] * 1000, drift=3)
    assert len(line) <= 16_384
    entry = json.loads(line)
    assert [*validate(entry, "log-event")] == []
    assert entry["drift"] == 3
    assert entry["shortened"] is True
