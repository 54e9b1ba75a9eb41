"""The law that everything serves: after apply, plan finds nothing, whatever way the tenant reads back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from flow_helpers import EXAMPLES, RICH, TENANTS, TOGETHER, Git, body, kinds, paths, rich, statuses, step
from strategies import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.emulator.server import EmulatorServer

Body = dict[str, Any]
FieldPath = tuple[str, ...]


class Change(NamedTuple):
    """Something that Git changes in `RICH`, and the fields that a plan must name for it."""

    make: Callable[[Body], object]
    fields: list[FieldPath]

    def base(self, name: str) -> Body:
        """Return `RICH` with no more steps than the change needs, and two that inherit `retryOptions`."""
        whole = rich(name)
        steps = whole["steps"]
        kept, waiting = set(), ["train", "path", *(path[1] for path in self.fields if path[0] == "steps")]
        while waiting:
            key = waiting.pop()
            kept.add(key)
            waiting += steps.get(key, {}).get("parents", [])
        return {**whole, "steps": {key: item for key, item in steps.items() if key in kept}}

    def changed(self, name: str) -> Body:
        """Return what Git makes of the base."""
        body = self.base(name)
        self.make(body)
        return body


def _set(*path: str, value: Any) -> Change:
    def make(changed: Body) -> None:
        *above, last = path
        for part in above:
            changed = changed.setdefault(part, {})
        changed[last] = value

    return Change(make, [path])


def _drop(*path: str, fields: list[FieldPath] | None = None) -> Change:
    def make(changed: Body) -> None:
        *above, last = path
        for part in above:
            changed = changed[part]
        del changed[last]

    return Change(make, fields or [path])


def _watcher_fails(changed: Body) -> None:
    changed["watchers"][0]["events"]["fail"] = False


def _trigger_webhook_only(changed: Body) -> None:
    del changed["triggers"][0]


CHANGES: dict[str, Change] = {
    "value": _set("steps", "load", "command", value="python load.py --all"),
    "number": _set("steps", "train", "imageVersionId", value=400),
    "zero": _set("steps", "load", "stepTimeout", value=0),
    "inner value": _set("steps", "load", "resources", "storage", value="40GB"),
    "added": _set("steps", "train", "stepTimeout", value=60),
    "added variable": _set("steps", "load", "parameters", "env", "MODE", value="full"),
    "removed": _drop("steps", "load", "stepTimeout"),
    "removed variable": _drop("steps", "load", "parameters", "env", "DAYS"),
    "removed default": _drop("steps", "load", "clearImageCache"),
    "removed resources": _drop(
        "steps",
        "load",
        "resources",
        fields=[
            ("steps", "load", "resources", "instanceTypeId"),
            ("steps", "load", "resources", "storage"),
        ],
    ),
    "parents": _set("steps", "tell", "parents", value=["publish"]),
    "step added": _set("steps", "more", value=step("echo more", parents=["train"])),
    "step removed": _drop("steps", "open"),
    "step type": Change(
        lambda changed: changed["steps"].update(path={"imageId": 100, "command": "echo"}),
        [("steps", "path", field) for field in ("command", "imageId", "sqlQueryPath", "type")],
    ),
    "token": _set("steps", "load", "repository", "token", value="another-credential"),
    "sql token": _set("steps", "query", "repository", "token", value="another-credential"),
    "removed token": _drop("steps", "load", "repository", "token"),
    "password": _set("steps", "basic", "auth", "password", value="another-password"),
    "retryOptions": _set("retryOptions", "numberOfRetries", value=4),
    "removed retryOptions": _drop(
        "retryOptions",
        fields=[
            ("retryOptions", "duration"),
            ("retryOptions", "exitCodes"),
            ("retryOptions", "exponentialBackoff"),
            ("retryOptions", "numberOfRetries"),
        ],
    ),
    "step retryOptions": _set("steps", "load", "runConfiguration", "retryOptions", "exitCodes", value=[2, 3]),
    "metadata": _set("metadata", "allowConcurrentExecution", value=False),
    "removed metadata": _drop("metadata", fields=[("metadata", "allowConcurrentExecution")]),
    "tag": Change(lambda changed: changed["tags"].append({"name": "green"}), [("tags",)]),
    "removed tags": _drop("tags"),
    "watcher": Change(_watcher_fails, [("watchers", "user:ann@example.com", "events", "fail")]),
    "removed watcher": Change(lambda changed: changed["watchers"].pop(1), [("watchers", "webhook:chat")]),
    "cron": Change(lambda changed: changed["triggers"][0].update(cron="0 7 * * *"), [("triggers", "cron")]),
    "removed cron": Change(_trigger_webhook_only, [("triggers", "cron")]),
    "conditional": Change(
        lambda changed: changed["steps"]["tell"]["executionParameters"]["conditional"][0].update(value="9"),
        [("steps", "tell", "executionParameters", "conditional")],
    ),
    "header": _set("steps", "tell", "headers", "secrets", "X-Key", value="another"),
}


_TOGETHER = {
    "changed": [
        "value",
        "zero",
        "inner value",
        "added variable",
        "parents",
        "step added",
        "token",
        "sql token",
        "password",
        "retryOptions",
        "step retryOptions",
        "metadata",
        "tag",
        "watcher",
        "cron",
        "conditional",
    ],
    "removed": [
        "removed",
        "removed variable",
        "removed default",
        "removed resources",
        "removed token",
        "removed retryOptions",
        "removed metadata",
        "removed tags",
        "removed watcher",
        "removed cron",
        "step removed",
        "step type",
    ],
}
"""Changes that can be made to one workflow at once, by the workflow's name."""


