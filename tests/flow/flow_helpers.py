"""What the flow tests share: Git and a tenant in one hand, a manifest with every field, time that flies."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import inherited_environment, run_command

from reconciler.apply import Applier, Report, Status, apply_plan
from reconciler.client import RetryPolicy, Session, Workflow
from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER, PROFILES
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.name_resolution import open_catalogue
from reconciler.operations.settings import Settings
from reconciler.plan import Action, Plan, Scope, Unchanged
from reconciler.render import action_name
from reconciler.workflow import is_digest_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.emulator.server import EmulatorServer

TOKEN = "made-up-token-0123456789"
LIST = "/workflows/api/v1/workflows/"
EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"

FAULTS = [
    "drop-before",
    "drop-after",
    "500-after",
    "503",
    "503-after",
    "504-text",
    "429-seconds:7",
    "truncated",
    "not-json",
]
"""What may become of a request, as the emulator names it."""

DONE_UNSEEN = {"drop-after", "500-after", "503-after", "truncated"}
"""Those that carry the request out all the same."""

_TOKEN_PROFILES = sorted(name for name in PROFILES if name.startswith("token-"))
_REST = ALL_PROFILES_TOGETHER - set(_TOKEN_PROFILES)

TENANTS: dict[str, frozenset[str]] = {
    "documented": frozenset(),
    **{name: frozenset({name}) for name in sorted(PROFILES)},
    "all": _REST,
    **{f"all+{name}": _REST | {name} for name in _TOKEN_PROFILES},
}
"""Every way in which a tenant may read back, by name: each profile, and all that go together."""

TOGETHER = ["documented", *(name for name in TENANTS if name.startswith("all"))]
"""The names of the tenants without a profile and with all that go together."""

RETRY = {"duration": 20, "numberOfRetries": 2, "exponentialBackoff": True, "exitCodes": [137, 1]}

RICH: dict[str, Any] = {
    "name": "rich",
    "metadata": {"allowConcurrentExecution": True},
    "tags": [{"name": "red"}, {"name": "blue"}],
    "triggers": [{"cron": "0 0 6 ? * MON-FRI *"}, {"webhook": True}],
    "watchers": [
        {"user": "ann@example.com", "events": {"success": False, "fail": True, "runtimeExceeded": 30}},
        {
            "webhook": {"name": "chat", "url": "https://chat.example.com/x", "payload": '{"t": "{{name}}"}'},
            "events": {"success": True},
        },
        {
            "email": {"name": "team", "recipients": {"to": ["b@example.com", "a@example.com"]}},
            "events": {"fail": True},
        },
    ],
    "retryOptions": RETRY,
    "steps": {
        "load": {
            "type": "standard",
            "imageId": 100,
            "imageVersionId": 200,
            "command": "python load.py",
            "resources": {"instanceTypeId": 22, "storage": "20GB"},
            "stepTimeout": 3600,
            "clearImageCache": True,
            "repository": {
                "url": "https://github.com/example/load",
                "branch": "main",
                "token": "load-credential",
            },
            "parameters": {
                "env": {"SOURCE": "warehouse", "DAYS": "30"},
                "inherit": {"ROWS": "rows"},
                "secrets": ["WAREHOUSE", "BUCKET"],
            },
            "outputParameters": {"rows": "rows.txt"},
            "runConfiguration": {
                "retryOptions": {"duration": 60, "numberOfRetries": 1, "exitCodes": [2]},
                "skipConfiguration": {"skip": False, "skipDAG": True},
            },
        },
        "train": {"imageId": 100, "imageVersionId": 200, "command": "python train.py", "parents": ["load"]},
        "query": {
            "type": "sql",
            "repository": {
                "url": "https://github.com/example/sql",
                "branch": "main",
                "token": "sql-credential",
                "filePath": "q.sql",
            },
            "parameters": {"env": {"REGION": "emea"}, "inherit": {"ROWS": "rows"}},
            "parents": ["train", "load"],
        },
        "path": {"type": "sql", "sqlQueryPath": "queries/daily.sql"},
        "publish": {
            "type": "export",
            "schema": "publish",
            "table": "forecast",
            "sortBy": "week",
            "sortOrder": "desc",
            "compression": True,
            "parents": ["query"],
        },
        "tell": {
            "type": "http",
            "method": "post",
            "url": "https://hooks.example.com/done",
            "payload": '{"run": "{{run_id}}"}',
            "headers": {"absolute": {"Content-Type": "application/json"}, "secrets": {"X-Key": "partner"}},
            "auth": {
                "type": "oauth",
                "clientId": "client",
                "clientSecret": "oauth-secret",
                "authUrl": "https://login.example.com",
            },
            "parameters": {"env": {"A": "1"}, "inherit": {"B": "rows"}, "secrets": ["S"]},
            "outputParameters": {"reply": "response.txt"},
            "parents": ["load", "publish"],
            "executionParameters": {
                "conditional": [
                    {"condition": "not-equals", "stepName": "load", "paramName": "rows", "value": "0"}
                ],
                "parentStatus": [
                    {
                        "condition": "one-of",
                        "parents": ["publish", "load"],
                        "status": ["success", "failure"],
                    }
                ],
            },
        },
        "basic": {
            "type": "http",
            "method": "get",
            "url": "https://hooks.example.com/a",
            "auth": {"type": "basic", "username": "robot", "password": "robot-password"},
        },
        "key": {
            "type": "http",
            "method": "delete",
            "url": "https://hooks.example.com/b",
            "auth": {"type": "api-key", "apiKey": "partner-key"},
        },
        "bearer": {
            "type": "http",
            "method": "put",
            "url": "https://hooks.example.com/c",
            "payload": "x",
            "auth": {"type": "bearer-token", "bearerToken": "partner-bearer"},
        },
        "open": {
            "type": "http",
            "method": "patch",
            "url": "https://hooks.example.com/d",
            "auth": {"type": "no-auth"},
        },
    },
}
"""A workflow that uses every documented field, and all four types of step."""


def rich(name: str = "rich", **changes: Any) -> dict[str, Any]:
    """Return a copy of `RICH` under another name, with top-level fields exchanged."""
    return {**copy.deepcopy(RICH), "name": name, **changes}


def step(command: str = "echo hi", **fields: Any) -> dict[str, Any]:
    """Return a standard step."""
    return {"imageId": 100, "imageVersionId": 200, "command": command, **fields}


def body(name: str = "flow", command: str = "echo hi", **fields: Any) -> dict[str, Any]:
    """Return a small workflow with one step called `one`, unless `steps` are given."""
    return {"name": name, "steps": {"one": step(command)}, **fields}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, and what it wrote to the two streams."""

    code: Any
    out: str
    err: str


