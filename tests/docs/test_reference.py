"""The reference is up to date with the code, and every JSON object is as documented."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import picture
import pytest
from click.testing import CliRunner
from console_pages import prepared_folder
from markdown_pages import ROOT
from reference import FOLDER, PAGES

from reconciler.cli import group
from reconciler.client import Session, Workflow
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ExitCode
from reconciler.rehearsal import Prediction, Rehearsal, Rehearsed, Undone
from reconciler.render import rehearsal_json
from reconciler.schema import STEP_TYPES, Field, FieldKind, body_fields, step_fields

_AS_ELSEWHERE = (
    "changes[].body.",
    "changes[].fields[].before",
    "changes[].fields[].after",
)
"""Keys whose content is documented elsewhere, or is any part of a workflow."""


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_fresh(name: str) -> None:
    """Each generated page is up to date; `make reference` updates it."""
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]()


def test_commands_page_has_every_option() -> None:
    """Each option of each command, its variable, and each command itself are on the page of commands."""
    text = (FOLDER / "cli.md").read_text(encoding="utf-8")
    context = group.make_context("peak-reconciler", ["--help"], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for option in command.params:
            names = [*option.opts, *([str(option.envvar)] if option.envvar else [])]
            assert option.param_type_name == "argument" or all(word in section for word in names), names


def test_picture_shows_what_plan_prints() -> None:
    """The text of the README's picture is exactly what the command prints in a terminal."""
    shown = picture.shown()
    assert "\x1b[32m+ create" in shown
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", picture.PICTURE.read_text(encoding="utf-8"))
    seen = (
        "".join(drawn)
        .replace("&#160;", "")
        .replace("&quot;", '"')
        .replace("&gt;", ">")
        .replace("&#x27;", "'")
    )
    printed = f"$ peak-reconciler {' '.join(picture.COMMAND)}" + re.sub(r"\x1b\[\d*m", "", shown)
    assert "".join(seen.split()) == "".join(printed.split())


