"""A report as a value: its counts, and an entry for each workflow, for an HTML page and for a comment alike.

The texts are free of secrets, and not yet fit to be shown: each format makes them so.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from reconciler.render.change_lines import Line
from reconciler.workflow import StepGraph

TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("create", "resume", "done", "right only"), "good"),
    **dict.fromkeys(("delete", "blocked", "failed", "conflict", "before delete", "left only"), "bad"),
    **dict.fromkeys(
        ("update", "rename", "pause", "orphaned", "drift", "out-of-sync", "missing", "skipped", "left out"),
        "warn",
    ),
    **dict.fromkeys(("different", "before update", "changed", "overlapping", "paused"), "warn"),
}
"""How a word is coloured: as what comes or went well, as what goes or went wrong, or as what to look at."""


class Count(NamedTuple):
    """A number at the top of a report, by which entries are filtered: its word, and how many there are."""

    word: str
    number: int


class Fact(NamedTuple):
    """What is true of a whole report.

    Args:
        label: What it is, such as `Environment`.
        text: The rest.
        stands_out: Whether a reader must see it first, such as why everything is blocked.
    """

    label: str
    text: str
    stands_out: bool = False


class Remark(NamedTuple):
    """A reason, a warning, an error or a note about a workflow: what of these it is, and its text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """The steps of a workflow, and what changes in them.

    Args:
        before: The steps before; `None` for a new workflow.
        after: The steps after; `None` for one that goes away.
        changed: The steps that change.
    """

    before: StepGraph | None = None
    after: StepGraph | None = None
    changed: frozenset[str] = frozenset()

    @property
    def waits_before(self) -> Mapping[str, tuple[str, ...]]:
        """Each step before, and those that it waited for."""
        return self.before.parents if self.before else {}

    @property
    def waits_after(self) -> Mapping[str, tuple[str, ...]]:
        """Each step after, and those that it waits for."""
        return self.after.parents if self.after else {}

    @property
    def is_rewired(self) -> bool:
        """Whether a step comes or goes in a workflow that stays, or waits for others than before."""
        both = self.before is not None and self.after is not None
        return both and self.waits_before != self.waits_after

    @property
    def marks(self) -> dict[str, str]:
        """What becomes of each step that does not stay as it is: `added`, `removed` or `changed`."""
        if self.before is None or self.after is None:
            return {}
        old, new = set(self.waits_before), set(self.waits_after)
        return {
            **dict.fromkeys(sorted(self.changed & new), "changed"),
            **dict.fromkeys(sorted(new - old), "added"),
            **dict.fromkeys(sorted(old - new), "removed"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """A workflow.

    Args:
        name: Its name.
        word: What is done with it, or its state: one of the words that are counted.
        id: Its id, where it is known.
        place: Where its manifest is.
        facts: What else is shown next to its name.
        marks: What it is filtered by, too: where its differences come from, or that it failed.
        about: What a reader need not act on: the method, the steps of a new workflow.
        remarks: Reasons, warnings, errors and notes.
        changes: The lines of each change, of which the first one names its path.
        body: The lines of the body that is sent, where it is to be shown.
        steps: Its steps, where they are to be drawn.
        is_first: Whether it is read first: it is then open.
        list_under: The title of the list that names it in a comment, for a workflow about which there is
            nothing to decide; empty for any other.
    """

    name: str
    word: str
    id: int | None = None
    place: str = ""
    facts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    changes: tuple[tuple[Line, ...], ...] = ()
    body: tuple[str, ...] = ()
    steps: StepChange | None = None
    is_first: bool = False
    list_under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesInTurn:
    """Entries that are made while a format reads them, again each time: a report may have 10,000 long ones.

    Args:
        make: Makes them.
        words: Their words and marks.
    """

    make: Callable[[], Iterator[ReportEntry]]
    words: frozenset[str]

    def __iter__(self) -> Iterator[ReportEntry]:
        """Make each entry, and yield it."""
        return self.make()

    def __bool__(self) -> bool:
        """Return whether there is an entry: each has a word."""
        return bool(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """A report.

    Args:
        kind: The command that it is about, in one word: `plan`, `apply`, `diff`.
        title: What it is.
        summary: The result in one line.
        quotes: Whether the summary holds names from outside.
        facts: What is true of the whole.
        counts: The numbers that filter.
        origins: The number of differences by where they come from; empty if that is not known.
        entries: The workflows, those that are read first before the others.
        sides: What is before and what is after in a change.
        rest: Where to find what a comment has no room for.
    """

    kind: str
    title: str
    summary: str
    quotes: bool = False
    facts: tuple[Fact, ...] = ()
    counts: tuple[Count, ...] = ()
    origins: tuple[Count, ...] = ()
    entries: tuple[ReportEntry, ...] | EntriesInTurn = ()
    sides: tuple[str, str] = ("Live", "Git")
    rest: str = "The job's log has all of it."

    @property
    def words(self) -> frozenset[str]:
        """The words and marks of its entries, by which they are filtered."""
        if isinstance(self.entries, EntriesInTurn):
            return self.entries.words
        return frozenset(word for entry in self.entries for word in (entry.word, *entry.marks))

    def with_facts(self, *facts: Fact) -> ReportPage:
        """Return the same report with more facts, first."""
        return dataclasses.replace(self, facts=(*facts, *self.facts))


def joined_pages(
    pages: Mapping[str, ReportPage], summary: str, facts: tuple[Fact, ...], nothing: ReportPage
) -> ReportPage:
    """Return the reports of several environments as one, each workflow with its environment.

    Args:
        pages: The reports by the name of the environment.
        summary: The result of all in one line.
        facts: What is true of environments without a report.
        nothing: The report that is taken where there is none.
    """
    return dataclasses.replace(
        next(iter(pages.values()), nothing),
        summary=summary,
        quotes=True,
        facts=(*facts, *(fact for name, page in pages.items() for fact in _facts_of(name, page))),
        counts=_summed(page.counts for page in pages.values()),
        origins=_summed(page.origins for page in pages.values()),
        entries=EntriesInTurn(
            make=partial(_entries_of, pages),
            words=frozenset().union(*(page.words for page in pages.values())),
        ),
    )


def _entries_of(pages: Mapping[str, ReportPage]) -> Iterator[ReportEntry]:
    """Yield the entries of all reports, each with its environment."""
    for name, page in pages.items():
        for entry in page.entries:
            yield dataclasses.replace(entry, facts=(name, *entry.facts))


def _facts_of(environment: str, page: ReportPage) -> Iterator[Fact]:
    """Yield the result of an environment, then what is true of it."""
    yield Fact(environment, page.summary)
    for fact in page.facts:
        yield fact._replace(label=f"{environment}: {fact.label}")


def _summed(all_counts: Iterable[tuple[Count, ...]]) -> tuple[Count, ...]:
    numbers: Counter[str] = Counter()
    for counts in all_counts:
        numbers.update(dict(counts))
    return tuple(Count(word, number) for word, number in numbers.items())
