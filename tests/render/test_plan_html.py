"""A plan as HTML: one file that loads nothing, in which text from outside stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from processes import clear_environment

from reconciler.cli import main
from reconciler.emulator.server import EmulatorServer
from reconciler.environments import EnvironmentResult
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.plan import Plan
from reconciler.render import ReportPage, environments_page, html_report, plan_page
from reconciler.render.change_lines import Line
from reconciler.render.report_as_html import Cell, Row, side_by_side
from reconciler.render.report_page import Count, EntriesInTurn, ReportEntry, StepChange
from reconciler.render.step_graph_as_svg import MOST_STEPS, graph_svg
from reconciler.secrecy import Redactor
from reconciler.workflow import Listed, StepGraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LISTED = Listed(id=3, name="gone")
_HOSTILE = "<img src=x onerror=alert(1)>\u202e"
_LONG = "\n".join(f"echo {number}" for number in range(30))


class _Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _step(command: str, **more: Any) -> dict[str, Any]:
    return {"type": "standard", "imageId": 1, "imageVersionId": 2, "command": command, **more}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the page of a plan that creates, updates and hides."""
    clear_environment(monkeypatch, tmp_path)
    folder = tmp_path / "workflows"
    folder.mkdir()
    wanted = {
        "one": {
            "name": "train",
            "steps": {
                "load": _step(
                    _LONG.replace("echo 7\n", "echo seven\n").replace("echo 23\n", "curl x | sh\n")
                ),
                "new": _step("c", parents=["load"]),
            },
        },
        "two": {"name": _HOSTILE.rstrip("\u202e"), "steps": {"a": _step(_HOSTILE)}},
    }
    for name, body in wanted.items():
        (folder / f"{name}.json").write_text(json.dumps(body))
    with EmulatorServer(token=None) as server:
        server.store.create(
            {"name": "train", "steps": {"load": _step(_LONG), "old": _step("b", parents=["load"])}}
        )
        monkeypatch.setenv("PEAK_API_URL", server.url)
        monkeypatch.setenv("PEAK_AUTH_TOKEN", "anything")
        with pytest.raises(SystemExit) as ended:
            main(["plan", str(folder), "--output", f"html={tmp_path / 'plan.html'}"])
    assert ended.value.code == 0
    return (tmp_path / "plan.html").read_text(encoding="utf-8")


def test_text_from_outside_is_never_markup(page: str) -> None:
    """A name and a value that look like HTML stay text, and no character turns it around."""
    read = _Page(page)
    assert "img" not in {tag for tag, _ in read.elements}
    assert "<img src=x onerror=alert(1)>" in "".join(read.words)
    assert "\u202e" not in page


def test_the_page_loads_nothing(page: str) -> None:
    """No element refers to anything outside of the file, and the policy of the page forbids it."""
    read = _Page(page)
    assert not [
        value
        for _, attributes in read.elements
        for key, value in attributes.items()
        if key in {"src", "href"}
    ]
    (policy,) = [
        attributes["content"] for tag, attributes in read.elements if "http-equiv" in attributes and tag
    ]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert "@import" not in page
    assert "url(" not in page


def test_every_changed_line_is_shown(page: str) -> None:
    """Both changes of a long command are side by side, with the steps before and after."""
    cells = re.findall(r'<td class="(\w+)">([^<]*)</td>', re.sub("</?mark>", "", page))
    assert ("del", "echo 7") in cells
    assert ("add", "echo seven") in cells
    assert ("add", "curl x | sh") in cells
    assert page.count("<svg") == 3
    assert '<g class="added"><title>new</title>' in page
    assert '<g class="removed"><title>old</title>' in page
    assert "1 to create, 1 to update" in page


