"""Exploration of every interleaving of several runs that create or update the same workflow.

Each run is the real `Applier.apply` of one action, whose API and sleep answer from a history.

The world between the runs is a small model of the platform: ids grow, a read may show any moment within a
lag, and commands may be kept in a form of the platform's own. From each state every step is tried: each run's
next call with each answer that may come, a lost answer, a crash before or in the call, the passing of time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

from reconciler.apply import Applier
from reconciler.client import AnswerLostError, NotFoundException, RetryPolicy
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.manifests import ReconcileSettings, WorkflowManifest
from reconciler.manifests.documents import Document
from reconciler.manifests.manifest import Source
from reconciler.plan import CompareOptions, Desired, PlatformFacts, Unchanged, decide
from reconciler.plan.deciding import decide_create
from reconciler.values import JsonObject, Packed
from reconciler.workflow import Live, is_digest_tag

NAME: Final = "flow"
THEIRS: Final = "theirs"
"""The creator of a workflow that no run of the reconciler made."""

_SOURCE: Final = Source(document=Document(file="flow.yaml", text="", index=0), base=())

Records: TypeAlias = "tuple[tuple[int, str, str], ...]"
"""The live workflows: id, creator, and body as JSON."""


class _Played:
    """The API and the clock of one run: answers from a history."""

    def __init__(self, history: list[Answer]) -> None:
        self._answers = Answers(history)

    def _answer(self, *call: Any) -> Answer:
        answer = self._answers.next(*call)
        if answer[0] == "lost":
            raise AnswerLostError("the answer was lost")
        if answer[0] == "404":
            raise NotFoundException("not found", status=404)
        return answer

    def sleep(self, seconds: float) -> None:
        self._answer("sleep", seconds)

    def list_workflows(self, *, name: str | None = None, **_: Any) -> JsonObject:
        _, ids = self._answer("list", name)
        items: list[Any] = [{"id": number, "name": NAME} for number in ids]
        return {"pageCount": 1, "workflowsCount": len(items), "workflows": items}

    def describe_workflow(self, workflow_id: int) -> JsonObject:
        _, body = self._answer("describe", workflow_id)
        return _described(workflow_id, body)

    def create_workflow(self, body: JsonObject) -> JsonObject:
        _, number = self._answer("create", json.dumps(body))
        return {"id": number}

    def update_workflow(self, workflow_id: int, body: JsonObject) -> JsonObject:
        self._answer("update", workflow_id, json.dumps(body))
        return {"id": workflow_id}

    def delete_workflow(self, workflow_id: int) -> JsonObject:
        self._answer("delete", workflow_id)
        return {}

    def __getattr__(self, name: str) -> Any:
        return unanswered(name)


def _described(number: int, body: str) -> JsonObject:
    return {**json.loads(body), "id": number, "status": "Available"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A run.

    Args:
        command: The command that its manifest wants.
        owner: The owner that it acts for.
        remember: Whether it keeps digests, and so has marks.
        run: Makes it another run than one that is equal otherwise, with other marks.
    """

    command: str
    owner: str | None = "team"
    remember: bool = True
    run: int = 0

    def action(self, live: str | None) -> Any:
        """Return the action, as a plan makes it that found the body `live`, or no workflow of the name."""
        step = {"imageId": 1, "imageVersionId": 1, "command": self.command}
        manifest = WorkflowManifest(
            name=NAME,
            packed=Packed.of({"name": NAME, "steps": {"one": step}}),
            settings=ReconcileSettings(),
            source=_SOURCE,
            sensitive=frozenset(),
        )
        facts = PlatformFacts()
        if live is None:
            return decide_create(manifest, self.options(), facts)
        return decide(Desired.of(manifest), Live.of(1, _described(1, live)), self.options(), facts)

    def options(self) -> CompareOptions:
        """Return the choices of the run."""
        return CompareOptions(owner=self.owner, key=b"key", remember=self.remember)

    def body(self) -> str:
        """Return the body of its create, without a mark."""
        return json.dumps(self.action(None).body)


class Position(NamedTuple):
    """The state of a run: its variant, its history as a number, and the time until it wakes."""

    variant: int
    history: int
    wakes: float = 0.0


class State(NamedTuple):
    """The state of the world; times are relative to now."""

    runs: tuple[Position, ...]
    live: Records = ()
    past: tuple[tuple[float, Records], ...] = ()
    next_id: int = 1
    losses: int = 0
    crashes: int = 0
    theirs: bool = False
    pending: tuple[tuple[float, str, str], ...] = ()
    """Creates whose answers are lost already, and that take effect yet: until when, creator, body."""


