"""A plan as Markdown: bounded, deletes first, and whatever names and values say stays text."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_reader import RenderedMarkdown, read_markdown
from strategies import LAWS

from reconciler.manifests.documents import Document
from reconciler.manifests.manifest import ReconcileSettings, Source, WorkflowManifest
from reconciler.plan import (
    Action,
    Blocked,
    BlockedDelete,
    Create,
    Delete,
    Desired,
    Method,
    Plan,
    SetPaused,
    Unchanged,
    Update,
)
from reconciler.render import LEAST, LIMIT, markdown_report, plan_gitlab, plan_page
from reconciler.render.report_as_markdown import marker
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.values import ABSENT, Packed
from reconciler.workflow import Body, FieldChange, Listed, Live, Origin, Ownership, PackedChanges

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=pwned>",
    "<!-- peak-reconciler:plan -->",
    "-->",
    "</details>",
    "</code></pre>",
    "[pwned](https://pwned.example)",
    "![pwned](https://pwned.example/x.png)",
    "https://pwned.example www.pwned.example pwned@example.com",
    "@pwned @org/pwned #1 GH-1 org/pwned#2 !3 &4 ~pwned %5 $6",
    "fixes #1",
    "/close",
    "\n/close\n",
    "\r\n\r\n# pwned\n\n",
    "`",
    "``",
    "`" * 9,
    "`" * 80,
    "`" * 81,
    "\n```\n@pwned\n",
    "~~~",
    "| a | b |",
    "\n|---|---|\n",
    "&lt;pwned&gt; &#60;pwned&#62;",
    "**pwned** _pwned_ ~~pwned~~ :pwned:",
    "\n::error::pwned",
    "##[error]pwned",
    "$`pwned`$ $$pwned$$",
    "\\",
    " ",
    "\u2028\u202e\x1b[31m\x00\ud800",
    "- [ ] pwned",
    "> [!CAUTION]",
    "[[_TOC_]]",
    "<details open><summary>pwned</summary>",
]


MARKER = marker("plan")

hostile = st.lists(st.sampled_from(NASTY) | st.text(max_size=5), min_size=1, max_size=4).map("".join)


def plan_markdown(plan: Plan, redactor: Redactor, *, limit: int = LIMIT, **options: Any) -> str:
    """Return a plan as a comment."""
    return markdown_report(plan_page(plan, redactor, **options), limit)


def _manifest(name: str, file: str = "a.yaml") -> WorkflowManifest:
    document = Document(file=file, text="name: x\n", index=0)
    source = Source(document=document, base=())
    return WorkflowManifest(
        name=name, packed=Packed.of({}), settings=ReconcileSettings(), source=source, sensitive=frozenset()
    )


def _live(name: str, number: int = 7) -> Live:
    return Live(id=number, name=name, body=Body({}))


def _delete(name: str, *warnings: str) -> Delete:
    return Delete(live=_live(name), warnings=warnings)


def _update(name: str, *changes: FieldChange, warnings: tuple[str, ...] = (), file: str = "a.yaml") -> Update:
    return Update(
        manifest=_manifest(name, file),
        live=_live(name),
        desired=_desired({"name": name}),
        packed_body=Packed.of({"name": name}),
        method=Method.PATCH,
        reason="values are only added or changed",
        changes=changes,
        warnings=warnings,
    )


def _desired(body: Any) -> Desired:
    return Desired(manifest=_manifest(body["name"]), body=Body(body))


def _create(name: str, *steps: str) -> Create:
    desired = {"name": name, "steps": dict.fromkeys(steps)}
    return Create(
        manifest=_manifest(name),
        desired=_desired(desired),
        packed_body=Packed.of(desired),
        packed_changes=PackedChanges(()),
    )


def _unchanged(name: str, *notes: str) -> Unchanged:
    return Unchanged(manifest=_manifest(name), id=_live(name).id, notes=notes)


def _change(path: str, before: object, after: object, *, sensitive: bool = False) -> FieldChange:
    return FieldChange(path=(path,), before=before, after=after, sensitive=sensitive)  # type: ignore[arg-type]


def _markdown(*actions: Action, limit: int = LIMIT, **plan: object) -> str:
    return plan_markdown(Plan(actions=actions, **plan), Redactor(), limit=limit)  # type: ignore[arg-type]


def _read(markdown: str) -> RenderedMarkdown:
    """Read it, and see what holds for any plan: our markup, our words, no line that steers anything."""
    read = read_markdown(markdown)
    read.assert_plan_markup()
    assert markdown.splitlines()[0] == MARKER
    assert [line for line in markdown.split("\n") if line.lstrip().startswith(("/", "::", "@"))] == []
    return read


def test_it_reads_well() -> None:
    """Deletes come first, then blocked workflows, then the rest by name; unchanged ones are collapsed."""
    shown = _markdown(
        _create("new", "load", "train"),
        _unchanged("same", "its token is write-only"),
        _update(
            "scoring",
            _change("command", "a", "b"),
            _change("tags", ABSENT, [1]),
            _change("env", {"A": "1"}, ABSENT),
            warnings=("the webhook goes away",),
        ),
        BlockedDelete(live=_live("kept"), reason="it is protected"),
        _delete("old"),
        SetPaused(manifest=_manifest("paused"), live=_live("paused"), paused=True, changes=()),
        unmanaged=(Listed(id=9, name="someone's", ownership=Ownership(owners=frozenset({"b"}))),),
    )
    assert shown == (
        "<!-- peak-reconciler:plan -->\n"
        "### Plan: 1 to create, 1 to update, 1 to delete, 1 to pause, 1 unchanged, 1 blocked.\n\n"
        "Changes: `live now → what apply writes`\n\n"
        "| create | update | delete | pause | unchanged | blocked | unmanaged |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| 1 | 1 | 1 | 1 | 1 | 1 | 1 |\n\n"
        "**delete** `old` (id 7)\n\n"
        "<details open><summary><b>blocked</b> <code>kept</code> (id 7)</summary>\n\n"
        "- **Reason:** `it is protected`\n\n</details>\n\n"
        "<details><summary><b>create</b> <code>new</code> in <code>a.yaml:1</code></summary>\n\n"
        "```diff\n# 2 steps: load, train\n```\n\n</details>\n\n"
        "<details><summary><b>update</b> <code>scoring</code> (id 7) in <code>a.yaml:1</code></summary>\n\n"
        "- **Warning:** `the webhook goes away`\n\n"
        "```diff\n# by patch: values are only added or changed\n"
        '! command: "a" → "b"\n+ tags: added [1]\n- env: removed (was {"A":"1"})\n```\n\n</details>\n\n'
        "**pause** `paused` (id 7) in `a.yaml:1`\n\n"
        "<details><summary>1 unmanaged</summary>\n\n"
        "- `someone's` (id 9): `owned by b`\n\n</details>\n"
        "<details><summary>1 unchanged</summary>\n\n- `same` (id 7): `its token is write-only`\n\n</details>"
    )
    _read(shown)


def test_no_changes() -> None:
    """A plan without changes says so, and names the environment."""
    plan = Plan(actions=(_unchanged("a"),))
    shown = plan_markdown(plan, Redactor(), environment="prod")
    assert "### No changes. 1 workflow matches Git.\n\nEnvironment: `prod`\n" in shown
    _read(shown)


def test_a_refused_plan_says_why() -> None:
    """The reason that blocks the whole plan is at its top."""
    shown = _markdown(_delete("a"), refusal="4 deletes, and 3 are allowed")
    assert "\n\n**Blocked:** `4 deletes, and 3 are allowed`\n" in shown
    _read(shown)


def test_secrets_are_not_shown() -> None:
    """A sensitive value shows only that it changed; a known secret is removed, except from names."""
    changes = (
        _change("token", "old-secret", "new-secret", sensitive=True),
        _change("command", "a", "x kn0wn-7"),
    )
    plan = Plan(actions=(_update("a", *changes), _delete("gone-kn0wn-7")), refusal="kn0wn-7 is wrong")
    shown = plan_markdown(plan, Redactor.of(["kn0wn-7"]), bodies=True, environment="prod")
    assert "secret" not in shown
    assert shown.count("kn0wn-7") == 1
    assert "**delete** `gone-kn0wn-7`" in shown
    assert "! token: changed (sensitive)\n" in shown
    assert '! command: "a" → "x (sensitive)"\n' in shown


@pytest.mark.parametrize("nasty", NASTY)
def test_each_nasty_name_stays_text(nasty: str) -> None:
    """Each hostile text is shown as it is, wherever it comes from, and is nothing but text."""
    shown = plan_markdown(_everywhere(nasty), Redactor(), bodies=True, environment=nasty)
    codes = _read(shown).codes
    shown_text = printable(nasty)
    longest = max((len(run) for run in shown_text.split() if set(run) == {"`"}), default=0)
    if longest <= 8:
        assert shown_text in codes
    assert "pwned" not in nasty or any("pwned" in each for each in codes)


@LAWS
@given(hostile, st.integers(LEAST, 20_000))
def test_hostile_texts_stay_text(text: str, limit: int) -> None:
    """Whatever a text says, and wherever it is cut, it is nothing but text."""
    shown = plan_markdown(_everywhere(text), Redactor(), bodies=True, environment=text, limit=limit)
    _read(shown)
    assert len(shown.encode()) < limit


def _everywhere(text: str) -> Plan:
    """Return a plan that has `text` in every place that is not ours."""
    return Plan(
        actions=(
            _delete(text, text),
            BlockedDelete(live=_live(text), reason=text, warnings=(text,)),
            Blocked(manifest=_manifest(text, text), reason=text),
            _create(text, text, f"{text}2"),
            _update(
                text,
                _change(text, text, f"{text} "),
                _change(text, ABSENT, {text: text}),
                _change(text, [text], ABSENT),
                _change(text, text, text, sensitive=True),
                warnings=(text,),
                file=text,
            ),
            _unchanged(text, text),
        ),
        unmanaged=(Listed(id=1, name=text, ownership=Ownership(owners=frozenset({text}))),),
        refusal=text,
    )


@LAWS
@given(
    st.integers(0, 40), st.integers(0, 60), st.integers(0, 60), st.integers(0, 30), st.integers(LEAST, 30_000)
)
def test_the_bound_holds(deletes: int, updates: int, same: int, fields: int, limit: int) -> None:
    """It never takes more bytes than allowed; counts stay, deletes are named, and what is cut is counted."""
    changes = [_change(f"field-{number}", "ä" * 50, "ö" * 50) for number in range(fields)]
    shown = _markdown(
        *(_delete(f"old-{number}") for number in range(deletes)),
        *(_update(f"flow-{number}", *changes, warnings=("careful",)) for number in range(updates)),
        *(_unchanged(f"same-{number}") for number in range(same)),
        limit=limit,
    )
    assert len(shown.encode()) < limit
    codes = _read(shown).codes
    if deletes:
        assert f"{deletes} to delete" in shown.splitlines()[1]
    assert [f"old-{number}" for number in range(deletes) if f"old-{number}" not in codes] == []
    wholes = shown.count("field-") == updates * fields and shown.count("# by patch") == updates
    listed = shown.count("`same-") == same
    assert ("**Cut to fit:**" in shown) != (wholes and listed)


def test_what_is_cut_is_counted() -> None:
    """Names go before fields: of a thousand updates all that fit are named, and the rest is counted."""
    changes = [_change("command", "a" * 100, "b" * 100)]
    actions = [_update(f"flow-{number:04}", *changes) for number in range(3000)]
    shown = _markdown(_delete("old"), *actions, _unchanged("same"))
    named = shown.count("**update**")
    assert 1000 < named < 3000
    assert (
        f"> **Cut to fit:** {named} shown in part, {3000 - named} omitted (0 of them deletes), "
        "lists shortened. The job's log has the whole plan, and `plan` with the same paths "
        "and options shows it."
        "\n\n**delete** `old`"
    ) in shown
    assert "### Plan: 3000 to update, 1 to delete, 1 unchanged." in shown
    assert LIMIT - 500 < len(shown.encode()) < LIMIT


def test_too_many_deletes_are_counted() -> None:
    """Where not even the deletes fit, the number of omitted ones is shown."""
    shown = _markdown(*(_delete(f"{number:04}" + "x" * 500) for number in range(2000)))
    named = shown.count("**delete**")
    assert f"{2000 - named} omitted ({2000 - named} of them deletes)" in shown
    assert "### Plan: 2000 to delete." in shown
    assert len(shown.encode()) < LIMIT


def test_many_fields_of_one_workflow_are_cut() -> None:
    """One workflow with many changes is shown as far as there is room."""
    changes = [_change(f"field-{number}", "a", "b") for number in range(5000)]
    shown = _markdown(_update("flow", *changes))
    shown_fields = shown.count("\n! field-")
    assert 1000 < shown_fields < 5000
    assert f"\n# and {5000 - shown_fields} more\n```" in shown


def _rewired(before: dict[str, list[str]], after: dict[str, list[str]]) -> Update:
    """Return an update after which steps wait for others than before."""
    graphs = [
        Body({"steps": {name: {"parents": parents} for name, parents in graph.items()}})
        for graph in (before, after)
    ]
    change = FieldChange(path=("steps", next(iter(after)), "command"), before="a", after="b")
    return dataclasses.replace(
        _update("flow", change),
        live=Live(id=7, name="flow", body=graphs[0]),
        desired=Desired(manifest=_manifest("flow"), body=graphs[1]),
    )


def test_an_unchanged_line_cannot_end_the_block() -> None:
    """A fence, or a command to a code host, in an unchanged line of a script stays in the block of code."""
    for line in ("```", "  ```", "~~~", "/close", "@pwned", "# pwned", "::error::pwned"):
        before, after = (f"{line}\necho {word}\n{line}" for word in ("old", "new"))
        shown = _markdown(_update("flow", _change("command", before, after)))
        (changed,) = [code for code in _read(shown).codes if "echo new" in code]
        assert f"· {line}\n- echo old\n+ echo new\n· {line}\n" in changed


def test_steps_in_another_order_are_drawn() -> None:
    """One graph has the steps and edges before and after: what comes, what goes and what changes."""
    before = {"load": [], "old": ["load"], "fit": ["load", "old"]}
    after = {"load": [], "check": ["load"], "fit": ["load", "check"]}
    shown = _markdown(_rewired(before, after))
    drawn = shown[shown.index("```mermaid") : shown.index("\n\n</details>")]
    assert drawn.split("\n  classDef")[0] == (
        "```mermaid\n"
        "flowchart LR\n"
        '  s0["load (changed)"]:::changed\n'
        '  s1["check (added)"]:::added\n'
        '  s2["fit"]\n'
        '  s3["old (removed)"]:::removed\n'
        "  s0 --> s1\n"
        "  s1 --> s2\n"
        "  s0 --> s2\n"
        "  s3 -.-> s2\n"
        "  s0 -.-> s3\n"
        "  linkStyle 0 stroke:#116329\n"
        "  linkStyle 1 stroke:#116329\n"
        "  linkStyle 3 stroke:#a40e26\n"
        "  linkStyle 4 stroke:#a40e26"
    )
    assert drawn.count("classDef") == 3
    _read(shown)


def test_steps_in_the_same_order_are_not_drawn() -> None:
    """A graph is shown only where it changes, and where it is small enough to read."""
    same = {"load": [], "fit": ["load"]}
    assert "mermaid" not in _markdown(_rewired(same, same))
    many = {f"step-{number}": [] for number in range(200)}
    assert "mermaid" not in _markdown(_rewired(same, many))


_MERMAID = re.compile(
    r"""flowchart\ LR
    | \ \ s\d+\["(?:[\w .,()/…-]|\#\d+;)+"\](?::::(?:added|removed|changed))?
    | \ \ s\d+\ (?:-->|-\.->)\ s\d+
    | \ \ linkStyle\ \d+\ stroke:\#[0-9a-f]{6}
    | \ \ classDef\ (?:added|removed|changed)\ [a-z0-9:\#,\ -]+""",
    re.VERBOSE,
)
"""The only lines of a graph."""


