"""Exploration of every interleaving of whole runs that update, rename, prune and create workflows.

Each run is the real way from the list to the report: `take_snapshot`, `make_plan`, a pause in which somebody
approves, `apply_plan`. A run may begin when others are at work or have crashed. At each end one more run
makes the tenant as the last commit says, and another plan must find nothing to do.

The world is a small model of the platform: ids grow; a PUT replaces the body, and gives a webhook a new URL
unless it asks to preserve it; a read may show any moment within a lag; an answer may be lost, with or without
an effect; a write may be refused; somebody may change one thing in the editor at any moment.

A write *in the window* undoes a change that came after the run's last read of the workflow, with nothing but
a search for its new name in between: the API has no conditional write. A write *within the lag* undoes one
that the last read did not show yet. A run that undoes a change with a second write, after it took the change
for the platform's form of what it sent, must fail and report it. Any other write that undoes a change that
its run did not plan for is a violation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from state_search import (
    Answer,
    Answers,
    Call,
    Explored,
    Histories,
    Model,
    Step,
    StoppedRun,
    search,
    unanswered,
)

from reconciler.apply import Applier, apply_plan
from reconciler.client import (
    AnswerLostError,
    ConflictException,
    NotFoundException,
    RetryPolicy,
    UnprocessableEntityException,
)
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.manifests import ReconcileSettings, WorkflowManifest
from reconciler.manifests.documents import Document
from reconciler.manifests.manifest import Source
from reconciler.plan import Blocked, BlockedDelete, CompareOptions, Plan, Scope, make_plan, take_snapshot
from reconciler.plan.tenant_reads import TenantReads
from reconciler.values import Packed
from reconciler.workflow import is_digest_tag

PERSON: Final = "somebody"
_OWNER: Final = "team"
_SOURCE: Final = Source(document=Document(file="flow.yaml", text="", index=0), base=())
_REFUSALS: Final = {
    "404": NotFoundException("not found", status=404),
    "409": ConflictException("it is running", status=409),
    "422": UnprocessableEntityException("refused", status=422),
}
_WRITES: Final = frozenset({"create", "update", "delete"})
_TWINS: Final = "live workflows have this name"

Record: TypeAlias = "tuple[int, str, str]"
"""A live workflow: id, who wrote it last, and body as JSON."""

Records: TypeAlias = "tuple[Record, ...]"
Edit: TypeAlias = "tuple[str, Callable[[Records], Records]]"
"""Something that a person does in the editor, and what the workflows are after it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A manifest.

    Args:
        name: The name of the workflow.
        command: The command of its one step.
        former: The name before, if it has another one now.
    """

    name: str
    command: str = "main.py"
    former: str | None = None

    def body(self, webhook: object = True, owner: str | None = _OWNER) -> str:
        """Return the body that is live once it was applied; `webhook` is the number of its URL."""
        step = {"imageId": 1, "imageVersionId": 1, "command": self.command}
        tags = [] if owner is None else [{"name": f"reconciler-owner-{owner}"}]
        triggers = [{"webhook": webhook}]
        return json.dumps({"name": self.name, "steps": {"one": step}, "triggers": triggers, "tags": tags})

    def manifest(self) -> WorkflowManifest:
        """Return it as a value."""
        body = json.loads(self.body())
        del body["tags"]
        return WorkflowManifest(
            name=self.name,
            packed=Packed.of(body),
            settings=ReconcileSettings(renamed_from=(self.former,) if self.former else ()),
            source=_SOURCE,
            sensitive=frozenset(),
        )


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What Git says in one run.

    Args:
        wanted: The manifests.
        prune: Whether the run deletes what it owns and what has no manifest.
        run: Makes it another run than one that is equal otherwise, with other marks.
    """

    wanted: tuple[Wanted, ...]
    prune: bool = False
    run: int = 0


class Position(NamedTuple):
    """The state of a run.

    Args:
        commit: The number of its commit.
        history: Its history as a number.
        wakes: The time until it wakes.
        seen: What it knows of each workflow, by id.
        owes: Whether it undid a change that it had read, and must report it.
    """

    commit: int
    history: int = 0
    wakes: float = 0.0
    seen: tuple[tuple[int, str], ...] = ()
    owes: bool = False


