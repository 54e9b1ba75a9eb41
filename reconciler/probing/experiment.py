"""Experiment: a probe's writes and reads on a tenant, and what they showed.

The same experiment runs on a tenant and on an emulated one, so that what the two show can be compared. It
makes at most three workflows, reads and writes only those, and deletes each of them by its id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from reconciler.api import TenantWriter
from reconciler.client import (
    BaseHttpException,
    NotFoundException,
    UnauthorizedException,
)
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.probing.questions import (
    LONG_TAG,
    MANY_TAGS,
    Ids,
    Question,
    long_name,
    long_tag,
    many_tags,
    odd_name,
    other_questions,
    standard_questions,
)
from reconciler.values import JsonObject, as_list, as_object

LONGEST_LAG: Final = 10.0
"""The seconds after which a probe stops waiting for a write to show."""

_FIRST_PAUSE: Final = 0.04
_GROWTH: Final = 1.15
_RE_READS: Final = 3
_EXACT: Final = 1e-6
"""The seconds by which two measurements must differ for one to be more exact."""

_REFUSALS: Final = range(400, 500)


class Clock(Protocol):
    """The time, which an emulated tenant makes up."""

    def now(self) -> float:
        """Return the seconds since some moment."""

    def wait(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform made of one write.

    Args:
        status: The status with which it refused the write; zero when it accepted it.
        read_status: The status with which it refused to describe the workflow; zero when it did.
        view: The workflow as described; empty when either was refused.
    """

    status: int = 0
    read_status: int = 0
    view: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """When a write showed.

    Args:
        hidden: The seconds after it at which it was last not seen; zero when it was seen at once.
        seen: The seconds after it at which it was first seen.
    """

    hidden: float
    seen: float


