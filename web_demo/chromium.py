"""A Chromium without a window, which reaches no other host: for tests and measurements."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from web_demo import build

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@contextmanager
def chromium(
    folder: Path, microphone: Path | None = None, first_script: str = ""
) -> Iterator[webdriver.Chrome]:
    """Starts a browser and ends it.

    Args:
      folder: for its downloads, and meanwhile its profile.
      microphone: a wav file that it hears, again and again; None for beeps.
      first_script: JavaScript that runs before every page's own.

    Raises:
      ValueError: the browser, or what drives it, is not installed.
    """
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        raise ValueError("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder / 'profile'}")
    if microphone is not None:
        options.add_argument(f"--use-file-for-fake-audio-capture={microphone}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        script = {"source": first_script}
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
        downloads = {"behavior": "allow", "downloadPath": str(folder)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
        yield browser
    finally:
        browser.quit()
        shutil.rmtree(folder / "profile", ignore_errors=True)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on this machine; its address."""
    server = build.server(folder, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
