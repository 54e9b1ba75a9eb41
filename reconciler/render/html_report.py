"""A report as one self-contained HTML file: counts, a filter, and an entry for each workflow.

The page loads nothing and sends nothing: its policy allows only its own style and script. Every text from
outside is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.render.change_lines import Line
from reconciler.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE: Final = "report.html.j2"


class Count(NamedTuple):
    """A number at the top of a report, which filters its entries: its word, and how many there are."""

    word: str
    number: int


class Row(NamedTuple):
    """A row of a side-by-side diff: the class of each side (`del`, `add`, `same` or `none`), and its text."""

    left: str
    before: str
    right: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one field.

    Args:
        head: The line with its path.
        sign: The sign of that line.
        rows: The diff of a long value.
    """

    head: str
    sign: str
    rows: tuple[Row, ...] = ()

    @staticmethod
    def of_lines(lines: Sequence[Line]) -> Change:
        """Return a change from its lines, of which the first one names its path."""
        head, *rest = lines
        return Change(head=printable(head.text), sign=head.sign, rows=tuple(side_by_side(rest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """A workflow.

    Args:
        name: Its name.
        word: What is done with it, or its state: the word that the filter goes by.
        facts: What is shown next to the name: the id, the place of the manifest.
        remarks: Reasons, warnings and notes.
        changes: Its changes.
        drawings: Step graphs as SVG, each with its title.
    """

    name: str
    word: str
    facts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    drawings: tuple[tuple[str, str], ...] = ()


def html_report(
    title: str,
    summary: str,
    counts: Iterable[Count],
    entries: Iterable[ReportEntry],
    facts: Iterable[str] = (),
) -> str:
    """Return a report as HTML.

    Args:
        title: The title of the page.
        summary: The result in one line.
        counts: The numbers that filter.
        entries: The workflows, in order.
        facts: What else is true of the whole: the environment, a refusal.
    """
    return _template().render(
        title=printable(title),
        summary=printable(summary),
        counts=[count for count in counts if count.number],
        entries=list(entries),
        facts=[printable(fact) for fact in facts],
    )


def side_by_side(lines: Iterable[Line]) -> Iterator[Row]:
    """Yield the rows of a unified diff, what is removed next to what replaces it."""
    removed: list[str] = []
    added: list[str] = []
    for line in lines:
        text = printable(line.text)
        if line.sign == "-" and not added:
            removed.append(text)
        elif line.sign == "+":
            added.append(text)
        else:
            yield from _paired(removed, added)
            removed, added = ([text], []) if line.sign == "-" else ([], [])
            if line.sign == " ":
                yield Row("same", text, "same", text)
            elif line.sign != "-":
                yield Row("hunk", text, "hunk", "")
    yield from _paired(removed, added)


def _paired(removed: Sequence[str], added: Sequence[str]) -> Iterator[Row]:
    for number in range(max(len(removed), len(added))):
        left = ("del", removed[number]) if number < len(removed) else ("none", "")
        right = ("add", added[number]) if number < len(added) else ("none", "")
        yield Row(*left, *right)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only for this format

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
