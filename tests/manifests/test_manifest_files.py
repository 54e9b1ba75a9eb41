"""Which files are read, and which are refused."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from manifest_helpers import file_rules, load, names, only, workflow, write

from reconciler.manifests.discovery import MAX_FILE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

_AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_directory_is_walked_in_order(tmp_path: Path) -> None:
    """Every `.yaml`, `.yml` and `.json` below a directory is read, sorted; other files are left alone."""
    for name in ("b.yml", "a.yaml", "sub/deep/c.json", "sub/a.yaml", "z.yaml"):
        write(tmp_path / name, f'{{"name": "{name}", "steps": {{"s": {{}}}}}}')
    for name in ("README.md", "script.sh", "values.toml", "a.yaml.bak", "yaml", "x.YAML.bak"):
        write(tmp_path / name, "}{")
    result = load(tmp_path)
    assert (names(result), result.findings) == (
        ["a.yaml", "b.yml", "sub/a.yaml", "sub/deep/c.json", "z.yaml"],
        (),
    )
    assert result.files == 5


@pytest.mark.parametrize("hidden", [".hidden.yaml", ".git/config.yaml", "sub/.terraform/x/y.yaml"])
def test_hidden_files_are_skipped(tmp_path: Path, hidden: str) -> None:
    """Files and directories whose names start with a dot are not manifests."""
    write(tmp_path / hidden, "}{")
    write(tmp_path / "a.yaml", workflow("a"))
    result = load(tmp_path)
    assert (names(result), result.findings, result.files) == (["a"], (), 1)


@pytest.mark.parametrize("name", ["reconciler.yaml", "reconciler.yml", "sub/reconciler.yaml"])
def test_configuration_is_skipped(tmp_path: Path, name: str) -> None:
    """The reconciler's own configuration is no manifest."""
    write(tmp_path / name, "version: 1\n")
    write(tmp_path / "a.yaml", workflow("a"))
    assert load(tmp_path).findings == ()


def test_files_given_directly_are_read(tmp_path: Path) -> None:
    """A named file is read, whatever its name; a named hidden directory is walked."""
    files = [write(tmp_path / name, workflow(f"w-{name[:2]}")) for name in ("a.txt", ".b.yaml", "c")]
    write(tmp_path / ".d" / "d.yaml", workflow("d"))
    result = load(*files, tmp_path / ".d")
    assert (names(result), result.findings) == (["w-a.", "w-.b", "w-c", "d"], ())


def test_path_named_twice_is_read_once(tmp_path: Path) -> None:
    """A file that several paths lead to is one file: named twice, by its directory, or through a link."""
    file = write(tmp_path / "sub" / "a.yaml", workflow("a"))
    (tmp_path / "sub" / "b.yaml").symlink_to("a.yaml")
    (tmp_path / "again").symlink_to("sub")
    result = load(file, file, tmp_path, tmp_path / "sub", tmp_path / "sub" / ".." / "sub" / "a.yaml")
    assert (names(result), result.findings, result.files) == (["a"], (), 1)


