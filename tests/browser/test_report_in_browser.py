"""The HTML report in a headless Chromium: filter, search, fold, keys, no request, no error, accessible.

Needs Chromium, its driver, and the packages of the group `browser`; `make test-browser` runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("selenium", reason="the packages of the group `browser` are not installed")
if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
    pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from reconciler.emulator import EmulatorServer
from reconciler.render import html_report
from reconciler.render.change_lines import Line
from reconciler.render.report_page import Count, Fact, Remark, ReportEntry, ReportPage, StepChange
from reconciler.workflow import StepGraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,900",
)
_HOSTILE = "</details><script>document.title='broken'</script>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Return a headless Chromium that logs every request and message."""
    options = Options()
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


def _page(number: int) -> str:
    page = ReportPage(
        kind="plan",
        title="Plan",
        summary="Plan",
        facts=(Fact("Environment", _HOSTILE), Fact("Blocked", "by a guard", stands_out=True)),
        counts=(Count("create", number // 2), Count("update", number // 2)),
        origins=(Count("drift", number // 2),) if number else (),
        entries=tuple(map(_entry, range(number))),
    )
    return "".join(html_report(page))


def _entry(index: int) -> ReportEntry:
    before, after = {"load": [], "fit": ["load"]}, {"load": [], "check": ["load"], "fit": ["check"]}
    lines = (
        Line("!", "steps.load.command: changed"),
        Line("-", "python run.py --days 30"),
        Line("+", "python run.py --days 7"),
        Line("+", _HOSTILE),
    )
    return ReportEntry(
        name=f"{'retrain' if index % 2 else 'report'}-{index}{_HOSTILE if index == 1 else ''}",
        word="update" if index % 2 else "create",
        id=index,
        place="workflows/flow.yaml:3",
        marks=("drift",) if index % 2 else (),
        about=("by patch",),
        remarks=tuple(Remark(kind, _HOSTILE) for kind in ("Error", "Warning", "Note")),
        changes=(lines, (Line("+", "steps.check: added"), Line("+", "  command: x"))),
        body=("{", f'  "name": "{_HOSTILE}"', "}"),
        steps=StepChange(
            before=StepGraph.of_parents(before),
            after=StepGraph.of_parents(after),
            changed=frozenset({"fit"}),
        ),
    )


@pytest.fixture
def opened(browser: webdriver.Chrome, tmp_path: Path) -> webdriver.Chrome:
    """Return the browser with a page of ten workflows."""
    return _open(browser, tmp_path, _page(10))


def _open(browser: webdriver.Chrome, folder: Path, page: str) -> webdriver.Chrome:
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(file.as_uri())
    return browser


def _shown(browser: webdriver.Chrome) -> int:
    return int(browser.execute_script("return document.querySelectorAll('.entry:not([hidden])').length"))


def _emulate(browser: webdriver.Chrome, *, scheme: str = "light", media: str = "") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media})


def test_filter_search_and_fold(opened: webdriver.Chrome) -> None:
    """A count filters by its word, the search by any text, and one button opens what is shown."""
    opened.find_element(By.CSS_SELECTOR, "button[data-word=drift]").click()
    assert _shown(opened) == 5
    search = opened.find_element(By.ID, "search")
    search.send_keys("RETRAIN-3")
    assert _shown(opened) == 1
    assert opened.find_element(By.ID, "shown").text == "1 of 10 shown"
    opened.find_element(By.ID, "fold").click()
    search.send_keys("no such workflow")
    assert opened.find_element(By.ID, "none").is_displayed()
    search.send_keys(Keys.ESCAPE)
    assert len(opened.find_elements(By.CSS_SELECTOR, "details[open]")) == 1
    opened.find_element(By.CSS_SELECTOR, "button[data-word=drift]").click()
    assert _shown(opened) == 10
    assert not opened.find_element(By.ID, "none").is_displayed()


def test_keys(opened: webdriver.Chrome) -> None:
    """`/` goes to the search, `j` and `k` through the workflows, Enter opens one."""
    body = opened.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    for key in ("j", "j", "k", Keys.ENTER):
        opened.switch_to.active_element.send_keys(key)
    (first,) = opened.find_elements(By.CSS_SELECTOR, "details[open] summary strong")
    assert first.text.startswith("retrain-1")
    opened.switch_to.active_element.send_keys("/")
    assert opened.switch_to.active_element.get_attribute("id") == "search"


def test_nothing_leaves_the_page_and_nothing_runs(opened: webdriver.Chrome) -> None:
    """Hostile text stays text, the console is empty, and the file itself is the only request."""
    opened.find_element(By.ID, "fold").click()
    assert opened.title == "Plan"
    assert opened.find_element(By.TAG_NAME, "main").text.count(_HOSTILE) > 10
    assert opened.find_element(By.TAG_NAME, "dl").text.count(_HOSTILE) == 1
    assert _requests(opened) == {opened.current_url}


def _requests(browser: webdriver.Chrome) -> set[str]:
    """Return the URLs that a page asked for, after checking that its console is empty."""
    assert browser.get_log("browser") == []
    messages: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
    ]
    urls = {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    return {url for url in urls if not url.startswith("chrome:")}


def _violations(browser: webdriver.Chrome) -> list[tuple[str, str]]:
    return [(item["id"], item["nodes"][0]["html"]) for item in Axe().run(browser)["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: webdriver.Chrome, scheme: str) -> None:
    """axe-core finds nothing, in light and in dark mode, with everything open."""
    _emulate(opened, scheme=scheme)
    opened.find_element(By.ID, "fold").click()
    assert _violations(opened) == []


def test_print(opened: webdriver.Chrome) -> None:
    """On paper everything is open, on white, and without the controls."""
    _emulate(opened, scheme="dark")
    opened.execute_cdp_cmd("Page.printToPDF", {})
    assert len(opened.find_elements(By.CSS_SELECTOR, "details[open]")) == 10
    _emulate(opened, scheme="dark", media="print")
    assert not opened.find_element(By.CSS_SELECTOR, ".bar").is_displayed()
    colour = "return getComputedStyle(document.body).backgroundColor"
    assert opened.execute_script(colour) == "rgb(255, 255, 255)"
    _emulate(opened)


def test_narrow_screen(opened: webdriver.Chrome) -> None:
    """On a telephone nothing but a step graph scrolls sideways."""
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened.find_element(By.ID, "fold").click()
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 360
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_ten_thousand_workflows(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """A page of ten thousand workflows loads and filters without a hang."""
    opened = _open(browser, tmp_path, _page(10_000))
    opened.find_element(By.ID, "search").send_keys("retrain-9999")
    assert _shown(opened) == 1


def test_nothing_to_show(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """A page without workflows has no controls, and no error."""
    opened = _open(browser, tmp_path, _page(0))
    assert opened.find_elements(By.ID, "search") == []
    assert _requests(opened) == {opened.current_url}
    assert _violations(opened) == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the pages that the commands write: each by what it is about."""
    folder = tmp_path_factory.mktemp("written")
    manifests = folder / "workflows"
    manifests.mkdir()

    def write(command: str) -> None:
        steps = {"load": _step(command), "fit": _step(_HOSTILE, parents=["load"])}
        (manifests / "flow.json").write_text(json.dumps({"name": _HOSTILE, "steps": steps}))

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "reconciler", *words]
        subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True)

    with EmulatorServer(token=None) as server:
        env = {"PATH": os.environ["PATH"], "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "anything"}
        for command in ("echo one", "echo two"):
            write(command)
            run("plan", "workflows", "--output", "html=plan.html", "--save-plan", "plan.json")
            run(
                "apply",
                "workflows",
                "--auto-approve",
                "--output",
                "html=apply.html",
                "--run-record",
                "run.json",
            )
        write("echo three")
        run("diff", "workflows", "--output", "html=diff.html")
        run("status", "workflows", "--output", "html=status.html")
        for name, saved in (("plan", "plan.json"), ("run", "run.json"), ("backups", ".reconciler/backups")):
            run("show", saved, "--output", f"html=show-{name}.html")
    return {file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.html")}


def _step(command: str, **more: Any) -> dict[str, Any]:
    return {"type": "standard", "imageId": 1, "imageVersionId": 2, "command": command, **more}


@pytest.mark.parametrize("name", ["plan", "apply", "diff", "status", "show-plan", "show-run", "show-backups"])
def test_page_of_each_command(
    browser: webdriver.Chrome, tmp_path: Path, written: dict[str, str], name: str
) -> None:
    """The page of each command has its workflow, loads nothing, runs nothing, and is accessible."""
    opened = _open(browser, tmp_path, written[name])
    (shown,) = opened.find_elements(By.CSS_SELECTOR, ".line strong")
    assert shown.text == _HOSTILE
    opened.find_element(By.ID, "fold").click()
    assert opened.title != "broken"
    assert _requests(opened) == {opened.current_url}
    for scheme in ("light", "dark"):
        _emulate(opened, scheme=scheme)
        assert _violations(opened) == []
