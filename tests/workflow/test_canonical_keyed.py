"""Triggers and watchers by name, and which name each has."""

from __future__ import annotations

from typing import Any

import pytest
import strategies
from canonical_helpers import same
from forms import canonical_of
from hypothesis import given
from spellings import workflow
from strategies import LAWS

from reconciler.workflow import by_name_path, is_own_tag, lists_back, lists_by_name

_WATCHERS: list[Any] = [
    {"user": "u", "events": {"success": True}},
    {"webhook": {"name": "h", "url": "x", "payload": ""}},
    {"email": {"name": "e", "recipients": {"to": []}}},
    {"user": "u", "events": {"fail": True}},
    {"user": "v#2"},
]
_TRIGGERS: list[Any] = [{"cron": "b"}, {"webhook": True}, {"cron": "a"}, {"future": 1}]


def test_names() -> None:
    """A trigger is known by its kind, a watcher by its recipient; of one name, the others get a number."""
    named: Any = lists_by_name({"triggers": _TRIGGERS, "watchers": _WATCHERS})
    assert list(named["triggers"]) == ["cron", "cron#2", "webhook", "other"]
    assert named["triggers"]["cron"] == {"cron": "a"}
    assert list(named["watchers"]) == ["user:u", "user:u#2", "webhook:h", "email:e", "user:v#2"]
    assert named["watchers"]["user:u"] == {"user": "u", "events": {"fail": True}}


def test_names_that_look_like_numbered_ones_stay_apart() -> None:
    """A user called `u#2` and a second watcher of `u` do not hide one another, in whatever order."""
    watchers: list[Any] = [{"user": "u"}, {"user": "u", "events": {"fail": True}}, {"user": "u#2"}]
    named: Any = lists_by_name({"watchers": watchers})
    assert list(named["watchers"]) == ["user:u", "user:u#3", "user:u#2"]
    assert same(workflow(watchers=watchers), workflow(watchers=watchers[::-1]))
    assert len(canonical_of({"watchers": watchers})["watchers"]) == 3  # type: ignore[arg-type]


def test_keyed_paths() -> None:
    """A path into a body becomes the path that the canonical form has for it."""
    body: Any = {"triggers": _TRIGGERS, "watchers": _WATCHERS}
    found = {
        path: by_name_path(path, body)
        for path in [
            ("tags", 0, "name"),
            ("triggers", 0, "cron"),
            ("triggers", 1, "webhook"),
            ("triggers", 2, "cron"),
            ("watchers", 0, "events", "success"),
            ("watchers", 3, "events", "fail"),
            ("watchers", 1, "webhook", "url"),
            ("watchers", 4, "user"),
        ]
    }
    assert found == {
        ("tags", 0, "name"): ("tags",),
        ("triggers", 0, "cron"): ("triggers", "cron#2"),
        ("triggers", 1, "webhook"): ("triggers", "webhook"),
        ("triggers", 2, "cron"): ("triggers", "cron"),
        ("watchers", 0, "events", "success"): ("watchers", "user:u#2", "events", "success"),
        ("watchers", 3, "events", "fail"): ("watchers", "user:u", "events", "fail"),
        ("watchers", 1, "webhook", "url"): ("watchers", "webhook:h", "webhook", "url"),
        ("watchers", 4, "user"): ("watchers", "user:v#2", "user"),
    }


def test_a_repeated_watcher_has_the_path_of_the_first() -> None:
    """Two watchers that say the same are one, and so is their path: a secret in either is masked."""
    body: Any = {"watchers": [{"user": "u"}, {"user": "u", "events": {"fail": False}}]}
    assert by_name_path(("watchers", 1, "user"), body) == ("watchers", "user:u", "user")


@pytest.mark.parametrize(
    "path", [("name",), ("steps", "x", "command"), ("watchers", 9, "user"), ("watchers",), ("triggers", -1)]
)
def test_other_paths_stay(path: Any) -> None:
    """A path to anything else, or to what is not there, is its own."""
    assert by_name_path(path, {"watchers": _WATCHERS}) == path


@given(strategies.workflow_bodies())
@LAWS
def test_back_and_forth(body: Any) -> None:
    """A body by name and back again is the same workflow, and only triggers and watchers are touched."""
    back = lists_back(lists_by_name(body))
    assert same(back, body)
    assert back.keys() == body.keys()
    untouched = body.keys() - {"triggers", "watchers"}
    assert all(back[key] is body[key] for key in untouched)


def test_own_tags() -> None:
    """The reconciler's own tags are known by their prefix, and nothing else is one."""
    assert is_own_tag({"name": "reconciler-sent-x"})
    assert is_own_tag("reconciler-x")
    own: list[Any] = [
        {"name": "x-reconciler-"},
        {"name": None},
        {"name": 1},
        {},
        None,
        5,
        [],
        {"tag": "reconciler-"},
    ]
    assert not any(map(is_own_tag, own))
