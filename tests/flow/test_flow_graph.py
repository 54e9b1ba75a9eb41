"""`graph` and `init` as a user types them: which step waits for which, and a first directory of manifests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TENANTS, Ended, body, step

from reconciler.render import Drawing, graph_dot, graph_json, graph_mermaid, graph_text
from reconciler.workflow import Body, StepGraph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

HTTP = {"type": "http", "method": "get", "url": "https://x.example.com"}
DIAMOND: dict[str, Any] = {
    "load": step(),
    "left": step(parents=["load"]),
    "right": step(parents=["load"]),
    "train": step(parents=["left", "right"]),
    "tell": {**HTTP, "parents": ["train", "load"]},
    "alone": step(),
}
TREE = """\
flow
├─ alone
└─ load
   ├─ left
   │  └─ train (also waits for right)
   │     └─ tell [http] (also waits for load)
   ├─ right
   │  └─ train (see above)
   └─ tell (see above)
"""


@pytest.mark.parametrize("profile", ["documented", "all", "empties"])
def test_tree(server: EmulatorServer, typed: Callable[..., Ended], tmp_path: Path, profile: str) -> None:
    """A manifest and the live workflow have the same tree, however the platform returns it; GET is enough."""
    server.profile = TENANTS[profile]
    number = server.store.create(body("flow", steps=DIAMOND))
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(body("flow", steps=DIAMOND)))
    texts = {typed("graph", *words).out for words in (["flow"], ["--id", number], [file], [tmp_path])}
    assert texts == {TREE}
    assert {request.method for request in server.requests} == {"GET"}


def test_no_credentials_for_manifests(typed: Callable[..., Ended], tmp_path: Path) -> None:
    """A manifest is drawn without a tenant, and without the variables that it needs."""
    (tmp_path / "a.yaml").write_text(
        "name: !env NAME\nsteps: {one: {imageId: 1}}\n---\npatch: {name: other}\n"
    )
    ended = typed("graph", tmp_path, "--format", "json", PEAK_AUTH_TOKEN="")
    assert ended.code == 3
    (tmp_path / "a.yaml").write_text(
        "name: !env NAME\nsteps: {one: {imageId: 1}}\n---\npatch: {name: other, set: {command: x}}\n"
    )
    ended = typed("graph", tmp_path, "--format", "json", PEAK_AUTH_TOKEN="", NAME="canary-name")
    assert ended.code == 0, ended.err
    assert "note: other is a patch" in ended.err
    assert json.loads(ended.out) == {
        "format_version": 1,
        "workflows": [
            {
                "name": "(sensitive)",
                "id": None,
                "file": str(tmp_path / "a.yaml"),
                "steps": [{"name": "one", "type": "standard", "level": 0, "parents": [], "missing": []}],
            }
        ],
    }


def test_formats(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Graphviz' language, a Mermaid flowchart and JSON have the same steps and the same arrows."""
    server.store.create(body("flow", steps=DIAMOND))
    dot, mermaid, whole = (
        typed("graph", "flow", "--format", name).out for name in ("dot", "mermaid", "json")
    )
    (workflow,) = json.loads(whole)["workflows"]
    arrows = {(parent, item["name"]) for item in workflow["steps"] for parent in item["parents"]}
    assert len(arrows) == 6
    assert [item["level"] for item in workflow["steps"]] == [0, 0, 1, 1, 2, 3]
    nodes = dict(re.findall(r'^  (\w+) \[label="(\w+)', dot, re.MULTILINE))
    assert {(nodes[a], nodes[b]) for a, b in re.findall(r"^  (\w+) -> (\w+);$", dot, re.MULTILINE)} == arrows
    nodes = dict(re.findall(r'^    (\w+)\["(\w+)', mermaid, re.MULTILINE))
    found = re.findall(r"^    (\w+) --> (\w+)$", mermaid, re.MULTILINE)
    assert {(nodes[a], nodes[b]) for a, b in found} == arrows
    assert mermaid.startswith('flowchart LR\n  subgraph w0["flow"]\n')


HOSTILE = 'a"];\nend\x1b[2J<b>`#quot;\\"->x'


