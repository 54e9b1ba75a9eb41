"""Build of a release from the last commit, twice, with checks; uploads nothing.

    make release                  the version of reconciler/__init__.py: the changelog must have its section
    make release ARGS=--trial     the same builds and checks between two releases

Writes to `dist/`: the sdist, the wheel, an SBOM (CycloneDX, of the wheel installed with the locked
dependencies on this Python) and SHA256SUMS. The two builds differ in directory, umask, time zone and
hash seed; all files must be equal, byte for byte.
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
    """Refusal of a release; each argument is a reason, with its fix."""


def main() -> int:
    """Build, check, and return the exit code."""
    parser = argparse.ArgumentParser(description="Build and check the files of a release.")
    parser.add_argument(
        "--trial", action="store_true", help="do not require a section for this version in the changelog"
    )
    parser.add_argument("--outdir", type=Path, default=_ROOT / "dist", help="directory for the files")
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
    """Check that a release can be built, and return its version."""
    if outdir.exists() and not (outdir / _SUMS).is_file():
        raise RefusedError(f"{outdir} is not the directory of an earlier release: remove it, or use another")
    changed = _git("status", "--porcelain").splitlines()
    if changed:
        raise RefusedError("there are uncommitted changes: commit or stash them", *changed[:10])
    version = read_version(_ROOT)
    wrong = problems((_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version, release=not trial)
    tagged = _git("tag", "--list", f"v{version}")
    if tagged and not trial and _git("rev-list", "-1", tagged) != _git("rev-parse", "HEAD"):
        wrong.append(f"the tag {tagged} is at another commit: raise the version in reconciler/__init__.py")
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
    _say("checked: metadata and contents")
    _try_out(wheel, first.source, work / "empty", version)
    _say("installed in an empty environment, from the lock file, and used")
    for build in builds:
        build.bom(work / "empty", version)
    _compare(first.dist, second.dist)
    _say("reproducible: both builds are equal, and so are the wheels of the sdist and of the tree")
    _sums(first.dist)
    _place(first.dist, outdir)


class _Build:
    """One build of the last commit, in its own environment.

    The first one builds the wheel from its sdist, the second one from the tree.
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
        # The SBOM reads the version of the project only from a static field.
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
    """Install the wheel and the locked dependencies in an empty environment, and use the command."""
    venv.create(empty, symlinks=True)
    python = str(empty / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--require-hashes", "-r", str(tree / "requirements.lock"))
    _run(*pip, "install", "--no-deps", "--no-index", str(wheel))
    _run(*pip, "check")
    command = str(empty / "bin" / "peak-reconciler")
    said = _run(command, "--version", cwd=empty)
    if said.split()[-1] != version:
        raise RefusedError(f"the installed command reports the version {said!r}, not {version}")
    _run(command, "validate", str(tree / "examples" / "workflows"), cwd=empty)
    schema = json.loads(_run(command, "schema", "manifest", cwd=empty))
    if "$schema" not in schema:
        raise RefusedError("the installed command has no schema for manifests")


def _sums(dist: Path) -> None:
    lines = [f"{_digest(file)}  {file.name}\n" for file in sorted(dist.iterdir())]
    (dist / _SUMS).write_text("".join(lines), encoding="ascii")


def _place(dist: Path, outdir: Path) -> None:
    if outdir.exists():
        shutil.rmtree(outdir)  # `_ready` has checked that it is an earlier release
    shutil.copytree(dist, outdir)
    for file in sorted(outdir.iterdir()):
        print(f"{file.stat().st_size:>9}  {file}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "missing"


def _git(*words: str) -> str:
    return _run("git", "-C", str(_ROOT), *words).strip()


def _run(*command: str, env: Mapping[str, str] | None = None, umask: int = -1, cwd: Path = _ROOT) -> str:
    """Run a tool installed with this Python, or else from the PATH, and return its output."""
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
