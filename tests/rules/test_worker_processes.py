"""Worker processes: results in order, and an end in words whatever becomes of one of them."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import COMMAND, inherited_environment

from reconciler.manifests import Document, OverlayOptions, ParameterLayer, Parameters, ReadOptions, Source
from reconciler.rules import check_paths, load_checked
from reconciler.values import Packed
from reconciler.worker_processes import WorkerKilledError, map_in_processes, processors
from reconciler.workflow import PackedBody

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.manifests import Manifest

_EMPTY = Document(file="", text="", index=0)


def _negative(value: int) -> int:
    return -value


def _kill_at_7(value: int) -> int:
    if value == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def _end_at_7(value: int) -> int:
    if value == 7:
        os._exit(0)
    return value


def _fail_at_7(value: int) -> int:
    if value == 7:
        raise ZeroDivisionError("seven")
    return value


def _niceness(_value: int) -> int:
    return os.nice(0)


def test_a_process_gives_way_to_the_command() -> None:
    """It is nicer than the process that started it, whose requests come first; 19 is the most there is."""
    with map_in_processes(_niceness, [0], 1, 1) as results:
        assert list(results) == [min(19, os.nice(0) + 5)]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(), max_size=30), st.integers(1, 4), st.integers(1, 9))
def test_results_are_in_order(values: list[int], processes: int, batch: int) -> None:
    """However the values are shared out, the results are those of `map`."""
    with map_in_processes(_negative, values, processes, batch) as results:
        assert list(results) == [-value for value in values]


@pytest.mark.parametrize(("function", "word"), [(_kill_at_7, "killed (SIGKILL)"), (_end_at_7, "ended")])
def test_a_process_that_ends_early(function: Callable[[int], int], word: str) -> None:
    """A process that is killed, or ends, is an error at once; earlier results were given."""
    given_before: list[int] = []
    with (
        pytest.raises(WorkerKilledError) as raised,
        map_in_processes(function, range(100), 2, 1) as results,
    ):
        given_before.extend(results)
    assert word in raised.value.message


def test_an_exception_comes_through() -> None:
    """An exception of the function is raised where its result is read."""
    with (
        pytest.raises(ZeroDivisionError, match="seven"),
        map_in_processes(_fail_at_7, range(10), 2, 2) as results,
    ):
        list(results)


def test_no_process_is_left() -> None:
    """A reader that stops early leaves no process behind."""
    before = {*_children(os.getpid())}
    with map_in_processes(_negative, range(1000), 2, 1) as results:
        assert {*_children(os.getpid())} > before, "they start before anything else does"
        assert next(results) == 0
    assert {*_children(os.getpid())} == before


_FILES = {
    "a.yaml": "name: a\nsteps: {s: {imageId: 1, command: !env COMMAND, resources: {storage: !param size}}}\n",
    "b.yaml": "name: a\nsteps: {s: {imageId: 1, command: !env UNSET}}\n",
    "c.yaml": "patch: {name: c, set: {token: !env {name: TOKEN, default: x}}}\nreconcile: {ignore: [tags]}\n",
    "d.yaml": "name: d\nsteps: {s: {imageId: one, command: !file part.txt}}\n---\nname: d2\nsteps: {}\n",
    "e.yaml": "name: e\nsteps: {s: {imageId: 1, parents: [gone], newField: 1}}\n",
    "f.yaml.j2": "name: {{ size }}\nsteps: {s: {imageId: 1, command: {% include 'part.txt' %}}}\n",
    "g.yaml": "name: g: h\n",
    "h.yaml": "",
    "i.yml.bak": "name: i\nsteps: {s: {imageId: 1}}\n",
    "part.txt": "echo\n",
}
"""Manifests that hold everything that reading finds out."""


def test_what_processes_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Manifests, and what is wrong in them, are the same whether one process reads them or several do."""
    for name, text in _FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "o.yaml").write_text(
        "patch: {name: a, body: {tags: [{name: !env TAG}]}}\n", encoding="utf-8"
    )
    env = {"COMMAND": "canary-command", "TAG": "canary-tag"}
    options = ReadOptions(
        parameters=Parameters().overridden_by(ParameterLayer(values={"size": "20GB"})),
        overlays=OverlayOptions(paths=(str(tmp_path / "overlays"),), root=tmp_path.resolve()),
        excludes=lambda path: path.parent.name == "overlays",
        extra=(("steps", "*", "newField"),),
        digests=True,
    )

    def found() -> list[object]:
        loaded = load_checked((str(tmp_path),), env, options)
        seen: list[str] = []
        load_checked((str(tmp_path),), env, options, on_manifest=lambda each: seen.append(each.name))
        checked = check_paths((str(tmp_path),), env, options)
        whole = dataclasses.replace(loaded, manifests=())
        return [checked, whole, seen, *map(_all_of, loaded.manifests)]

    monkeypatch.setattr("reconciler.manifests.load._PARALLEL_FROM", 2)
    monkeypatch.setattr("reconciler.manifests.load._BATCH", 2)
    monkeypatch.setattr("reconciler.manifests.load.processors", lambda: 1)
    alone = found()
    forked: list[None] = []
    monkeypatch.setattr("os.fork", _counted(os.fork, forked))
    monkeypatch.setattr("reconciler.manifests.load.processors", lambda: 3)
    assert found() == alone
    assert len(forked) == 9
    assert "canary-tag" in repr(alone[3:])


