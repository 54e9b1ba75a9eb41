"""Screenshots for the documentation: the pages that `plan`, `apply` and `diff` write, in a headless Chromium.

`make screenshots` takes them, of the example manifests on an emulated tenant. Needs Chromium, its driver, and
the packages of the group `browser`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from reconciler.client import Session, Workflow
from reconciler.emulator import EmulatorServer
from reconciler.plan import list_tenant

_ROOT: Final = Path(__file__).resolve().parent.parent
_IMAGES: Final = _ROOT / "docs" / "images"
_WIDTH: Final = 1080
_TALLEST: Final = 1300
_TOKEN: Final = "made-up"  # noqa: S105 - the emulator's
_PORT: Final = 18765
"""A fixed port, so that the address of the tenant in a picture is the same each time."""

_CONFIGURATION: Final = "version: 1\nmanifests: [workflows]\nownership: {tag: team-a}\n"
_NEW: Final = """\
name: churn
steps:
  score: {imageId: 100, imageVersionId: 200, command: python churn.py}
"""
_ONE_LINE: Final = "command: python load.py --days 30"
_SCRIPT: Final = """\
command: |
        set -e
        python load.py --days 30
        python compact.py --level 6
        python report.py"""
_EDITS: Final = (
    ("--days 30", "--days 90"),
    ("compact.py --level 6", "compact.py --level 9\n        python check.py --strict"),
    (
        "    train:\n",
        "    check: {imageId: 1, imageVersionId: 1, command: python check.py, parents: [load]}\n    train:\n",
    ),
    ("parents:\n        - load\n", "parents:\n        - check\n"),
)
"""What a pull request changes in a manifest: two lines of a script, and a step between two others."""

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--disable-background-networking",
    "--disable-component-update",
)


def _take(folder: Path, server: EmulatorServer, browser: webdriver.Chrome) -> None:
    """Take all screenshots, of a repository in `folder` and the tenant of `server`."""
    url = server.url
    workflows = folder / "workflows"
    shutil.copytree(_ROOT / "examples" / "workflows", workflows)
    _replace(workflows / "daily-forecast.yaml", _ONE_LINE, _SCRIPT)
    (folder / "reconciler.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    _commit(folder)
    _run(folder, url, "apply", "--auto-approve")
    with Session(_TOKEN, base_url=url) as session:
        client = Workflow(session)
        (scoring,) = list_tenant(client, "scoring")
        client.patch_workflow(scoring.id, command="python score.py --quick", step_names=["score"])
    for before, after in _EDITS:
        _replace(workflows / "daily-forecast.yaml", before, after)
    _replace(workflows / "scoring.yaml", "python score.py", "python score.py --full")
    (workflows / "nightly-report.yaml").unlink()
    (workflows / "churn.yaml").write_text(_NEW, encoding="utf-8")
    prune = ("--prune", "--allow-deletes", "1")
    _run(folder, url, "plan", *prune, "--base", "HEAD", "--output", "html=plan.html")
    _shoot(browser, folder / "plan.html", "plan-page.png", open_names=("daily-forecast", "scoring"))
    _shoot(browser, folder / "plan.html", "plan-page-dark.png", open_names=("scoring",), dark=True)
    server.faults = (f"422-message@PUT/workflows/api/v1/workflows/{scoring.id}",)
    _run(folder, url, "apply", *prune, "--auto-approve", "--output", "html=apply.html", fails=True)
    _shoot(browser, folder / "apply.html", "apply-page.png", open_names=("scoring",))


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    if before not in text:
        raise SystemExit(f"{file.name} no longer has {before!r}; adapt the script to it")
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def _commit(folder: Path) -> None:
    """Commit everything, always with the same author and time, so that the commit has the same name."""
    day = "2026-01-05T08:00:00Z"
    env = {**os.environ, "GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    git = (str(shutil.which("git")), "-c", "user.name=ann", "-c", "user.email=ann@example.com")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "workflows"]):
        subprocess.run([*git, *words], cwd=folder, check=True, env=env)


def _run(folder: Path, url: str, *words: str, fails: bool = False) -> None:
    env = {"PATH": os.environ["PATH"], "PEAK_API_URL": url, "PEAK_AUTH_TOKEN": _TOKEN}
    command = [sys.executable, "-m", "reconciler", *words, "--concurrency", "1"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode and not fails:
        raise SystemExit(done.stdout + done.stderr)


def _shoot(
    browser: webdriver.Chrome, page: Path, name: str, *, open_names: tuple[str, ...], dark: bool = False
) -> None:
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    _resize(browser, _TALLEST)
    browser.get(page.as_uri())
    browser.execute_script(
        "for (const d of document.querySelectorAll('details'))"
        " d.open = arguments[0].includes(d.querySelector('strong').textContent)",
        list(open_names),
    )
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    height = browser.execute_script(
        "return document.querySelector('main').getBoundingClientRect().bottom + 24"
    )
    _resize(browser, min(int(height), _TALLEST))
    picture = _IMAGES / name
    browser.save_screenshot(str(picture))
    print(f"{picture.relative_to(_ROOT)}: {picture.stat().st_size // 1024} kB")


def _resize(browser: webdriver.Chrome, height: int) -> None:
    size = {"width": _WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def _browser(profile: Path) -> Iterator[webdriver.Chrome]:
    options = Options()
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.binary_location = str(shutil.which("chromium"))
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()


if __name__ == "__main__":
    with (
        TemporaryDirectory() as work,
        TemporaryDirectory() as profile,
        EmulatorServer(token=_TOKEN, port=_PORT) as server,
        _browser(Path(profile)) as driver,
    ):
        _take(Path(work), server, driver)
