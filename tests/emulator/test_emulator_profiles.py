"""Profiles: how each one reads a workflow back, and how they combine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_helpers import Api, Clock, body, step

from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER, SWITCHES, parse_profiles
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import UsageError


def _read(api: Api, sent: dict[str, Any], *names: str) -> Any:
    """Return `sent` as a tenant with the profiles `names` describes it."""
    api.server.profile = frozenset(names)
    return api.get(str(api.create(sent)))


def _full() -> dict[str, Any]:
    """Return a body with every kind of field."""
    return body(
        metadata={"allowConcurrentExecution": True},
        triggers=[{"cron": "0 0 * * *"}],
        watchers=[{"user": "a@example.com", "events": {"fail": True, "runtimeExceeded": 10}}],
        retryOptions={"duration": 9, "exitCodes": [1, 2]},
        tags=[{"name": f"t{number}"} for number in range(8)],
        steps={
            "one": step(
                resources={"instanceTypeId": 22, "storage": "20GB"},
                repository={"url": "https://example.com", "branch": "main", "token": "name"},
                parameters={"env": {"A": "1", "B": "2"}, "secrets": ["s1", "s2"]},
                runConfiguration={"retryOptions": {"numberOfRetries": 1}},
            ),
            "two": step(parents=["one"]),
            "out": {"type": "export", "schema": "s", "table": "t", "sortBy": "c"},
            "call": {"type": "http", "method": "get", "url": "https://example.com"},
            "ask": {"type": "sql", "sqlQueryPath": "q.sql"},
        },
    )


def test_env_map(api: Api) -> None:
    """`env-map` returns `env` as a map, however it was sent; without it, a list."""
    for env in ({"A": "1", "B": "2"}, [{"A": "1"}, {"B": "2"}]):
        sent = body(steps={"one": step(parameters={"env": env})})
        assert _read(api, sent, "env-map")["steps"]["one"]["parameters"]["env"] == {"A": "1", "B": "2"}
        assert _read(api, sent)["steps"]["one"]["parameters"]["env"] == [{"A": "1"}, {"B": "2"}]


def test_nulls(api: Api) -> None:
    """`nulls` returns null at every level: the top, steps of each type, and objects inside them."""
    shown = _read(api, _full(), "nulls")
    assert shown["lastExecution"] is None
    assert shown["watchers"][0]["email"] is None
    assert shown["watchers"][0]["events"]["success"] is None
    assert shown["retryOptions"]["numberOfRetries"] is None
    steps = shown["steps"]
    assert [steps["two"][key] for key in ("repository", "resources", "parameters", "stepTimeout")] == [
        None
    ] * 4
    assert steps["one"]["parameters"]["inherit"] is None
    assert steps["one"]["runConfiguration"]["skipConfiguration"] is None
    assert steps["one"]["runConfiguration"]["retryOptions"]["exitCodes"] is None
    assert steps["out"]["sortOrder"] is None
    assert steps["call"]["auth"] is None
    assert steps["ask"]["repository"] is None
    bare = _read(api, {"name": "bare"}, "nulls")
    assert [bare[key] for key in ("triggers", "watchers", "tags", "metadata", "retryOptions")] == [None] * 5
    assert [flow["tags"] for flow in api.get()["workflows"]] == [_full()["tags"], None]


def test_empties(api: Api) -> None:
    """`empties` returns absent lists and maps empty, and leaves single values out."""
    shown = _read(api, _full(), "empties")["steps"]["two"]
    assert (shown["repository"], shown["outputParameters"], shown["runConfiguration"]) == ({}, {}, {})
    assert "stepTimeout" not in shown
    one = _read(api, body(steps={"one": step(parameters={})}), "empties")["steps"]["one"]
    assert one["parameters"] == {"env": [], "secrets": [], "inherit": {}}
    assert one["parents"] == []


def test_nulls_and_empties_combine(api: Api) -> None:
    """Together, lists and maps come back empty and single values null."""
    one = _read(api, body(), "nulls", "empties")["steps"]["one"]
    assert (one["parents"], one["repository"], one["stepTimeout"]) == ([], {}, None)


def test_defaults_filled(api: Api) -> None:
    """`defaults-filled` returns every documented default of an absent field, and only of an absent one."""
    sent = _full()
    sent["steps"]["three"] = {"imageId": 100, "resources": {"instanceTypeId": 23}, "parents": None}
    shown = _read(api, sent, "defaults-filled")
    steps = shown["steps"]
    three = steps["three"]
    assert (three["type"], three["parents"], three["clearImageCache"]) == ("standard", [], False)
    assert three["resources"] == {"instanceTypeId": 23, "storage": "10GB"}
    assert three["runConfiguration"] == {"skipConfiguration": {"skip": False, "skipDAG": False}}
    assert steps["one"]["resources"] == {"instanceTypeId": 22, "storage": "20GB"}
    assert steps["two"]["resources"] == {"instanceTypeId": 21, "storage": "10GB"}
    assert steps["one"]["runConfiguration"]["retryOptions"] == {
        "duration": 5,
        "numberOfRetries": 1,
        "exponentialBackoff": False,
    }
    assert (steps["out"]["sortOrder"], steps["out"]["compression"]) == ("asc", False)
    assert "resources" not in steps["call"]
    assert shown["watchers"][0]["events"] == {"success": False, "fail": True, "runtimeExceeded": 10}
    assert shown["retryOptions"] == {
        "duration": 9,
        "numberOfRetries": 3,
        "exponentialBackoff": False,
        "exitCodes": [1, 2],
    }
    bare = _read(api, {"name": "bare"}, "defaults-filled")
    assert bare["retryOptions"] == {"duration": 5, "numberOfRetries": 3, "exponentialBackoff": False}
    assert all("retryOptions" not in flow for flow in api.get()["workflows"])


def test_shuffled(api: Api) -> None:
    """`shuffled` changes the order of lists and keys from read to read, and nothing else."""
    api.server.profile = frozenset({"shuffled"})
    number = api.create(_full())
    for other in range(9):
        api.create(body(f"flow-{other}"))
    reads = [api.send("GET", str(number)).text for _ in range(10)]
    described = [json.loads(read) for read in reads]
    assert len({tuple(read) for read in described}) > 1
    assert len({tuple(tag["name"] for tag in read["tags"]) for read in described}) > 1
    assert len({tuple(sorted(tag["name"] for tag in read["tags"])) for read in described}) == 1
    orders = [[flow["id"] for flow in api.get()["workflows"]] for _ in range(5)]
    assert len({tuple(order) for order in orders}) > 1
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(1, 11))}


def test_shuffling_follows_the_seed() -> None:
    """Two emulators with one seed shuffle equally."""
    orders = []
    for _ in range(2):
        with EmulatorServer(profile=frozenset({"shuffled"}), seed=7) as server:
            api = Api(server)
            with api.session:
                number = api.create(_full())
                orders.append([tag["name"] for _ in range(3) for tag in api.get(str(number))["tags"]])
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("env-map", {"token": "name"}),
        ("token-masked", {"token": "********"}),
        ("token-omitted", {}),
        ("token-null", {"token": None}),
        ("token-empty", {"token": ""}),
    ],
)
def test_token(api: Api, profile: str, expected: dict[str, str | None]) -> None:
    """The token profiles mask, omit, null or empty it; without one it is returned. It is stored as sent."""
    sent = body(steps={"one": step(repository={"token": "name"}), "two": step(repository={"url": "u"})})
    shown = _read(api, sent, profile)
    assert shown["steps"]["one"]["repository"] == expected
    assert shown["steps"]["two"]["repository"] == {"url": "u"}
    assert api.server.store.workflows()[shown["id"]] == sent


def test_retry_hidden(api: Api) -> None:
    """`retry-hidden` returns neither the workflow's retry options nor their defaults."""
    shown = _read(api, _full(), "retry-hidden", "defaults-filled", "nulls")
    assert "retryOptions" not in shown
    assert shown["steps"]["one"]["runConfiguration"]["retryOptions"]["numberOfRetries"] == 1
    assert shown["steps"]["two"]["runConfiguration"]["retryOptions"] is None