def _counted(fork: Callable[[], int], calls: list[None]) -> Callable[[], int]:
    def count() -> int:
        calls.append(None)
        return fork()

    return count


def _all_of(manifest: Manifest) -> list[object]:
    """Return everything that a manifest knows."""
    document = manifest.source.document
    paths: list[tuple[str | int, ...]] = [("steps", "s", "imageId"), ("tags", 0, "name"), ("name",)]
    return [
        type(manifest),
        dataclasses.replace(manifest, packed=Packed.of({}), source=Source(document=_EMPTY, base=())),
        manifest.body,
        manifest.source.base,
        dataclasses.replace(document, packed=Packed.of({}), overlaid={}),
        document.value,
        [document.position(path) for path in paths],
        document.lines(manifest.source.file),
        document.whole_text,
        manifest.packed.digest,
        [manifest.packed.form_digest, manifest.packed.shown_digest, manifest.packed.credentials]
        if isinstance(manifest.packed, PackedBody)
        else None,
        [manifest.source.variable(path) for path in paths],
    ]


def _processors(_value: int) -> int:
    return processors()


def test_where_no_process_is_started() -> None:
    """Beside another thread, and in a process that may have no children, there is one processor to use."""
    with map_in_processes(_processors, [0], 1, 1) as results:
        assert list(results) == [1]
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert processors() == 1
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with enough manifests for a second process."""
    folder = tmp_path_factory.mktemp("many")
    env = ", ".join(f"K{i}: v" for i in range(20))
    steps = ", ".join(f"s{i}: {{imageId: 1, parameters: {{env: {{{env}}}}}}}" for i in range(20))
    for number in range(600):
        (folder / f"{number}.yaml").write_text(f"name: w{number}\nsteps: {{{steps}}}\n", encoding="utf-8")
    return folder


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux")  # noqa: PTH110
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor needs no second process")
@pytest.mark.parametrize(("command", "target"), [("validate", 1), ("plan", 0), ("plan", None)])
def test_a_command_whose_process_is_killed(many: Path, command: str, target: int | None) -> None:
    """The command ends with a sentence when a worker is killed, and with its own code on SIGTERM."""
    with subprocess.Popen(
        [*COMMAND, command, many],
        env=inherited_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        workers: list[int] = []
        while len(workers) < 2 and process.poll() is None:
            workers = _children(process.pid)
            time.sleep(0.001)
        os.kill(process.pid if target is None else workers[target], signal.SIGTERM if target is None else 9)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == (130 if target is None else 1)
    assert "Traceback" not in errors
    assert ("interrupted" if target is None else "was killed (SIGKILL) before it was done") in errors
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)  # noqa: PTH110
