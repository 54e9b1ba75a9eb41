"""Every behaviour of a platform, alone and combined: an apply converges, loses nothing, makes no twin."""

from __future__ import annotations

import contextlib
import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest
from flow_helpers import FakeTime, Git, body, shown, step
from strategies import DEPTH

from reconciler.apply import Status
from reconciler.emulator.accepted_bodies import merged_env
from reconciler.emulator.profiles import FAMILIES, PROFILES, STORED, SWITCHES, check_profile, rewrites_of
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ReconcilerError, UsageError
from reconciler.plan import Unchanged
from reconciler.values import dump_compact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.apply import Report
    from reconciler.plan import Plan

Body = dict[str, Any]

MANIFESTS: Final[list[Body]] = [
    {
        "name": "Daily forecast",
        "tags": [{"name": "Team-A"}, {"name": "forecast"}],
        "triggers": [{"cron": "0 6 * * mon-FRI"}],
        "watchers": [
            {"user": "Ann@Example.com", "events": {"success": False, "fail": True, "runtimeExceeded": 35}},
            {
                "webhook": {
                    "name": "chat",
                    "url": "https://chat.example.com/x/",
                    "payload": '{"a": "b & c"}',
                },
                "events": {"success": True},
            },
            {"email": {"name": "Team", "recipients": {"to": ["Bob@Example.com"]}}, "events": {"fail": True}},
        ],
        "retryOptions": {"duration": 15, "numberOfRetries": 1},
        "steps": {
            "load": step(
                "set -e\npython load.py && echo done\n",
                type="standard",
                resources={"instanceTypeId": 22, "storage": "20GB"},
                stepTimeout=3605,
                repository={
                    "url": "https://github.com/example/load/",
                    "branch": "main",
                    "token": "vault-name",
                },
                parameters={
                    "env": {"CITY": "Malmo\u0308", "DB_PASSWORD": "vault-entry", "TEXT": " a \n b \n"},
                    "secrets": ["WAREHOUSE"],
                },
                outputParameters={"rows": "rows.txt"},
                runConfiguration={"retryOptions": {"duration": 25, "numberOfRetries": 4, "exitCodes": [2]}},
            ),
            "train": step("python main.py", parents=["load"], clearImageCache=False),
            "lines": step("echo 1\r\necho 2\r\n", repository={"url": "https://github.com/example/lines"}),
        },
    },
    {
        "name": "mixed",
        "triggers": [{"cron": "0 0 6 ? * 2 *"}, {"webhook": True}],
        "steps": {
            "load": step("python load.py", outputParameters={"rows": "rows.txt"}),
            "call": {
                "type": "http",
                "method": "post",
                "url": "https://hooks.example.com/done/",
                "payload": " caf\u00e9 & e\u0301 ",
                "headers": {"absolute": {"Content-Type": "text/plain"}, "secrets": {"X-Key": "partner"}},
                "auth": {"type": "basic", "username": "robot", "password": "robot-password"},
                "parents": ["load"],
                "executionParameters": {
                    "conditional": [
                        {"condition": "not-equals", "stepName": "load", "paramName": "rows", "value": "0"}
                    ],
                    "parentStatus": [{"condition": "all-of", "parents": ["load"], "status": ["success"]}],
                },
            },
            "ask": {
                "type": "sql",
                "repository": {
                    "url": "https://github.com/example/sql",
                    "branch": "main",
                    "filePath": "q.sql",
                },
                "parents": ["call"],
            },
            "publish": {
                "type": "export",
                "schema": "publish",
                "table": "forecast",
                "sortBy": "week",
                "sortOrder": "asc",
                "compression": False,
                "parents": ["ask"],
            },
        },
    },
    {"name": "bare", "steps": {"one": {"imageId": 100, "imageVersionId": 200}}},
]
"""Workflows with a value for each switch to rewrite, and one that leaves everything out."""