@pytest.mark.parametrize("name", ["nowhere", "nowhere/x.yaml", "a.yaml/x.yaml", "x\0y", ""])
def test_missing_path(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing path is reported by its name; an empty path is not the current directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.yaml", workflow("a"))
    finding = only(load(name))
    assert (finding.rule, finding.message) == ("no-such-path", "no such file or directory")
    assert finding.file == {"": "''", "x\0y": "x\\x00y"}.get(name, name)
    assert finding.position is None


def test_path_that_is_too_long(tmp_path: Path) -> None:
    """A name that no file can have is reported."""
    finding = only(load(tmp_path / ("a" * 5000)))
    assert (finding.rule, finding.message) == ("unreadable", "cannot be read: file name too long")


def test_directory_without_manifests(tmp_path: Path) -> None:
    """A directory without manifests is an error, also next to other errors."""
    write(tmp_path / "empty" / "README.md", "")
    result = load(tmp_path / "nowhere", tmp_path / "empty")
    assert file_rules(result) == [("empty", "no-manifests"), ("nowhere", "no-such-path")]
    assert "searched for *.yaml, *.yml, *.json" in result.findings[0].message


def test_files_without_manifests(tmp_path: Path) -> None:
    """Empty files are reported if there are no others."""
    write(tmp_path / "a.yaml", "")
    write(tmp_path / "b.yaml", "# later\n")
    assert file_rules(load(tmp_path)) == [("a.yaml", "no-manifests"), ("b.yaml", "no-manifests")]
    write(tmp_path / "c.yaml", workflow("c"))
    assert load(tmp_path).findings == ()


@pytest.mark.parametrize("name", ["a.yaml.j2", "a.yml.j2", "a.JSON.J2"])
def test_templates_are_read(tmp_path: Path, name: str) -> None:
    """A template is rendered, whether found in a directory or named directly."""
    file = write(tmp_path / name, '{"name": "{{ \'a\' ~ 1 }}", "steps": {"a": {"imageId": 1}}}\n')
    for path in (tmp_path, file):
        assert names(load(path)) == ["a1"]


@pytest.mark.skipif(_AS_ROOT, reason="root reads everything")
@pytest.mark.parametrize("name", ["a.yaml", "sub"])
def test_what_may_not_be_read(tmp_path: Path, name: str) -> None:
    """A file or directory without permission is reported, and the others are read."""
    write(tmp_path / "sub" / "b.yaml", workflow("b"))
    write(tmp_path / "a.yaml", workflow("a"))
    write(tmp_path / "z.yaml", workflow("z"))
    (tmp_path / name).chmod(0)
    try:
        result = load(tmp_path)
    finally:
        (tmp_path / name).chmod(0o700)
    assert file_rules(result) == [(name, "unreadable")]
    assert only(result).message == "cannot be read: permission denied"
    assert "z" in names(result)


def test_directory_called_like_a_file_is_walked(tmp_path: Path) -> None:
    """A directory whose name ends in `.yaml` is a directory."""
    write(tmp_path / "x.yaml" / "a.yaml", workflow("a"))
    assert (names(load(tmp_path)), names(load(tmp_path / "x.yaml"))) == (["a"], ["a"])


def test_links_that_leave_the_directory(tmp_path: Path) -> None:
    """A link to a file or a directory outside is refused; one that stays inside is followed."""
    outside = write(tmp_path / "outside" / "secret.yaml", workflow("outside"))
    inside = tmp_path / "inside"
    write(inside / "real" / "a.yaml", workflow("a"))
    (inside / "link.yaml").symlink_to("real/a.yaml")
    (inside / "escape.yaml").symlink_to(outside)
    (inside / "folder").symlink_to(outside.parent)
    (inside / "up").symlink_to("..")
    result = load(inside)
    assert names(result) == ["a"]
    assert file_rules(result) == [
        ("escape.yaml", "unreadable"),
        ("folder", "unreadable"),
        ("up", "unreadable"),
    ]
    assert all("outside the directory of the manifests" in finding.message for finding in result.findings)
    assert file_rules(load(inside / "escape.yaml")) == [("escape.yaml", "unreadable")]


def test_root_that_is_a_link(tmp_path: Path) -> None:
    """The directory that is given may itself be a link: what it leads to is the root."""
    write(tmp_path / "real" / "a.yaml", workflow("a"))
    (tmp_path / "link").symlink_to("real")
    assert (names(load(tmp_path / "link")), load(tmp_path / "link").findings) == (["a"], ())


def test_links_that_lead_in_circles(tmp_path: Path) -> None:
    """A link to itself or to nothing is reported; a link to a directory above it is walked once."""
    write(tmp_path / "sub" / "a.yaml", workflow("a"))
    (tmp_path / "sub" / "above").symlink_to("..")
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "ring").symlink_to("ring")
    result = load(tmp_path)
    assert (names(result), file_rules(result)) == (
        ["a"],
        [("gone.yaml", "unreadable"), ("ring", "unreadable"), ("self.yaml", "unreadable")],
    )
    assert "no such file or directory" in result.findings[0].message
    assert "too many levels of symbolic links" in result.findings[2].message
    assert "too many levels of symbolic links" in only(load(tmp_path / "self.yaml")).message


def test_pipes_sockets_and_devices_are_not_opened(tmp_path: Path) -> None:
    """A path that is not a regular file is refused without waiting for it."""
    os.mkfifo(tmp_path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.yaml"))
        result = load(tmp_path, tmp_path / "pipe.yaml", "/dev/zero")
    assert file_rules(result) == [
        ("zero", "unreadable"),
        ("pipe.yaml", "unreadable"),
        ("s.yaml", "unreadable"),
    ]
    assert {finding.message for finding in result.findings} == {"cannot be read: it is not a regular file"}


def test_file_that_is_too_large(tmp_path: Path) -> None:
    """A file one byte past the bound is refused, one at the bound is read."""
    file = write(tmp_path / "a.yaml", workflow("a") + "#")
    size = file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"-" * (MAX_FILE_BYTES - size))
    assert names(load(file)) == ["a"]
    with file.open("ab") as stream:
        stream.write(b"-")
    assert only(load(file)).message == (
        f"cannot be read: it has {MAX_FILE_BYTES + 1} bytes; the limit is {MAX_FILE_BYTES}"
    )


def test_directories_thousands_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deep directory is walked to its end, not to the end of the stack."""
    monkeypatch.chdir(tmp_path)
    deep = "d"
    os.mkdir(deep)  # noqa: PTH102 - pathlib and os.makedirs recurse, and so does what cleans up
    while len(deep) < 2400:
        deep += "/d"
        os.mkdir(deep)  # noqa: PTH102
    file = write(tmp_path / deep / "a.yaml", workflow("a"))
    try:
        assert names(load("d")) == ["a"]
    finally:
        file.unlink()
        os.removedirs(deep)


def test_names_of_files_are_harmless(tmp_path: Path) -> None:
    """Escapes, line ends, and bytes that are no text in a file's name come out as escapes."""
    write(tmp_path / "a\x1b[31m\n.yaml", "wrong")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")  # noqa: PTH102 - a name that is no text
    with open(os.fsencode(tmp_path) + b"/\xff/b\xe9.yaml", "wb") as stream:  # noqa: PTH123
        stream.write(b"wrong")
    files = [finding.file.removeprefix(f"{tmp_path}/") for finding in load(tmp_path).findings]
    assert files == ["a\\x1b[31m\\n.yaml", "\ufffd/b\ufffd.yaml"]
