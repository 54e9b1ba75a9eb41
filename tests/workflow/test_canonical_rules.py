"""The rules of what is, and what is not, a difference: `design.md`, "The canonical form"."""

from __future__ import annotations

from typing import Any

import pytest
from canonical_helpers import same
from forms import canonical_of
from spellings import workflow

_STANDARD = {"imageId": 1, "command": "c"}
_EXPORT = {"type": "export", "schema": "s", "table": "t", "sortBy": "c"}
_RETRY = {"duration": 10, "numberOfRetries": 2}
_OTHER_RETRY = {"duration": 20}


def _retry(options: Any) -> dict[str, Any]:
    return {"runConfiguration": {"retryOptions": options}}


def _watcher(**events: Any) -> dict[str, Any]:
    return workflow(watchers=[{"user": "u", "events": events}])


@pytest.mark.parametrize(
    ("stated", "left_out"),
    [
        (workflow({**_STANDARD, "type": "standard"}), workflow(_STANDARD)),
        (workflow({**_STANDARD, "parents": []}), workflow(_STANDARD)),
        (workflow({**_STANDARD, "clearImageCache": False}), workflow(_STANDARD)),
        (workflow(_STANDARD, retryOptions={"duration": 5}), workflow(_STANDARD)),
        (workflow(_STANDARD, retryOptions={"numberOfRetries": 3}), workflow(_STANDARD)),
        (workflow(_STANDARD, retryOptions={"exponentialBackoff": False}), workflow(_STANDARD)),
        (workflow(_retry({"duration": 5, "numberOfRetries": 3})), workflow({})),
        (workflow(_retry({"duration": 9, "numberOfRetries": 3})), workflow(_retry({"duration": 9}))),
        (workflow({"runConfiguration": {"skipConfiguration": {"skip": False}}}), workflow({})),
        (workflow({"runConfiguration": {"skipConfiguration": {"skipDAG": False}}}), workflow({})),
        (workflow({**_EXPORT, "sortOrder": "asc"}), workflow(_EXPORT)),
        (workflow({**_EXPORT, "compression": False}), workflow(_EXPORT)),
        (workflow(metadata={"allowConcurrentExecution": False}), workflow()),
        (_watcher(success=False), _watcher()),
        (_watcher(fail=False, success=True), _watcher(success=True)),
        (workflow({"resources": {"instanceTypeId": 21, "storage": "10GB"}}), workflow({})),
        (workflow({"resources": {"instanceTypeId": 21}}), workflow({})),
        (workflow({"resources": {"storage": "10 GB"}}), workflow({})),
        (
            workflow({"resources": {"instanceTypeId": 22, "storage": "10GB"}}),
            workflow({"resources": {"instanceTypeId": 22}}),
        ),
    ],
)
def test_a_documented_default_is_as_good_as_nothing(stated: Any, left_out: Any) -> None:
    """Rule 1: a field that states its documented default, or the tenant's resource, does not differ."""
    assert same(stated, left_out)


@pytest.mark.parametrize(
    ("stated", "left_out"),
    [
        (workflow({"clearImageCache": True}), workflow({})),
        (workflow({"clearImageCache": 0}), workflow({})),
        (workflow({"parents": ["x"]}), workflow({})),
        (workflow({"stepTimeout": 0}), workflow({})),
        (workflow({"command": ""}), workflow({})),
        (workflow({"imageId": 0}), workflow({})),
        (workflow(retryOptions={"duration": 0}), workflow()),
        (workflow(retryOptions={"exitCodes": [1]}), workflow()),
        (workflow({**_EXPORT, "sortOrder": "desc"}), workflow(_EXPORT)),
        (workflow({"type": "http"}), workflow({"type": "standard"})),
        (workflow({"type": "http", "clearImageCache": True}), workflow({"clearImageCache": True})),
        (_watcher(runtimeExceeded=0), _watcher()),
        (workflow({"resources": {"instanceTypeId": 22}}), workflow({})),
        (workflow({"resources": {"storage": "11GB"}}), workflow({})),
    ],
)
def test_what_is_no_documented_default_counts(stated: Any, left_out: Any) -> None:
    """Rule 1, near misses: falsy values without a documented default, and other words for one, differ."""
    assert not same(stated, left_out)


