"""The API reference: a page for every module, all names of the front door, links that lead on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import soundstream
from tools import reference

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "tools.reference", f"--output_dir={folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def ids(page):
    return set(re.findall(r'\bid="([^"]+)"', page.read_text()))


def test_every_module_has_a_page_that_the_index_names(site):
    index = (site / "index.html").read_text()
    pages = [name.replace(".", "/") + ".html" for name in reference.modules()]
    assert len(pages) > 30
    assert not [page for page in pages if not (site / page).is_file() or page not in index]


def test_the_front_door_shows_all_its_names(site):
    shown = ids(site / "soundstream.html")
    assert set(soundstream.__all__) - {"__version__"} <= shown
    assert "Encoder.encode" in shown


def test_links_lead_somewhere(site):
    dead, count = [], 0
    for page in site.rglob("*.html"):
        text = re.sub(r"<script.*?</script>", "", page.read_text(), flags=re.S)
        for link in re.findall(r'href="([^"]+)"', text):
            path, _, place = link.partition("#")
            if "://" in link or link.startswith("data:"):
                continue
            count += 1
            target = (page.parent / path).resolve() if path else page
            if not target.is_file() or (place and place not in ids(target)):
                dead.append(f"{page.relative_to(site)}: {link}")
    assert count > 500
    assert not dead
