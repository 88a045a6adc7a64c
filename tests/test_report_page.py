"""The report in a real browser: Chromium without a window."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_example import HOSTILE_NAME, data_of, example_report
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests import needs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    example_report().write(path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    needs.require("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    # Every Audio that the page makes, to see what it really plays.
    chrome.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "window.played = []; const Real = window.Audio; window.Audio = function (uri)"
            " { const audio = new Real(uri); window.played.push(audio); return audio; };"
        },
    )
    yield chrome
    chrome.quit()


@pytest.fixture
def opened(browser, page) -> Iterator[webdriver.Chrome]:
    resize(browser, 1280, 900)
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def click(browser: webdriver.Chrome, selector: str) -> WebElement:
    found = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    found.click()
    return found


def press(browser: webdriver.Chrome, keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def now_playing(browser: webdriver.Chrome) -> dict:
    """The newest player, once its sound has moved on."""
    script = "const a = played.at(-1); return {time: a.currentTime, paused: a.paused, src: a.src}"
    for _ in range(100):
        state = browser.execute_script(script)
        if state["time"] > 0.05:
            return state
        time.sleep(0.05)
    pytest.fail(f"no sound after five seconds: {state['time']}")


def result(browser: webdriver.Chrome) -> dict:
    found = browser.find_element(By.CSS_SELECTOR, ".result")
    return json.loads(found.get_attribute("data-result"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen_in_both_schemes(opened, width, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    resize(opened, width, 800)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    ground = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", ground)[:3])
    assert brightness < 150 if scheme == "dark" else brightness > 600
    for heading in opened.find_elements(By.CSS_SELECTOR, "h2"):
        assert heading.is_displayed()
    assert len(opened.find_elements(By.CSS_SELECTOR, "#quality svg")) == 2
    assert len(opened.find_elements(By.CSS_SELECTOR, "#losses svg")) == 2
    assert len(opened.find_elements(By.CSS_SELECTOR, "#training svg")) == 2
    assert len(opened.find_elements(By.CSS_SELECTOR, "#codebooks svg")) == 3
    pictures = opened.find_elements(By.CSS_SELECTOR, "#compare img")
    assert len(pictures) == 3 * 4
    for picture in pictures:
        assert int(picture.get_property("naturalWidth")) > 100


def test_losses_have_curves_of_their_own(opened):
    curves = opened.find_elements(By.CSS_SELECTOR, "#losses .legend span")
    assert [curve.text for curve in curves] == ["ours 3 kbps", "ours 6 kbps", "theirs 8 kbps"]
    figure = opened.find_element(By.CSS_SELECTOR, "#losses svg")
    points = figure.find_elements(By.CSS_SELECTOR, "circle title")
    titles = [point.get_attribute("textContent") for point in points]
    assert len(titles) == 4
    assert titles[3].startswith("theirs 8.0 kbps, 10 % lost: 0.4")
    assert len(opened.find_elements(By.CSS_SELECTOR, "#quality svg:first-of-type circle")) == 2 * 3


def test_nothing_is_fetched(opened):
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert [name for name in opened.execute_script(script) if not name.startswith("data:")] == []


def test_a_heading_sorts_both_ways_by_mouse_and_keyboard(opened):
    def column(index: int) -> list[str]:
        cells = opened.find_elements(By.CSS_SELECTOR, f"#scores td:nth-child({index})")
        return [cell.text for cell in cells]

    assert column(1) == ["ours", "ours", "theirs", "theirs"]
    assert column(3) == ["0", "0", "0", "10"]
    heading = click(opened, "#scores th:nth-child(5) button")  # ESTOI: the best first
    best_first = column(5)
    assert best_first == sorted(best_first, reverse=True)
    heading.send_keys(Keys.ENTER)
    assert column(5) == best_first[::-1]
    sorted_by = opened.find_element(By.CSS_SELECTOR, "#scores th:nth-child(5)")
    assert sorted_by.get_attribute("aria-sort") == "ascending"


def test_a_group_has_its_own_table(opened):
    def files() -> set[str]:
        cells = opened.find_elements(By.CSS_SELECTOR, "#scores td:nth-child(4)")
        return {cell.text for cell in cells}

    assert files() == {"30"}
    click(opened, "#group option:nth-child(3)")
    assert files() == {"10"}  # every third recording is English


def test_players_sound_and_keep_the_position_between_versions(opened, page):
    audio = data_of(page)["audio"]["00.wav"]
    first = click(opened, "#compare [data-key='original']")
    state = now_playing(opened)
    assert not state["paused"]
    assert state["src"] == audio["original"]["sound"]
    assert first.get_attribute("aria-pressed") == "true"
    time.sleep(0.5)
    click(opened, "#compare [data-key='2']")
    state = now_playing(opened)
    assert state["src"] == audio["2"]["sound"]
    assert state["time"] > 0.5
    assert opened.execute_script("return played.map((audio) => audio.paused)") == [True, False]
    assert first.get_attribute("aria-pressed") == "false"


def test_extremes_follow_codec_and_metric_and_play(opened):
    def first_cells(column: int) -> list[str]:
        selector = f"#extremes .columns > div:nth-child({column}) td:first-child"
        return [cell.text for cell in opened.find_elements(By.CSS_SELECTOR, selector)]

    assert first_cells(1)[:3] == ["00.wav", "01.wav", "02.wav"]
    assert len(first_cells(1)) == 10
    assert first_cells(2)[0] == HOSTILE_NAME
    assert "07.wav" not in first_cells(1)  # its score is NaN
    click(opened, "#extreme-metric option:nth-child(2)")
    assert first_cells(1)[0] == "00.wav"  # the largest distance is the worst
    click(opened, "#extremes [data-key='0']")
    assert not now_playing(opened)["paused"]


def run_abx(browser: webdriver.Chrome, seed: int, trials: int) -> tuple[dict, list[str]]:
    """Answers by what is really played: A where X sounds like A, B otherwise."""
    click(browser, "[data-mode='abx']")
    for name, value in (("seed", seed), ("count", trials)):
        field = browser.find_element(By.ID, f"abx-{name}")
        field.clear()
        field.send_keys(str(value))
    start = click(browser, "#abx-start")
    browser.execute_script("arguments[0].blur()", start)
    answers = []
    for _ in range(trials):
        sources = {}
        for key in "abx":
            press(browser, key)
            sources[key] = now_playing(browser)["src"]
        answers.append("a" if sources["x"] == sources["a"] else "b")
        assert sources["x"] == sources[answers[-1]] and sources["a"] != sources["b"]
        press(browser, "1" if answers[-1] == "a" else "2")
    return result(browser), answers


def test_abx_records_the_answers_of_the_keyboard(opened, browser):
    outcome, answers = run_abx(opened, seed=5, trials=6)
    assert outcome["correct"] == outcome["count"] == 6
    assert outcome["guess_probability"] == pytest.approx(1 / 64)
    assert [trial["answer"] for trial in outcome["trials"]] == answers
    assert {trial["file"] for trial in outcome["trials"]} == {"00.wav", "01.wav", "02.wav"}
    assert {outcome["first"], outcome["second"]} == {"original", "ours 3.0 kbps"}
    assert browser.execute_script("return played.at(-1).paused")


def test_abx_order_follows_the_seed(opened, page):
    def order(seed: int) -> list[tuple]:
        opened.get(page.as_uri())
        outcome, _ = run_abx(opened, seed, trials=8)
        return [(trial["file"], trial["a"], trial["x"]) for trial in outcome["trials"]]

    assert order(1) == order(1) != order(2)


def test_wrong_answers_count_as_wrong(opened):
    click(opened, "[data-mode='abx']")
    click(opened, "#abx-start")
    for _ in range(10):
        click(opened, "#abx-is-a")
    outcome = result(opened)
    wanted = sum(trial["x"] == "a" for trial in outcome["trials"])
    assert 0 < outcome["correct"] == wanted < 10


def test_rating_wants_every_version_heard_and_is_saved(opened, tmp_path):
    opened.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    click(opened, "[data-mode='rate']")
    start = click(opened, "#rate-start")
    opened.execute_script("arguments[0].blur()", start)
    for _ in range(3):
        next_button = opened.find_element(By.ID, "rate-next")
        for version in "r123":
            press(opened, version)
            assert next_button.get_property("disabled")
        press(opened, "4")
        assert not next_button.get_property("disabled")
        for slider in opened.find_elements(By.CSS_SELECTOR, "#rate input[type='range']"):
            slider.send_keys(Keys.HOME + 3 * Keys.ARROW_RIGHT)
        press(opened, Keys.ENTER)
    ratings = result(opened)["ratings"]
    assert len(ratings) == 3 * 4
    assert {rating["version"] for rating in ratings} == {
        "original", "ours 3.0 kbps", "ours 6.0 kbps", "theirs 8.0 kbps",
    }  # fmt: skip
    assert {rating["score"] for rating in ratings} == {3}
    for button, name in ((1, "rating.json"), (2, "rating.csv")):
        click(opened, f".result button:nth-child({button})")
        for _ in range(100):
            if (tmp_path / name).is_file():
                break
            time.sleep(0.05)
    assert json.loads((tmp_path / "rating.json").read_text())["ratings"] == ratings
    assert (tmp_path / "rating.csv").read_text().splitlines()[0] == '"file","version","score"'