@LAWS
@given(st.lists(hostile, min_size=2, max_size=6, unique=True))
def test_hostile_steps_stay_labels(names: list[str]) -> None:
    """Whatever steps are called, a graph consists of our lines, and is one block of code."""
    chain = {name: names[:number][-1:] for number, name in enumerate(names)}
    shown = _markdown(_rewired({names[0]: []}, chain))
    (drawn,) = [code for code in _read(shown).codes if code.startswith("flowchart")]
    assert [line for line in drawn.splitlines() if not _MERMAID.fullmatch(line)] == []
    assert drawn.count('["') == len(names)


def test_conflicts_come_after_deletes() -> None:
    """A workflow that both sides changed is read before the others, and its section is open."""
    change = dataclasses.replace(_change("command", "a", "b"), origin=Origin.CONFLICT)
    mine = dataclasses.replace(_change("command", "a", "b"), origin=Origin.GIT)
    shown = _markdown(_update("a", mine), _update("z", change), _delete("old"), base="1234567", refusal="no")
    assert "| update | delete | git | conflict |\n| --- | --- | --- | --- |\n| 2 | 1 | 1 | 1 |" in shown
    order = [shown.index(text) for text in ("`old`", "<code>z</code>", "<code>a</code>")]
    assert order == sorted(order)
    assert (
        "<details open><summary><b>update</b> <code>z</code> (id 7) in <code>a.yaml:1</code>, conflict<"
        in shown
    )
    _read(shown)


def test_gitlab_counts() -> None:
    """GitLab's report has the three counts; a rename, a pause and a resume are updates."""
    paused = SetPaused(manifest=_manifest("p"), live=_live("p"), paused=True, changes=())
    renamed = Update(
        manifest=_manifest("b"),
        live=_live("a"),
        desired=_desired({"name": "b"}),
        packed_body=Packed.of({}),
        method=Method.PATCH,
        reason="",
        changes=(),
    )
    plan = Plan(actions=(_delete("a"), _create("c"), _create("d"), paused, renamed, _unchanged("u")))
    assert json.loads(plan_gitlab(plan)) == {"create": 2, "update": 2, "delete": 1}