_LIMITS: Final = {"text-cut": "text-cut=12", "names-cut": "names-cut=8", "tag-length-cut": "tag-length-cut=5"}
_ALONE: Final = [
    *[_LIMITS.get(name, name) for name in SWITCHES if name != "hidden"],
    *[f"hidden={key}" for key in ("watchers", "stepTimeout", "branch", "outputParameters", "payload")],
]
_CHOSEN: Final = [
    "floats+integers-only",
    "retry-hidden+step-retry-hidden",
    "unknown-fields+unknown-keys-refused=422",
    "unknown-fields+unknown-step-keys-refused",
    "text-trimmed+rewrites-returned",
    "names-lower+rewrites-returned",
    "auth-masked+headers-masked+env-masked+token-masked+watchers-masked",
    "describe-missing=500+list-lag=1500",
    "branch-dropped+describe-lag",
    "command-filled+tags-hidden",
    "token-omitted+tag-length-refused",
    "token-omitted+tag-count-refused=2",
    "token-omitted+tag-length-cut",
    "token-omitted+tag-count-cut=2",
    "token-omitted+tags-hidden",
    "token-omitted+tags-strings",
]


def _combinations(count: int) -> list[str]:
    """Return `count` sets of three to eight switches that go together, the same in every run."""
    found: list[str] = []
    generator = random.Random(12)  # noqa: S311 - order, not secrecy
    while len(found) < count:
        words = sorted(generator.sample(_ALONE, generator.randint(3, 8)))
        try:
            check_profile(words)
        except UsageError:
            continue
        found.append("+".join(words))
    return found


PLATFORMS: Final = ["documented", *_ALONE, *_CHOSEN, *_combinations(20)]
"""Each switch alone, chosen combinations, and (only with `TEST_DEPTH`) combinations drawn from a seed."""

MAY_STAY: Final = frozenset(
    {
        "describe-refused",
        "names-cut",
        "names-lower",
        "tag-count-cut",
        "tag-count-refused",
        "tag-length-cut",
        "tag-length-refused",
        "tags-hidden",
        "tags-strings",
    }
)
"""Switches with which a plan may stay out of sync, if it says what is and nothing is written again."""

NOT_YET: Final[dict[str, str]] = {
    **dict.fromkeys(
        ["tags-hidden", "tag-length-cut=5"],
        "without tags, nothing says what was sent: a note does, and the tags are written at every apply",
    ),
}
"""Platforms on which an apply does not converge yet, with what is seen. With a fix its row goes."""

CHANGES_NOT_YET: Final[dict[str, str]] = {
    "describe-refused": "a workflow that is not described cannot be changed",
}
"""Platforms on which a change in Git does not arrive, or costs something else."""

UNKNOWN_KEYS: Final = [
    "documented",
    "floats",
    "nulls",
    "unknown-keys-dropped",
    "unknown-keys-refused",
    "unknown-keys-refused=422",
    "unknown-step-keys-dropped",
    "unknown-step-keys-refused",
    "unknown-step-keys-refused=422",
    "unknown-keys-refused+unknown-step-keys-refused",
]
"""Platforms on which live keys that no release knows meet a patch."""


@dataclass(kw_only=True)
class Outcome:
    """What several applies in a row came to: for each, the writes and errors; and what the next plan has."""

    writes: list[int] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)


def _platforms(not_yet: dict[str, str]) -> pytest.MarkDecorator:
    """Return the marker for a test of all platforms, where each switch of `not_yet` must fail.

    A combination with a switch of `not_yet` may fail; one that fails without has a row, and may fail, too.
    """
    assert sorted(set(not_yet) - set(PLATFORMS)) == []

    def marks(name: str) -> pytest.MarkDecorator | tuple[()]:
        if name in not_yet:
            return pytest.mark.xfail(strict="+" not in name, reason=not_yet[name])
        pending = sorted(set(name.split("+")) & set(not_yet))
        return pytest.mark.xfail(strict=False, reason=f"as {', '.join(pending)}") if pending else ()

    tried = PLATFORMS if DEPTH > 1 else ["documented", *_ALONE, *_CHOSEN]
    return pytest.mark.parametrize(
        "platform", [pytest.param(name, marks=marks(name), id=name) for name in tried]
    )


@pytest.fixture
def git(server: EmulatorServer, tmp_path: Path, time: FakeTime) -> Git:
    """Return an empty Git whose applies do one thing after the other, so that each run is like the last."""
    return _one_by_one(server, tmp_path, time)


def _one_by_one(server: EmulatorServer, folder: Path, time: FakeTime) -> Git:
    git = Git(server, folder, time)
    git.choose(concurrency=1)
    return git


def _profile(platform: str) -> frozenset[str]:
    return frozenset(platform.split("+")) - {"documented"}


def _write(git: Git, manifests: list[Body]) -> None:
    for number, manifest in enumerate(manifests):
        git.write(manifest, f"{number}.json")


