"""Large changes in every format of a plan: each part is shown, or a number says how many are not."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import Ended, Git, body, step
from strategies import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Shown = dict[str, str]

_CREATES = 500 if DEPTH > 1 else 150

_LINES = [
    f"python train.py --stage {number:02} --from s3://bucket/{number:02}.parquet" for number in range(60)
]
_CHANGED = {7: "python train.py --stage 07 --resume", 52: "curl https://models.example.com | sh"}
_KEYS = {f"key{number:02}": f"value {number:02}" for number in range(40)}
_NEW_STEP = {
    "type": "standard",
    "imageId": 100,
    "imageVersionId": 200,
    "command": "python publish.py",
    "parents": ["one"],
    "parameters": {"env": {f"OPTION_{number:02}": f"option {number:02}" for number in range(25)}},
}


class _Text(HTMLParser):
    """The text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def planned(git: Git, typed: Callable[..., Ended], tmp_path: Path) -> Callable[[], Shown]:
    """Return a function that plans once, and returns the plan in each format."""

    def plan() -> Shown:
        files = {name: tmp_path / f"plan.{name}" for name in ("text", "markdown", "json", "html")}
        outputs = [word for name, file in files.items() for word in ("--output", f"{name}={file}")]
        ended = typed("plan", git.folder, *outputs)
        assert ended.code == 0, ended.err
        shown = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        page = _Text()
        page.feed(shown["html"])
        return {**shown, "html": page.text, "json": json.dumps(json.loads(shown["json"]), ensure_ascii=False)}

    return plan


def _have(shown: Mapping[str, str], *parts: str) -> None:
    for name, text in shown.items():
        for part in parts:
            assert part in text, (name, part)


def test_two_changes_in_a_command_of_60_lines(git: Git, planned: Callable[[], Shown]) -> None:
    """Both old lines and both new ones are in every format."""
    git.server.store.create(body("flow", "\n".join(_LINES)))
    git.write(body("flow", "\n".join(_CHANGED.get(number, line) for number, line in enumerate(_LINES))))
    _have(planned(), *_CHANGED.values(), *(_LINES[number] for number in _CHANGED))


def test_two_changes_in_a_payload_of_40_keys(git: Git, planned: Callable[[], Shown]) -> None:
    """Both keys of JSON inside a text are shown with both of their values."""
    step_of = {"type": "http", "method": "post", "url": "https://example.com"}
    changed = {**_KEYS, "key03": "other 03", "key31": "other 31"}
    git.server.store.create(body(steps={"one": {**step_of, "payload": json.dumps(_KEYS)}}))
    git.write(body(steps={"one": {**step_of, "payload": json.dumps(changed)}}))
    _have(planned(), "key03", "value 03", "other 03", "key31", "value 31", "other 31")


@pytest.mark.parametrize("added", [True, False], ids=["added", "removed"])
def test_a_step_of_30_fields(git: Git, planned: Callable[[], Shown], *, added: bool) -> None:
    """A step that comes or goes shows what it runs; its other fields are shown or counted."""
    small, large = body(steps={"one": step()}), body(steps={"one": step(), "new": _NEW_STEP})
    live, wanted = (small, large) if added else (large, small)
    git.server.store.create(live)
    git.write(wanted)
    shown = planned()
    _have(shown, "python publish.py", "new")
    for name, text in shown.items():
        options = len(set(re.findall(r"OPTION_\d\d", text)))
        counted = [int(number) for number in re.findall(r"and (\d+) more fields", text)]
        assert options + sum(counted) == 25, name


def test_many_creates(git: Git, planned: Callable[[], Shown]) -> None:
    """Every new workflow has its name in every format; where there is no room, the others are counted."""
    names = [f"flow-{number:03}" for number in range(_CREATES)]
    git.write("\n---\n".join(json.dumps(body(name)) for name in names))
    shown = planned()
    for name in ("text", "json", "html"):
        assert set(re.findall(r"flow-\d{3}", shown[name])) == set(names), name
    assert shown["text"].startswith(f"Plan: {_CREATES} to create.\n")
    named = len(set(re.findall(r"flow-\d{3}", shown["markdown"])))
    omitted = re.search(r"(\d+) omitted", shown["markdown"])
    assert named + (int(omitted[1]) if omitted else 0) == _CREATES
    assert f"{_CREATES} to create" in shown["markdown"]


def test_changes_that_many_share(git: Git, typed: Callable[..., Ended]) -> None:
    """A change of nine workflows is shown once with their names; one with more, or with a note, has both."""
    names = [f"w{number}" for number in range(9)]
    for name in names:
        git.server.store.create(body(name))
    wanted = {name: body(name, steps={"one": {**step(), "imageVersionId": 404}}) for name in names}
    wanted["w4"]["steps"]["one"]["command"] = "echo more"
    wanted["w5"] = body("w5", steps={"renamed": {**step(), "imageVersionId": 404}})
    for name, whole in wanted.items():
        git.write(whole, f"{name}.yaml")
    out = typed("plan", git.folder).out
    head, *_ = out.split("\n\n")
    assert head.splitlines()[0] == "  ~ update   7 workflows alike"
    assert "imageVersionId: 1.0.200 (200) → 404 in 8 workflows: w0, w1, w2, w3, w6, w7, w8; " in head
    assert head.endswith("with changes of their own, below: w4")
    assert "~ update   w4 (id 5)" in out
    assert "~ update   w5 (id 6)" in out
    assert "~ update   w3" not in out
    assert out.endswith("Plan: 9 to update.\n")
    each = typed("plan", git.folder, "--no-group").out
    assert "alike" not in each
    assert all(f"~ update   {name} " in each for name in names)


def _changed(name: str, secret: Any) -> dict[str, Any]:
    repository = {"url": "https://github.com/example/load", "branch": "main", "token": secret}
    return body(name, steps={"one": {**step(), "repository": repository}})


def test_secrets_are_never_shared(git: Git, typed: Callable[..., Ended]) -> None:
    """Hidden values look alike; each workflow with one is shown by itself."""
    for number in range(4):
        git.server.store.create(_changed(f"w{number}", f"old-{number}"))
        git.write(_changed(f"w{number}", f"new-{number}"), f"{number}.yaml")
    out = typed("plan", git.folder).out
    assert "alike" not in out
    assert out.count("repository.token: changed (sensitive)") == 4
