"""Builds what a release consists of, from the last commit, twice, and checks it; uploads nothing.

    make release                  the version of reconciler/__init__.py: the changelog must have its section
    make release ARGS=--trial     the same builds and checks at any time between two releases

Leaves in `dist/`: the sdist, the wheel, an SBOM (CycloneDX, of the wheel installed with the locked
dependencies on this Python) and SHA256SUMS. Each of the two builds has its own directory, umask, time zone
and hash seed; all files must be the same byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

from artifacts import sdist_problems, wheel_problems
from changelog import problems, read_version

_ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_SUMS = "SHA256SUMS"
_SURROUNDINGS = (
    (0o022, {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}),
    (0o077, {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "2"}),
)


class RefusedError(Exception):
    """Nothing can be released; each argument is a reason, with what to do."""


def main() -> int:
    """Build, check, and return the exit code."""
    parser = argparse.ArgumentParser(description="Builds and checks the files of a release.")
    parser.add_argument(
        "--trial", action="store_true", help="ask for no section of this version in the changelog"
    )
    parser.add_argument("--outdir", type=Path, default=_ROOT / "dist", help="where the files go")
    chosen = parser.parse_args()
    try:
        version = _ready(chosen.outdir, trial=chosen.trial)
        with tempfile.TemporaryDirectory(prefix="peak-reconciler-release-") as work:
            _release(version, Path(work), chosen.outdir)
    except RefusedError as refusal:
        print("no release:", *refusal.args, sep="\n  ", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"no release: {Path(error.cmd[0]).name} failed\n{error.output or ''}", file=sys.stderr)
        return 1
    return 0


def _ready(outdir: Path, *, trial: bool) -> str:
    """Return the version to be built."""
    if outdir.exists() and not (outdir / _SUMS).is_file():
        raise RefusedError(f"{outdir} is not the directory of an earlier release: remove it, or name another")
    changed = _git("status", "--porcelain").splitlines()
    if changed:
        raise RefusedError("there are changes that are not committed: commit or stash them", *changed[:10])
    version = read_version(_ROOT)
    wrong = problems((_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version, release=not trial)
    tagged = _git("tag", "--list", f"v{version}")
    if tagged and not trial and _git("rev-list", "-1", tagged) != _git("rev-parse", "HEAD"):
        wrong.append(
            f"the tag {tagged} stands at another commit: raise the version in reconciler/__init__.py"
        )
    if wrong:
        raise RefusedError(*wrong)
    return version


def _release(version: str, work: Path, outdir: Path) -> None:
    builds = [_Build(work / str(number), number) for number in range(len(_SURROUNDINGS))]
    for build in builds:
        build.distributions()
    first, second = builds
    (wheel,), (sdist,) = first.dist.glob("*.whl"), first.dist.glob("*.tar.gz")
    _check(wheel, sdist, first.source, version)
    _say("checked: metadata, what is inside and what is not")
    _try_out(wheel, first.source, work / "empty", version)
    _say("installed alone, from the lock file, and used")
    for build in builds:
        build.bom(work / "empty", version)
    _compare(first.dist, second.dist)
    _say("reproducible: the same bytes from two builds, and the wheel of the sdist is that of the tree")
    _sums(first.dist)
    _place(first.dist, outdir)


class _Build:
    """Everything built from the last commit in surroundings of its own.

    The first build makes the wheel from its sdist, the second one from the tree.
    """

    def __init__(self, work: Path, number: int) -> None:
        self._number = number
        self._umask, variables = _SURROUNDINGS[number]
        epoch = _git("log", "-1", "--format=%ct")
        self._env = {**os.environ, **variables, "SOURCE_DATE_EPOCH": epoch}
        self.source, self.dist = work / "source", work / "dist"
        self.source.mkdir(parents=True)
        archive = work / "source.tar"
        _git("archive", "--output", str(archive), "HEAD")
        _run("tar", "-xf", str(archive), "-C", str(self.source), umask=self._umask)

    def distributions(self) -> None:
        kinds = () if self._number == 0 else ("--sdist", "--wheel")
        build = (sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(self.dist))
        _run(*build, str(self.source), env=self._env, umask=self._umask)

    def bom(self, installed: Path, version: str) -> None:
        project = self.source / "pyproject.toml"
        # The SBOM's own component takes a version only from where it stands as such.
        words = project.read_text(encoding="utf-8")
        project.write_text(words.replace('dynamic = ["version"]', f'version = "{version}"'), encoding="utf-8")
        bom = (
            "cyclonedx-py",
            "environment",
            "--output-reproducible",
            "--validate",
            "--mc-type",
            "application",
        )
        file = str(self.dist / f"peak_reconciler-{version}.cdx.json")
        where = ("--pyproject", str(project), "--output-file", file, str(installed / "bin" / "python"))
        _run(*bom, *where, env=self._env, umask=self._umask)


def _compare(first: Path, second: Path) -> None:
    names = sorted({file.name for folder in (first, second) for file in folder.iterdir()})
    different = [name for name in names if _digest(first / name) != _digest(second / name)]
    if different:
        raise RefusedError("two builds of one commit differ; look at both with diffoscope", *different)


def _check(wheel: Path, sdist: Path, tree: Path, version: str) -> None:
    _run("twine", "check", "--strict", str(wheel), str(sdist))
    _run("check-wheel-contents", "--no-config", "--toplevel", "reconciler", str(wheel))
    tracked = _git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    wrong = [*wheel_problems(wheel, tree, version), *sdist_problems(sdist, tracked, version)]
    if wrong:
        raise RefusedError(*wrong)


def _try_out(wheel: Path, tree: Path, empty: Path, version: str) -> None:
    """Install the wheel and the locked dependencies where nothing else is, and use the command."""
    venv.create(empty, symlinks=True)
    python = str(empty / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--require-hashes", "-r", str(tree / "requirements.lock"))
    _run(*pip, "install", "--no-deps", "--no-index", str(wheel))
    _run(*pip, "check")
    command = str(empty / "bin" / "peak-reconciler")
    said = _run(command, "--version", cwd=empty)
    if said.split()[-1] != version:
        raise RefusedError(f"the installed command says that it is {said!r}, not {version}")
    _run(command, "validate", str(tree / "examples" / "workflows"), cwd=empty)
    schema = json.loads(_run(command, "schema", "manifest", cwd=empty))
    if "$schema" not in schema:
        raise RefusedError("the installed command has no schema of manifests")


def _sums(dist: Path) -> None:
    lines = [f"{_digest(file)}  {file.name}\n" for file in sorted(dist.iterdir())]
    (dist / _SUMS).write_text("".join(lines), encoding="ascii")


def _place(dist: Path, outdir: Path) -> None:
    if outdir.exists():
        shutil.rmtree(outdir)  # of an earlier release, as `_ready` has seen
    shutil.copytree(dist, outdir)
    for file in sorted(outdir.iterdir()):
        print(f"{file.stat().st_size:>9}  {file}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "missing"


def _git(*words: str) -> str:
    return _run("git", "-C", str(_ROOT), *words).strip()


def _run(*command: str, env: Mapping[str, str] | None = None, umask: int = -1, cwd: Path = _ROOT) -> str:
    """Run one of the tools beside this Python, else one of the PATH, and return what it said."""
    tool = shutil.which(command[0], path=str(_BIN)) or command[0]
    done = subprocess.run(
        [tool, *command[1:]],
        env=env,
        umask=umask,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