@dataclass(slots=True)
class Observations:
    """What an experiment showed.

    Args:
        answers: The answer to each question, by its key.
        listed: What the list said of the probe's workflows, by what was asked.
        limits: The largest number that was accepted, of each limit that was found.
        delays: When a create showed in describe and in the list, and when an update showed, each as exactly
            as it was measured.
        order_varies: Whether the same workflow was described with its lists or keys in different orders.
        updated: The times of the last update that were returned after each write, in order.
        actions: Whether pausing, resuming and deleting did what they are documented to do.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    listed: JsonObject = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    delays: dict[str, Delay] = field(default_factory=dict)
    order_varies: bool = False
    updated: list[str] = field(default_factory=list)
    actions: dict[str, str] = field(default_factory=dict)


class Experiment:
    """One run of the questions.

    Args:
        api: The tenant.
        clock: Its time.
        name: How the names of the workflows begin.
        ids: Ids that the tenant has.
        on_question: Called with the number of each question before it is asked.
    """

    def __init__(
        self,
        api: TenantWriter,
        clock: Clock,
        name: str,
        ids: Ids,
        on_question: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._clock = clock
        self._name = name
        self._standard = {question.key: question for question in standard_questions(ids)}
        self._on_question = on_question
        self._number = 0
        self._made: list[int] = []
        self.observations = Observations()

    def run(self) -> Observations:
        """Ask every question, delete what was made, and return what was seen.

        Raises:
            ReconcilerError: The tenant cannot be read or written; what was made is deleted where possible.
        """
        try:
            self._ask_all()
        finally:
            self._delete_all()
        return self.observations

    def _ask_all(self) -> None:
        first, *others = self._standard.values()
        name = f"{self._name}-a"
        workflow = self._create(first, name)
        if workflow is None:
            raise UnexpectedAnswerError(
                f"the tenant refuses a plain workflow with {self.observations.answers[first.key].status}",
                hint="Check that the token may create workflows.",
            )
        for question in others:
            self._update(workflow, question, name)
        self._re_read(workflow)
        plain = self._standard["plain-again"]
        self._bisect(workflow, name, plain, "tag-length", long_tag, len(LONG_TAG))
        self._bisect(workflow, name, plain, "tag-count", many_tags, MANY_TAGS)
        self._act(workflow)
        self._ask_about_names(first, name)
        self._ask_about_other_steps()
        self._list()

    def _ask_about_names(self, plain: Question, taken: str) -> None:
        workflow = self._create(_renamed(plain, "odd-name"), odd_name(f"{self._name}-b"))
        if workflow is not None:
            self._update(workflow, _renamed(plain, "long-name"), long_name(f"{self._name}-b"))
            self._update(workflow, _renamed(plain, "taken-name"), taken)

    def _ask_about_other_steps(self) -> None:
        first, *others = other_questions()
        name = f"{self._name}-c"
        workflow = self._create(first, name)
        for question in others:
            if workflow is None:
                workflow = self._create(question, name)
            else:
                self._update(workflow, question, name)

    def _create(self, question: Question, name: str) -> int | None:
        body, mark = self._body(question, name)
        start = self._clock.now()
        try:
            workflow = int(str(self._api.create_workflow(body)["id"]))
        except BaseHttpException as error:
            self.observations.answers[question.key] = Answer(status=_refusal(error))
            return None
        self._made.append(workflow)
        first = not self.observations.answers
        self.observations.answers[question.key] = self._settled(workflow, mark, start, created=True)
        if first:
            self._measure_list(workflow, start)
        return workflow

    def _update(self, workflow: int, question: Question, name: str) -> Answer:
        body, mark = self._body(question, name)
        start = self._clock.now()
        try:
            self._api.update_workflow(workflow, body)
        except BaseHttpException as error:
            answer = Answer(status=_refusal(error))
        else:
            answer = self._settled(workflow, mark, start, created=False)
        self.observations.answers[question.key] = answer
        return answer

    def _body(self, question: Question, name: str) -> tuple[JsonObject, str]:
        """Return the body that asks, and the name of the step that shows that it was written."""
        self._number += 1
        self._on_question(self._number)
        body = question.body(name, self._number)
        return body, list(as_object(body["steps"]))[-1]

    def _settled(self, workflow: int, mark: str, start: float, *, created: bool) -> Answer:
        """Return what describe answers once it shows a write, and note when it did.

        Raises:
            UnexpectedAnswerError: It does not within `LONGEST_LAG`.
        """
        hidden = 0.0
        for asked in self._moments(start):
            answer = self._described(workflow)
            if answer.read_status not in {0, 404} or mark in as_object(answer.view.get("steps")):
                if not answer.read_status:
                    self._note_delay("create" if created else "update", hidden, start)
                updated = answer.view.get("updatedAt")
                if isinstance(updated, str):
                    self.observations.updated.append(updated)
                return answer
            hidden = asked
        raise UnexpectedAnswerError(
            f"workflow {workflow} does not show a write within {LONGEST_LAG:g} seconds",
            hint="The probe's workflows are deleted; try again later.",
        )

    def _note_delay(self, kind: str, hidden: float, start: float) -> None:
        """Keep when a write showed, if that is the most exact measurement of its kind."""
        delay, before = (
            Delay(hidden=hidden, seen=self._clock.now() - start),
            self.observations.delays.get(kind),
        )
        if before is None or delay.seen - delay.hidden < before.seen - before.hidden - _EXACT:
            self.observations.delays[kind] = delay

    def _moments(self, start: float) -> Iterator[float]:
        """Yield the seconds since `start`, with pauses that grow, until `LONGEST_LAG` is over."""
        pause = _FIRST_PAUSE
        while (elapsed := self._clock.now() - start) < LONGEST_LAG:
            yield elapsed
            self._clock.wait(pause)
            pause = max(pause, (self._clock.now() - start) * (_GROWTH - 1))

    def _described(self, workflow: int) -> Answer:
        try:
            return Answer(view=self._api.describe_workflow(workflow))
        except NotFoundException:
            return Answer(read_status=404)
        except BaseHttpException as error:
            return Answer(read_status=_refusal(error))

    def _measure_list(self, workflow: int, start: float) -> None:
        hidden = 0.0
        for asked in self._moments(start):
            if any(item.get("id") == workflow for item in self._found(self._name)):
                self._note_delay("list", hidden, start)
                return
            hidden = asked

    def _found(self, term: str) -> Iterable[JsonObject]:
        page = self._api.list_workflows(page_size=100, page_number=1, name=term, return_iterator=False)
        return [as_object(item) for item in as_list(page["workflows"])]

    def _re_read(self, workflow: int) -> None:
        """Write what has lists and maps, and read it several times."""
        again = _renamed(self._standard["variables"], "variables-again")
        self._update(workflow, again, f"{self._name}-a")
        read = [self._described(workflow).view for _ in range(_RE_READS)]
        texts = {json.dumps(as_object(view.get("steps"))) for view in read}
        self.observations.order_varies = len(texts) > 1

    def _bisect(  # noqa: PLR0913, PLR0917 - what is asked, and how far
        self,
        workflow: int,
        name: str,
        plain: Question,
        limit: str,
        top: Callable[[int], JsonObject],
        highest: int,
    ) -> None:
        """Ask for the largest number that is accepted, where `highest` is refused."""

        def ask(number: int) -> Answer:
            key = limit if number == highest else f"{limit}-{number}"
            return self._update(workflow, Question(key=key, top=top(number), step=plain.step), name)

        if not ask(highest).status:
            return
        accepted, refused = 0, highest
        while refused - accepted > 1:
            middle = (accepted + refused) // 2
            if ask(middle).status:
                refused = middle
            else:
                accepted = middle
        self.observations.limits[limit] = accepted

    def _act(self, workflow: int) -> None:
        """Pause and resume a workflow, and read each time."""
        for action, act, expected in (
            ("pause", self._api.pause_workflow, {"Paused"}),
            ("resume", self._api.resume_workflow, {"Available", "Draft"}),
        ):
            try:
                act(workflow)
            except BaseHttpException as error:
                self.observations.actions[action] = f"refused with {_refusal(error)}"
                continue
            self.observations.actions[action] = "not seen"
            for _ in self._moments(self._clock.now()):
                if str(self._described(workflow).view.get("status")) in expected:
                    self.observations.actions[action] = "as documented"
                    break

    def _list(self) -> None:
        """Read the list in pages of one, once it shows all of the probe's workflows."""
        for _ in self._moments(self._clock.now()):
            if {item.get("id") for item in self._found(self._name)} >= set(self._made):
                break
        page = self._api.list_workflows(page_size=1, page_number=1, name=self._name, return_iterator=False)
        self.observations.listed = {
            "made": len(self._made),
            "pageCount": page.get("pageCount"),
            "workflowsCount": page.get("workflowsCount"),
        }

    def _delete_all(self) -> None:
        """Delete every workflow that was made; the first error is raised after the last one was tried."""
        failed: ReconcilerError | None = None
        for workflow in list(self._made):
            try:
                self._api.delete_workflow(workflow)
                self.observations.actions["delete"] = "as documented"
            except NotFoundException:
                self._made.remove(workflow)
            except UnauthorizedException:
                raise
            except ReconcilerError as error:
                failed = failed or error
            else:
                self._made.remove(workflow)
        if failed is not None:
            raise failed


def _refusal(error: BaseHttpException) -> int:
    """Return the status of a refusal.

    Raises:
        BaseHttpException: It is not about what was sent.
    """
    if error.status not in _REFUSALS or error.status in {401, 403, 408, 429}:
        raise error
    return error.status


def _renamed(question: Question, key: str) -> Question:
    return Question(key=key, top=question.top, step=question.step, parent=question.parent)
