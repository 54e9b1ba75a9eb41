"""Every switch of a platform's behaviour over plain HTTP: what it returns, stores and refuses."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from emulator_helpers import Api, Clock, body, step

from reconciler.emulator.profiles import PROFILES, RETURNED, SWITCHES, check_profile
from reconciler.errors import UsageError
from reconciler.values import ABSENT, as_object, display_path, lookup, put

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

_ONE = ("steps", "one")
_CALL = ("steps", "call")
_ENV = (*_ONE, "parameters", "env")
_CRON = ("triggers", 0, "cron")
_STORAGE = (*_ONE, "resources", "storage")
_RETRY = (*_ONE, "runConfiguration", "retryOptions")

_REWRITES: list[tuple[str, Any, Any, Any]] = [
    ("auth-masked", (*_CALL, "auth", "password"), "vault", "********"),
    ("auth-masked", (*_CALL, "auth", "username"), "robot", "robot"),
    ("auth-hidden", (*_CALL, "auth", "password"), "vault", ABSENT),
    ("headers-masked", (*_CALL, "headers", "absolute"), {"X-A": "1"}, {"X-A": "********"}),
    ("headers-masked", (*_CALL, "headers", "secrets"), {"X-B": "name"}, {"X-B": "********"}),
    ("headers-hidden", (*_CALL, "headers"), {"absolute": {"X-A": "1"}}, ABSENT),
    ("env-masked", _ENV, [{"A": "1"}, {"B": "2"}], [{"A": "*****"}, {"B": "*****"}]),
    ("env-secrets-masked", _ENV, [{"A": "1"}, {"DB_PASSWORD": "2"}], [{"A": "1"}, {"DB_PASSWORD": "*****"}]),
    ("watchers-masked", ("watchers", 0, "webhook", "url"), "https://chat.example.com/x", "********"),
    ("step-retry-hidden", _RETRY, {"duration": 9}, ABSENT),
    ("step-retry-hidden", ("retryOptions", "duration"), 9, 9),
    ("hidden=stepTimeout", (*_ONE, "stepTimeout"), 60, ABSENT),
    ("hidden=watchers", ("watchers",), [{"user": "a@example.com"}], ABSENT),
    ("hidden=A", _ENV, [{"A": "1"}], [{"A": "1"}]),
    (
        "env-name-value",
        _ENV,
        [{"A": "1"}, {"B": "2"}],
        [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    ),
    ("tags-strings", ("tags",), [{"name": "a"}, {"name": "b"}], ["a", "b"]),
    ("tags-counted", ("tags",), [{"name": "a"}], [{"name": "a", "count": 2}]),
    ("tags-hidden", ("tags",), [{"name": "a"}], ABSENT),
    ("tags-lower", ("tags",), [{"name": "Team-A"}], [{"name": "team-a"}]),
    ("tag-length-cut", ("tags",), [{"name": "x" * 31}], [{"name": "x" * 30}]),
    ("tag-length-cut=3", ("tags",), [{"name": "abcd"}], [{"name": "abc"}]),
    ("tag-count-cut=2", ("tags",), [{"name": n} for n in "abc"], [{"name": n} for n in "ab"]),
    ("tag-count-cut", ("tags",), [{"name": n} for n in "abcdef"], [{"name": n} for n in "abcde"]),
    ("unknown-keys-dropped", ("priority",), "high", ABSENT),
    ("unknown-keys-dropped", (*_ONE, "shellPath"), "/bin/sh", "/bin/sh"),
    ("unknown-step-keys-dropped", (*_ONE, "shellPath"), "/bin/sh", ABSENT),
    ("unknown-step-keys-dropped", ("priority",), "high", "high"),
    ("names-trimmed", ("name",), " a  b ", "a  b"),
    ("names-collapsed", ("name",), " a  b ", "a b"),
    ("names-lower", ("name",), "Daily", "daily"),
    ("names-nfc", ("name",), "cafe\u0301", "caf\u00e9"),
    ("names-cut=5", ("name",), "forecast", "forec"),
    ("text-trimmed", (*_ONE, "command"), " run \n", "run"),
    ("text-right-trimmed", (*_ONE, "command"), " run \n", " run"),
    ("text-last-newline-dropped", (*_ONE, "command"), " run \n", " run "),
    ("text-crlf", (*_ONE, "command"), "a\nb\r\n", "a\r\nb\r\n"),
    ("text-lf", (*_ONE, "command"), "a\nb\r\n", "a\nb\n"),
    ("text-nfc", (*_CALL, "payload"), "e\u0301", "\u00e9"),
    ("text-escaped", (*_ONE, "command"), "a && b &amp;", "a &amp;&amp; b &amp;"),
    ("text-cut=4", _ENV, [{"A": "12345"}], [{"A": "1234"}]),
    ("url-slash-dropped", (*_CALL, "url"), "https://example.com/x/", "https://example.com/x"),
    ("url-slash-dropped", (*_ONE, "repository", "url"), "https://example.com/r/", "https://example.com/r"),
    ("headers-lower", (*_CALL, "headers", "absolute"), {"Content-Type": "A"}, {"content-type": "A"}),
    ("emails-lower", ("watchers", 0, "user"), "Ann@Example.com", "ann@example.com"),
    (
        "emails-lower",
        ("watchers", 0, "email"),
        {"name": "Team", "recipients": {"to": ["Ann@Example.com"]}},
        {"name": "Team", "recipients": {"to": ["ann@example.com"]}},
    ),
    ("cron-collapsed", _CRON, " 0  6 * * * ", "0 6 * * *"),
    ("cron-spaced", _CRON, "0 6 * * *", "0  6  *  *  *"),
    ("cron-upper", _CRON, "0 6 * * mon", "0 6 * * MON"),
    ("cron-lower", _CRON, "0 6 * * MON", "0 6 * * mon"),
    ("cron-day-names", _CRON, "0 6 * * 1-5", "0 6 * * MON-FRI"),
    ("cron-day-names", _CRON, "0 0 6 ? * 2#1", "0 0 6 ? * MON#1"),
    ("cron-day-numbers", _CRON, "0 6 * * SUN,FRI", "0 6 * * 0,5"),
    ("cron-day-numbers", _CRON, "0 0 6 ? * SUN *", "0 0 6 ? * 1 *"),
    ("enums-upper", (*_ONE, "type"), "standard", "STANDARD"),
    ("enums-upper", (*_CALL, "method"), "post", "POST"),
    ("enums-upper", (*_CALL, "auth", "type"), "basic", "BASIC"),
    ("numbers-rounded", (*_ONE, "stepTimeout"), 61, 70),
    ("numbers-rounded=60", ("retryOptions", "duration"), 61, 120),
    ("numbers-strings", (*_ONE, "imageId"), 100, "100"),
    ("storage-binary", _STORAGE, "10GB", "10Gi"),
    ("storage-bytes", _STORAGE, "10GB", 10_000_000_000),
    ("storage-number", _STORAGE, "10GB", "10"),
    (
        "condition-numbers",
        (*_CALL, "executionParameters", "conditional"),
        [{"stepName": "one", "value": "7"}, {"value": "x"}],
        [{"stepName": "one", "value": 7}, {"value": "x"}],
    ),
    ("defaults-dropped", (*_ONE, "clearImageCache"), False, ABSENT),
    ("defaults-dropped", ("retryOptions",), {"numberOfRetries": 3, "duration": 9}, {"duration": 9}),
    ("timeout-filled", (*_ONE, "stepTimeout"), ABSENT, 3600),
    ("timeout-filled=60", (*_ONE, "stepTimeout"), 7, 7),
    ("branch-filled", (*_ONE, "repository"), {"url": "u"}, {"url": "u", "branch": "main"}),
    ("branch-filled=trunk", (*_ONE, "repository"), {"url": "u"}, {"url": "u", "branch": "trunk"}),
    ("branch-dropped", (*_ONE, "repository"), {"url": "u", "branch": "main"}, {"url": "u"}),
    ("command-filled", (*_ONE, "command"), ABSENT, "python main.py"),
    ("command-dropped=echo", (*_ONE, "command"), "echo", ABSENT),
    ("concurrency-filled", ("metadata",), ABSENT, {"allowConcurrentExecution": False}),
]
"""Rewriting switches: the word, the path of a field, its value as sent, and as returned."""

_REFUSALS: list[tuple[str, Any, Any, int]] = [
    ("tag-length-refused", ("tags",), [{"name": "x" * 31}], 400),
    ("tag-length-refused=3", ("tags",), [{"name": "abcd"}], 400),
    ("tag-count-refused", ("tags",), [{"name": n} for n in "abcdef"], 400),
    ("tag-count-refused=2", ("tags",), [{"name": n} for n in "abc"], 400),
    ("unknown-keys-refused", ("priority",), "high", 400),
    ("unknown-keys-refused=422", ("priority",), "high", 422),
    ("unknown-step-keys-refused", (*_ONE, "shellPath"), "/bin/sh", 400),
    ("unknown-step-keys-refused=422", (*_CALL, "shellPath"), "/bin/sh", 422),
    ("integers-only", (*_ONE, "imageId"), 100.0, 400),
]
"""Refusing switches: the word, the path of a field, its value as sent, and the status of the answer."""

_BY_HAND = {
    "catalogue-ids",
    "describe-missing",
    "describe-lag",
    "list-lag",
    "page-count-short",
    "total-hidden",
    "describe-refused",
    "put-merges",
    "put-merges-deep",
    "rewrites-returned",
    "schedules-fire",
    "schedule-zone",
    "crontab-sunday-1",
    "quartz-sunday-0",
    "scheduled-hidden",
}


def _sent(path: Any, value: Any) -> dict[str, Any]:
    """Return a body with `value` at `path`."""
    sent = body(
        name="flow",
        steps={
            "one": step(),
            "call": {
                "type": "http",
                "method": "get",
                "url": "https://example.com",
                "auth": {"type": "basic"},
            },
        },
    )
    if value is ABSENT:
        if lookup(sent, path) is not ABSENT:
            del sent["steps"]["one"][path[-1]]
    elif path[1:2] == (0,):
        row: dict[str, Any] = {}
        put(row, path[2:], value)
        sent[path[0]] = [row]
    else:
        put(sent, path, value)
    return sent


def _name(word: str) -> str:
    return word.partition("=")[0]


def test_every_switch_is_in_a_table() -> None:
    """Each switch beyond those that only read back has a row here, or a test of its own."""
    tables = {_name(row[0]) for row in (*_REWRITES, *_REFUSALS)}
    assert tables | _BY_HAND | PROFILES == set(SWITCHES)


@pytest.mark.parametrize(
    ("word", "path", "sent", "returned"), _REWRITES, ids=lambda value: str(value)[:30].replace("\n", "|")
)
def test_rewriting_switch(api: Api, word: str, path: Any, sent: Any, returned: Any) -> None:
    """The default returns a field as sent; the switch rewrites it, stored or only returned, idempotently."""
    whole = _sent(path, sent)
    assert lookup(api.get(str(api.create(whole))), path) == sent
    api.server.profile = frozenset({word})
    number = api.create(whole)
    shown = api.get(str(number))
    assert lookup(shown, path) == returned, display_path(path)
    stored = api.server.store.workflows()[number]
    if SWITCHES[_name(word)].effect == RETURNED:
        assert stored == whole
    else:
        assert (stored == whole) == (sent == returned)
    if path[0] in {"name", "tags"}:
        listed = next(item for item in api.get()["workflows"] if item["id"] == number)
        assert lookup(listed, path) == returned
    if word not in {"tags-hidden", "env-masked", "env-secrets-masked"}:
        api.put(number, shown)
        assert lookup(api.get(str(number)), path) == (ABSENT if returned is ABSENT else returned)


@pytest.mark.parametrize(
    ("word", "path", "sent", "returned"),
    [row for row in _REWRITES if SWITCHES[_name(row[0])].effect == "stored"],
    ids=lambda value: str(value)[:30].replace("\n", "|"),
)
def test_rewrites_returned(api: Api, word: str, path: Any, sent: Any, returned: Any) -> None:
    """With `rewrites-returned`, a switch that changes what is stored changes only what is returned."""
    api.server.profile = frozenset({word, "rewrites-returned"})
    whole = _sent(path, sent)
    number = api.create(whole)
    assert lookup(api.get(str(number)), path) == returned
    assert api.server.store.workflows()[number] == whole


@pytest.mark.parametrize(("word", "path", "sent", "status"), _REFUSALS, ids=lambda value: str(value)[:30])
def test_refusing_switch(api: Api, word: str, path: Any, sent: Any, status: int) -> None:
    """The default takes a body that the switch refuses, on create and on replacement; nothing is stored."""
    whole = _sent(path, sent)
    first = api.create(whole)
    before = copy.deepcopy(api.server.store.workflows())
    api.server.profile = frozenset({word})
    for method, place in (("POST", ""), ("PUT", str(first))):
        answer = api.send(method, place, json=whole)
        assert (answer.status_code, sorted(answer.json())) == (status, ["detail"])
    assert api.server.store.workflows() == before
    assert api.put(first, body())["id"] == first


def test_tags_are_counted_over_the_tenant(api: Api) -> None:
    """The count of a tag grows with each workflow that has it, in descriptions and in the list."""
    api.server.profile = frozenset({"tags-counted"})
    first = api.create(body("a", tags=[{"name": "red"}]))
    api.create(body("b", tags=[{"name": "red"}, {"name": "blue"}]))
    assert api.get(str(first))["tags"] == [{"name": "red", "count": 2}]
    assert api.get()["workflows"][1]["tags"] == [{"name": "red", "count": 2}, {"name": "blue", "count": 1}]


def test_rewritten_names_are_searched_as_stored(api: Api) -> None:
    """A search finds a workflow by the name that is stored; two spellings make two workflows of one name."""
    api.server.profile = frozenset({"names-trimmed"})
    for name in ("daily", " daily"):
        api.create(body(name))
    assert [item["name"] for item in api.get(searchTerm="daily")["workflows"]] == ["daily", "daily"]
    api.server.profile = frozenset({"names-trimmed", "unique-names"})
    assert api.send("POST", "", json=body("daily ")).status_code == 409


def test_describe_missing(api: Api, clock: Clock) -> None:
    """`describe-missing` answers 404 for a while after a create, not after a replacement."""
    before = api.create(body())
    assert api.get(str(before))["id"] == before
    clock.advance(1)
    api.server.profile = frozenset({"describe-missing=300"})
    number = api.create(body())
    assert [api.send("GET", str(each)).status_code for each in (before, number)] == [200, 404]
    assert api.get()["workflowsCount"] == 2
    clock.advance(0.5)
    api.put(number, body(tags=[{"name": "a"}]))
    assert api.get(str(number))["tags"] == [{"name": "a"}]


def test_describe_lag(api: Api, clock: Clock) -> None:
    """`describe-lag` shows a create, a replacement and a delete only after a while."""
    api.server.profile = frozenset({"describe-lag=1000"})
    number = api.create(body())
    assert api.send("GET", str(number)).status_code == 404
    clock.advance(1)
    api.put(number, body(tags=[{"name": "new"}]))
    assert api.get(str(number))["tags"] == []
    clock.advance(1)
    assert api.get(str(number))["tags"] == [{"name": "new"}]
    api.send("DELETE", str(number)).raise_for_status()
    assert api.send("GET", str(number)).status_code == 200
    clock.advance(1)
    assert api.send("GET", str(number)).status_code == 404


def test_list_lag(api: Api, clock: Clock) -> None:
    """`list-lag` lists and searches as of a while ago; descriptions are up to date."""
    api.server.profile = frozenset({"list-lag=1500"})
    number = api.create(body("one"))
    assert api.get()["workflowsCount"] == 0
    assert api.get(str(number))["name"] == "one"
    clock.advance(1.5)
    api.put(number, body("two"))
    assert [item["name"] for item in api.get(searchTerm="one")["workflows"]] == ["one"]
    clock.advance(1.5)
    assert [item["name"] for item in api.get()["workflows"]] == ["two"]
    api.send("DELETE", str(number)).raise_for_status()
    assert api.get()["workflowsCount"] == 1
    clock.advance(1.5)
    assert api.get()["workflowsCount"] == 0


def test_lag_begins_with_what_was_there(api: Api, clock: Clock) -> None:
    """A change before the switch is set is seen at once when it is old enough."""
    number = api.create(body())
    clock.advance(2)
    api.server.profile = frozenset({"list-lag", "describe-lag"})
    assert api.get()["workflowsCount"] == 1
    assert api.get(str(number))["id"] == number


def test_page_count_short(api: Api) -> None:
    """`page-count-short` counts one page too few, `total-hidden` leaves out the total; all pages answer."""
    for number in range(5):
        api.create(body(f"flow-{number}"))
    page = api.get(pageSize=2)
    assert (page["pageCount"], page["workflowsCount"]) == (3, 5)
    api.server.profile = frozenset({"page-count-short", "total-hidden"})
    page = api.get(pageSize=2)
    assert page["pageCount"] == 2
    assert "workflowsCount" not in page
    assert len(api.get(pageSize=2, pageNumber=3)["workflows"]) == 1
    assert api.get()["pageCount"] == 1


@pytest.mark.parametrize(("word", "status"), [("describe-refused", 422), ("describe-refused=500", 500)])
def test_describe_refused(api: Api, word: str, status: int) -> None:
    """`describe-refused` answers an error for a workflow with steps that are not standard, and lists it."""
    plain, mixed = api.create(body("plain")), api.create(_sent(("name",), "mixed"))
    assert api.get(str(mixed))["name"] == "mixed"
    api.server.profile = frozenset({word})
    assert [api.send("GET", str(number)).status_code for number in (plain, mixed)] == [200, status]
    assert api.get()["workflowsCount"] == 2


def test_put_merges(api: Api) -> None:
    """`put-merges` keeps top-level keys and webhook URLs that are not sent; an empty value replaces."""
    whole = body(triggers=[{"webhook": True}], tags=[{"name": "a"}], watchers=[{"user": "a@example.com"}])
    number = api.create(whole)
    api.server.profile = frozenset({"put-merges"})
    hook = api.get(str(number))["triggers"]
    api.put(number, {"name": "flow", "steps": {"two": step()}, "watchers": []})
    shown = api.get(str(number))
    assert (shown["tags"], shown["watchers"], list(shown["steps"])) == ([{"name": "a"}], [], ["two"])
    assert shown["triggers"] == hook
    api.server.profile = frozenset()
    api.put(number, {"name": "flow"})
    assert api.get(str(number))["tags"] == []


def test_put_merges_deep(api: Api) -> None:
    """`put-merges-deep` merges objects at every level; null and empty values replace."""
    number = api.create(body(steps={"one": step(parents=["x"], stepTimeout=5), "two": step()}))
    api.server.profile = frozenset({"put-merges-deep"})
    api.put(number, {"name": "flow", "steps": {"one": {"command": "new", "stepTimeout": None}}})
    steps = api.get(str(number))["steps"]
    assert sorted(steps) == ["one", "two"]
    assert (steps["one"]["command"], steps["one"]["parents"], steps["one"]["imageId"]) == ("new", ["x"], 100)
    assert "stepTimeout" not in steps["one"]
    api.put(number, {"name": "flow", "steps": {}})
    assert api.get(str(number))["steps"] == {}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"list-lag=soon"}, "whole number"),
        ({"list-lag=0"}, "whole number"),
        ({"list-lag="}, "needs a parameter: list-lag=MS"),
        ({"hidden"}, "needs a parameter: hidden=KEY"),
        ({"nulls=1"}, "takes no parameter"),
        ({"describe-refused=200"}, "status from 400"),
        ({"list-lag=1", "list-lag=2"}, "only one"),
        ({"text-crlf", "text-lf"}, "only one"),
        ({"names-cut"}, ""),
        ({"hidden=a", "hidden=b"}, ""),
    ],
)
def test_parameters_are_checked(words: set[str], problem: str) -> None:
    """A parameter that is missing, superfluous, invalid or given twice is a usage error."""
    if problem:
        with pytest.raises(UsageError, match=problem):
            check_profile(words)
    else:
        assert check_profile(words) == words


def test_all_compatible_switches_combine(server: EmulatorServer, api: Api, clock: Clock) -> None:
    """One switch of each group and all others together still store, show and take back a workflow."""
    chosen: dict[str, str] = {}
    for name, switch in SWITCHES.items():
        if switch.effect != "refused" and name != "describe-refused":
            chosen[switch.group or name] = f"{name}=stepTimeout" if name == "hidden" else name
    server.profile = frozenset(chosen.values())
    number = api.create(_sent(("priority",), "high"))
    clock.advance(5)
    shown = api.get(str(number))
    api.put(number, shown)
    clock.advance(5)
    assert sorted(as_object(api.get(str(number))["steps"])) == ["call", "one"]
    assert len(api.get()["workflows"]) == 1