def test_metadata_hidden(api: Api) -> None:
    """`metadata-hidden` does not return the metadata, which still has its effect."""
    shown = _read(api, _full(), "metadata-hidden")
    assert "metadata" not in shown
    assert api.execute(shown["id"]) != api.execute(shown["id"])


@pytest.mark.parametrize("more", [(), ("retry-hidden",)])
def test_retry_spread(api: Api, more: tuple[str, ...]) -> None:
    """`retry-spread` returns the workflow's options in the steps that have none, and not at the top."""
    shown = _read(api, _full(), "retry-spread", *more)
    assert "retryOptions" not in shown
    options = {name: item["runConfiguration"]["retryOptions"] for name, item in shown["steps"].items()}
    whole = {"duration": 9, "exitCodes": [1, 2]}
    assert options == {"one": {"numberOfRetries": 1}, "two": whole, "out": whole, "call": whole, "ask": whole}
    assert "runConfiguration" not in _read(api, body(), "retry-spread", *more)["steps"]["one"]
    assert _read(api, _full(), "retry-spread", "nulls")["retryOptions"] is None


def test_spread_defaults_fill_every_step(api: Api) -> None:
    """With defaults filled, a workflow without options spreads the documented ones."""
    shown = _read(api, body(), "retry-spread", "defaults-filled")
    assert shown["steps"]["one"]["runConfiguration"]["retryOptions"] == {
        "duration": 5,
        "numberOfRetries": 3,
        "exponentialBackoff": False,
    }