@pytest.mark.parametrize("draw", [graph_text, graph_dot, graph_mermaid, graph_json])
def test_hostile_names(draw: Callable[[list[Drawing]], str]) -> None:
    """A name is text in every format: it ends no quotes, line or code block, and steers no terminal."""
    graph = StepGraph.of(Body({"steps": {HOSTILE: {"parents": ["gone\n"]}, "b": {"parents": [HOSTILE]}}}))
    text = draw([Drawing(name=HOSTILE, graph=graph)])
    assert all(line.isprintable() for line in text.splitlines())
    quoted = {graph_mermaid: r"[\w .,()/#;-]*", graph_dot: r'([^"\\]|\\.)*'}.get(draw)
    for line in text.splitlines() if quoted else ():
        assert re.fullmatch(rf'[^"]*("{quoted}"[^"]*)?', line), line


def test_what_never_starts() -> None:
    """Steps that wait for each other, or for no step, are drawn and named; the rest has its order."""
    steps = {"a": {"parents": ["b"]}, "b": {"parents": ["a"]}, "c": {"parents": ["b"]}, "d": {}}
    graph = StepGraph.of(Body({"steps": {**steps, "e": {"parents": ["d", "gone"]}}}))
    assert graph_text([Drawing(name="flow", graph=graph)]).splitlines() == [
        "flow",
        "└─ d",
        "   └─ e (waits for missing steps: gone)",
        "These steps never start, because they wait for each other: a, b, c",
        "└─ a (also waits for b)",
        "   └─ b",
        "      ├─ a (see above)",
        "      └─ c",
    ]


def test_a_large_graph() -> None:
    """A long chain, and a lattice with very many ways through it, are drawn with one line for each arrow."""
    chain = {f"s{number}": {"parents": [f"s{number - 1}"] if number else []} for number in range(3000)}
    assert (
        len(graph_text([Drawing(name="flow", graph=StepGraph.of(Body({"steps": chain})))]).splitlines())
        == 3001
    )
    lattice = {
        f"s{level}-{side}": {"parents": [f"s{level - 1}-0", f"s{level - 1}-1"] if level else []}
        for level in range(40)
        for side in range(2)
    }
    drawn = graph_text([Drawing(name="flow", graph=StepGraph.of(Body({"steps": lattice})))])
    assert len(drawn.splitlines()) == 1 + 2 + 39 * 4


@pytest.mark.parametrize(
    "answer", [None, [], {"a": None}, {"a": {"parents": 7}}, {"a": {"parents": [["a"]]}}]
)
def test_bodies_of_any_shape(answer: Any) -> None:
    """Whatever a platform answers has some graph."""
    graph = StepGraph.of(Body({"steps": answer}))
    assert graph_text([Drawing(name="flow", graph=graph)]).startswith("flow")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 64, "name a live workflow"),
        (["x", "--id", "1"], 64, "name a live workflow"),
        (["flwo"], 1, "Did you mean flow?"),
        (["no/such.yaml"], 3, "no such file"),
    ],
)
def test_errors(
    server: EmulatorServer, typed: Callable[..., Ended], words: list[str], code: int, said: str
) -> None:
    """What cannot be drawn is an error, on standard error alone."""
    server.store.create(body("flow"))
    ended = typed("graph", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


def test_init(typed: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What init writes passes the check, strictly, and can be planned; a second time nothing is written."""
    ended = typed("init", tmp_path / "new")
    assert ended.code == 0
    files = [tmp_path / "new" / name for name in ("reconciler.yaml", "workflows/example.yaml")]
    assert ended.out.splitlines() == [str(file) for file in files]
    monkeypatch.chdir(tmp_path / "new")
    checked = typed("validate", "--strict")
    assert (checked.code, checked.out, checked.err) == (
        0,
        "1 valid manifest in 1 file; no problems found\n",
        "",
    )
    assert "Plan: 1 to create." in typed("plan").out
    files[1].write_text("mine")
    again = typed("init")
    assert (again.code, again.out) == (4, "")
    assert "already exist\n  Nothing was written." in again.err
    assert files[1].read_text() == "mine"


def test_init_next_to_other_files(typed: Callable[..., Ended], tmp_path: Path) -> None:
    """One file that is there is enough to write none; what else is there does not matter."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "mine.yaml").write_text("mine")
    assert typed("init", tmp_path).code == 0
    (tmp_path / "reconciler.yaml").unlink()
    refused = typed("init", tmp_path)
    assert (refused.code, refused.out) == (4, "")
    assert "example.yaml already exists" in refused.err
    assert not (tmp_path / "reconciler.yaml").exists()
    assert typed("init", tmp_path / "workflows" / "mine.yaml").code == 64
