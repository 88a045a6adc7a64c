"""Measures the page in Chromium and takes its picture: what docs/web.md shows.

    python web_demo/measure.py

Assembles the page, plays a sample at several bitrates, and writes docs/web.json and
docs/images/web*.png. Needs npm, chromium, chromium-driver and selenium.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import gzip
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from selenium import webdriver

from web_demo import build, litert
from web_demo.chromium import chromium, served

_BITRATES_BPS = (900, 3000, 6000, 18000)
_MEASURED_FRAMES = 500
_SCALE = 0.8  # of the pictures: they stay small
_PICTURES = {"web": (880, 690, "light"), "web_phone": (390, 1060, "dark")}
# Every frame's times, as the Worker reports them.
_LISTENER = """
window.frames_ms = [];
window.Worker = class extends Worker {
  constructor(...values) {
    super(...values);
    this.addEventListener('message', ({data: {report}}) => {
      if (report) window.frames_ms.push([report.encodeMs, report.decodeMs]);
    });
  }
};
"""
_SET = "const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.oninput();"


def _wait(browser: webdriver.Chrome, condition: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not browser.execute_script(f"return {condition}"):
        problem = browser.execute_script("return document.getElementById('problem').textContent")
        if problem or time.monotonic() > deadline:
            raise ValueError(problem or f"the page does not come to {condition}")
        time.sleep(0.1)


def _frame_times(browser: webdriver.Chrome) -> dict[str, dict[str, float]]:
    """Percentiles of the next frames, in ms; the 10th is what a busy machine disturbs least."""
    browser.execute_script("window.frames_ms.length = 0")
    _wait(browser, f"window.frames_ms.length >= {_MEASURED_FRAMES}")
    frames = browser.execute_script(f"return window.frames_ms.slice(0, {_MEASURED_FRAMES})")
    return {
        part: {
            "p10_ms": round(statistics.quantiles(values, n=10)[0], 1),
            "median_ms": round(statistics.median(values), 1),
            "p90_ms": round(statistics.quantiles(values, n=10)[-1], 1),
        }
        for part, values in zip(("encoder", "decoder"), zip(*frames))
    }


def _all_times(browser: webdriver.Chrome) -> dict[str, object]:
    browser.find_element("id", "sample").click()
    _wait(browser, "window.frames_ms.length > 100")
    times: dict[str, object] = {}
    for bitrate_bps in _BITRATES_BPS:
        browser.execute_script(_SET, "bitrate", bitrate_bps)
        times[str(bitrate_bps)] = _frame_times(browser)
    browser.execute_script(_SET, "bitrate", 3000)
    browser.find_element("id", "denoise").click()
    _wait(browser, "!document.getElementById('denoise').disabled")
    times["3000, noise removed"] = _frame_times(browser)
    browser.find_element("id", "denoise").click()
    return times


def _take_pictures(browser: webdriver.Chrome, folder: Path) -> None:
    """The page while it plays, with some losses."""
    browser.execute_script(_SET, "loss", 10)
    for name, (width, height, scheme) in _PICTURES.items():
        metrics = {"width": width, "height": height, "deviceScaleFactor": _SCALE}
        metrics["mobile"] = width < 600
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        time.sleep(9)  # until the spectrograms are full, in these colours
        browser.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        (folder / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes as they travel: packed, as servers pack text."""
    packed = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        if path.suffix in (".js", ".css", ".html")
        else path.stat().st_size
        for path in folder.iterdir()
    }
    clips = {name: size for name, size in packed.items() if name.endswith(".flac")}
    single = (folder / build.SINGLE_FILE).stat().st_size
    del packed[build.SINGLE_FILE]
    return {
        "before_first_sound": sum(packed.values()) - sum(clips.values()) - packed[build.DENOISER],
        "runtime": packed["litert.wasm.gz"] + packed["worker.js"],
        "encoder": packed["encoder.tflite.gz"],
        "decoder": packed["decoder.tflite.gz"],
        "denoiser_on_first_use": packed[build.DENOISER],
        "samples": sum(clips.values()),
        "single_file": single,
    }


def _processor() -> str:
    match = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return match[1] if match else platform.processor()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--docs_dir", type=Path, default=build.ROOT / "docs")
    flags = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            site, work = Path(temporary) / "site", Path(temporary) / "browser"
            build.assemble(site, build.ROOT / "build" / "web_packages")
            with served(site) as address, chromium(work, first_script=_LISTENER) as browser:
                browser.get(address)
                times = _all_times(browser)
                _take_pictures(browser, flags.docs_dir / "images")
                version = browser.capabilities["browserVersion"]
            facts = {
                "processor": f"{_processor()}, {os.cpu_count()} cores",
                "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
                "load_average": os.getloadavg()[0],
                "browser": f"Chromium {version}",
                "litert": litert.VERSION,
                "frames": _MEASURED_FRAMES,
                "times_per_20_ms_frame": times,
                "bytes": _sizes(site),
            }
    except (ValueError, OSError) as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 1
    (flags.docs_dir / "web.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
