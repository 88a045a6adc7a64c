"""The report: complete in itself, and working in a real browser."""

import json
import math
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from metrics import registry, report_audio
from metrics.codebooks import CodeCounter
from metrics.curves import read_curves
from metrics.evaluation import Job
from metrics.peers import Coded
from metrics.recordings import Labels
from metrics.report import Report
from metrics.results import Failure, Row
from metrics.summary import summarize

RATE = 16_000
METRICS, _ = registry.find_metrics(["estoi", "mel_distance"])
LABELS = Labels("anna", "de", "clean")
HOSTILE_NAME = "</script><b>x & y.wav"


@dataclass(frozen=True)
class Tone:
    """A recording of three seconds."""

    name: str
    hertz: float
    labels: Labels = LABELS

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        time = np.arange(int(min(3.0, max_seconds) * rate)) / rate
        return (0.1 * np.sin(2 * np.pi * self.hertz * time)).astype(np.float32)


@dataclass(frozen=True)
class Louder:
    """A codec that can be told apart from all others by its gain."""

    name: str
    bitrate_bps: int

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return Coded(samples * self.bitrate_bps / 2000, self.bitrate_bps)


PEERS = [Louder("ours", 3000), Louder("ours", 6000), Louder("theirs", 8000)]


@pytest.fixture(scope="module")
def report() -> Report:
    """Thirty recordings; the quality of recording i is i / 100, more at higher bitrates."""
    tones = [Tone(f"{i:02d}.wav", 300 + 10 * i) for i in range(29)] + [Tone(HOSTILE_NAME, 700)]
    jobs = [Job(tone, PEERS, METRICS, RATE, 10.0) for tone in tones]
    rows = []
    for i, tone in enumerate(tones):
        labels = Labels(f"speaker {i // 2}", "de" if i % 3 else "en", "clean")
        for peer in PEERS:
            scores = {"estoi": i / 100 + peer.bitrate_bps / 20_000, "mel_distance": 3 - i / 100}
            if i == 7:
                scores["estoi"] = math.nan
            rate = float(peer.bitrate_bps)
            rows.append(Row(tone.name, labels, peer.name, peer.bitrate_bps, rate, 3.0, scores))
    codes = CodeCounter(4, 16)
    codes.add(np.random.default_rng(0).integers(0, [16, 8, 4, 2], size=(5000, 4)))
    return Report(
        command="python evaluate.py --input_dir=x",
        versions={"numpy": "1"},
        settings={"sample_rate": RATE},
        metrics=METRICS,
        rows=rows,
        summary=summarize(rows, METRICS),
        failures=[Failure("broken.wav", "cannot be read as audio")],
        sounds=report_audio.gather(jobs, rows, METRICS[0], listening_files=3),
        codes=codes,
        curves={
            "loss/mel": [(0, 2.0), (100, 1.0), (200, 0.5)],
            "codes/perplexity_00": [(0, 1.0), (100, 9.0)],
            "codes/perplexity_01": [(0, 1.0), (100, 8.0)],
            "codes/dead": [(0, 1.0)],
        },
    )