FRESH, OLD, WINDOW, LAG, STALE = "fresh", "old", "in the window", "within the lag", "stale"
"""The last read of a workflow was the call before this one, or earlier; the same, and it changed since; the
last read did not show a change."""

_AGED: Final = {FRESH: OLD, WINDOW: STALE, LAG: STALE}
"""What a run knows after another call than a read."""


class State(NamedTuple):
    """The state of the world; times are relative to now."""

    runs: tuple[Position, ...]
    live: Records
    past: tuple[tuple[float, Records], ...] = ()
    next_id: int = 1
    next_url: int = 1
    losses: int = 0
    crashes: int = 0
    refusals: int = 0
    edited: bool = False
    undone: bool = False
    """Whether a change was undone in the window."""


@dataclass(kw_only=True)
class World:
    """What may happen.

    Args:
        commits: One for each run; the last one is what Git says in the end.
        start: The bodies of the live workflows, with the ids 1, 2, ….
        edits: What a person may do, one of these at any moment.
        losses: The most answers of writes that get lost, with or without an effect.
        crashes: The most runs that crash.
        refusals: The most writes that are refused: with 404, 409 or 422, each without an effect.
        list_lag: The seconds by which a list may lag.
        describe_lag: The seconds by which describing one workflow may lag.
        still: The ids of workflows that nobody touches; describing them is no step.
    """

    commits: tuple[Commit, ...]
    start: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    losses: int = 0
    crashes: int = 0
    refusals: int = 0
    list_lag: float = 0.0
    describe_lag: float = 0.0
    still: frozenset[int] = frozenset()

    @property
    def records(self) -> Records:
        """The live workflows at the start."""
        return tuple((number, "earlier", body) for number, body in enumerate(self.start, 1))


