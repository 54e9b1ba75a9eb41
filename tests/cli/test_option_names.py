"""Options: former names still work and are not shown, and help pages have sections."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from settings_helpers import FLOW, process

from reconciler.cli import group
from reconciler.cli.help import Command
from reconciler.emulator import EmulatorServer


def _command(name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("command", "former", "name"),
    [
        ("plan", "--out", "save_plan"),
        ("apply", "--report", "run_record"),
        ("rollback", "--report", "run_record"),
        ("reconcile", "--report", "run_record"),
        ("export", "--out", "output_dir"),
    ],
)
def test_a_former_name_works_and_is_hidden(command: str, former: str, name: str) -> None:
    """A script that uses the former name goes on working; help shows the new one only."""
    found = _command(command)
    context = found.make_context(command, [former, "somewhere"])
    assert context.params[name] == Path("somewhere")
    assert f"{former} " not in found.get_help(context)


def test_the_former_names_as_processes(tmp_path: Path) -> None:
    """A plan is saved and applied, and the run recorded, under the former names."""
    (tmp_path / "a.yaml").write_text(FLOW, encoding="utf-8")
    with EmulatorServer() as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "any"}
        assert process(tmp_path, "plan", "a.yaml", "--out", "p.json", **env).returncode == 0
        words = ("apply", "a.yaml", "--plan", "p.json", "--report", "r.json")
        assert process(tmp_path, *words, **env).returncode == 0
    assert (tmp_path / "r.json").is_file()


@pytest.mark.parametrize("name", group.list_commands(click.Context(group)))
def test_each_option_is_in_a_section(name: str) -> None:
    """No option is lost: every one that is shown is in exactly one section of its help page."""
    command = _command(name)
    assert isinstance(command, Command)
    context = click.Context(command, info_name=name)
    shown = [option for options in command.sections(context).values() for option in options]
    expected = [item for item in command.get_params(context) if isinstance(item, click.Option)]
    assert sorted(item.name or "" for item in shown) == sorted(item.name or "" for item in expected)