def _applied(git: Git, plan: Plan | None = None) -> Report:
    """Apply; check that no workflow was written more than twice, refusals not counted."""
    before, there = len(git.writes()), {record.id for record in git.server.store.records()}
    report = git.apply(plan)
    writes = Counter(
        request.path
        for request in git.writes()[before:]
        if request.status == HTTPStatus.OK and request.method == "PUT"
    )
    for record in git.server.store.records():
        path = f"/workflows/api/v1/workflows/{record.id}"
        assert writes[path] + (record.id not in there) <= 2, f"{record.name} was written too often"
    return report


def _apply(git: Git, outcome: Outcome, plan: Plan) -> Plan:
    """Apply a plan, and return the plan of some seconds later."""
    before = len(git.writes())
    report = _applied(git, plan)
    git.time.sleep(10)
    outcome.writes.append(len(git.writes()) - before)
    outcome.errors.append(
        {result.action.name: result.error for result in report.results if result.status is not Status.DONE}
    )
    plan = git.plan()
    outcome.left.append(
        {action.name: shown(action) for action in plan.actions if not isinstance(action, Unchanged)}
    )
    return plan


def _settles(outcome: Outcome, platform: str) -> None:
    """Check that all was done and the plan is empty, or that the rest is named and not written again."""
    first, last = outcome.left[0], outcome.left[-1]
    if not _names(platform) & MAY_STAY:
        assert (outcome.errors, outcome.left) == ([{}] * len(outcome.errors), [{}] * len(outcome.left))
    assert set(outcome.errors[0]) <= set(first), "what failed shows in the plan"
    assert all(fields or reason for _, _, fields, reason in last.values()), "what is left is named"
    assert outcome.writes[1] <= len(first), "at most one more write of what is left"
    assert outcome.writes[-1] == 0


def _names(platform: str) -> set[str]:
    return {word.partition("=")[0] for word in platform.split("+")}


def _tag_name(tag: Any) -> str:
    return str(tag.get("name") if isinstance(tag, dict) else tag)


def _by_name(bodies: Iterable[Any]) -> dict[str, Body]:
    """Return bodies by name, without our own tags, empty values and what a webhook's policy is."""
    named: dict[str, Body] = {}
    for found in copy.deepcopy(list(bodies)):
        own = [tag for tag in found.get("tags") or [] if not _tag_name(tag).startswith("reconciler-")]
        found["tags"] = sorted(own, key=_tag_name)
        for trigger in found.get("triggers") or []:
            trigger.pop("webhookPolicy", None)
        for each in found["steps"].values():
            for key in ("imageName", "imageVersion"):
                each.pop(key, None)
            if each.get("parameters"):
                each["parameters"]["env"] = merged_env(each["parameters"].get("env"))
        named[found["name"]] = _full(found)
    return named


def _stored(git: Git) -> dict[str, Body]:
    """Return every stored body by name."""
    return _by_name(git.server.store.workflows().values())


def _full(value: Any) -> Any:
    """Return `value` without the empty values and the made-up keys in its maps, its lists sorted."""
    if isinstance(value, dict):
        filled = {key: _full(item) for key, item in value.items() if not key.startswith("future")}
        return {key: item for key, item in filled.items() if item not in (None, {}, [])}
    return sorted(map(_full, value), key=dump_compact) if isinstance(value, list) else value


def _as_stored_on(platform: str, bodies: dict[str, Body]) -> dict[str, Body]:
    """Return `bodies` as a platform stores them that gets them."""
    profile = _profile(platform)
    rewritten = copy.deepcopy(list(bodies.values()))
    kept = _names_only(profile) if "rewrites-returned" in profile else profile
    for rewrite, parameter in rewrites_of(kept, STORED):
        for whole in rewritten:
            rewrite(whole, parameter)
    return _by_name(rewritten)


@_platforms(NOT_YET)
def test_apply_converges(git: Git, platform: str) -> None:
    """After one apply the plan is empty; what stays is named, and not written a third time. No twins."""
    git.server.profile = _profile(platform)
    _write(git, MANIFESTS)
    outcome = Outcome()
    plan = git.plan()
    for _ in range(3):
        plan = _apply(git, outcome, plan)
        if not outcome.writes[-1]:  # so it is with each apply that follows: nothing has changed
            break
    assert len(git.server.store.records()) == len(MANIFESTS)
    _settles(outcome, platform)


