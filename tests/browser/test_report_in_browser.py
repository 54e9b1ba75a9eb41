"""The HTML report in a headless Chromium: filter, search, fold, keys, no request, no error, accessible.

Needs Chromium, its driver, and the packages of the group `browser`; `make test-browser` runs it.
"""

from __future__ import annotations

import json
import shutil
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

from reconciler.render.change_lines import Line
from reconciler.render.report_as_html import Change, Count, ReportEntry, html_report
from reconciler.render.step_graph_as_svg import graph_svg
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
    graph = StepGraph.of_parents({"load": [], "fit": ["load"]})
    lines = [Line("!", "steps.load.command: changed"), Line("-", "old"), Line("+", _HOSTILE)]
    entries = [
        ReportEntry(
            name=f"{'retrain' if index % 2 else 'report'}-{index}",
            word="update" if index % 2 else "create",
            facts=(f"id {index}",),
            remarks=(_HOSTILE,),
            changes=(Change.of_lines(lines),),
            drawings=(("Steps", graph_svg(graph, {"fit": "add"}, "Steps")),),
        )
        for index in range(number)
    ]
    return html_report("Plan", "Plan", [Count("create", number // 2), Count("update", number // 2)], entries)


@pytest.fixture
def opened(browser: webdriver.Chrome, tmp_path: Path) -> webdriver.Chrome:
    """Return the browser with a page of ten workflows."""
    return _open(browser, tmp_path, 10)


def _open(browser: webdriver.Chrome, tmp_path: Path, number: int) -> webdriver.Chrome:
    file = tmp_path / "plan.html"
    file.write_text(_page(number), encoding="utf-8")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(file.as_uri())
    return browser


def _shown(browser: webdriver.Chrome) -> int:
    return int(browser.execute_script("return document.querySelectorAll('details:not([hidden])').length"))


def test_filter_search_and_fold(opened: webdriver.Chrome) -> None:
    """A count filters by its word, the search by any text, and one button opens what is shown."""
    opened.find_element(By.CSS_SELECTOR, "button[data-word=update]").click()
    assert _shown(opened) == 5
    search = opened.find_element(By.ID, "search")
    search.send_keys("RETRAIN-3")
    assert _shown(opened) == 1
    assert opened.find_element(By.ID, "shown").text == "1 of 10 shown"
    opened.find_element(By.ID, "fold").click()
    search.send_keys(Keys.ESCAPE)
    assert len(opened.find_elements(By.CSS_SELECTOR, "details[open]")) == 1
    opened.find_element(By.CSS_SELECTOR, "button[data-word=update]").click()
    assert _shown(opened) == 10


def test_keys(opened: webdriver.Chrome) -> None:
    """`/` goes to the search, `j` and `k` through the workflows, Enter opens one."""
    body = opened.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    opened.switch_to.active_element.send_keys("j", Keys.ENTER)
    (first,) = opened.find_elements(By.CSS_SELECTOR, "details[open] strong")
    assert first.text == "retrain-1"
    opened.switch_to.active_element.send_keys("/")
    assert opened.switch_to.active_element.get_attribute("id") == "search"


def test_nothing_leaves_the_page_and_nothing_runs(opened: webdriver.Chrome) -> None:
    """Hostile text stays text, the console is empty, and the file itself is the only request."""
    opened.find_element(By.ID, "fold").click()
    assert opened.title == "Plan"
    assert _HOSTILE in opened.find_element(By.TAG_NAME, "main").text
    assert opened.get_log("browser") == []
    messages: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in opened.get_log("performance")
    ]
    urls = {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in urls if not url.startswith("chrome:")} == {opened.current_url}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: webdriver.Chrome, scheme: str) -> None:
    """axe-core finds nothing, in light and in dark mode, with everything open."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    opened.find_element(By.ID, "fold").click()
    found = Axe().run(opened)["violations"]
    assert [(item["id"], item["nodes"][0]["html"]) for item in found] == []


def test_ten_thousand_workflows(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """A page of ten thousand workflows loads and filters without a hang."""
    opened = _open(browser, tmp_path, 10_000)
    opened.find_element(By.ID, "search").send_keys("retrain-9999")
    assert _shown(opened) == 1
