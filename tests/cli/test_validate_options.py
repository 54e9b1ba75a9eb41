"""The options of `validate`: strictness, changed files, standard input, rules, outputs, processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from processes import COMMAND, forked_command
from validate_process import environment, report, run, shown_lines, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = "steps: {a: {imageId: 1}}\n"
_FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit")


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _good(path: Path, name: str) -> Path:
    return _write(path, f"name: {name}\n{_STEPS}")


def _warning(name: str) -> str:
    return f"name: {name}\ntags: [{{name: a}}, {{name: a}}]\n{_STEPS}"


def _warned(path: Path, name: str) -> Path:
    return _write(path, _warning(name))


class TestStrict:
    """`--strict`: a warning fails the check, and is a warning all the same."""

    def test_warning_fails(self, tmp_path: Path) -> None:
        """Exit 3 instead of 0, with the same words."""
        _warned(tmp_path / "a.yaml", "a")
        lax, strict = validate(tmp_path), validate("--strict", tmp_path)
        assert (lax.returncode, strict.returncode) == (0, 3)
        assert lax.stdout == strict.stdout
        assert lax.stdout.endswith("1 valid manifest in 1 file; 1 warning\n")

    def test_nothing_wrong_passes(self, tmp_path: Path) -> None:
        """Without a warning nothing fails."""
        _good(tmp_path / "a.yaml", "a")
        assert validate("--strict", tmp_path).returncode == 0


class TestStandardInput:
    """`-`: a manifest on standard input."""

    @staticmethod
    def _piped(text: bytes, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*forked_command(), "validate", *(words or ("-",))],
            input=text,
            capture_output=True,
            check=False,
            env=environment(),
            cwd=cwd,
        )

    def test_good(self) -> None:
        """A good manifest: exit 0."""
        done = self._piped(f"name: a\n{_STEPS}".encode())
        assert (done.returncode, done.stdout) == (0, b"1 valid manifest in 1 file; no problems found\n")

    def test_bad(self) -> None:
        """A bad one: its findings have a place in `<stdin>`."""
        done = self._piped(b"name: a\nsteps: {a: {parents: [b]}}\n")
        assert done.returncode == 3
        assert done.stdout.startswith(b"<stdin>:2:23: error: 'b' is not a step of this workflow")

    def test_with_files_and_twice(self, tmp_path: Path) -> None:
        """It is checked together with files, is read once, and shares their names."""
        _good(tmp_path / "a.yaml", "a")
        done = self._piped(f"name: a\n{_STEPS}".encode(), "-", "a.yaml", "-", cwd=tmp_path)
        lines = done.stdout.decode().splitlines()
        assert [line for line in lines if "duplicate-name" in line] == [
            "<stdin>:1:7: error: the name 'a' is also used in a.yaml:1 [duplicate-name]",
            "a.yaml:1:7: error: the name 'a' is also used in <stdin>:1 [duplicate-name]",
        ]

    @pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"# nothing\n", b"\x00"])
    def test_nothing_that_is_a_manifest(self, text: bytes) -> None:
        """Empty, binary, comments only: a finding, and exit 3."""
        done = self._piped(text)
        assert (done.returncode, done.stderr) == (3, b"")
        assert done.stdout.startswith(b"<stdin>")

    def test_includes_stay_in_the_working_directory(self, tmp_path: Path) -> None:
        """A file is included from where the command runs, and from nowhere else."""
        _write(tmp_path / "in" / "a.txt", "text")
        _write(tmp_path / "b.txt", "text")
        text = b"name: a\nsteps: {a: {command: !file %s}}\n"
        assert self._piped(text % b"a.txt", cwd=tmp_path / "in").returncode == 0
        assert b"outside the directory" in self._piped(text % b"../b.txt", cwd=tmp_path / "in").stdout

    def test_closed(self) -> None:
        """A standard input that is closed is an error."""
        done = subprocess.run(  # noqa: S602 - a closed descriptor is the shell's to give
            f"{sys.executable} -m reconciler validate - <&-",
            shell=True,
            capture_output=True,
            check=False,
            env=environment(),
        )
        assert (done.returncode, done.stderr) == (3, b"")
        assert b"<stdin>: error: cannot be read: it is closed [unreadable]" in done.stdout


class TestRules:
    """`--list-rules`: what there is to be switched off."""

    def test_text(self) -> None:
        """Each rule with its severity, its reason and two examples."""
        from reconciler.rules import ALL_RULES  # noqa: PLC0415 - the rest of this module knows the process only

        blocks = validate("--list-rules").stdout.rstrip("\n").split("\n\n")
        assert len(blocks) == len(ALL_RULES)
        for block, rule in zip(blocks, ALL_RULES, strict=True):
            first, good, bad = block.split("\n")
            assert first.startswith(f"{rule.id} ({rule.severity.value}")
            assert first.endswith(rule.reason)
            assert (good, bad) == (f"  good: {rule.good}", f"  bad:  {rule.bad}")

    def test_json(self) -> None:
        """The same as one object."""
        listed = json.loads(validate("--list-rules", "--format", "json").stdout)
        assert listed["format_version"] == 1
        ids = [rule["id"] for rule in listed["rules"]]
        assert len(set(ids)) == len(ids) > 25
        assert set(listed["rules"][0]) >= {"id", "severity", "reason", "good", "bad"}

    def test_nothing_else_is_done(self, tmp_path: Path) -> None:
        """Paths are not even looked at."""
        assert validate("--list-rules", tmp_path / "nowhere").returncode == 0


class TestOutputs:
    """`--output`: reports in files, each in a format of its own."""

    @staticmethod
    def _folder(tmp_path: Path) -> Path:
        _warned(tmp_path / "in" / "a.yaml", "a")
        _write(tmp_path / "in" / "b.yaml", "name: b\nsteps: {a: {parents: [b]}}\n")
        return tmp_path / "in"

    def test_all_formats_at_once(self, tmp_path: Path) -> None:
        """A file for each format has what standard output would have; text still goes there."""
        folder = self._folder(tmp_path)
        words = [f"--output={form}={tmp_path / form}" for form in _FORMATS if form != "text"]
        done = validate(*words, folder)
        assert done.returncode == 3
        assert len(shown_lines(done)) == 3
        for form in _FORMATS[1:]:
            assert (tmp_path / form).read_text() == validate("--format", form, folder).stdout
        assert len(json.loads((tmp_path / "gitlab").read_text())) == 2
        assert len(ET.parse(tmp_path / "junit").getroot()[0]) == 3  # noqa: S314 - our own
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*_FORMATS[1:], "in"])

    def test_format_of_standard_output(self, tmp_path: Path) -> None:
        """A file without a format has that of `--format`, and standard output is quiet then."""
        folder = self._folder(tmp_path)
        done = validate("--format", "json", "--output", tmp_path / "x", folder)
        assert done.stdout == ""
        assert json.loads((tmp_path / "x").read_text()) == report(folder)
        named = validate(f"--output={tmp_path / 'text=y'}", folder)
        assert named.stdout == ""
        assert (tmp_path / "text=y").read_text() == validate(folder).stdout

    def test_format_that_is_none(self, tmp_path: Path) -> None:
        """A misspelt format is an error, and no file of that odd name appears."""
        done = run("validate", "--output", "sariff=report.sarif", self._folder(tmp_path), cwd=tmp_path)
        assert done.returncode == 64
        assert "unknown format 'sariff'" in done.stderr
        assert not (tmp_path / "sariff=report.sarif").exists()

    def test_file_is_replaced_and_links_are_followed(self, tmp_path: Path) -> None:
        """The old content is gone, and a link still leads where it led."""
        folder = self._folder(tmp_path)
        target = _write(tmp_path / "target", "before" * 1000)
        link = tmp_path / "link"
        link.symlink_to(target)
        validate("--output", f"json={link}", folder)
        assert link.is_symlink()
        assert json.loads(target.read_text()) == report(folder)

    @pytest.mark.parametrize("where", ["nowhere/x", "file/x", "folder", "x" * 300])
    def test_unwritable(self, tmp_path: Path, where: str) -> None:
        """Exit 1 and one line that names the file; nothing half-written stays."""
        folder = self._folder(tmp_path)
        _write(tmp_path / "file", "text")
        (tmp_path / "folder").mkdir()
        before = sorted(path.name for path in tmp_path.iterdir())
        done = run("validate", "--output", f"sarif={tmp_path / where}", folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"error: {tmp_path / where} cannot be written: ")
        assert done.stderr.count("\n") == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    @pytest.mark.parametrize("output", ["", "sarif="])
    def test_without_a_name(self, tmp_path: Path, output: str) -> None:
        """A variable that is empty in a script is wrong usage."""
        done = run("validate", "--output", output, _good(tmp_path / "a.yaml", "a"))
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr == f"error: --output {output} names no file\n"

    def test_device_is_written_and_never_replaced(self, tmp_path: Path) -> None:
        """A pipe or a device is written to as it is."""
        folder = self._folder(tmp_path)
        os.mkfifo(tmp_path / "pipe")
        with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
            validate("--output", f"json={tmp_path / 'pipe'}", folder)
            assert reader.stdout is not None
            assert json.loads(reader.stdout.read()) == report(folder)
        assert (tmp_path / "pipe").is_fifo()

    @pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no such device")
    def test_standard_output_as_a_file(self, tmp_path: Path) -> None:
        """/dev/stdout is what it says."""
        done = validate("--format", "json", "--output", "/dev/stdout", _good(tmp_path / "a.yaml", "a"))
        assert json.loads(done.stdout)["findings"] == []

    @pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
    def test_junit_in_any_encoding(self, tmp_path: Path, encoding: str) -> None:
        """XML says what it is encoded in, whatever the terminal is."""
        _write(tmp_path / "ü.yaml", "name: a\nsteps: {a: {parents: ['ü☃']}}\n")
        done = subprocess.run(
            [*forked_command(), "validate", "--format", "junit", tmp_path],
            capture_output=True,
            check=False,
            env=environment(PYTHONIOENCODING=encoding),
        )
        suite = ET.fromstring(done.stdout)[0]  # noqa: S314 - our own
        assert suite[0].attrib["name"].endswith("ü.yaml")
        assert "'ü☃'" in suite[0][0].attrib["message"]


class TestChangedSince:
    """`--changed-since`: only findings of files that differ from a revision are shown."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        """Return a repository with two manifests that have warnings and two that include a file."""
        _warned(tmp_path / "one.yaml", "one")
        _warned(tmp_path / "sub" / "two.yaml", "two")
        _write(tmp_path / "text.txt", "run")
        include = "name: {}\ntags: [{{name: a}}, {{name: a}}]\nsteps: {{a: {{command: !file {}}}}}\n"
        _write(tmp_path / "three.yaml", include.format("three", "text.txt"))
        self._git(tmp_path, "init", "--quiet", "--initial-branch=main")
        self._commit(tmp_path)
        return tmp_path

    @staticmethod
    def _git(folder: Path, *words: str) -> None:
        names = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *names, *words], cwd=folder, check=True, env=environment())

    def _commit(self, folder: Path) -> None:
        self._git(folder, "add", ".")
        self._git(folder, "commit", "--quiet", "--message=x")

    @staticmethod
    def _shown(folder: Path, *paths: str, since: str = "HEAD") -> list[tuple[str, str]]:
        found: Any = report("--changed-since", since, *(paths or (".",)), cwd=folder)
        return [(finding["file"], finding["rule"]) for finding in found["findings"]]

    def test_nothing_changed(self, repository: Path) -> None:
        """A clean working tree has no findings, though there are warnings; all is counted."""
        done = validate("--changed-since", "HEAD", ".", cwd=repository)
        assert (done.returncode, done.stdout) == (0, "3 valid manifests in 3 files; no problems found\n")

    def test_changed_and_staged(self, repository: Path) -> None:
        """The findings of a changed file are shown, staged or not."""
        _warned(repository / "one.yaml", "uno")
        assert self._shown(repository) == [("one.yaml", "duplicate-tag")]
        self._git(repository, "add", ".")
        assert self._shown(repository) == [("one.yaml", "duplicate-tag")]

    def test_since_an_older_revision(self, repository: Path) -> None:
        """What was committed since counts, by tag, branch or hash."""
        self._git(repository, "tag", "before")
        _warned(repository / "sub" / "two.yaml", "zwei")
        self._commit(repository)
        assert self._shown(repository) == []
        for since in ("before", "HEAD~1", "main~1"):
            assert self._shown(repository, since=since) == [("sub/two.yaml", "duplicate-tag")]

    def test_new_file(self, repository: Path) -> None:
        """A file that git does not know yet is new; one that it is to ignore is not looked for."""
        _warned(repository / "sub" / "ü new\t.yaml", "new")
        _warned(repository / "ignored.yaml", "ignored")
        _write(repository / ".gitignore", "ignored.yaml\n")
        assert self._shown(repository) == [("sub/ü new\\t.yaml", "duplicate-tag")]

    def test_renamed_file(self, repository: Path) -> None:
        """A file that was renamed counts under its new name."""
        self._git(repository, "mv", "one.yaml", "eins.yaml")
        assert self._shown(repository) == [("eins.yaml", "duplicate-tag")]

    def test_deleted_file(self, repository: Path) -> None:
        """A file that is gone has no findings."""
        (repository / "one.yaml").unlink()
        assert self._shown(repository) == []

    def test_included_file(self, repository: Path) -> None:
        """A manifest counts when a file that it includes was changed, or is gone."""
        _write(repository / "text.txt", "run faster")
        assert self._shown(repository) == [("three.yaml", "duplicate-tag")]
        (repository / "text.txt").unlink()
        assert self._shown(repository) == [("three.yaml", "file-include")]

    def test_duplicate_of_an_unchanged_file(self, repository: Path) -> None:
        """A changed file that takes another's name is shown with that other."""
        _good(repository / "new.yaml", "one")
        assert self._shown(repository) == [("new.yaml", "duplicate-name"), ("one.yaml", "duplicate-name")]
        self._commit(repository)
        assert self._shown(repository) == []

    def test_unchanged_broken_file(self, repository: Path) -> None:
        """A file that was broken before is not shown, also where no other is left."""
        _write(repository / "sub" / "two.yaml", "name: [\n")
        self._commit(repository)
        assert self._shown(repository, "sub") == []
        assert validate("--changed-since", "HEAD", "sub", cwd=repository).returncode == 0

    def test_unchanged_empty_file(self, repository: Path) -> None:
        """Nor is a file without a manifest, unless it is new."""
        _write(repository / "sub" / "two.yaml", "# nothing\n")
        assert self._shown(repository, "sub") == [("sub/two.yaml", "no-manifests")]
        self._commit(repository)
        assert self._shown(repository, "sub") == []

    def test_from_a_subdirectory_and_by_a_link(self, repository: Path) -> None:
        """Where the command runs, and by which way a file is named, makes no difference."""
        _warned(repository / "sub" / "two.yaml", "zwei")
        (repository / "link").symlink_to("sub")
        assert self._shown(repository / "sub") == [("two.yaml", "duplicate-tag")]
        assert self._shown(repository, "link") == [("link/two.yaml", "duplicate-tag")]
        (repository / "link").unlink()
        assert self._shown(repository / "sub", "..") == [("../sub/two.yaml", "duplicate-tag")]

    def test_standard_input_always_counts(self, repository: Path) -> None:
        """What is piped in is in no revision."""
        done = subprocess.run(
            [*forked_command(), "validate", "--changed-since", "HEAD", "-"],
            input=_warning("piped").encode(),
            capture_output=True,
            check=False,
            cwd=repository,
            env=environment(),
        )
        assert (done.returncode, done.stdout.count(b"duplicate-tag")) == (0, 1)

    @pytest.mark.parametrize(
        "since",
        ["no-such-branch", "", "-", "--help", "--output=x", "-p", "HEAD:one.yaml", "a b", "HEAD\n", "..."],
    )
    def test_bad_revision(self, repository: Path, since: str) -> None:
        """What is no commit is wrong usage, also where it looks like an option of git."""
        before = sorted(repository.iterdir())
        done = run("validate", f"--changed-since={since}", ".", cwd=repository)
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr.startswith("error: ")
        assert sorted(repository.iterdir()) == before

    def test_no_repository(self, tmp_path: Path) -> None:
        """Outside a git repository the option is an error."""
        _good(tmp_path / "a.yaml", "a")
        done = run("validate", "--changed-since", "HEAD", ".", cwd=tmp_path, GIT_CEILING_DIRECTORIES="/")
        assert (done.returncode, done.stdout) == (64, "")
        assert "not a git repository" in done.stderr

    def test_a_shallow_clone(self, repository: Path, tmp_path: Path) -> None:
        """A clone without the history is named as one, with the settings that fetch it."""
        self._git(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
        clone = tmp_path / "shallow"
        self._git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), str(clone))
        done = run("validate", "--changed-since", "HEAD~1", ".", cwd=clone)
        assert (done.returncode, done.stdout) == (64, "")
        assert "this clone is shallow" in done.stderr
        assert "fetch-depth: 0" in done.stderr

    def test_a_repository_of_another_user(self, repository: Path) -> None:
        """What git asks to run is kept whole, with the directory to add."""
        other = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
        done = run("validate", "--changed-since", "HEAD", ".", cwd=repository, **other)
        assert (done.returncode, done.stdout) == (64, "")
        assert f"git config --global --add safe.directory {repository}\n" in done.stderr

    def test_no_commit_yet(self, tmp_path: Path) -> None:
        """A repository without a commit has no HEAD."""
        self._git(tmp_path, "init", "--quiet")
        _good(tmp_path / "a.yaml", "a")
        assert run("validate", "--changed-since", "HEAD", ".", cwd=tmp_path).returncode == 64

    def test_no_git(self, repository: Path) -> None:
        """Without git the changes are unknown: exit 1, with an error."""
        done = run("validate", "--changed-since", "HEAD", ".", cwd=repository, PATH="/nonexistent")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "error: cannot run git: No such file or directory\n"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of 420 manifests with errors of every kind."""
    folder = tmp_path_factory.mktemp("many")
    for index in range(420):
        kinds = (
            f"name: w{index}\n{_STEPS}",
            _warning(f"w{index}"),
            f"name: w{index - 1}\n{_STEPS}",
            f"name: w{index}\nsteps: {{a: {{parents: [b], command: !env V}}}}\n",
            f"name: w{index}\nsteps: {{a: {{parents: 1, command: !env UNSET}}}}\n",
            "name: [\n",
        )
        _write(folder / f"d{index % 7}" / f"{index}.yaml", kinds[index % len(kinds)])
    return folder


class TestProcesses:
    """Hundreds of files are checked in several processes, and the result is the same."""

    @staticmethod
    def _several() -> bool:
        return hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1

    @staticmethod
    def _run(folder: Path, processors: Sequence[int], reports: Path) -> list[bytes]:
        reports.mkdir()
        done = subprocess.run(
            [*COMMAND, "validate", *(f"--output={form}={reports / form}" for form in _FORMATS[1:]), folder],
            capture_output=True,
            check=False,
            env=environment(V="canary"),
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )
        assert (done.returncode, done.stderr) == (3, b"")
        return [done.stdout, *((reports / form).read_bytes() for form in _FORMATS[1:])]

    def test_same_bytes(self, many: Path, tmp_path: Path) -> None:
        """With one processor or several, each format is byte for byte the same."""
        if not self._several():
            pytest.skip("there is one processor only")
        processors = sorted(os.sched_getaffinity(0))
        serial = self._run(many, processors[:1], tmp_path / "serial")
        assert self._run(many, processors, tmp_path / "parallel") == serial

    def test_what_is_found(self, many: Path) -> None:
        """Every kind of error is found in every file that has it."""
        found = report(many, V="canary")
        assert found["summary"]["files"] == 420
        counts = Counter(finding["rule"] for finding in found["findings"])
        assert counts == {
            "duplicate-tag": 70,
            "duplicate-name": 140,
            "unknown-parent": 70,
            "schema-type": 70,
            "env": 70,
            "yaml-syntax": 70,
        }