@pytest.fixture(params=TENANTS if DEPTH > 1 else TOGETHER)
def tenant(request: pytest.FixtureRequest, server: EmulatorServer) -> EmulatorServer:
    """Return a tenant with all profiles together, and (only with `TEST_DEPTH`) with each profile alone.

    `test_flow_platforms` has each alone in any case.
    """
    server.profile = TENANTS[request.param]
    return server


def _fields(git: Git) -> dict[str, list[tuple[str | int, ...]]]:
    return {action.name: sorted(paths(action)) for action in git.plan().actions if paths(action)}


@pytest.mark.usefixtures("tenant")
def test_the_examples(git: Git) -> None:
    """The example manifests are created, and then the plan is empty; apply writes nothing then."""
    for example in EXAMPLES.glob("*.yaml"):
        shutil.copy(example, git.folder)
    plan = git.plan()
    assert kinds(plan) == dict.fromkeys(["daily-forecast", "nightly-report", "scoring"], "create")
    assert set(statuses(git.done(plan)).values()) == {"done"}
    git.server.clear_requests()
    assert git.apply().results == ()
    assert git.writes() == []


@pytest.mark.usefixtures("tenant")
def test_every_field(git: Git) -> None:
    """Every documented field and type of step is created as it is written; then the plan is empty."""
    git.write(RICH)
    git.done()
    created = git.writes()[0].body
    own = [tag for tag in created["tags"] if tag["name"].startswith("reconciler-")]
    assert {**created, "tags": [tag for tag in created["tags"] if tag not in own]} == RICH
    assert [action.notes for action in git.plan().actions] == [()]


@pytest.mark.usefixtures("tenant")
def test_every_change_there_and_back(git: Git) -> None:
    """A plan names exactly the fields that Git changes; apply heals them, and back again in the same way."""
    changed, expected = {name: rich(name) for name in _TOGETHER}, {}
    for name, names in _TOGETHER.items():
        git.write(rich(name), f"{name}.yaml")
        for change in names:
            CHANGES[change].make(changed[name])
        expected[name] = sorted(path for change in names for path in CHANGES[change].fields)
    git.apply()
    webhooks = {name: git.webhooks(name) for name in _TOGETHER}
    for wanted in (changed, {name: rich(name) for name in _TOGETHER}):
        for name, manifest in wanted.items():
            git.write(manifest, f"{name}.yaml")
        assert _fields(git) == expected
        git.done()
    assert {name: git.webhooks(name) for name in _TOGETHER} == webhooks


_ALONE = [
    (change, profile)
    for change in CHANGES
    for profile in ("documented", "all", "all+token-null")
    if DEPTH > 1 or profile != "all+token-null" or "token" in change
]