def test_unknown_fields(api: Api) -> None:
    """`unknown-fields` adds undocumented keys to every object, and they can be sent back."""
    shown = _read(api, _full(), "unknown-fields")
    one = shown["steps"]["one"]
    places = [shown, *shown["triggers"], *shown["watchers"], *shown["tags"], one]
    places += [one["resources"], one["parameters"], one["repository"], one["runConfiguration"]]
    assert all("futureMode" in place for place in places)
    assert isinstance(one["futureOptions"], dict)
    assert one["parameters"]["env"] == [{"A": "1"}, {"B": "2"}]
    assert "futureMode" in api.get()["workflows"][0]
    api.put(shown["id"], {"steps": shown["steps"]})
    api.server.profile = frozenset()
    assert api.get(str(shown["id"]))["steps"] == shown["steps"]


def test_floats(api: Api) -> None:
    """`floats` makes every number of the body a float; booleans and the workflow's ID stay."""
    shown = _read(api, _full(), "floats")
    one = shown["steps"]["one"]
    numbers = [one["imageId"], one["resources"]["instanceTypeId"], shown["retryOptions"]["duration"]]
    numbers += shown["retryOptions"]["exitCodes"]
    assert {type(number) for number in numbers} == {float}
    assert type(shown["id"]) is int
    assert shown["metadata"]["allowConcurrentExecution"] is True


def test_storage_spaced(api: Api) -> None:
    """`storage-spaced` puts a space between a storage's number and unit, also in filled defaults."""
    steps = _read(api, _full(), "storage-spaced", "defaults-filled")["steps"]
    assert (steps["one"]["resources"]["storage"], steps["two"]["resources"]["storage"]) == ("20 GB", "10 GB")


def test_unique_names(api: Api) -> None:
    """`unique-names` refuses a name that another workflow has, on create and on replacement."""
    api.server.profile = frozenset({"unique-names"})
    first, second = api.create(body("a")), api.create(body("b"))
    assert api.send("POST", "", json=body("a")).status_code == 409
    assert api.send("PUT", str(second), json=body("a")).status_code == 409
    assert api.put(first, body("a")) == {"id": first, "triggers": []}


def test_all_profiles_together_can_be_read_and_sent_back(api: Api) -> None:
    """With all profiles, a full workflow can be read, listed, sent back and executed."""
    shown = _read(api, _full(), *ALL_PROFILES_TOGETHER)
    assert {"retryOptions", "metadata"}.isdisjoint(shown)
    api.put(shown["id"], shown)
    again = api.get(str(shown["id"]))
    assert sorted(again["steps"]) == sorted(shown["steps"])
    assert again["steps"]["one"]["imageId"] == 100.0
    assert api.get()["workflowsCount"] == 1
    assert api.execute(shown["id"])


def test_profile_is_chosen_by_name() -> None:
    """Names are joined by commas or repeated; `all` is every profile except `spoke`, with masked tokens."""
    assert parse_profiles(["nulls,floats", "spoke"]) == {"nulls", "floats", "spoke"}
    assert parse_profiles(()) == frozenset()
    assert parse_profiles(["all"]) == ALL_PROFILES_TOGETHER
    assert "spoke" not in ALL_PROFILES_TOGETHER
    assert parse_profiles(["all,token-null"]) & {"token-null", "token-masked"} == {"token-null"}
    assert parse_profiles(["all", "spoke"]) == ALL_PROFILES_TOGETHER | {"spoke"}


@pytest.mark.parametrize(
    ("names", "words"),
    [({"nulls", "nils"}, "unknown profile nils"), ({"token-null", "token-empty"}, "only one")],
)
def test_invalid_profile_is_refused(server: EmulatorServer, names: set[str], words: str) -> None:
    """An unknown name, or two token profiles, are usage errors wherever a profile is given."""
    with pytest.raises(UsageError, match=words):
        parse_profiles(names)
    with pytest.raises(UsageError, match=words):
        EmulatorServer(profile=frozenset(names))
    with pytest.raises(UsageError, match=words):
        server.profile = frozenset(names)
    assert server.profile == frozenset()


@pytest.mark.parametrize("name", [name if name != "hidden" else "hidden=type" for name in SWITCHES])
def test_odd_values_survive_every_profile(api: Api, clock: Clock, name: str) -> None:
    """A body whose fields have values of the wrong type still reads back."""
    odd = {
        "name": "odd",
        "triggers": ["x", None],
        "watchers": [1, {"events": 3, "email": []}],
        "tags": ["plain"],
        "retryOptions": [1],
        "metadata": "m",
        "steps": {
            "a": {"type": 5, "repository": [], "resources": "big", "parameters": 7, "parents": "b"},
            "b": {"parameters": {"env": "text"}, "repository": {"token": {"x": 1}}, "runConfiguration": 1},
        },
    }
    api.server.profile = frozenset({name})
    number = api.create(odd)
    clock.advance(5)
    if name != "describe-refused":
        assert sorted(api.get(str(number))["steps"]) == ["a", "b"]
    assert len(api.get()["workflows"]) == 1
    assert api.execute(number)