def edited(number: int, text: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Edit:
    """Return the edit of a workflow, if it is there."""

    def after(live: Records) -> Records:
        return tuple(
            (one, PERSON, json.dumps(change(json.loads(body)))) if one == number else (one, who, body)
            for one, who, body in live
        )

    return f"{text} {number}", after


def with_command(number: int, command: str) -> Edit:
    """Return the edit that gives a workflow another command."""
    return edited(
        number, "edits", lambda body: {**body, "steps": {"one": {**body["steps"]["one"], "command": command}}}
    )


def disowned(number: int) -> Edit:
    """Return the edit that takes the tags off a workflow."""
    return edited(number, "takes the tags off", lambda body: {**body, "tags": []})


def renamed(number: int, name: str) -> Edit:
    """Return the edit that gives a workflow another name."""
    return edited(number, f"gives the name {name} to", lambda body: {**body, "name": name})


def deleted(number: int) -> Edit:
    """Return the delete of a workflow."""
    return f"deletes {number}", lambda live: tuple(one for one in live if one[0] != number)


def made(body: str) -> Edit:
    """Return the create of a workflow."""
    return "creates", lambda live: (*live, (max(one[0] for one in live) + 1, PERSON, body))


class _Tenant:
    """The API as the engine calls it, for the model and for a run alone."""

    def get_default_resource(self) -> dict[str, Any]:
        return {}

    def __getattr__(self, name: str) -> Any:
        return unanswered(name)


class _Played(_Tenant):
    """The API and the clock of one run: answers from a history."""

    def __init__(self, history: list[Answer], still: dict[int, str]) -> None:
        self._answers = Answers(history)
        self._still = still

    def _answer(self, *call: Any) -> Answer:
        answer = self._answers.next(*call)
        if answer[0] == "lost":
            raise AnswerLostError("the answer was lost")
        if answer[0] in _REFUSALS:
            raise _REFUSALS[answer[0]]
        return answer

    def sleep(self, seconds: float) -> None:
        self._answer("sleep", seconds)

    def approve(self) -> None:
        """Wait for somebody who approves the plan."""
        self._answer("approve")

    def list_workflows(self, *, name: str | None = None, **_: Any) -> dict[str, Any]:
        return _page(self._answer("list", name)[1])

    def describe_workflow(self, workflow_id: int) -> dict[str, Any]:
        body = self._still.get(workflow_id) or self._answer("describe", workflow_id)[1]
        return _described(workflow_id, body)

    def create_workflow(self, body: Any) -> dict[str, Any]:
        return {"id": self._answer("create", json.dumps(body))[1]}

    def update_workflow(self, workflow_id: int, body: Any) -> dict[str, Any]:
        self._answer("update", workflow_id, json.dumps(body))
        return {"id": workflow_id}

    def delete_workflow(self, workflow_id: int) -> dict[str, Any]:
        self._answer("delete", workflow_id)
        return {}


class _Calm(_Tenant):
    """The API of a run that is alone, on a platform without lags."""

    def __init__(self, state: State) -> None:
        self.state = state

    def list_workflows(self, *, name: str | None = None, **_: Any) -> dict[str, Any]:
        return _page(_items(self.state.live, name))

    def describe_workflow(self, workflow_id: int) -> dict[str, Any]:
        for number, _, body in self.state.live:
            if number == workflow_id:
                return _described(number, body)
        raise _REFUSALS["404"]

    def create_workflow(self, body: Any) -> dict[str, Any]:
        self.state = _written(self.state, ("create", json.dumps(body)), "heal")
        return {"id": self.state.next_id - 1}

    def update_workflow(self, workflow_id: int, body: Any) -> dict[str, Any]:
        self.state = _written(self.state, ("update", workflow_id, json.dumps(body)), "heal")
        return {"id": workflow_id}

    def delete_workflow(self, workflow_id: int) -> dict[str, Any]:
        self.state = _written(self.state, ("delete", workflow_id), "heal")
        return {}


def _page(items: Any) -> dict[str, Any]:
    workflows = [{"id": number, **json.loads(item)} for number, item in items]
    return {"pageCount": 1, "workflowsCount": len(workflows), "workflows": workflows}


def _items(live: Records, name: str | None) -> tuple[tuple[int, str], ...]:
    """Return the entries of a list."""
    found = ((number, json.loads(body)) for number, _, body in live)
    return tuple(
        (number, json.dumps({"name": body["name"], "tags": body["tags"]}))
        for number, body in found
        if name is None or name == body["name"]
    )


def _described(number: int, body: str) -> dict[str, Any]:
    return {**json.loads(body), "id": number, "status": "Available"}


def _urls(text: str) -> list[Any]:
    return [trigger["webhook"] for trigger in json.loads(text)["triggers"]]


def _written(state: State, call: Call, who: str) -> State:
    """Return the state after a write took effect."""
    live = {number: (author, body) for number, author, body in state.live}
    url = state.next_url
    match call:
        case ("create", body):
            live[state.next_id] = (who, _kept(body, None, url))
            state = state._replace(next_id=state.next_id + 1, next_url=url + 1)
        case ("update", number, body) if number in live:
            kept = _kept(body, live[number][1], url)
            live[number] = (who, kept)
            state = state._replace(next_url=url + (f'"url-{url}"' in kept))
        case ("delete", number):
            live.pop(number, None)
    return state._replace(live=tuple((number, *record) for number, record in live.items()))


def _kept(text: str, before: str | None, url: int) -> str:
    """Return a body as the platform keeps it: with the URLs of its webhooks."""
    body = json.loads(text)
    urls = _urls(before) if before else []
    triggers = []
    for trigger in body.get("triggers") or []:
        preserved = trigger.get("webhookPolicy") == "preserve" and urls
        triggers.append({"webhook": urls[0] if preserved else f"url-{url}"})
    return json.dumps({**body, "triggers": triggers, "tags": body.get("tags") or []})


def core(text: str) -> str:
    """Return what a body says, without marks and digests."""
    body = json.loads(text)
    tags = sorted(tag["name"] for tag in body["tags"] if not is_digest_tag(tag))
    return json.dumps([body["name"], body["steps"], tags])


CRASHED: Final[Call] = ("end", (("run", "crashed", None, None),), "")


@dataclass(frozen=True, kw_only=True)
class _Healed:
    """What the next run makes of an end."""

    live: Records
    trouble: str = field(default="")


class _Explorer(Model[State]):
    def __init__(self, world: World) -> None:
        self._world = world
        self._still = {number: world.start[number - 1] for number in world.still}
        self._histories = Histories(self._played)
        self._healed: dict[Records, _Healed] = {}

    def start(self) -> State:
        same: dict[Commit, int] = {}
        numbers = (same.setdefault(commit, number) for number, commit in enumerate(self._world.commits))
        live = self._world.records
        return State(
            runs=tuple(sorted(Position(number) for number in numbers)), live=live, next_id=len(live) + 1
        )

    # What a run does.

    def _played(self, number: int, history: list[Answer]) -> Call:
        commit = self._world.commits[number]
        api: Any = _Played(history, self._still)
        letter = "abcdef"[number]
        try:
            return self._applied(api, commit, letter, api.sleep, api.approve)
        except StoppedRun as stopped:
            return stopped.call

    @staticmethod
    def _applied(
        api: Any, commit: Commit, letter: str, sleep: Callable[[float], None], approve: Callable[[], None]
    ) -> Call:
        """Return how a whole run ends."""
        try:
            plan, options = _planned(api, commit)
            if not plan.changes_anything:
                blocked = sorted(
                    (type(action).__name__, "blocked", action.id, action.name) for action in _refused(plan)
                )
                return ("end", tuple(blocked) or (("run", "nothing", None, None),), "")
            approve()
            policy = RetryPolicy(
                tries=3,
                backoff=0.0,
                settle=(1.0,),
                poll=1.0,
                sleep=sleep,
                monotonic=lambda: 0.0,
                wall=lambda: 0.0,
                random=lambda: 1.0,
            )
            marks = (f"0{letter * 6}{last}" for last in "abcdefgh")
            applier = Applier(api, options, policy, marks=lambda: next(marks))
            report = apply_plan(plan, applier, lambda *_: None, concurrency=1)
        except BlockedError as error:
            return ("end", (("run", "blocked", None, None),), error.message)
        except ReconcilerError as error:
            return ("end", (("run", "failed", None, None),), error.message)
        results = sorted(
            (type(each.action).__name__, each.status.value, each.id, each.action.name)
            for each in report.results
        )
        return ("end", tuple(results), "; ".join(each.error for each in report.results if each.error))

    # What may happen.

    def steps(self, state: State) -> Iterator[Step]:
        ready = False
        for index, run in enumerate(state.runs):
            if index and run == state.runs[index - 1]:
                continue  # the same run twice: one stands for both
            call = self._histories.call(run.commit, run.history)
            if call[0] == "end" or run.wakes > 0:
                continue
            ready = True
            yield from self._of_run(state, index, call)
        wakes = min((run.wakes for run in state.runs if run.wakes > 0), default=None)
        if (ready or wakes is not None) and not state.edited:
            for text, change in self._world.edits:
                live = change(state.live)
                if live != state.live:
                    after = state._replace(
                        live=live, edited=True, next_id=max(state.next_id, live[-1][0] + 1 if live else 0)
                    )
                    yield Step(f"somebody {text}", self._changed(state, after, None))
        if wakes is not None:
            yield Step(f"{wakes:g} s pass", self._later(state, wakes))

    def _of_run(self, state: State, index: int, call: Call) -> Iterator[Step]:
        run = state.runs[index]
        who = f"run {run.commit + 1}"
        for text, answer, written, effect in self._answers(state, call, who):
            wrong, window, owes, after = "", "", run.owes, written
            if effect:
                wrong, window = self._undone(state, index, call)
                if wrong and self._has_written(run):
                    wrong, owes = "", True
                wrong = wrong or self._broken_url(state, written)
                after = self._changed(state, written, index)
            after = after._replace(undone=after.undone or bool(window))
            later = self._after(run, after, call, answer, owes=owes)
            wrong = wrong or self._false(after, later, run)
            yield Step(f"{who}: {text}", self._placed(after, index, self._begun(later)), wrong, window)
        if state.crashes < self._world.crashes:
            crashed = state._replace(crashes=state.crashes + 1)
            yield Step(f"{who}: crashes before {call[0]}", self._crashed(crashed, index))
            if call[0] in _WRITES:
                wrong, window = self._undone(state, index, call)
                wrong = "" if self._has_written(run) else wrong
                after = self._changed(state, _written(crashed, call, who), index)
                yield Step(f"{who}: crashes in {call[0]}", self._crashed(after, index), wrong, window)

    def _answers(self, state: State, call: Call, who: str) -> Iterator[tuple[str, Answer, State, bool]]:
        """Yield each answer that a call may get, the state after it, and whether it changed something."""
        match call:
            case ("approve",):
                yield "is approved", ("approved",), state, False
            case ("list", name):
                for items in self._views(state, self._world.list_lag, lambda live: _items(live, name)):
                    ids = ", ".join(f"{number} {json.loads(item)['name']}" for number, item in items)
                    yield f"lists {ids or 'none'}", ("list", items), state, False
            case ("describe", number):
                for body in self._views(state, self._world.describe_lag, lambda live: _body(live, number)):
                    answer = ("404",) if body is None else ("describe", body)
                    shown = "404" if body is None else json.loads(body)["steps"]["one"]["command"]
                    yield f"describes {number}: {shown}", answer, state, False
            case _:
                yield from self._write_answers(state, call, who)

    def _write_answers(self, state: State, call: Call, who: str) -> Iterator[tuple[str, Answer, State, bool]]:
        """Yield each answer that a write may get, as `_answers`."""
        kind, what, *_ = call
        shown = kind if kind == "create" else f"{kind} {what}"
        after = _written(state, call, who)
        if kind != "create" and _body(state.live, what) is None:
            yield f"{shown} answers 404", ("404",), state, False
            return
        yield shown, ("created", state.next_id) if kind == "create" else ("written",), after, True
        if state.losses < self._world.losses:
            for text, left, effect in (("with", after, True), ("without", state, False)):
                lost = left._replace(losses=state.losses + 1)
                yield f"{shown}, answer lost, {text} effect", ("lost",), lost, effect
        if state.refusals < self._world.refusals:
            for status in _REFUSALS:
                refused = state._replace(refusals=state.refusals + 1)
                yield f"{shown} is refused with {status}", (status,), refused, False

    def _views(self, state: State, lag: float, of: Callable[[Records], Any]) -> list[Any]:
        """Return what a read may show, now first, or at a moment within the lag."""
        views = [of(state.live)]
        for until, live in state.past:
            if until > -lag and (view := of(live)) not in views:
                views.append(view)
        return views

    def _after(self, run: Position, state: State, call: Call, answer: Answer, *, owes: bool) -> Position:
        """Return a run after its call was answered in a state."""
        seen = dict(run.seen)
        if call[0] == "describe":
            current = _body(state.live, call[1])
            shown = None if answer[0] == "404" else answer[1]
            seen[call[1]] = FRESH if shown == current else LAG
        elif call[0] != "list":
            seen = {number: _AGED.get(what, what) for number, what in seen.items()}
        number = self._histories.number(run.history, answer)
        return Position(run.commit, number, 0.0, tuple(sorted(seen.items())), owes)

    def _has_written(self, run: Position) -> bool:
        """Return whether a run has already written something."""
        return any(answer[0] in {"written", "lost"} for answer in self._histories.answers(run.history))

    def _begun(self, run: Position) -> Position:
        """Return a run with its sleep begun, if it sleeps now; all ends are one."""
        call = self._histories.call(run.commit, run.history)
        if call[0] == "end":
            return Position(run.commit, self._histories.ended(run.commit, call))
        if call[0] != "sleep":
            return run
        if call[1]:
            return run._replace(wakes=call[1])
        return self._begun(run._replace(history=self._histories.number(run.history, ("slept",))))

    def _crashed(self, state: State, index: int) -> State:
        commit = state.runs[index].commit
        return self._placed(state, index, Position(commit, self._histories.ended(commit, CRASHED)))

    @staticmethod
    def _placed(state: State, index: int, run: Position) -> State:
        return state._replace(runs=tuple(sorted([*state.runs[:index], run, *state.runs[index + 1 :]])))

    def _later(self, state: State, seconds: float) -> State:
        runs = []
        for run in state.runs:
            passed = run._replace(wakes=max(0.0, run.wakes - seconds))
            if run.wakes > 0 and passed.wakes == 0:
                seen = tuple((number, _AGED.get(what, what)) for number, what in run.seen)
                number = self._histories.number(run.history, ("slept",))
                passed = self._begun(passed._replace(seen=seen, history=number))
            runs.append(passed)
        lag = max(self._world.list_lag, self._world.describe_lag)
        past = tuple((until - seconds, live) for until, live in state.past if until - seconds > -lag)
        return state._replace(runs=tuple(sorted(runs)), past=past)

    def _changed(self, before: State, after: State, index: int | None) -> State:
        """Return the state after a change: what was live may still show, and the others have not seen it."""
        if self._world.list_lag or self._world.describe_lag:
            shown = tuple((number, "", body) for number, _, body in before.live)
            past = (entry for entry in before.past if entry[1] != shown)
            after = after._replace(past=tuple(sorted([*past, (0.0, shown)])))
        old = {record[0]: record for record in before.live}
        new = {record[0]: record for record in after.live}
        touched = {number for number in {*old, *new} if old.get(number) != new.get(number)}
        missed = {FRESH: WINDOW, OLD: STALE}
        runs = [
            run
            if place == index
            else run._replace(
                seen=tuple(
                    (number, missed.get(what, what) if number in touched else what)
                    for number, what in run.seen
                )
            )
            for place, run in enumerate(after.runs)
        ]
        return after._replace(runs=tuple(runs))

    # What must hold.

    def _undone(self, state: State, index: int, call: Call) -> tuple[str, str]:
        """Return the law that a write breaks by what it undoes, and what it undoes in the window."""
        if call[0] == "create":
            return "", ""
        run = state.runs[index]
        number = call[1]
        there = next((one for one in state.live if one[0] == number), None)
        if there is None or there[1] == f"run {run.commit + 1}":
            return "", ""
        planned = self._planned_on(run, number)
        new = core(_kept(call[2], there[2], 0)) if call[0] == "update" else None
        same = planned is not None and core(planned) == core(there[2])
        if planned is None:
            created = there[0] > len(self._world.start)
            return ("" if created and there[1] != PERSON else f"{number} was not planned for"), ""
        if same or new == core(there[2]):
            return "", ""
        how = dict(run.seen).get(number, STALE)
        text = f"a change of {number} by {there[1]} is {'deleted' if call[0] == 'delete' else 'overwritten'}"
        return ("", f"{text} {how}") if how in {WINDOW, LAG} else (f"{text}, {how}", "")

    def _planned_on(self, run: Position, number: int) -> str | None:
        """Return the body of a workflow as the plan of a run read it."""
        answers = [*self._histories.answers(run.history)][::-1]
        for answer, call in zip(answers, self._calls_of(run, answers), strict=True):
            if answer[0] == "approved":
                return None
            if call == ("describe", number) and answer[0] == "describe":
                return str(answer[1])
        return None

    def _calls_of(self, run: Position, answers: list[Answer]) -> Iterator[Call]:
        """Yield the calls of a run that got these answers."""
        number = 0
        for answer in answers:
            yield self._histories.call(run.commit, number)
            number = self._histories.number(number, answer)

    @staticmethod
    def _broken_url(before: State, after: State) -> str:
        """Return the workflow whose webhook got another URL."""
        old = {number: _urls(body) for number, _, body in before.live}
        for number, _, body in after.live:
            if number in old and _urls(body) != old[number]:
                return f"the webhook of {number} got another URL"
        return ""

    def _false(self, state: State, later: Position, run: Position) -> str:
        """Return what a run says at its end that was not so at its last read, nor is within a lag."""
        end = self._histories.call(later.commit, later.history)
        if end[0] != "end":
            return ""
        if later.owes and not any(status == "failed" for _, status, *_ in end[1]):
            return f"run {run.commit + 1} undid a change that it had read, and does not report it"
        commands = {wanted.name: wanted.command for wanted in self._world.commits[run.commit].wanted}
        for kind, status, number, name in end[1]:
            if status != "done" or dict(later.seen).get(number) in {WINDOW, STALE}:
                continue
            views = [
                body
                for lag in (self._world.describe_lag, self._world.list_lag)
                for body in self._views(state, lag, lambda live, one=number: _body(live, one))
            ]
            said = [json.loads(body) for body in views if body]
            shown = [(body["name"], body["steps"]["one"]["command"]) for body in said]
            if None not in views if kind == "Delete" else (name, commands[name]) not in shown:
                return f"run {run.commit + 1} says that {kind} {number} is done, and it is not"
        return ""

    def end(self, state: State) -> str:
        ends = (self._histories.call(run.commit, run.history)[1] for run in state.runs)
        return ", ".join(sorted("+".join(result[1] for result in results) for results in ends))

    def violation(self, state: State) -> str:
        """Return what is wrong at an end; empty when nothing is."""
        statuses = [
            result[1] for run in state.runs for result in self._histories.call(run.commit, run.history)[1]
        ]
        names = [json.loads(body)["name"] for _, _, body in state.live]
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins and not state.undone and all(status in {"done", "nothing"} for status in statuses):
            return f"twins that no run reports: {twins}"
        makes = sum(any(wanted.former is None for wanted in commit.wanted) for commit in self._world.commits)
        more = len(state.live) - len(self._world.start)
        if more > makes + state.edited:
            return f"{more} more workflows than there were"
        for number in self._world.still:
            if _body(state.live, number) is None:
                return f"{number} is gone"
        return self._after_healing(state, twins)

    def _after_healing(self, state: State, twins: list[str]) -> str:
        """Return what the next run does not heal."""
        if state.live not in self._healed:
            self._healed[state.live] = self._heal(state)
        healed = self._healed[state.live]
        if twins and _TWINS in healed.trouble:
            return ""
        return healed.trouble

    def _heal(self, state: State) -> _Healed:
        api = _Calm(state)
        commit = self._world.commits[-1]
        end = self._applied(api, commit, "z", lambda _: None, lambda: None)
        plan, _ = _planned(api, commit)
        live = api.state.live
        left = [action.reason for action in _refused(plan)]
        if plan.changes_anything or left or plan.refusal:
            return _Healed(live=live, trouble=f"the next run does not heal: {end} {left} {plan.refusal}")
        names = sorted(json.loads(body)["name"] for _, _, body in live)
        for wanted in commit.wanted:
            if names.count(wanted.name) != 1:
                return _Healed(live=live, trouble=f"{wanted.name} is there {names.count(wanted.name)} times")
        return _Healed(live=live)


def _planned(api: Any, commit: Commit) -> tuple[Plan, CompareOptions]:
    options = CompareOptions(owner=_OWNER, key=b"key")
    scope = Scope(prune=commit.prune, allow_deletes=1)
    manifests = [wanted.manifest() for wanted in commit.wanted]
    snapshot = take_snapshot(TenantReads(api, 1), manifests, options, scope)
    return make_plan(snapshot, options, scope), options


def _refused(plan: Plan) -> list[Blocked | BlockedDelete]:
    return [action for action in plan.actions if isinstance(action, Blocked | BlockedDelete)]


def _body(live: Records, number: int) -> str | None:
    return next((body for one, _, body in live if one == number), None)


def explore_runs(world: World) -> Explored:
    """Return what every interleaving in `world` comes to."""
    return search(_Explorer(world))