def _changed() -> list[Body]:
    """Return what Git makes of `MANIFESTS`: a value, and things removed at each level."""
    changed = copy.deepcopy(MANIFESTS)
    daily, mixed, _ = changed
    daily["steps"]["load"]["command"] = "python other.py"
    del daily["watchers"], daily["steps"]["lines"], daily["steps"]["load"]["stepTimeout"]
    del daily["steps"]["load"]["parameters"]["env"]["TEXT"]
    mixed["steps"]["call"]["payload"] = "new"
    del mixed["steps"]["call"]["headers"]["secrets"]
    return changed


def _names_only(profile: frozenset[str]) -> frozenset[str]:
    """Return the switches that change names."""
    return frozenset(word for word in profile if word.startswith("names-"))


def _named_as_kept(git: Git, manifests: list[Body]) -> list[Body]:
    """Return manifests with the names that the platform keeps, as a blocked plan says to write them."""
    named = copy.deepcopy(manifests)
    for rewrite, parameter in rewrites_of(_names_only(git.server.profile), STORED):
        for manifest in named:
            rewrite(manifest, parameter)
    return named


def _after_change(git: Git) -> dict[str, Body]:
    """Apply, change Git, apply, and return what is stored."""
    for manifests in (MANIFESTS, _changed()):
        _write(git, _named_as_kept(git, manifests))
        git.time.sleep(10)
        _applied(git)
    return _stored(git)


@pytest.fixture(scope="module")
def after_change(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Body]:
    """Return what the documented platform stores after the change."""
    time = FakeTime()
    with EmulatorServer(clock=time) as server:
        return _after_change(_one_by_one(server, tmp_path_factory.mktemp("workflows"), time))


@_platforms(CHANGES_NOT_YET)
def test_change_arrives(git: Git, platform: str, after_change: dict[str, Body]) -> None:
    """A value changed in Git and things removed are what is stored then, and nothing else is lost."""
    git.server.profile = _profile(platform)
    assert _after_change(git) == _as_stored_on(platform, after_change)


_LOSES_TAGS: Final = ("tags-hidden", "tag-length-cut=5", "tag-count-cut=2", "tag-count-refused=2")
"""Switches with which no owner is kept, so that every apply for one fails."""

_OWNED: Final = [
    *("documented", "describe-lag", "floats", "numbers-rounded", "put-merges-deep", "tags-lower"),
    *("tags-strings", "text-cut=12", "text-escaped", "timeout-filled", "token-omitted", "tag-count-cut"),
]


@pytest.mark.parametrize(
    "platform",
    [one for one in PLATFORMS if not any(map(one.__contains__, _LOSES_TAGS))] if DEPTH > 1 else _OWNED,
)
def test_owned_change_arrives(git: Git, platform: str, after_change: dict[str, Body]) -> None:
    """With an owner, a mark goes with each write: a change arrives all the same, and costs no write more."""
    if set(platform.split("+")) & set(CHANGES_NOT_YET):
        pytest.skip("a change does not arrive without an owner, either")
    git.owned_by("team", prune=False)
    git.server.profile = _profile(platform)
    assert _after_change(git) == _as_stored_on(platform, after_change)


_CONCEALING: Final = {
    *FAMILIES["Masked and hidden values"],
    *(name for name in PROFILES if name.startswith("token-")),
    *("metadata-hidden", "retry-hidden", "tags-hidden", "tags-counted", "shuffled"),
    *("describe-missing", "describe-lag", "list-lag", "describe-refused"),
}
"""Switches without which the whole of a workflow is returned, in the platform's own forms."""

_PLATFORM_KEYS: Final = ("id", "createdAt", "updatedAt", "status", "lastExecution")


def _views(git: Git, platform: str) -> dict[str, Body]:
    """Return every workflow as the platform would return it without masks and lags."""
    git.server.profile = frozenset(
        word for word in _profile(platform) if word.partition("=")[0] not in _CONCEALING
    )
    views = [git.client.describe_workflow(record.id) for record in git.server.store.records()]
    return _by_name({key: item for key, item in view.items() if key not in _PLATFORM_KEYS} for view in views)