@pytest.mark.parametrize("nothing", [None, {}, []])
@pytest.mark.parametrize(
    "place",
    [
        ("metadata",),
        ("metadata", "allowConcurrentExecution"),
        ("triggers",),
        ("watchers",),
        ("tags",),
        ("retryOptions",),
        ("retryOptions", "exitCodes"),
        ("steps", "a", "type"),
        ("steps", "a", "command"),
        ("steps", "a", "resources"),
        ("steps", "a", "resources", "storage"),
        ("steps", "a", "parents"),
        ("steps", "a", "repository"),
        ("steps", "a", "repository", "token"),
        ("steps", "a", "parameters"),
        ("steps", "a", "parameters", "env"),
        ("steps", "a", "parameters", "env", "KEY"),
        ("steps", "a", "parameters", "secrets"),
        ("steps", "a", "outputParameters"),
        ("steps", "a", "executionParameters"),
        ("steps", "a", "executionParameters", "conditional"),
        ("steps", "a", "runConfiguration"),
        ("steps", "a", "runConfiguration", "retryOptions"),
        ("steps", "a", "runConfiguration", "retryOptions", "exitCodes"),
        ("steps", "a", "runConfiguration", "skipConfiguration"),
    ],
)
def test_absent_null_and_empty_are_one(place: tuple[str, ...], nothing: Any) -> None:
    """Rule 2: wherever a field may be, `null`, `{}` and `[]` there are the same as nothing."""
    plain = workflow({"imageId": 1})
    body: Any = workflow({"imageId": 1})
    inner = body
    for part in place[:-1]:
        inner = inner.setdefault(part, {})
    inner[place[-1]] = nothing
    assert same(body, plain)


@pytest.mark.parametrize("something", ["", 0, False, " "])
def test_values_that_are_merely_false_are_values(something: Any) -> None:
    """Rule 2, near misses: an empty text, zero and false are not nothing."""
    assert not same(workflow({"command": something}), workflow({}))
    assert not same(workflow({"parameters": {"env": {"A": something}}}), workflow({}))


def test_a_step_without_fields_is_a_step() -> None:
    """Rule 2 ends at steps: an empty one is there, and differs from none."""
    assert canonical_of(workflow({}, {})) == {"name": "w", "steps": {"a": {}, "b": {}}}
    assert not same(workflow({}, {}), workflow({}))


def test_what_the_platform_alone_writes_is_left_out() -> None:
    """Rule 3: ids, times, status, last execution, image names and versions, `scheduled` are no difference."""
    live = workflow(
        {"imageId": 1, "imageName": "n", "imageVersion": "1.0.0"},
        id=7,
        createdAt="2020",
        updatedAt="2021",
        status="Running",
        lastExecution={"executionId": "x"},
        triggers=[{"cron": "* * * * *", "scheduled": "2020-01-01T18:00:00.000Z", "webhook": None}],
    )
    assert same(live, workflow({"imageId": 1}, triggers=[{"cron": "* * * * *"}]))


def test_env_is_a_map_whichever_way_it_came() -> None:
    """Rule 4: `env` as a list of one-key maps, or of `{name, value}`, is the map; a null one is none."""
    env = {"A": "1", "B": "2"}
    plain = workflow({"parameters": {"env": env}})
    assert same(workflow({"parameters": {"env": [{"A": "1"}, {"B": "2"}]}}), plain)
    assert same(workflow({"parameters": {"env": [{"B": "2"}, {"A": "1"}, {"C": None}]}}), plain)
    rows = [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}, {"name": "C", "value": None}]
    assert same(workflow({"parameters": {"env": rows}}), plain)
    assert not same(workflow({"parameters": {"env": [{"A": "1"}]}}), plain)
    assert not same(workflow({"parameters": {"env": [{"A": "1"}, {"B": "3"}]}}), plain)


def test_a_live_webhook_equals_true() -> None:
    """Rule 4: a webhook's UUID is a webhook, whatever its policy; `webhook: false` is none."""
    wanted = workflow(triggers=[{"webhook": True, "webhookPolicy": "generate"}])
    assert same(workflow(triggers=[{"webhook": "db88c21d"}]), wanted)
    assert same(workflow(triggers=[{"webhook": True, "webhookPolicy": "preserve"}]), wanted)
    assert same(workflow(triggers=[{"webhook": False}]), workflow())
    assert not same(workflow(triggers=[{"webhook": "db88c21d"}]), workflow())
    assert not same(workflow(triggers=[{"webhook": "db88c21d"}]), workflow(triggers=[{"cron": "db88c21d"}]))