class FakeTime:
    """A clock that only sleeping moves; also a clock for an emulator.

    Threads that sleep at the same time do so side by side: each has a time of its own, and the clock is
    at the latest of them.
    """

    def __init__(self) -> None:
        self.now = 1_600_000_000.0
        self.sleeps: list[float] = []
        self._own = threading.local()
        self.retry = RetryPolicy(monotonic=self.mine, wall=self, sleep=self.sleep, random=lambda: 1.0)
        self.policy = RetryPolicy(sleep=self.sleep, monotonic=self.mine)

    def __call__(self) -> float:
        """Return its time."""
        return self.now

    def mine(self) -> float:
        """Return its time for this thread."""
        if threading.current_thread() is threading.main_thread():
            return self.now
        if not hasattr(self._own, "now"):
            self._own.now = self.now
        return float(self._own.now)

    def sleep(self, seconds: float) -> None:
        """Go on by `seconds` at once."""
        self.sleeps.append(seconds)
        self._own.now = self.mine() + seconds
        self.now = max(self.now, self._own.now)


class Git:
    """A directory of manifests and the tenant that they are for.

    Everything goes the way that the commands go: `open_engine`, `Engine.plan`, `apply_plan`. Only the time is
    another, so that no retry really waits.
    """

    def __init__(self, server: EmulatorServer, folder: Path, time: FakeTime) -> None:
        self.server = server
        self.folder = folder
        self.time = time
        self.settings = Settings(paths=(str(folder),))
        self.scope = Scope()
        self.marking: dict[str, Any] = {}
        self.env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": TOKEN}

    def choose(self, **settings: Any) -> None:
        """Use these settings from now on, and the defaults of all others."""
        self.settings = Settings(paths=(str(self.folder),), **settings)

    def write(self, manifest: dict[str, Any] | str, file: str = "flow.yaml", **settings: Any) -> None:
        """Write a manifest: a body with its `reconcile` settings, or YAML as it is."""
        if isinstance(manifest, dict):
            whole = manifest if "patch" in manifest else {"body": manifest}
            whole = {**whole, "reconcile": settings} if settings else whole
            manifest = json.dumps(whole)
        (self.folder / file).write_text(manifest, encoding="utf-8")

    def remove(self, file: str) -> None:
        """Remove a manifest."""
        (self.folder / file).unlink()

    @contextmanager
    def engine(self, purpose: str = "") -> Iterator[Engine]:
        """Yield the engine that a command would have, in a time of its own."""
        with open_engine(self.settings, self.env) as engine:
            session = Session(env=self.env, retry=self.time.retry, purpose=purpose)
            with session:
                options = dataclasses.replace(engine.options, **self.marking)
                catalogue = open_catalogue(session, self.settings.concurrency)
                yield dataclasses.replace(engine, session=session, options=options, catalogue=catalogue)

    def plan(self) -> Plan:
        """Return the plan."""
        with self.engine("plan") as engine:
            return engine.plan(self.scope)

    def owned_by(self, owner: str | None, *, prune: bool = True, **scope: Any) -> None:
        """Act for `owner` from now on, and prune what Git has no manifest for."""
        self.marking = {"owner": owner}
        self.scope = Scope(prune=prune, **scope)

    def applier(self, engine: Engine) -> Applier:
        """Return what applies a plan, in the test's time."""
        return engine.applier(self.time.policy)

    def apply(self, plan: Plan | None = None, *, fail_fast: bool = False) -> Report:
        """Carry `plan` out, or one that is made now, and return the report."""
        with self.engine() as engine:
            return apply_plan(
                plan or engine.plan(self.scope),
                self.applier(engine),
                lambda *_: None,
                concurrency=self.settings.concurrency,
                fail_fast=fail_fast,
            )

    def done(self, plan: Plan | None = None) -> Report:
        """Apply, and check that everything was done and that the next plan is empty."""
        report = self.apply(plan)
        assert [result.error for result in report.results if result.status is not Status.DONE] == []
        self.is_clean()
        return report

    def is_clean(self) -> None:
        """Check that the plan is empty."""
        left = [shown(action) for action in self.plan().actions if not isinstance(action, Unchanged)]
        assert left == []

    def action(self) -> Any:
        """Return the one action of the plan."""
        (action,) = self.plan().actions
        return action

    @property
    def client(self) -> Workflow:
        """A client for what others do behind Git's back."""
        return Workflow(Session(env=self.env, retry=self.time.retry))

    def live(self, name: str = "flow") -> int:
        """Return the id of the one workflow called `name`."""
        (found,) = [record.id for record in self.server.store.records() if record.name == name]
        return found

    def stored(self, name: str = "flow") -> dict[str, Any]:
        """Return the body of the one workflow called `name`, as the tenant got it."""
        return dict(self.server.store.get(self.live(name)).body)

    def tag_names(self, name: str = "flow") -> list[str]:
        """Return the names of the stored tags of a workflow, without the tags of what was sent last."""
        names = (tag["name"] for tag in self.stored(name).get("tags", []))
        return [tag for tag in names if not is_digest_tag(tag)]

    def webhooks(self, name: str = "flow") -> tuple[str, ...]:
        """Return the UUIDs of the webhook URLs of a workflow."""
        return self.server.store.get(self.live(name)).webhooks

    def writes(self) -> list[Any]:
        """Return the requests so far that were no reads."""
        return [request for request in self.server.requests if request.method != "GET"]