def _patched(git: Git, platform: str, before: dict[str, Body]) -> None:
    """Patch a command of two workflows; check that the rest stays, or that plan or report says what goes."""
    git.server.profile = _profile(platform)
    patched = list(before)[:2]
    for name in patched:
        patch = {"name": name, "stepNames": ["load"], "set": {"command": "python other.py"}}
        git.write({"patch": patch}, f"{name}.json")
    git.time.sleep(10)
    plan = git.plan()
    said = {action.name: " ".join((*action.warnings, *action.notes)) for action in plan.actions}
    for result in git.apply(plan).results:
        said[result.action.name] += " ".join(("", result.error, *result.notes))
    wanted = copy.deepcopy(before)
    for name in patched:
        wanted[name]["steps"]["load"]["command"] = "python other.py"
    wanted = _as_stored_on(platform, wanted)
    after = _views(git, platform)
    assert len(after) == len(before)
    for name, old, want, new in zip(before, before.values(), wanted.values(), after.values(), strict=True):
        if name in patched and new == old:
            assert said[name].strip(), f"{name} is refused without a word"
        lost = [] if new == old else _different_keys(want, new)
        assert [key for key in lost if key not in said.get(name, "")] == [], name


def _different_keys(wanted: Any, found: Any, key: str = "") -> list[str]:
    """Return the keys of the innermost maps that differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            inner
            for each in sorted({*wanted, *found})
            if wanted.get(each) != found.get(each)
            for inner in _different_keys(wanted.get(each), found.get(each), each)
        ]
    return [key]


@_platforms({})
def test_patch_loses_nothing(git: Git, platform: str) -> None:
    """A patch of live workflows stores the change alone; else it is refused, or says what goes."""
    for manifest in MANIFESTS:
        git.server.store.create({**manifest, "metadata": {"allowConcurrentExecution": True}})
    _patched(git, platform, _views(git, platform))


@pytest.mark.parametrize("platform", UNKNOWN_KEYS)
def test_patch_keeps_unknown_keys(git: Git, platform: str) -> None:
    """Live keys that no release knows, at the top and in a step, survive a patch, or it says that they go."""
    for manifest in copy.deepcopy(MANIFESTS):
        manifest["steps"].get("load", {})["shellPath"] = "/bin/sh"
        git.server.store.create({**manifest, "priority": "high"})
    _patched(git, platform, _views(git, platform))


@pytest.mark.parametrize("more", [frozenset(), frozenset({"rewrites-returned"})], ids=["stored", "returned"])
@pytest.mark.parametrize(
    ("switch", "name"),
    [
        ("names-trimmed", " daily "),
        ("names-trimmed", "daily\u00a0"),
        ("names-collapsed", "daily  report"),
        ("names-lower", "Daily"),
        ("names-nfc", "cafe\u0301"),
        ("names-cut=8", "daily forecast"),
    ],
)
def test_rewritten_name_makes_no_twin(git: Git, switch: str, name: str, more: frozenset[str]) -> None:
    """However the platform spells a name, run after run makes no second workflow."""
    git.server.profile = frozenset({switch}) | more
    git.write(body(name))
    for _ in range(3):
        with contextlib.suppress(ReconcilerError):
            git.apply()
        git.time.sleep(10)
    assert len(git.server.store.records()) <= 1


def test_existing_workflow_on_a_page_that_is_not_counted(git: Git) -> None:
    """A workflow on the page after the last that is counted is found: it is no create."""
    for number in range(120):
        git.server.store.create(body(f"other-{number}"))
    git.write(body("flow"))
    git.done()
    git.server.profile = frozenset({"page-count-short", "total-hidden"})
    git.is_clean()
    git.write(body("flow", "echo new"))
    git.done()
    assert len(git.server.store.records()) == 121


_TAG_LIMITS: Final = ["tag-length-refused", "tag-length-cut", "tag-count-refused", "tag-count-cut"]


@pytest.mark.parametrize("limit", _TAG_LIMITS)
@pytest.mark.parametrize("token", ["token-omitted", "token-masked"])
def test_many_tokens_within_the_limits_of_tags(git: Git, limit: str, token: str) -> None:
    """More tokens than the tags can hold digests of: every apply is done, and the second writes nothing."""
    git.server.profile = frozenset({limit, token})
    steps = {
        f"step-{number}": step(
            repository={"url": "https://example.com/r", "branch": "main", "token": f"vault-{number}"}
        )
        for number in range(16)
    }
    git.write(body("many", steps=steps, tags=[{"name": "red"}]))
    outcome = Outcome()
    plan = git.plan()
    for _ in range(2):
        plan = _apply(git, outcome, plan)
    assert (outcome.errors, outcome.left) == ([{}] * 2, [{}] * 2)
    assert outcome.writes[1] == 0
    assert git.stored("many")["steps"]["step-7"]["repository"]["token"] == "vault-7"