_EMAIL = {"name": "n", "recipients": {"to": ["a@x", "b@x"]}}
_SETS: dict[str, tuple[Any, Any]] = {
    "tags": (workflow(tags=[{"name": "a"}, {"name": "b"}]), workflow(tags=[{"name": "b"}, {"name": "a"}])),
    "repeated tags": (workflow(tags=[{"name": "a"}]), workflow(tags=[{"name": "a"}, {"name": "a", "id": 3}])),
    "parents": (workflow({"parents": ["x", "y"]}), workflow({"parents": ["y", "x", "y"]})),
    "secrets": (
        workflow({"parameters": {"secrets": ["x", "y"]}}),
        workflow({"parameters": {"secrets": ["y", "x"]}}),
    ),
    "exit codes": (
        workflow(retryOptions={"exitCodes": [1, 137]}),
        workflow(retryOptions={"exitCodes": [137.0, 1]}),
    ),
    "recipients": (
        workflow(watchers=[{"email": _EMAIL}]),
        workflow(watchers=[{"email": {"name": "n", "recipients": {"to": ["b@x", "a@x"]}}}]),
    ),
    "watchers": (
        workflow(watchers=[{"user": "u"}, {"email": _EMAIL}, {"user": "v", "events": {"fail": True}}]),
        workflow(watchers=[{"user": "v", "events": {"fail": True}}, {"user": "u"}, {"email": _EMAIL}]),
    ),
    "equal watchers": (workflow(watchers=[{"user": "u"}]), workflow(watchers=[{"user": "u"}, {"user": "u"}])),
    "watchers of one name": (
        workflow(
            watchers=[{"user": "u", "events": {"success": True}}, {"user": "u", "events": {"fail": True}}]
        ),
        workflow(
            watchers=[
                {"user": "u", "events": {"fail": False, "success": True}},
                {"user": "u", "events": {"fail": True, "success": False}},
            ]
        ),
    ),
    "triggers": (
        workflow(triggers=[{"cron": "b"}, {"webhook": True}, {"cron": "a"}]),
        workflow(triggers=[{"webhook": "id"}, {"cron": "a"}, {"cron": "b"}]),
    ),
    "conditions": (
        workflow({"executionParameters": {"conditional": [{"stepName": "x"}, {"stepName": "y"}]}}),
        workflow(
            {"executionParameters": {"conditional": [{"stepName": "y"}, {"stepName": "x", "value": None}]}}
        ),
    ),
    "parent statuses": (
        workflow(
            {
                "executionParameters": {
                    "parentStatus": [{"parents": ["x", "y"], "status": ["success", "failure"]}]
                }
            }
        ),
        workflow(
            {
                "executionParameters": {
                    "parentStatus": [{"parents": ["y", "x"], "status": ["failure", "success"]}]
                }
            }
        ),
    ),
    "output parameters": (
        workflow({"outputParameters": {"x": "1", "y": "2"}}),
        workflow({"outputParameters": {"y": "2", "x": "1"}}),
    ),
}


