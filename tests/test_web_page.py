"""The page in a real browser: Chromium without a window, and without any other host."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver.common.keys import Keys

from tests import needs, web_browser, web_tools
from tests.web_browser import Page, downloaded
from web_demo import build, chromium

CLIP = web_tools.ROOT / "demo" / "clips" / "english_vctk_p262.flac"
UNNAMED = """
return [...document.querySelectorAll('button, input, select, canvas')]
  .filter((node) => node.id !== 'file')
  .filter((node) => !node.textContent.trim() && !node.ariaLabel && !node.labels?.length)
  .map((node) => node.outerHTML);
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return web_tools.site(tmp_path_factory.mktemp("site") / "in" / "a" / "subfolder")


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    with chromium.served(site.parents[2]) as address:
        yield f"{address}in/a/subfolder/"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Three seconds of speech as wav."""
    path = tmp_path_factory.mktemp("clip") / "speech.wav"
    samples, rate = soundfile.read(CLIP, frames=48_123, dtype="int16")
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the browser puts what it downloads."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def browser(folder, clip):
    needs.require("browser")
    with chromium.chromium(folder, clip, web_browser.TAP) as browser:
        yield browser


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {})
    opened = Page(browser, address)
    yield opened
    assert opened.errors() == []


def codec(*arguments: object) -> None:
    command = [sys.executable, "codec.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=web_tools.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_click_gives_sound(page):
    page.click("#sample")
    page.wait_for_sound()
    assert page.text("#status").startswith("English: 5.")
    assert 3.0 <= page.number("#sent") <= 4.0
    page.wait(lambda: page.number("#encode-time") < 5 and page.number("#decode-time") < 5)
    page.set("#bitrate", 12_000)
    page.wait(lambda: page.number("#sent") > 10)


@pytest.mark.slow
def test_saved_files_are_those_of_python(page, clip, folder, tmp_path):
    page.set("#bitrate", 6000)
    page.open(clip)
    page.wait_for_sound()
    assert page.text("#status") == "speech.wav: 3.0 s."
    page.click("#save-sst")
    page.click("#save-wav")
    codec("encode", clip, tmp_path / "python.sst", "--bitrate_bps=6000")
    codec("decode", tmp_path / "python.sst", tmp_path / "python.wav")
    assert downloaded(folder, "speech_6kbps.sst") == (tmp_path / "python.sst").read_bytes()
    downloaded(folder, "speech_6kbps.wav")
    ours, rate = soundfile.read(folder / "speech_6kbps.wav", dtype="int16")
    theirs, _ = soundfile.read(tmp_path / "python.wav", dtype="int16")
    assert rate == 16_000
    error = np.mean((ours.astype(float) - theirs) ** 2)
    assert np.mean(theirs.astype(float) ** 2) > 1e5 * error  # 50 dB


@pytest.mark.slow
def test_files_of_python_are_played(page, clip, tmp_path):
    codec("encode", clip, tmp_path / "call.sst", "--bitrate_bps=3000", "--dtx")
    page.open(tmp_path / "call.sst")
    page.wait_for_sound()
    assert page.text("#status").startswith("call.sst: 3.0 s, made for 3.0 kbps, ")
    disabled = page.run("return [...document.querySelectorAll(':disabled')].map((e) => e.id)")
    assert {"bitrate", "denoise", "dtx", "mix"} <= set(disabled) and "loss" not in disabled
    data = (tmp_path / "call.sst").read_bytes()
    (tmp_path / "cut.sst").write_bytes(data[:-300])
    page.open(tmp_path / "cut.sst")
    page.wait(lambda: "truncated: it ends after" in page.text("#status"))


@pytest.mark.slow
def test_a_file_that_comes_before_any_click_waits_for_one(page, clip):
    page.drop(clip)
    page.wait(lambda: page.text("#status") == "speech.wav: 3.0 s. Press Play.")
    page.click("#play")
    page.wait_for_sound()


@pytest.mark.slow
def test_bad_files_get_one_line_and_what_plays_goes_on(page, tmp_path):
    page.click("#sample")
    page.wait_for_sound()
    for name, content, expected in [
        ("empty.wav", b"", "Empty.wav: it is empty."),
        ("notes.mp3", b"no sound " * 99, "it is not a sound that this browser can read"),
        ("odd.wav", b"RIFF\0\0\0\0WAVEfmt ", "Odd.wav: a wav file without sound."),
        ("other.sst", b"SST\x1a\x07" + bytes(50), "made by a newer version: format 7"),
        ("short.sst", b"SST\x1a", "cut within its header: 4 of 44 bytes"),
        ("text.sst", b"Dear sir or madam", "not an .sst file: it starts with 44 65 61 72"),
    ]:
        (tmp_path / name).write_bytes(content)
        page.open(tmp_path / name)
        problem = "return document.querySelector('#problem').textContent"
        for _ in range(100):
            if expected in page.run(problem):
                break
            time.sleep(0.1)
        assert expected in page.run(problem), page.run(problem)
    page.run("document.querySelector('#problem').textContent = ''")
    page.wait_for_sound()


@pytest.mark.slow
def test_original_and_decoded_share_one_clock(page):
    page.click("#sample")
    page.wait_for_sound()
    body = page.browser.switch_to.active_element
    before = page.number("#time")
    for key, pressed in [("o", "original"), ("d", "decoded"), ("o", "original")]:
        body.send_keys(key)
        assert page.run(f"return document.querySelector('#{pressed}').ariaPressed") == "true"
        time.sleep(0.3)
    assert page.number("#time") > before + 0.5 or page.number("#time") < before  # went round
    page.wait_for_sound()
    page.run("document.activeElement.blur()")
    page.browser.switch_to.active_element.send_keys(" ")
    page.wait(lambda: page.text("#play").startswith("Play"))
    paused = page.number("#time")
    time.sleep(0.5)
    assert page.number("#time") == paused
    assert page.run("return loudness()") < 1e-3


@pytest.mark.slow
def test_the_blind_test_by_keyboard(page):
    page.click("#sample")
    page.wait_for_sound()
    page.run("document.querySelector('#abx-count').value = 3")
    page.click("#abx-start")
    for trial in range(3):
        assert page.text("#abx-stage h3") == f"Trial {trial + 1} of 3"
        for key in "abx":
            page.browser.switch_to.active_element.send_keys(key)
            page.wait(lambda: page.run("return loudness()") > 1e-3)
        page.browser.switch_to.active_element.send_keys("12"[trial % 2])
    assert " of 3 right. By guessing," in page.text(".result")
    assert not page.run("return document.querySelector('#listen').inert")
    page.click("#play")
    page.wait_for_sound()


@pytest.mark.slow
def test_losses_pauses_and_the_denoiser(page, folder):
    page.run("document.querySelector('#samples').selectedIndex = 5")
    page.click("#sample")
    page.wait_for_sound()
    assert page.text("#status").startswith("English, in noise")
    page.set("#loss", 30)
    page.click("#dtx")
    fetched = "return performance.getEntriesByType('resource').map((e) => e.name).join(' ')"
    assert "denoiser" not in page.run(fetched)
    page.click("#denoise")
    page.wait(lambda: not page.run("return document.querySelector('#denoise').disabled"))
    assert "denoiser.tflite.gz" in page.run(fetched)
    page.wait_for_sound()
    red = """
    const canvas = document.querySelector('#decoded-picture canvas');
    const data = canvas.getContext('2d').getImageData(0, canvas.height - 1, canvas.width, 1).data;
    return data.filter((value, i) => i % 4 === 0 && value === 209).length;
    """
    page.wait(lambda: page.run(red) > 10)
    page.click("#save-sst")
    header = downloaded(folder, "English-in-noise_3kbps.sst")[:44]
    assert header[5] == 0b111  # entropy-coded, denoised, pauses


@pytest.mark.slow
def test_ten_seconds_of_the_microphone(page):
    page.click("#speak")
    page.wait_for_sound()
    page.wait(lambda: page.number("#time") > 10)
    assert page.text("#speak") == "Stop"
    page.click("#speak")
    page.wait(lambda: page.text("#status").startswith("Your recording: 1"))
    page.click("#play")
    page.wait_for_sound()


@pytest.mark.slow
def test_it_works_without_a_connection_after_the_first_visit(site, folder, browser):
    with chromium.served(site) as address:
        page = Page(browser, address)
        ready = "return navigator.serviceWorker.ready.then((r) => r.active.state)"
        page.wait(lambda: page.run(ready) == "activated")
    browser.refresh()  # the server is gone
    page.click("#sample")
    page.wait_for_sound()
    assert page.errors() == []


@pytest.mark.slow
def test_the_single_file_needs_no_server(site, browser):
    page = Page(browser, (site / build.SINGLE_FILE).as_uri())
    page.click("#sample")
    page.wait_for_sound()
    page.click("#denoise")
    page.wait(lambda: not page.run("return document.querySelector('#denoise').disabled"))
    page.wait_for_sound()
    assert page.errors() == []


@pytest.mark.slow
def test_a_microphone_that_is_refused_is_named(page):
    page.run(
        "navigator.mediaDevices.getUserMedia = () =>"
        " Promise.reject(new DOMException('x', 'NotAllowedError'))"
    )
    page.click("#speak")
    problem = "return document.querySelector('#problem').textContent"
    for _ in range(300):
        if page.run(problem):
            break
        time.sleep(0.1)
    assert page.run(problem).startswith("The microphone is not allowed")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_the_screen_and_every_control_has_a_name(page, width, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(UNNAMED) == []
    ground = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.slow
def test_everything_is_reached_by_the_tab_key(page):
    page.click("#sample")
    page.wait_for_sound()
    reached = set()
    page.run("document.activeElement.blur()")
    for _ in range(30):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.run("return document.activeElement.id"))
    wanted = {"sample", "samples", "open", "speak", "play", "position", "repeat", "original", "mix"}
    wanted |= {"decoded", "bitrate", "loss", "denoise", "dtx", "abx-count", "abx-start"}
    assert wanted | {"save-sst", "save-wav"} <= reached, json.dumps(sorted(reached))