@dataclass(kw_only=True)
class World:
    """What may happen.

    Args:
        variants: The runs.
        start: The body of the workflow, with the id 1, that all of them update; `None` where they create it.
        form: Returns the form in which the platform keeps a command.
        updates: The most updates of one run whose answers are not lost.
        edit: The body that somebody gives this workflow at any moment; `None` for nobody.
        losses: The most answers of writes that get lost, with or without an effect.
        crashes: The most runs that crash.
        theirs: The body of a workflow that somebody else creates at any moment; `None` for nobody.
        settle: The pauses between the reads of a run that wait for a write to show.
        list_lag: The seconds by which a list may lag.
        describe_lag: The seconds by which describing one workflow may lag.
        late: The seconds by which a create may take effect after its answer was lost.
        extremes: Whether a read that lags shows either now or the oldest moment, and none between.
    """

    variants: tuple[Variant, ...]
    start: str | None = None
    form: Callable[[str], str] = str
    updates: int = 2
    edit: str | None = None
    losses: int = 0
    crashes: int = 0
    theirs: str | None = None
    settle: tuple[float, ...] = (1.0,)
    list_lag: float = 1.0
    describe_lag: float = 0.0
    late: float = 0.0
    extremes: bool = False


class _Runs:
    """What each run does next, after each history."""

    def __init__(self, world: World) -> None:
        self._variants = world.variants
        self._settle = world.settle
        self._actions = [variant.action(world.start) for variant in world.variants]
        self._histories = Histories(self._played)

    def call(self, run: Position) -> Call:
        """Return the next call of a run; `("end", status, id)` when it is over."""
        return self._histories.call(run.variant, run.history)

    def after(self, run: Position, answer: Answer) -> Position:
        """Return a run after its call was answered; a sleep begins at once, and all ends are one."""
        later = Position(run.variant, self._histories.number(run.history, answer))
        call = self.call(later)
        if call[0] == "sleep":
            return later._replace(wakes=call[1]) if call[1] else self.after(later, ("slept",))
        return self.ended(run, call) if call[0] == "end" else later

    def ended(self, run: Position, call: Call) -> Position:
        """Return a run that ended in `call`."""
        return Position(run.variant, self._histories.ended(run.variant, call))

    def updates(self, run: Position) -> int:
        """Return how many updates of a run were answered."""
        return sum(answer[0] == "updated" for answer in self._histories.answers(run.history))

    def _played(self, variant: int, history: list[Answer]) -> Call:
        api: Any = _Played(history)
        policy = RetryPolicy(
            tries=3,
            backoff=0.0,
            settle=self._settle,
            sleep=api.sleep,
            monotonic=lambda: 0.0,
            wall=lambda: 0.0,
            random=lambda: 1.0,
        )
        marks = (f"0{'abc'[variant] * 6}{letter}" for letter in "abcdefgh")
        applier = Applier(api, self._variants[variant].options(), policy, marks=lambda: next(marks))
        try:
            result = applier.apply(self._actions[variant])
        except StoppedRun as stopped:
            return stopped.call
        except BlockedError as error:
            return ("end", "blocked", None, error.message)
        except ReconcilerError as error:
            return ("end", "failed", None, error.message)
        return ("end", result.status.value, result.id, result.error)


CRASHED: Final[Call] = ("end", "crashed", None, "")


