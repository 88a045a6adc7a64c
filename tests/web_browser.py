"""The page in a browser, as tests use it."""

import time
from collections.abc import Callable
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

# What goes to the sound card also goes to an analyser, so that a test can tell whether it sounds.
TAP = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    window.tap = target.context.createAnalyser();
    connect.call(this, window.tap);
  }
  return connect.call(this, target, ...rest);
};
window.loudness = () => {
  const samples = new Float32Array(window.tap.fftSize);
  window.tap.getFloatTimeDomainData(samples);
  return Math.hypot(...samples) / Math.sqrt(samples.length);
};
"""


class Page:
    """The page in a browser."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser = browser
        browser.get(address)
        browser.get_log("browser")  # of the page before

    def click(self, selector: str) -> None:
        found = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()

    def text(self, selector: str) -> str:
        return self.run(f"return document.querySelector('{selector}').textContent")

    def run(self, script: str, *arguments: object):
        return self.browser.execute_script(script, *arguments)

    def set(self, selector: str, value: float) -> None:
        """Moves a slider."""
        script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; "
        self.run(script + "e.dispatchEvent(new Event('input'))", selector, value)

    def open(self, path: Path) -> None:
        """Chooses a file, as after a click: browsers let no page sound before one."""
        self.click("h1")
        self.drop(path)

    def drop(self, path: Path) -> None:
        self.browser.find_element(By.ID, "file").send_keys(str(path))

    def number(self, selector: str) -> float:
        """The first number in an element, NaN for none."""
        text = self.text(selector).split()[0].split("/")[0]
        return float(text.removeprefix("0:")) if text[0].isdigit() else float("nan")

    def wait(self, condition: Callable[[], object], seconds: float = 60):
        """Waits until something holds; says what the page says if it never does."""
        deadline = time.monotonic() + seconds
        while not (result := condition()):
            problem = self.text("#problem")
            assert not problem, problem
            said = self.text("#status")
            assert time.monotonic() < deadline, f"not within {seconds} s; it says: {said}"
            time.sleep(0.1)
        return result

    def wait_for_sound(self) -> None:
        self.wait(lambda: self.number("#time") > 0.1 and self.run("return loudness()") > 1e-3)

    def errors(self) -> list[dict]:
        """What the console has."""
        return self.browser.get_log("browser")


def downloaded(folder: Path, pattern: str) -> bytes:
    """The bytes of a file, once it has come."""
    for _ in range(600):
        if found := [path for path in folder.glob(pattern) if path.stat().st_size]:
            return found[0].read_bytes()
        time.sleep(0.1)
    raise AssertionError(f"no {pattern} in {[path.name for path in folder.iterdir()]}")