@pytest.mark.parametrize(("change", "profile"), _ALONE)
def test_a_change_alone(git: Git, change: str, profile: str) -> None:
    """With one workflow only, where no other shows anything, a plan names exactly what Git changes."""
    git.server.profile = TENANTS[profile]
    git.write(CHANGES[change].base("alone"))
    git.apply()
    git.write(CHANGES[change].changed("alone"))
    assert _fields(git) == {"alone": sorted(CHANGES[change].fields)}
    git.done()


def _drifts(git: Git) -> Iterator[tuple[str, FieldPath]]:
    """Yield a workflow and a field of it, after somebody changed the field without Git."""
    client = git.client
    with client.session:
        one = git.live("one")
        client.patch_workflow(one, command="python other.py", step_names=["train"])
        yield "one", ("steps", "train", "command")
        two = git.live("two")
        client.patch_workflow(two, body={"tags": [*git.stored("two")["tags"], {"name": "mine"}]})
        yield "two", ("tags",)
        three = git.live("three")
        client.patch_workflow(three, body={"triggers": [{"cron": "1 1 1 1 1"}, {"webhook": True}]})
        yield "three", ("triggers", "cron")
        client.patch_workflow(git.live("four"), step_timeout=7, step_names=["train"])
        yield "four", ("steps", "train", "stepTimeout")


@pytest.mark.usefixtures("tenant")
def test_drift(git: Git) -> None:
    """What somebody changes by hand is drift: a plan has it, and nothing else; apply corrects it."""
    names = ("one", "two", "three", "four", "untouched")
    for name in names:
        git.write(CHANGES["value"].base(name), f"{name}.yaml")
    git.done()
    before = {name: git.stored(name) for name in names}
    tenant, git.server.profile = git.server.profile, git.server.profile - {"token-masked"}
    drifts = {name: [path] for name, path in _drifts(git)}
    git.server.profile = tenant
    # Sent without the credential, which such a tenant does not return: nothing shows that it is gone.
    assert _fields(git) == drifts
    git.done()
    assert git.stored("untouched") == before["untouched"]


@pytest.mark.usefixtures("tenant")
def test_small_and_odd_manifests(git: Git) -> None:
    """What only just validates is clean after apply: empty parts, defaults written out, odd names."""
    odd: list[Body] = [
        {"name": "bare", "steps": {"a": {}}},
        {"name": "empty", "steps": {"a": step()}, "tags": [], "triggers": [], "watchers": [], "metadata": {}},
        body("defaults", retryOptions={"duration": 5, "numberOfRetries": 3, "exponentialBackoff": False}),
        body("half", retryOptions={"duration": 7}),
        body("resources", steps={"a": step(resources={"instanceTypeId": 21, "storage": "10 gb"})}),
        body("storage", steps={"a": step(resources={"storage": "12.50 GB"})}),
        body("off", triggers=[{"webhook": False}]),
        body("crons", triggers=[{"cron": "1 1 * * *"}, {"cron": "2 2 * * *"}]),
        body("webhooks", triggers=[{"webhook": True}, {"cron": "2 2 * * *"}]),
        body("twice", tags=[{"name": "a"}, {"name": "a"}], watchers=[{"user": "a"}, {"user": "a"}]),
        body("events", watchers=[{"user": "a", "events": {}}]),
        body("retries", steps={"a": step(runConfiguration={"retryOptions": {"numberOfRetries": 0}})}),
        body(
            "both",
            retryOptions={"duration": 9},
            steps={"a": step(), "b": step(runConfiguration={"retryOptions": {"duration": 5}})},
        ),
        body("\u00fcml\u00e4ut \u2713 \U0001f600 'q' \"d\"", "printf '\\n\t'"),
        body("dots.in [name]", steps={"a": step(parameters={"env": {"a.b": "1", "": "x", "e": ""}})}),
        body("metadata", metadata={"allowConcurrentExecution": False}),
    ]
    for number, manifest in enumerate(odd):
        git.write(manifest, f"{number}.json")
    assert set(kinds(git.plan()).values()) == {"create"}
    git.done()
