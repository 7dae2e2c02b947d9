"""The report in a real browser: it loads alone, and its switches work."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from label_rasters import town, write_raster
from PIL import Image

from geo_ovss.errors import OutputExists
from geo_ovss.export import write_polygons
from geo_ovss.report import confidence_histogram, write_report

NAMES = ["building", "road </script><b>", "trees & bushes", "вода"]
COLOURS = ["#ac3218", "#4e5057", "#5cd249", "#457ae7"]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--window-size=1300,900")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    labels = town(300)
    confidence = np.random.default_rng(0).uniform(0.4, 0.9, labels.shape).astype(np.float32)
    rasters = write_raster(folder / "l.tif", labels), write_raster(folder / "c.tif", confidence)
    summary = write_polygons(*rasters, NAMES, COLOURS, folder / "town.gpkg")
    valid = np.ones(labels.shape, bool)
    valid[:40, :40] = False
    rgb = np.repeat(np.linspace(60, 200, 300).astype(np.uint8)[None, :, None], 300, axis=0).repeat(3, axis=2)
    return write_report(
        folder / "town.html", rgb=rgb, valid=valid, labels=np.where(valid, labels, 0), names=NAMES, colours=COLOURS,
        summary=summary, title="town <1>", transform=Affine(1.732, 1, 400_000, 1, -1.732, 5_500_000),
        metres_per_pixel=2.0, histogram=confidence_histogram(*rasters, len(NAMES)),
        settings={"preset": "mini", "threshold": 0.3}, timings={"encode": 12.5, "polygons": 1.5},
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield window
    window.quit()


def picture_of(browser: object, element: str) -> np.ndarray:
    """Screenshot of an element, (H, W, 3)."""
    png = browser.find_element("id", element).screenshot_as_png
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_the_page_works_in_a_browser(report: Path, browser: object) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(report.as_uri())
    WebDriverWait(browser, 30).until(lambda b: b.find_element("tag name", "body").get_attribute("data-ready") == "yes")
    assert browser.title == "town <1>"
    rows = browser.find_elements("css selector", "#table tbody tr")
    assert [row.find_element("css selector", "label").text for row in rows] == NAMES
    assert "preset" in browser.find_element("id", "settings").text
    assert "12.5 s" in browser.find_element("id", "times").text
    bars = lambda: len(browser.find_elements("css selector", "#histogram rect"))  # noqa: E731
    before, bars_before = picture_of(browser, "map"), bars()

    # With the slider at the far right the classes hide the scene: their own colours are seen.
    browser.execute_script("const s = document.getElementById('opacity'); s.value = 100; s.oninput();"
                           "document.getElementById('scene').click();")
    opaque = picture_of(browser, "map")
    green = [int(COLOURS[2][k:k + 2], 16) for k in (1, 3, 5)]
    assert (np.abs(opaque - green).sum(axis=2) == 0).mean() > 0.2
    assert np.abs(opaque - before).sum() > 0

    browser.find_element("id", "class-3").click()
    without = picture_of(browser, "map")
    assert (np.abs(without - green).sum(axis=2) == 0).sum() == 0
    red = [int(COLOURS[0][k:k + 2], 16) for k in (1, 3, 5)]
    assert (np.abs(without - red).sum(axis=2) == 0).sum() == (np.abs(opaque - red).sum(axis=2) == 0).sum() > 50
    assert 0 < bars() < bars_before
    browser.find_element("id", "none").click()
    assert (np.abs(picture_of(browser, "map") - red).sum(axis=2) == 0).sum() == 0 and bars() == 0
    severe = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert severe == []


def test_pointing_tells_class_and_place(report: Path, browser: object) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.get(report.as_uri())
    area = browser.find_element("id", "map")
    ActionChains(browser).move_to_element(area).perform()
    told = browser.find_element("id", "here").text
    easting = float(told.split(",")[0] + told.split(",")[1].split(" ")[0]) if told.count(",") > 2 else None
    assert told.split("·")[-1].strip() in [*NAMES, "no label"]
    assert easting is not None and abs(easting - (400_000 + 1.732 * 150 + 150)) < 10
    before = browser.find_element("css selector", "#bar span").text
    browser.execute_script("document.getElementById('map').dispatchEvent("
                           "new WheelEvent('wheel', {deltaY: -900, clientX: 300, clientY: 300, cancelable: true}))")
    assert browser.find_element("css selector", "#bar span").text != before


def test_the_page_needs_nothing_else(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert page.count("</script>") == 2                  # no name of a class ends the script
    content = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert [c["name"] for c in content["classes"]] == NAMES


def test_the_histogram_counts_every_pixel(tmp_path: Path) -> None:
    labels = np.array([[1, 1, 2], [0, 2, 2]], np.uint8)
    confidence = np.array([[0.05, 0.95, 1.0], [0.5, np.nan, 0.55]], np.float32)
    rasters = write_raster(tmp_path / "l.tif", labels), write_raster(tmp_path / "c.tif", confidence)
    counts = confidence_histogram(*rasters, 2, bins=10)
    assert counts.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]]


def test_a_report_is_not_overwritten(report: Path, tmp_path: Path) -> None:
    from geo_ovss.summary import SummaryBuilder

    plain = {"rgb": np.zeros((5, 6, 3), np.uint8), "valid": None, "labels": np.ones((5, 6), np.uint16), "names": NAMES,
             "colours": COLOURS, "summary": SummaryBuilder(NAMES, "px").summary(), "title": "t"}
    with pytest.raises(OutputExists):
        write_report(report, **plain)
    out = write_report(tmp_path / "plain.html", **plain)
    assert '"histogram": null' in out.read_text(encoding="utf-8")