def shown(action: Action) -> tuple[str, str, list[tuple[str | int, ...]], str]:
    """Return what matters of an action in a failing assertion: name, kind, fields, reason."""
    return (action.name, action_name(action), paths(action), getattr(action, "reason", ""))


def paths(action: Action) -> list[tuple[str | int, ...]]:
    """Return the paths of the fields that an action changes."""
    return [change.path for change in getattr(action, "changes", ())]


def kinds(plan: Plan) -> dict[str, str]:
    """Return the name of the action for each workflow."""
    return {action.name: action_name(action) for action in plan.actions}


def statuses(report: Report) -> dict[str, str]:
    """Return the status of each workflow."""
    return {result.action.name: result.status.value for result in report.results}


def errors(report: Report) -> dict[str, str]:
    """Return the error of each workflow."""
    return {result.action.name: result.error for result in report.results}


def process_env(git: Git, **env: str | None) -> dict[str, str]:
    """Return the environment of a process that works on the tenant of `git`; `None` takes a variable away."""
    whole = {**inherited_environment(), **git.env, **env}
    return {key: value for key, value in whole.items() if value is not None}


def run(
    git: Git, *words: str, stdin: str = "", waits: bool = True, **env: str | None
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own; the first of `words` is the command, before the path.

    Where it `waits` not, sleeping takes it no time.
    """
    command, *options = words
    arguments = [command, git.folder, *options]
    return run_command(arguments, env=process_env(git, **env), stdin=stdin, sleeps=waits)
