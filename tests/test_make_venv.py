"""tools/make_venv.sh: environments are made once, and started over after an interruption.

Python itself is played by a shell script: a real environment takes many seconds to make.
"""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAKE_PYTHON = """#!/bin/sh
case "$*" in
*version_info*) echo {version} ;;
*ensurepip*) exit {without_venv} ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip install "*) exit "${{PIP_FAILS:-0}}" ;;
*) exit 9 ;;
esac
"""


@pytest.fixture
def programs(tmp_path):
    """A folder that serves as PATH: what the script needs and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "sed", "rm", "mkdir", "touch", "cp"):
        (folder / name).symlink_to(Path("/bin") / name)
    return folder


def fake_python(programs, name, version, without_venv=0):
    path = programs / name
    path.write_text(FAKE_PYTHON.format(version=version, without_venv=without_venv))
    path.chmod(0o755)


def make_venv(programs, **environment):
    return subprocess.run(
        ["sh", str(ROOT / "tools" / "make_venv.sh"), "venv", "3.11 3.12", "requirements.txt"],
        cwd=programs.parent,
        env={"PATH": str(programs), **environment},
        capture_output=True,
        text=True,
    )


def test_an_interrupted_installation_starts_over(programs):
    fake_python(programs, "python3", "3.12")
    kept = programs.parent / "venv" / "kept"
    assert make_venv(programs).returncode == 0
    kept.touch()
    assert make_venv(programs).returncode == 0
    assert kept.exists()

    process = make_venv(programs, PIP_FAILS="1")
    assert process.returncode == 1 and "is there a network?" in process.stderr
    assert kept.exists()

    process = make_venv(programs)
    assert process.returncode == 0 and "interrupted, starting over" in process.stdout
    assert not kept.exists() and os.access(programs.parent / "venv" / "bin" / "python", os.X_OK)


def test_takes_the_preferred_python(programs):
    fake_python(programs, "python3", "3.13")
    fake_python(programs, "python3.12", "3.12")
    assert make_venv(programs).returncode == 0
    assert "echo 3.12" in (programs.parent / "venv" / "bin" / "python").read_text()


@pytest.mark.parametrize(
    ("version", "without_venv", "environment", "complaint"),
    [
        ("3.13", 0, {}, "no Python 3.11 or 3.12 here"),
        ("3.12", 1, {}, "apt-get install python3.12-venv"),
        ("3.12", 0, {"PYTHON": "nowhere/python"}, "PYTHON=nowhere/python will not do"),
    ],
)
def test_says_in_one_line_what_is_missing(programs, version, without_venv, environment, complaint):
    fake_python(programs, "python3", version, without_venv)
    process = make_venv(programs, **environment)
    assert process.returncode == 1 and not (programs.parent / "venv").exists()
    assert len(process.stderr.splitlines()) == 1 and complaint in process.stderr