class _Explorer(Model[State]):
    def __init__(self, world: World) -> None:
        self._world = world
        self._runs = _Runs(world)
        self._bodies = [self._kept(variant.body()) for variant in world.variants]
        self._unchanged: dict[tuple[int, str], bool] = {}

    def start(self) -> State:
        there = self._world.start
        live = () if there is None else ((1, THEIRS, there),)
        return State(runs=tuple(sorted(self._begun())), live=live, next_id=len(live) + 1)

    def steps(self, state: State) -> Iterator[Step]:
        for text, later in self._steps(state):
            yield Step(text, later, self._wrong_step(state, later))

    def _begun(self) -> Iterator[Position]:
        same: dict[Variant, int] = {}
        for number, variant in enumerate(self._world.variants):
            yield Position(same.setdefault(variant, number), 0)

    def _steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield every step from a state."""
        ready = False
        for index, run in enumerate(state.runs):
            if index and run == state.runs[index - 1]:
                continue  # the same run twice: one stands for both
            call = self._runs.call(run)
            if call[0] == "end" or run.wakes > 0:
                continue
            ready = True
            who = f"run {run.variant + 1}"
            for text, answer, after in self._answers(state, call, who):
                yield f"{who}: {text}", self._with(after, index, answer)
            if state.crashes < self._world.crashes:
                yield from self._crashes(state, index, call, who)
        running = ready or any(run.wakes > 0 for run in state.runs)
        if self._world.theirs is not None and not state.theirs and running:
            after = _created(state, THEIRS, self._world.theirs)._replace(theirs=True)
            yield f"somebody creates {state.next_id}", after
        if self._world.edit is not None and not state.theirs and running:
            yield "somebody edits 1", _updated(state, 1, THEIRS, self._world.edit)._replace(theirs=True)
        for one in state.pending:
            yield (
                "a lost create takes effect",
                _created(state, *one[1:])._replace(
                    pending=tuple(other for other in state.pending if other is not one)
                ),
            )
        wakes = min((run.wakes for run in state.runs if run.wakes > 0), default=None)
        if wakes is not None and all(until > wakes for until, *_ in state.pending):
            yield f"{wakes:g} s pass", self._later(state, wakes)

    def _with(self, state: State, index: int, answer: Answer) -> State:
        run = self._runs.after(state.runs[index], answer)
        return state._replace(runs=tuple(sorted([*state.runs[:index], run, *state.runs[index + 1 :]])))

    def _answers(self, state: State, call: Call, who: str) -> Iterator[tuple[str, Answer, State]]:
        """Yield each answer that a call may get, with the state of the world after it."""
        match call:
            case ("list", _):
                for live in self._views(state, self._world.list_lag, lambda live: [one[0] for one in live]):
                    yield f"list shows {live}", ("list", tuple(live)), state
            case ("describe", number):
                bodies = self._views(
                    state,
                    self._world.describe_lag,
                    lambda live: [one[2] for one in live if one[0] == number],
                )
                for body in bodies:
                    answer = ("describe", *body) if body else ("404",)
                    yield f"describe {number}" + ("" if body else " answers 404"), answer, state
            case ("create" | "delete" | "update", what, *_):
                shown = "create" if call[0] == "create" else f"{call[0]} {what}"
                answer, after = self._written(state, call, who)
                yield f"{shown} answers {answer}", answer, after
                if state.losses < self._world.losses:
                    for text, left in (("with", after), ("without", state)):
                        lost = left._replace(losses=state.losses + 1)
                        yield f"{shown}, answer lost, {text} effect", ("lost",), lost
                    if call[0] == "create" and self._world.late:
                        pending = (*state.pending, (self._world.late, who, what))
                        lost = state._replace(losses=state.losses + 1, pending=pending)
                        yield f"{shown}, answer lost, effect to come", ("lost",), lost
            case _:
                raise NotImplementedError(call)

    def _views(self, state: State, lag: float, of: Any) -> list[Any]:
        """Return what a read may show, now or at a moment within the lag."""
        views = [of(state.live)]
        shown = [live for until, live in state.past if until > -lag]
        for live in shown[:1] if self._world.extremes else shown:
            if (view := of(live)) not in views:
                views.append(view)
        return views

    def _crashes(self, state: State, index: int, call: Call, who: str) -> Iterator[tuple[str, State]]:
        crashed = state._replace(crashes=state.crashes + 1)
        yield f"{who}: crashes before {call[0]}", self._ended(crashed, index)
        if call[0] in {"create", "delete", "update"}:
            _, after = self._written(crashed, call, f"{who}, crashed")
            yield f"{who}: crashes in {call[0]}", self._ended(after, index)

    def _ended(self, state: State, index: int) -> State:
        run = self._runs.ended(state.runs[index], CRASHED)
        return state._replace(runs=tuple(sorted([*state.runs[:index], run, *state.runs[index + 1 :]])))

    def _later(self, state: State, seconds: float) -> State:
        runs = []
        for run in state.runs:
            passed = run._replace(wakes=max(0.0, run.wakes - seconds))
            woken = run.wakes > 0 and passed.wakes == 0
            runs.append(self._runs.after(passed, ("slept",)) if woken else passed)
        lag = max(self._world.list_lag, self._world.describe_lag)
        past = tuple((until - seconds, live) for until, live in state.past if until - seconds > -lag)
        pending = tuple((until - seconds, who, body) for until, who, body in state.pending)
        return state._replace(runs=tuple(sorted(runs)), past=past, pending=pending)

    def end(self, state: State) -> str:
        return ", ".join(sorted(str(self._runs.call(run)[1]) for run in state.runs))

    def _written(self, state: State, call: Call, who: str) -> tuple[Answer, State]:
        """Return the answer to a write, and the state after it."""
        match call:
            case ("create", body):
                return ("created", state.next_id), _created(state, who, self._kept(body))
            case ("update", number, body):
                return ("updated",), _updated(state, number, who, self._kept(body))
        live = tuple(one for one in state.live if one[0] != call[1])
        return (("404",), state) if live == state.live else (("deleted",), _changed(state, live))

    def _kept(self, text: str) -> str:
        """Return a body as the platform keeps it."""
        body = json.loads(text)
        step = body["steps"]["one"]
        return json.dumps({**body, "steps": {"one": {**step, "command": self._world.form(step["command"])}}})

    def _wrong_step(self, before: State, after: State) -> str:
        """Return what is wrong with a step; empty when nothing is."""
        gone = {one for one in before.live if one[1] == THEIRS} - set(after.live)
        if self._world.start is None:
            return f"a workflow of somebody else was deleted: {gone}" if gone else ""
        for run in Counter(after.runs) - Counter(before.runs):
            call = self._runs.call(run)
            if call[0] == "update" and self._runs.updates(run) >= self._world.updates:
                return f"run {run.variant + 1} writes more often than is needed"
            if call[:2] == ("end", "done") and not self._shows(after, run.variant):
                return f"run {run.variant + 1} says that it is done, and its value is not live"
        return ""

    def _shows(self, state: State, variant: int) -> bool:
        """Return whether the workflow has the command of a variant, now or within the lag of a read."""
        wanted = self._world.form(self._world.variants[variant].command)
        bodies = self._views(state, self._world.describe_lag, lambda live: [one[2] for one in live])
        return any(_command(body) == wanted for (body,) in bodies)

    def violation(self, state: State) -> str:
        """Return what is wrong at an end."""
        results = [(run.variant, *self._runs.call(run)[1:]) for run in state.runs]
        calm = len(results) == 1 and self._world.edit is None
        for variant, status, _, error in results:
            if status == "failed" and (calm or self._world.start is None):
                return f"run {variant + 1} failed: {error}"
        return self._twins(state, results) if self._world.start is None else self._learned(state)

    def _learned(self, state: State) -> str:
        """Return which run takes the value of another one for its own; empty for none."""
        ((_, _, body),) = state.live
        for number, variant in enumerate(self._world.variants):
            key = (number, body)
            if key not in self._unchanged:
                self._unchanged[key] = isinstance(variant.action(body), Unchanged)
            if self._unchanged[key] and _command(body) != self._world.form(variant.command):
                return f"run {number + 1} takes {_command(body)!r} for its own value"
        return ""

    def _twins(self, state: State, results: list[Any]) -> str:
        ids = {number: body for number, _, body in state.live}
        for variant, status, number, _ in results:
            if status == "done" and _without_mark(ids.get(number, "{}")) != self._bodies[variant]:
                return f"run {variant + 1} says that {number} is done, and it is not there as sent"
        if not ids and any(status != "crashed" for _, status, *_ in results):
            return "no workflow is left"
        ours = [one for one in state.live if one[1] != THEIRS]
        left = [one for one in ours if one[0] > min(ids)]
        abandoned = [one for one in left if one[1].endswith("crashed") or state.crashes]
        if len(left) > len(abandoned) or len(abandoned) > state.crashes:
            return f"twins: {[(number, creator) for number, creator, _ in state.live]}"
        return ""


def _command(body: str) -> str:
    return str(json.loads(body)["steps"]["one"]["command"])


def _without_mark(text: str) -> str:
    """Return a body as it is in a plan: the mark comes with the write."""
    body = json.loads(text)
    tags = [tag for tag in body.get("tags", []) if not is_digest_tag(tag)]
    return json.dumps({**body, "tags": tags} if "tags" in body else body)


def _updated(state: State, number: int, who: str, body: str) -> State:
    return _changed(
        state, tuple((one, who, body) if one == number else (one, *rest) for one, *rest in state.live)
    )


def _created(state: State, who: str, body: str) -> State:
    live = (*state.live, (state.next_id, who, body))
    return _changed(state, live)._replace(next_id=state.next_id + 1)


def _changed(state: State, live: Records) -> State:
    """Return a state whose workflows changed; what was live before may still show for a while."""
    before = tuple((number, "", body) for number, _, body in state.live)
    past = (entry for entry in state.past if entry[1] != before)
    return state._replace(live=live, past=tuple(sorted([*past, (0.0, before)])))


def explore(world: World) -> Explored:
    """Return what every interleaving in `world` comes to."""
    return search(_Explorer(world))
