"""What the documentation names exists: files, make targets, scripts."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PATTERNS = ("*.md", "docs/*.md", "android_demo/*.md", "pretrained/**/*.md", "demo/**/*.md")
PAGES = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_there_are_pages_in_all_folders(pattern):
    assert any(ROOT.glob(pattern))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_commands_lead_somewhere(page):
    text = page.read_text()
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    scripts = re.findall(r"\bpython (?:-\S+ )*([\w/]+\.py)\b", text)
    missing += [script for script in scripts if not (ROOT / script).exists()]
    targets = re.findall(r"^    make ((?: ?[a-z-]+)+)", text, re.M)
    targets += re.findall(r"`make ((?: ?[a-z-]+)+)`", text)
    for target in " ".join(targets).split():
        missing += [] if f"\n{target}:" in MAKEFILE else [f"make {target}"]
    named = re.findall(r"`((?:\w+/)+[\w.]+\.(?:py|sh|flags|npz|bzl))\b", text)
    missing += [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_help_lists_every_target():
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony
    output = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert [line.split()[1] for line in output.splitlines()] == phony[1].split()


def test_the_python_example_runs(exported_model):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    code = code.replace("pretrained/speech", str(exported_model)).replace("=3000", "=800")
    names = {"samples": np.full(3 * 40, 0.1, np.float32)}
    exec(code, names)
    assert names["codes"].shape == (3, 1)
    assert names["audio"].shape == names["samples"].shape