def _rows(page: str, first_column: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is `first_column`."""
    lines = (FOLDER / page).read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    return list(_table(lines[start + 2 :]))


def _table(lines: list[str]) -> Iterator[list[str]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def _fields(field: Field, path: str) -> Iterator[str]:
    if field.children:
        for name, child in field.children.items():
            yield from _fields(child, f"{path}.{name}" if path else name)
    elif field.kind is FieldKind.MAP:
        yield f"{path}.<name>"
    elif field.item is not None and field.item.children:
        yield from _fields(field.item, f"{path}[]")
    else:
        yield path


def test_coverage_names_every_field() -> None:
    """The table of fields has every field of the schema, with the steps that have it, and no other."""
    expected = {path: {"workflow"} for path in _fields(body_fields(), "") if not path.startswith("steps")}
    for kind in STEP_TYPES:
        for path in _fields(step_fields(kind), "steps.<step>"):
            expected.setdefault(path, set()).add(kind)
    documented = {}
    for field, where, _, _ in _rows("coverage.md", "field"):
        path = field.split("`")[1]
        documented[path] = set(STEP_TYPES) if where == "every step" else set(where.split(", "))
    assert documented == expected


def test_coverage_names_every_method() -> None:
    """The table of methods has every method of the client, with its module."""
    methods = {
        name: Path(inspect.getfile(method)).name
        for name, method in inspect.getmembers(Workflow, inspect.isfunction)
        if not name.startswith("_")
    }
    documented = {row[0].strip("`"): row[1].strip("`") for row in _rows("coverage.md", "method")}
    assert documented == {**methods, "get_client": "workflows.py"}


def test_coverage_names_files_that_exist() -> None:
    """Every file that the tables of methods and fields name exists."""
    text = (FOLDER / "coverage.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`([a-z_]+/[a-z_/]*(?:\.\w+)?)`", text))
    assert len(names) > 10
    for name in sorted(names):
        assert (ROOT / name).exists() or (ROOT / "reconciler" / name).exists(), name
    for row in _rows("coverage.md", "method"):
        assert (ROOT / "tests" / "client" / row[3].strip("`")).is_file(), row


def test_exit_codes_are_those_of_the_code() -> None:
    """The table of exit codes has those of the code, each with a meaning, and no other."""
    rows = _rows("exit-codes.md", "exit code")
    assert [int(row[0]) for row in rows] == [code.value for code in ExitCode]
    assert all(row[2] for row in rows)


def _documented(title: str) -> set[str]:
    """Return the keys that the page of JSON objects has below a heading."""
    text = (FOLDER / "json.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0].splitlines()
    start = next(index for index, line in enumerate(section) if line.startswith("| key |"))
    return {row[0].strip("`") for row in _table(section[start + 2 :])}


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if path.startswith(_AS_ELSEWHERE):
        yield re.sub(r"^(changes\[\]\.body)\b.*", r"\1", path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _keys(item, f"{path}[]")
    else:
        yield path


@cache
def _json_objects(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the JSON object of each command by its heading on the page, with all kinds of changes."""
    prepared_folder(folder)
    found: dict[str, dict[str, Any]] = {}
    with EmulatorServer(step_seconds=0.0) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PEAK_API_URL", server.url)
        patch.setenv("PEAK_AUTH_TOKEN", "anything")

        def run(line: str) -> dict[str, Any]:
            done = CliRunner().invoke(group, [*line.split(), "--format", "json"], standalone_mode=False)
            assert done.exception is None, done.exception
            printed: dict[str, Any] = json.loads(done.stdout)
            return printed

        scoring = folder / "workflows" / "scoring.yaml"  # of an image that has a name
        ids = {"imageId: 2": "imageId: 100", "imageVersionId: 3": "imageVersionId: 200"}
        for old, new in ids.items():
            scoring.write_text(scoring.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        run("apply --auto-approve")
        _change(folder / "workflows", server.url)
        found["validate"] = run("validate")
        found["Rules"] = run("validate --list-rules")
        found["plan"] = run("plan --show-unmanaged")
        found["apply, rollback and reconcile"] = run("apply --auto-approve")
        found["Backups"] = run("rollback --list")
        found["run"] = run("run scoring --wait")
        found["status"] = run("status")
        found["forecast"] = _forecast(folder, run)
        shown = run("config show")
        found["config show"] = {**shown, "settings": [{**item, "value": 1} for item in shown["settings"]]}
        found["executions"] = run("executions scoring")
        found["executions --all"] = run("executions --all --status success")
        rendered = run("render daily-forecast")
        rendered["manifests"][0]["manifest"] = "the document"
        found["render"] = rendered
        found["graph"] = run("graph workflows/daily-forecast.yaml")
        (folder / "old").mkdir()
        for name, command in (("scoring", "x"), ("gone", "x")):
            text = f"name: {name}\nsteps: {{score: {{imageId: 1, imageVersionId: 2, command: {command}}}}}\n"
            (folder / "old" / f"{name}.yaml").write_text(text, encoding="utf-8")
        found["diff"] = run("diff old workflows")
        for difference in found["diff"]["different"]:
            for part in difference["fields"]:
                part |= {"left": None, "right": None}
        with (folder / "reconciler.yaml").open("a", encoding="utf-8") as file:
            file.write("environments: {dev: {}}\n")
        parts = [run(f"{line} --all-environments") for line in ("validate", "plan", "apply", "status")]
        for one in (one for part in parts for one in part["environments"]):
            one.update(dict.fromkeys(one.keys() & {"check", "plan", "report", "status"}))
        environments = [one for part in parts for one in part["environments"]]
        found["Several environments"] = {**parts[0], "environments": environments}
        found["rehearse"] = _rehearsal()
        found |= _fleet_objects(run, folder / "unit.json")
    return found


def _rehearsal() -> dict[str, Any]:
    """Return a rehearsal in which everything is wrong."""
    undone = (Undone(name="daily", reason="because"),)
    prediction = Prediction(changes={"create": 1}, left=undone, twins=("daily",))
    rehearsed = Rehearsed(
        file="plan.json",
        tenant="https://service.example.com",
        environment=None,
        profile=None,
        asked=1,
        seed=0,
        prediction=prediction,
        rehearsals=(Rehearsal(number=1, faults=("stop",), problems=("a problem",), twins=("daily",)),),
        stale=undone,
        notes=("a note",),
    )
    found: dict[str, Any] = json.loads(rehearsal_json(rehearsed))
    found["prediction"]["changes"] = 1
    return found


def _fleet_objects(run: Callable[[str], dict[str, Any]], file: Path) -> dict[str, dict[str, Any]]:
    """Return the report of a fleet and the result of a unit, without what other commands print, too."""
    units = [run(f"fleet {line} --unit 0") for line in ("plan", "status", "apply --auto-approve")]
    file.write_text(json.dumps(units[-1]), encoding="utf-8")
    merged = run(f"report merge {file}")
    for part in (merged, *merged["environments"]):
        part |= {"summary": 1, "traffic": 1}
    merged["environments"][0]["units"] = 1
    every = {key: value for unit in units for key, value in unit.items()}
    return {"fleet": merged, "Unit of a fleet": {**every, "plan": 1, "report": 1, "status": 1}}


def _forecast(folder: Path, run: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Return a forecast with a changed schedule, which a clock change affects and which overlaps."""
    (folder / "clock").mkdir()
    text = "name: scoring\ntriggers: [{cron: 30 1 * * *}, {cron: 0 * * * *}]\nsteps: {a: {command: x}}\n"
    (folder / "clock" / "scoring.yaml").write_text(text, encoding="utf-8")
    shown = run("forecast clock --time-zone Europe/London")
    names = ("starts", "first", "shortest_interval_seconds")  # executions take no time here
    shown["workflows"][0]["overlap"] = dict.fromkeys(names)
    return shown


def _change(workflows: Path, url: str) -> None:
    """Cause one of each: a finding, an update of a named id, a delete, a note, another owner's workflow."""
    with Session("anything", base_url=url) as session:
        client = Workflow(session)
        pico = {"command": "x", "resources": {"instanceTypeId": 21}}
        client.create_workflow({"name": "taken", "steps": {"a": pico}})
        client.create_workflow(
            {"name": "theirs", "tags": [{"name": "reconciler-owner-b"}], "steps": {"a": {}}}
        )
    file = workflows / "scoring.yaml"
    text = file.read_text(encoding="utf-8").replace("python score.py", "python score.py --all")
    text = text.replace("imageVersionId: 200", "imageVersionId: 300")
    file.write_text(
        text.replace("    - webhook: true", "    - webhook: true\n    - cron: 0 6 * * *"), encoding="utf-8"
    )
    (workflows / "nightly-report.yaml").unlink()
    nano = "name: taken\nsteps: {a: {command: x, resources: {instanceTypeId: 22}}}\n"
    (workflows / "taken.yaml").write_text(nano, encoding="utf-8")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the JSON object of each command, by its heading on the page."""
    return _json_objects(tmp_path_factory.mktemp("round"))


_TITLES = (
    "validate",
    "Several environments",
    "fleet",
    "Unit of a fleet",
    "status",
    "forecast",
    "config show",
    "executions",
    "executions --all",
    "render",
    "graph",
    "Rules",
    "plan",
    "diff",
    "apply, rollback and reconcile",
    "rehearse",
    "Backups",
    "run",
)


def test_json_page_has_these_objects() -> None:
    """Each section of the page is checked below."""
    text = (FOLDER / "json.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == _TITLES


@pytest.mark.parametrize("title", _TITLES)
def test_json_is_as_documented(title: str, objects: dict[str, dict[str, Any]]) -> None:
    """The output of a command has exactly the documented keys."""
    found = {re.sub(r"\[\]$", "", key) for key in _keys(objects[title])}
    printed = {key for key in found if not any(other.startswith((f"{key}[]", f"{key}.")) for other in found)}
    assert printed == {re.sub(r"\[\]$", "", key) for key in _documented(title)}