@pytest.fixture(scope="module")
def page(report, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.write(path)
    return path


def data_of(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(data)


def test_the_page_needs_nothing_but_itself(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"\{\{(style|script|data)\}\}", text)
    # The one address is the name of SVG, which no browser opens.
    assert set(re.findall(r"https?://[^'\" ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|src=|@import", text.split('id="data"')[0])


def test_the_data_hold_every_row_and_no_nan(page):
    data = data_of(page)
    assert len(data["rows"]) == 90
    assert [row["scores"][0] for row in data["rows"]].count(None) == 3
    assert HOSTILE_NAME in data["files"]
    assert data["failures"] == [{"file": "broken.wav", "reason": "cannot be read as audio"}]
    assert set(data["groups"]["language"]) == {"de", "en"}


def test_listening_recordings_have_all_codecs_and_extremes_their_own(page):
    data = data_of(page)
    assert data["listening"] == ["00.wav", "01.wav", "02.wav"]
    for file in data["listening"]:
        assert set(data["audio"][file]) == {"original", "0", "1", "2"}
        for version in data["audio"][file].values():
            assert version["sound"].startswith("data:audio/flac;base64,")
            assert version["picture"].startswith("data:image/png;base64,")
    # The ten best and ten worst of `ours` at 3000 bps and of `theirs`, never at 6000.
    assert set(data["audio"][HOSTILE_NAME]) == {"original", "0", "2"}
    assert "15.wav" not in data["audio"]
    assert len(data["audio"]) == 20


def test_scores_json_has_no_nan_and_the_codebooks(report):
    scores = json.loads(report.scores_json(), parse_constant=pytest.fail)
    assert scores["codebooks"]["frames"] == 5000
    assert len(scores["codebooks"]["levels"]) == 4
    assert scores["conditions"][0]["scores"]["estoi"]["count"] == 29


def test_codebook_usage_of_known_codes():
    counter = CodeCounter(3, 8)
    codes = np.stack([np.arange(800) % 8, np.arange(800) % 2, np.zeros(800, int)], axis=1)
    counter.add(codes[:300])
    counter.add(codes[300:])
    uniform, coin, constant = counter.levels()
    assert (uniform.used, uniform.dead, uniform.sent_bits) == (8, 0, 3)
    assert uniform.entropy_bits == pytest.approx(3)
    assert coin.perplexity == pytest.approx(2)
    assert (constant.used, constant.dead, constant.entropy_bits) == (1, 7, 0)


def test_codes_of_another_shape_or_size_are_refused():
    counter = CodeCounter(3, 8)
    with pytest.raises(ValueError, match="no codes"):
        counter.levels()
    with pytest.raises(ValueError, match=r"\[frames, 3\], not \(5, 2\)"):
        counter.add(np.zeros((5, 2), int))
    with pytest.raises(ValueError, match=r"0 \.\. 7, not 0 \.\. 8"):
        counter.add(np.array([[0, 8, 1]]))


def write_events(path: Path, values: list[tuple[int, float]], torn: int = 0) -> None:
    """An event file as a trainer writes it; `torn` bytes are missing at its end."""
    import tensorflow as tf

    folder = path.with_suffix(".folder")
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step, value in values:
            tf.summary.scalar("loss/mel", value, step)
    (written,) = folder.iterdir()
    path.write_bytes(written.read_bytes()[: written.stat().st_size - torn])
    shutil.rmtree(folder)


def test_curves_of_a_continued_run_are_read_in_order(tmp_path):
    write_events(tmp_path / "events.out.tfevents.1", [(0, 3.0), (100, 2.0), (200, 9.0)])
    write_events(tmp_path / "events.out.tfevents.2", [(200, 1.5), (300, 1.0), (400, 7.0)], torn=10)
    (curve,) = read_curves(str(tmp_path)).values()
    assert curve == [(0, 3.0), (100, 2.0), (200, 1.5), (300, 1.0)]
    with pytest.raises(ValueError, match="no TensorBoard event files"):
        read_curves(str(tmp_path / "nothing"))


def test_long_curves_are_thinned(tmp_path):
    write_events(tmp_path / "events.out.tfevents.1", [(i, float(i % 2)) for i in range(3000)])
    curve = read_curves(str(tmp_path))["loss/mel"]
    assert len(curve) == 300
    assert curve[-1] == (2999, 0.5)


# What follows runs the page in Chromium.


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("these tests need a browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
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


@pytest.mark.slow
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
    assert len(opened.find_elements(By.CSS_SELECTOR, "#training svg")) == 2
    assert len(opened.find_elements(By.CSS_SELECTOR, "#codebooks svg")) == 3
    pictures = opened.find_elements(By.CSS_SELECTOR, "#compare img")
    assert len(pictures) == 3 * 4
    for picture in pictures:
        assert int(picture.get_property("naturalWidth")) > 100


@pytest.mark.slow
def test_nothing_is_fetched(opened):
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert [name for name in opened.execute_script(script) if not name.startswith("data:")] == []


@pytest.mark.slow
def test_a_heading_sorts_both_ways_by_mouse_and_keyboard(opened):
    def column(index: int) -> list[str]:
        cells = opened.find_elements(By.CSS_SELECTOR, f"#scores td:nth-child({index})")
        return [cell.text for cell in cells]

    assert column(1) == ["ours", "ours", "theirs"]
    heading = click(opened, "#scores th:nth-child(4) button")  # ESTOI: the best first
    best_first = column(4)
    assert best_first == sorted(best_first, reverse=True)
    heading.send_keys(Keys.ENTER)
    assert column(4) == best_first[::-1]
    sorted_by = opened.find_element(By.CSS_SELECTOR, "#scores th:nth-child(4)")
    assert sorted_by.get_attribute("aria-sort") == "ascending"


@pytest.mark.slow
def test_a_group_has_its_own_table(opened):
    def files() -> set[str]:
        cells = opened.find_elements(By.CSS_SELECTOR, "#scores td:nth-child(3)")
        return {cell.text for cell in cells}

    assert files() == {"30"}
    click(opened, "#group option:nth-child(3)")
    assert files() == {"10"}  # every third recording is English


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_abx_records_the_answers_of_the_keyboard(opened, browser):
    outcome, answers = run_abx(opened, seed=5, trials=6)
    assert outcome["correct"] == outcome["count"] == 6
    assert outcome["guess_probability"] == pytest.approx(1 / 64)
    assert [trial["answer"] for trial in outcome["trials"]] == answers
    assert {trial["file"] for trial in outcome["trials"]} == {"00.wav", "01.wav", "02.wav"}
    assert {outcome["first"], outcome["second"]} == {"original", "ours 3.0 kbps"}
    assert browser.execute_script("return played.at(-1).paused")


@pytest.mark.slow
def test_abx_order_follows_the_seed(opened, page):
    def order(seed: int) -> list[tuple]:
        opened.get(page.as_uri())
        outcome, _ = run_abx(opened, seed, trials=8)
        return [(trial["file"], trial["a"], trial["x"]) for trial in outcome["trials"]]

    assert order(1) == order(1) != order(2)


@pytest.mark.slow
def test_wrong_answers_count_as_wrong(opened):
    click(opened, "[data-mode='abx']")
    click(opened, "#abx-start")
    for _ in range(10):
        click(opened, "#abx-is-a")
    outcome = result(opened)
    wanted = sum(trial["x"] == "a" for trial in outcome["trials"])
    assert 0 < outcome["correct"] == wanted < 10


@pytest.mark.slow
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
