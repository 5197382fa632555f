"""The page in a browser: it draws, answers, sends nothing and runs nothing that a run holds."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from helpers.made_runs import HOSTILE, NAMES, SIZES, back_and_forth, run_of

pytest.importorskip("altair", reason="Altair is missing: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is missing: pip install '.[report]'")
pytest.importorskip("selenium", reason="Selenium is missing: pip install selenium")

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from blurbench.analysis.claims import CLAIMS
from blurbench.records.journal import load
from blurbench.report.page.build import build_page
from blurbench.report.palette import COLOURS
from helpers.pages import Page

pytestmark = pytest.mark.rest("the browser")

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--window-size=1280,1200", "--hide-scrollbars", "--force-device-scale-factor=1"),
)
COMMITTED = Path(__file__).parent.parent / "results" / "2026-11-28-testcard-sweep"
SCRIPT = "<script>alert(1)</script>.png"
FORMULA = "=1+1"
HASTY = """
new MutationObserver((found, observer) => {
  if (document.querySelector(".chart svg") === null || !document.querySelector("#controls")) return;
  observer.disconnect();
  const box = document.querySelector("input[value='scipy:fft']");
  box.checked = false;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}).observe(document, { childList: true, subtree: true });
"""
PATIENCE = 60  # seconds until the browser is given up; no test waits for it to pass


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium, with its console and its requests on record."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no browser: install Debian's chromium and chromium-driver")
    options = Options()
    options.binary_location = CHROMIUM
    for one in SWITCHES:
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def committed(folder: Path) -> Path:
    """The page of a run that was really made."""
    return written(folder / "committed.html", build_page([load(COMMITTED)]))


@pytest.fixture(scope="module")
def beside(folder: Path) -> Path:
    """Two runs, one of them of two images."""
    logs = [run_of(extents=((128, 128), (512, 512))), run_of(sizes=(3, 31))]
    return written(folder / "beside.html", build_page(logs))


@pytest.fixture(scope="module")
def hostile(folder: Path) -> Path:
    """A run of an image whose name is a script, with names that are formulas and worse."""
    names = [*NAMES, f"{FORMULA}:fft", f"{HOSTILE}:fft"]
    return written(folder / "hostile.html", build_page([run_of(names, path=SCRIPT)]))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def until(ask: Callable[[], Any]) -> Any:
    """What `ask` answers, once that is anything."""
    given_up = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < given_up, "the browser does not come to it"
        time.sleep(0.02)
    return answer


def visit(driver: webdriver.Chrome, page: Path, width: int = 1280, scheme: str = "light") -> None:
    """Open a page, and wait until its charts stand."""
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    tell(
        driver,
        "Emulation.setEmulatedMedia",
        media="",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    tell(
        driver,
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=1200,
        deviceScaleFactor=1,
        mobile=False,
    )
    driver.get(page.as_uri())
    until(lambda: driver.execute_script("return document.documentElement.dataset.ready"))


def tell(driver: webdriver.Chrome, command: str, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = driver.execute_cdp_cmd(command, values)
    return answer


def centre(driver: webdriver.Chrome, element: WebElement) -> None:
    """Scroll to an element."""
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)


def pixels(driver: webdriver.Chrome, element: WebElement) -> np.ndarray[Any, Any]:
    """Of an element, as it is seen: (H, W, 3)."""
    centre(driver, element)
    return np.asarray(PIL.Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"), int)


def near(picture: np.ndarray[Any, Any], colour: str) -> int:
    """How many pixels have almost this colour."""
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(picture - wanted).max(axis=2) < 24).sum())


def charts(driver: webdriver.Chrome) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, ".chart")


def points(driver: webdriver.Chrome, chart: str = "times-1") -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, f"#{chart} .mark-symbol.role-mark path")


def box(driver: webdriver.Chrome, name: str) -> WebElement:
    """The checkbox of an implementation."""
    return next(
        one
        for one in driver.find_elements(By.CSS_SELECTOR, "input[name=shown]")
        if one.get_attribute("value") == name
    )


def press(driver: webdriver.Chrome, element: WebElement) -> None:
    centre(driver, element)
    element.click()


def downloaded(driver: webdriver.Chrome, chart: str, folder: Path) -> list[dict[str, str]]:
    """Press a chart's button and read the file that it gives."""
    folder.mkdir()
    tell(driver, "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    button = driver.find_element(By.CSS_SELECTOR, f"button[data-csv='{chart}']")
    driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    press(driver, button)
    file: Path = until(lambda: next(folder.glob("*.csv"), None))
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


@pytest.mark.parametrize("name", ["committed", "beside", "hostile"])
def test_nothing_is_complained_of_and_nothing_is_asked_for(
    name: str, browser: webdriver.Chrome, request: pytest.FixtureRequest
) -> None:
    page: Path = request.getfixturevalue(name)
    visit(browser, page)
    assert browser.get_log("browser") == []
    messages = (json.loads(one["message"])["message"] for one in browser.get_log("performance"))
    asked = {
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    }
    assert asked - {"about:blank"} == {page.as_uri()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn(scheme: str, browser: webdriver.Chrome, committed: Path) -> None:
    visit(browser, committed, scheme=scheme)
    found = charts(browser)
    assert len(found) >= 6
    for chart in found:
        seen = pixels(browser, chart)
        assert sum(near(seen, colour) for colour in COLOURS) > 300, chart.get_attribute("id")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_the_page_is_as_wide_as_the_screen_and_its_text_as_dark_as_can_be_read(
    width: int, scheme: str, browser: webdriver.Chrome, beside: Path
) -> None:
    visit(browser, beside, width, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    for chart in charts(browser):
        left, right = browser.execute_script(
            "const box = arguments[0].firstElementChild.getBoundingClientRect();"
            "return [box.left, box.right]",
            chart,
        )
        assert 0 <= left < right <= width
    ground, text = browser.execute_script(
        "return [getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.chart svg text')).fill]"
    )
    bright = [sum(map(int, one[4:-1].split(","))) for one in (ground, text)]
    assert (bright[0] > 700) == (scheme == "light")
    assert abs(bright[0] - bright[1]) > 500


def test_a_mark_that_is_pointed_at_tells_its_value(
    browser: webdriver.Chrome, committed: Path
) -> None:
    visit(browser, committed)
    mark = points(browser)[0]
    centre(browser, mark)
    ActionChains(browser).move_to_element(mark).perform()
    told = until(lambda: browser.find_element(By.ID, "vg-tooltip-element").text)
    rows = Page(committed.read_text("utf-8")).rows("cells")
    own = [row for row in rows if row["implementation"] in told.split()]
    assert any(str(row["end_to_end_median_s"]) in told for row in own), told


def test_an_implementation_that_is_unchecked_leaves_the_charts(
    browser: webdriver.Chrome, committed: Path
) -> None:
    visit(browser, committed)
    before = len(points(browser))
    rows = Page(committed.read_text("utf-8")).rows("cells")
    own = [
        one for one in rows if one["implementation"] == "scipy:fft" and one["end_to_end_median_s"]
    ]
    press(browser, box(browser, "scipy:fft"))
    until(lambda: len(points(browser)) == before - len(own))
    press(browser, box(browser, "scipy:fft"))
    until(lambda: len(points(browser)) == before)


def test_none_and_all_do_what_they_say(browser: webdriver.Chrome, committed: Path) -> None:
    visit(browser, committed)
    before = len(points(browser))
    press(browser, browser.find_element(By.ID, "none"))
    until(lambda: not points(browser))
    press(browser, browser.find_element(By.ID, "all"))
    until(lambda: len(points(browser)) == before)


def test_the_keyboard_reaches_an_implementation(browser: webdriver.Chrome, committed: Path) -> None:
    visit(browser, committed)
    before = len(points(browser))
    focus = browser.switch_to
    while focus.active_element.get_attribute("name") != "shown":
        focus.active_element.send_keys(Keys.TAB)
    focus.active_element.send_keys(Keys.SPACE)
    until(lambda: len(points(browser)) < before)


def test_another_image_shows_other_figures(browser: webdriver.Chrome, beside: Path) -> None:
    visit(browser, beside)
    before = [one.get_attribute("transform") for one in points(browser)]
    select = browser.find_element(By.ID, "picture")
    select.send_keys(Keys.UP)
    until(lambda: [one.get_attribute("transform") for one in points(browser)] != before)


def test_another_implementation_shows_other_figures_of_all_runs(
    browser: webdriver.Chrome, beside: Path
) -> None:
    visit(browser, beside)
    before = [one.get_attribute("transform") for one in points(browser, "machines")]
    browser.find_element(By.ID, "one").send_keys(Keys.DOWN)
    until(lambda: [one.get_attribute("transform") for one in points(browser, "machines")] != before)


def test_a_table_is_the_one_behind_its_chart(browser: webdriver.Chrome, committed: Path) -> None:
    visit(browser, committed)
    details = browser.find_element(By.CSS_SELECTOR, "details[data-chart='times-1']")
    press(browser, details.find_element(By.TAG_NAME, "summary"))
    until(lambda: details.find_elements(By.CSS_SELECTOR, "tbody tr"))
    head = [one.text for one in details.find_elements(By.TAG_NAME, "th")]
    first = [one.text for one in details.find_elements(By.CSS_SELECTOR, "tbody tr:first-child td")]
    row = Page(committed.read_text("utf-8")).rows("cells")[0]
    shown = dict(zip(head, first, strict=True))
    assert float(shown["end_to_end_median_s"]) == row["end_to_end_median_s"]
    assert shown["implementation"] == row["implementation"]


def test_the_downloaded_summary_is_that_of_the_folder(
    browser: webdriver.Chrome, committed: Path, tmp_path: Path
) -> None:
    visit(browser, committed)
    rows = downloaded(browser, "summary", tmp_path / "got")
    with (COMMITTED / "summary.csv").open(encoding="utf-8", newline="") as stream:
        kept = list(csv.DictReader(stream, strict=True))
    assert len(rows) == len(kept)
    for got, own in zip(rows, kept, strict=True):
        assert {name: same(text) for name, text in own.items()} == {
            name: same(text) for name, text in got.items() if name in own
        }


def same(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def test_a_name_that_is_a_script_is_text(browser: webdriver.Chrome, hostile: Path) -> None:
    visit(browser, hostile)
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert
    assert SCRIPT in browser.find_element(By.TAG_NAME, "header").text
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 4  # one of them unpacked
    assert f"{FORMULA}:fft" in browser.find_element(By.ID, "controls").text


def test_a_cell_that_is_a_formula_is_text_in_the_file(
    browser: webdriver.Chrome, hostile: Path, tmp_path: Path
) -> None:
    visit(browser, hostile)
    names = {row["implementation"] for row in downloaded(browser, "times-1", tmp_path / "got")}
    assert f"'{FORMULA}:fft" in names
    assert f"{FORMULA}:fft" not in names


def test_what_must_not_win_is_hollow_and_joined_by_no_line(
    browser: webdriver.Chrome, folder: Path
) -> None:
    whole = written(folder / "whole.html", build_page([run_of(NAMES[1:3])]))
    wrong = [run_of(NAMES[1:3], apart={("numpy:fft", 15): "wrong"})]
    holed = written(folder / "wrong.html", build_page(wrong))
    joined = []
    for page, hollow in ((whole, 0), (holed, 1)):
        visit(browser, page)
        filled = [one.get_attribute("fill-opacity") for one in points(browser)]
        assert (len(filled), filled.count("0")) == (2 * len(SIZES), hollow)
        lines = browser.find_elements(By.CSS_SELECTOR, "#times-1 .mark-line path")
        joined.append(sum(one.get_attribute("d").count("L") for one in lines))
    assert joined == [2 * (len(SIZES) - 1), 2 * (len(SIZES) - 1) - 1]


def test_a_pair_that_changes_more_than_once_is_named_once(
    browser: webdriver.Chrome, folder: Path
) -> None:
    log = run_of(NAMES[1:3], times=back_and_forth)
    visit(browser, written(folder / "back.html", build_page([log])))
    texts = browser.find_elements(By.CSS_SELECTOR, "#crossovers-1 .mark-text.role-mark text")
    found = [one.text for one in texts]
    assert found[0] == "numpy:separable → numpy:fft, 2 changes"
    assert len(set(found)) == len(found) == 1 + sum(one.sizes is not None for one in CLAIMS)
    places = sorted(one.rect["y"] for one in texts)
    assert all(below - above > 20 for above, below in pairwise(places))


def test_a_control_that_is_used_while_charts_are_drawn_counts(
    browser: webdriver.Chrome, committed: Path
) -> None:
    visit(browser, committed)
    before = len(points(browser))
    hasty = tell(browser, "Page.addScriptToEvaluateOnNewDocument", source=HASTY)
    try:
        visit(browser, committed)
        until(lambda: 0 < len(points(browser)) < before)
        assert not box(browser, "scipy:fft").is_selected()
        assert browser.get_log("browser") == []
    finally:
        tell(browser, "Page.removeScriptToEvaluateOnNewDocument", identifier=hasty["identifier"])


def test_a_canvas_is_as_dark_as_paper_needs_when_it_is_printed(
    browser: webdriver.Chrome, committed: Path
) -> None:
    visit(browser, committed, scheme="dark")
    canvas = browser.find_element(By.CSS_SELECTOR, ".chart canvas")
    shown = darkest_text(browser, canvas)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    until(lambda: darkest_text(browser, canvas) < shown)
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    until(lambda: darkest_text(browser, canvas) == shown)


def darkest_text(driver: webdriver.Chrome, canvas: WebElement) -> int:
    """The brightness of the darkest opaque grey on a canvas: its labels'."""
    return int(
        driver.execute_script(
            "const { width, height } = arguments[0];"
            "const { data } = arguments[0].getContext('2d').getImageData(0, 0, width, height);"
            "let least = 255;"
            "for (let n = 0; n < data.length; n += 4) {"
            "  const [r, g, b, a] = data.subarray(n, n + 4);"
            "  if (a === 255 && Math.max(r, g, b) - Math.min(r, g, b) < 20)"
            "    least = Math.min(least, g);"
            "}"
            "return least;",
            canvas,
        )
    )


def test_in_print_the_page_is_light_and_names_what_is_shown(
    browser: webdriver.Chrome, committed: Path
) -> None:
    visit(browser, committed, scheme="dark")
    press(browser, box(browser, "scipy:fft"))
    tell(
        browser,
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    labels = browser.find_elements(By.CLASS_NAME, "name")
    printed = [one.text for one in labels if one.is_displayed()]
    assert printed
    assert "scipy:fft" not in printed
    assert not box(browser, printed[0]).is_displayed()