@pytest.mark.parametrize("what", _SETS)
def test_lists_that_mean_sets_have_no_order(what: str) -> None:
    """Rule 5: the order of a list that means a set, and saying something twice, is no difference."""
    assert same(*_SETS[what])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow(tags=[{"name": "a"}]), workflow(tags=[{"name": "a"}, {"name": "b"}])),
        (workflow({"parents": ["x"]}), workflow({"parents": ["y"]})),
        (workflow(triggers=[{"cron": "0 6 * * *"}]), workflow(triggers=[{"cron": "0 7 * * *"}])),
        (workflow(triggers=[{"cron": "a"}]), workflow(triggers=[{"cron": "a"}, {"cron": "b"}])),
        (workflow(watchers=[{"user": "u"}]), workflow(watchers=[{"user": "v"}])),
        (workflow(watchers=[{"user": "n"}]), workflow(watchers=[{"email": {"name": "n"}}])),
        (
            workflow(watchers=[{"user": "u", "events": {"fail": True}}]),
            workflow(watchers=[{"user": "u", "events": {"fail": True}}, {"user": "u"}]),
        ),
        (
            workflow(watchers=[{"user": "u"}, {"user": "u", "events": {"fail": True}}, {"user": "u#2"}]),
            workflow(watchers=[{"user": "u"}, {"user": "u#2"}]),
        ),
        (workflow({"outputParameters": {"x": "1"}}), workflow({"outputParameters": {"x": "2"}})),
        (workflow({"outputParameters": {"x": "1"}}), workflow({"outputParameters": {"y": "1"}})),
    ],
)
def test_other_members_of_a_set_count(one: Any, other: Any) -> None:
    """Rule 5, near misses: another member, or one more, is a difference."""
    assert not same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow({"imageId": 10}), workflow({"imageId": 10.0})),
        (workflow({"stepTimeout": 0}), workflow({"stepTimeout": -0.0})),
        (workflow(_retry({"duration": 7.0})), workflow(_retry({"duration": 7}))),
        *[
            (workflow({"resources": {"storage": "20GB"}}), workflow({"resources": {"storage": text}}))
            for text in ("20 GB", " 20gb ", "20.0GB", "020GB", "20.00 Gb")
        ],
        (workflow({"resources": {"storage": "1.5GB"}}), workflow({"resources": {"storage": "1.50 gb"}})),
    ],
)
def test_equal_numbers_and_sizes_are_equal(one: Any, other: Any) -> None:
    """Rule 5: `10` is `10.0`, and `10GB` is `10 GB`."""
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow({"imageId": 1}), workflow({"imageId": True})),
        (workflow({"imageId": 0}), workflow({"imageId": False})),
        (workflow({"stepTimeout": 1}), workflow({"stepTimeout": 1.5})),
        (workflow({"parameters": {"env": {"A": "10GB"}}}), workflow({"parameters": {"env": {"A": "10 GB"}}})),
        (workflow({"command": "a "}), workflow({"command": "a"})),
        (workflow({"resources": {"storage": "20GB"}}), workflow({"resources": {"storage": "20TB"}})),
        (workflow({"resources": {"storage": "20GB"}}), workflow({"resources": {"storage": "200GB"}})),
        (workflow({"resources": {"storage": "2.5GB"}}), workflow({"resources": {"storage": "25GB"}})),
        (workflow({"resources": {"storage": "1.05GB"}}), workflow({"resources": {"storage": "1.5GB"}})),
    ],
)
def test_values_that_only_look_alike_count(one: Any, other: Any) -> None:
    """Rule 5, near misses: `true` is not `1`, and only storage is a size."""
    assert not same(one, other)


def test_unknown_keys_are_no_difference() -> None:
    """Rule 6: keys that the schema does not know are not seen at any level, nor those of another type."""
    plain = workflow(
        {"imageId": 1, "resources": {"storage": "20GB"}, **_retry(_RETRY)},
        watchers=[{"user": "u", "events": {"fail": True}}],
        retryOptions=_RETRY,
        tags=[{"name": "t"}],
    )
    future = {"futureMode": "v2", "futureOptions": {"level": [1]}}
    live = workflow(
        {
            "imageId": 1,
            "resources": {"storage": "20GB", **future},
            **_retry({**_RETRY, **future}),
            "repository": {**future},
            "sortBy": "a key of the export step",
            **future,
        },
        watchers=[{"user": "u", "events": {"fail": True, **future}, "email": {**future}, **future}],
        retryOptions={**_RETRY, **future},
        tags=[{"name": "t", **future}],
        triggers=[future],
        **future,
    )
    assert same(live, plain)