def test_rows_pair_what_goes_with_what_comes() -> None:
    """A block of removed lines is next to the block that replaces it; the longer side has empty cells."""
    lines = [
        Line(" ", "a"),
        Line("-", "b"),
        Line("-", "c"),
        Line("+", "d"),
        Line("#", "line 9:"),
        Line("+", "e"),
    ]
    assert list(side_by_side(lines)) == [
        Row(Cell("same", "a"), Cell("same", "a")),
        Row(Cell("del", "b"), Cell("add", "d")),
        Row(Cell("del", "c"), Cell("none", "")),
        Row(Cell("hunk", "line 9:"), Cell("hunk", "")),
        Row(Cell("none", ""), Cell("add", "e")),
    ]


def test_what_differs_in_a_line_is_marked() -> None:
    """Of two lines that are nearly equal, the part that differs is marked; of others, nothing."""
    (row,) = side_by_side([Line("-", "python render.py --days 30"), Line("+", "python render.py --days 7")])
    assert row == Row(
        Cell("del", "python render.py --days ", "30", ""), Cell("add", "python render.py --days ", "7", "")
    )
    (row,) = side_by_side([Line("-", "echo old"), Line("+", "curl x | sh")])
    assert row == Row(Cell("del", "echo old"), Cell("add", "curl x | sh"))


def test_drawing() -> None:
    """Each step has a box, each edge a line; a graph that is too large to read is not drawn."""
    graph = StepGraph.of_parents({"a": [], "b": ["a"], 'c"<': ["a", "b"]})
    steps = StepChange(before=StepGraph.of_parents({"a": []}), after=graph, changed=frozenset("a"))
    drawing = graph_svg(graph, steps.marks, "x")
    assert (drawing.count("<rect"), drawing.count('class="edge"')) == (3, 3)
    assert drawing.count('class="added"') == 2
    assert drawing.count('class="changed"') == 1
    assert 'c"<' not in drawing
    many = StepGraph.of_parents({str(number): [] for number in range(MOST_STEPS + 1)})
    assert graph_svg(many, {}, "x") == ""
    assert graph_svg(StepGraph.of_parents({"a": ["b"], "b": ["a"]}), {}, "x").count("<rect") == 2


def test_several_environments_are_one_page() -> None:
    """The plans of several environments are on one page, each workflow with its environment."""
    plan = Plan(actions=(), orphaned=(_LISTED,))
    results = [EnvironmentResult(environment=name, value=plan) for name in ("dev", "prod")]
    failed: EnvironmentResult[Plan] = EnvironmentResult(
        environment="test", error=InvalidInputError("no token"), exit_code=ExitCode.INVALID
    )
    report = environments_page(
        [*results, failed],
        lambda value, name: plan_page(value, Redactor(), environment=name),
        lambda plans: f"{len(plans)} plans",
        ReportPage(kind="plan", title="Plan", summary=""),
    )
    page = "".join(html_report(report))
    assert page.count('<span class="fact">prod</span>') == 1
    assert "<b>2</b> orphaned" in page
    assert "Total of 3 environments: 2 plans. 1 failed: test." in page
    assert "<dt>dev</dt><dd>No changes." in page
    assert "test: error</dt>" in page
    assert "no token</dd>" in page


def test_entries_are_made_while_the_page_is_written() -> None:
    """A page is written entry by entry: the first one is out before the second one is made."""
    made: list[str] = []

    def make() -> Iterator[ReportEntry]:
        for name in ("first", "second"):
            made.append(name)
            yield ReportEntry(name=name, word="create")

    entries = EntriesInTurn(make=make, words=frozenset({"create"}))
    pieces = html_report(
        ReportPage(kind="plan", title="Plan", summary="", counts=(Count("create", 2),), entries=entries)
    )
    assert any("first" in piece for piece in iter(lambda: next(pieces), "second"))
    assert made == ["first"]
    assert "second" in "".join(pieces)
    assert made == ["first", "second"]


def test_the_words_of_a_plan_are_those_of_its_entries() -> None:
    """A page filters by the words of its entries, which are known before those are made."""
    plan = Plan(actions=(), orphaned=(_LISTED,), unmanaged=(_LISTED,))
    page = plan_page(plan, Redactor())
    assert page.words == {entry.word for entry in page.entries} == {"orphaned", "unmanaged"}
    assert not plan_page(Plan(actions=()), Redactor()).entries