def test_unknown_keys_are_no_retry_options() -> None:
    """Rule 6: a step whose options hold nothing but unknown keys has the workflow's."""
    live = workflow(_retry({"futureMode": "v2"}), retryOptions=_RETRY)
    assert same(live, workflow({}, retryOptions=_RETRY))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow({}, {}, retryOptions=_RETRY), workflow(_retry(_RETRY), _retry(_RETRY))),
        (workflow({}, retryOptions=_RETRY), workflow(_retry(_RETRY))),
        (
            workflow({}, {}, retryOptions=_RETRY),
            workflow(_retry(_RETRY), _retry(_RETRY), retryOptions=_RETRY),
        ),
        (
            workflow({}, _retry(_RETRY), retryOptions=_RETRY),
            workflow(_retry(_RETRY), {}, retryOptions=_RETRY),
        ),
        (
            workflow({}, _retry(_OTHER_RETRY), retryOptions=_RETRY),
            workflow(_retry(_RETRY), _retry(_OTHER_RETRY)),
        ),
        (workflow(_retry(_OTHER_RETRY), retryOptions=_RETRY), workflow(_retry(_OTHER_RETRY))),
        (workflow(_retry({"duration": None}), retryOptions=_RETRY), workflow(_retry(_RETRY))),
        (workflow({}, retryOptions={"duration": 5}), workflow(_retry({"numberOfRetries": 3}))),
    ],
)
def test_retry_options_are_compared_by_their_effect(one: Any, other: Any) -> None:
    """Rule 7: a step has its own options, else the workflow's, the same wherever they are returned."""
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow({}, {}, retryOptions=_RETRY), workflow(_retry(_RETRY), {})),
        (workflow({}, retryOptions=_RETRY), workflow({}, retryOptions=_OTHER_RETRY)),
        (workflow({}, retryOptions=_RETRY), workflow(_retry(_OTHER_RETRY), retryOptions=_RETRY)),
        (workflow({}, retryOptions=_RETRY), workflow(_retry({"duration": 5}), retryOptions=_RETRY)),
        # A step's own options are not completed by the workflow's.
        (
            workflow(_retry({"duration": 10}), retryOptions={"numberOfRetries": 2}),
            workflow(_retry({"duration": 10, "numberOfRetries": 2})),
        ),
    ],
)
def test_other_effects_of_retry_options_count(one: Any, other: Any) -> None:
    """Rule 7, near misses: what takes effect in any one step counts."""
    assert not same(one, other)


@pytest.mark.parametrize(
    "tag", [{"name": "reconciler-sent-abc"}, {"name": "reconciler-"}, {"name": "reconciler-x", "id": 1}]
)
def test_the_reconcilers_own_tags_are_no_difference(tag: Any) -> None:
    """Tags that the reconciler puts there are never seen; one that only looks alike is."""
    assert same(workflow(tags=[{"name": "a"}, tag]), workflow(tags=[{"name": "a"}]))
    assert not same(workflow(tags=[{"name": "reconciler"}]), workflow())
    assert not same(workflow(tags=[{"name": "Reconciler-x"}]), workflow())


def test_the_form_says_what_it_is() -> None:
    """The form of a workflow of every sort: triggers and watchers by name, tags by name, options in steps."""
    body = workflow(
        {"type": "standard", "imageId": 1.0, "resources": {"instanceTypeId": 21, "storage": "20 gb"}},
        {"type": "http", "parents": ["b", "a", "a"], **_retry(_OTHER_RETRY)},
        retryOptions=_RETRY,
        triggers=[{"webhook": "uuid"}, {"cron": "b"}, {"cron": "a"}],
        watchers=[
            {"user": "u", "events": {"fail": True, "success": False}},
            {"webhook": {"name": "n", "url": "x", "payload": ""}},
            {"email": {"name": "n"}},
        ],
        tags=[{"name": "b"}, {"name": "a"}],
        metadata={"allowConcurrentExecution": True},
    )
    assert canonical_of(body, {"instanceTypeId": 21, "storage": "10GB"}) == {
        "name": "w",
        "metadata": {"allowConcurrentExecution": True},
        "triggers": {"cron": "a", "cron#2": "b", "webhook": True},
        "watchers": {
            "user:u": {"user": "u", "events": {"fail": True}},
            "webhook:n": {"webhook": {"name": "n", "url": "x", "payload": ""}},
            "email:n": {"email": {"name": "n"}},
        },
        "tags": ["a", "b"],
        "steps": {
            "a": {
                "imageId": 1,
                "resources": {"storage": "20GB"},
                "runConfiguration": {"retryOptions": _RETRY},
            },
            "b": {
                "type": "http",
                "parents": ["a", "b"],
                "runConfiguration": {"retryOptions": _OTHER_RETRY},
            },
        },
    }
