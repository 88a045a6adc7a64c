"""make_venv.sh: environments are made once, and started over after an interruption.

Python itself is played by a shell script: a real environment takes many seconds to make.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "installation" / "make_venv.sh"
FAKE_PYTHON = """#!/bin/sh
case "$*" in
*ensurepip*) exit {without_venv} ;;
*Python.h*) printf '%s' "${{LACKS:-}}" ;;
*version_info*) echo {version} ;;
"-m venv "*) mkdir -p "$3/bin" "$3/lib/python3.x/site-packages" && cp "$0" "$3/bin/python" ;;
"-m pip install "*) exit "${{PIP_FAILS:-0}}" ;;
*) exit 9 ;;
esac
"""


@pytest.fixture
def programs(tmp_path):
    """A folder that serves as PATH: what the script needs and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "sed", "rm", "mkdir", "touch", "cp", "dirname", "env"):
        (folder / name).symlink_to(Path("/bin") / name)
    return folder


def fake_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def fake_python(path, version, without_venv=0):
    fake_program(path, FAKE_PYTHON.format(version=version, without_venv=without_venv))


def make_venv(programs, **environment):
    return subprocess.run(
        ["sh", str(SCRIPT), "venv", "3.11 3.12", "requirements.txt"],
        cwd=programs.parent,
        env={"PATH": str(programs), "HOME": str(programs.parent), **environment},
        capture_output=True,
        text=True,
    )


def test_an_interrupted_installation_starts_over(programs):
    fake_python(programs / "python3", "3.12")
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


@pytest.mark.parametrize("home", ["python3.12", ".pyenv/versions/3.12.1/bin/python"])
def test_takes_the_preferred_python(programs, home):
    fake_python(programs / "python3", "3.13")
    fake_python((programs if home.startswith("python") else programs.parent) / home, "3.12")
    assert make_venv(programs).returncode == 0
    assert "echo 3.12" in (programs.parent / "venv" / "bin" / "python").read_text()


@pytest.mark.parametrize(
    ("version", "without_venv", "environment", "complaint"),
    [
        ("3.13", 0, {}, "no Python 3.11 or 3.12 here"),
        ("3.12", 1, {}, "apt-get install python3.12-venv (there is no apt-get here)"),
        ("3.12", 0, {"PYTHON": "nowhere/python"}, "PYTHON=nowhere/python will not do"),
        ("3.12", 0, {"COMPILER": "yes"}, "apt-get install build-essential (there is no apt-get"),
    ],
)
def test_says_in_one_line_what_is_missing(programs, version, without_venv, environment, complaint):
    fake_python(programs / "python3", version, without_venv)
    process = make_venv(programs, **environment)
    assert process.returncode == 1
    assert len(process.stderr.splitlines()) == 1 and complaint in process.stderr


def test_installs_what_compiling_takes(programs):
    fake_python(programs / "python3", "3.12")
    fake_program(programs / "id", "#!/bin/sh\necho 0\n")
    fake_program(programs / "apt-get", '#!/bin/sh\necho "$*" >> asked\n')
    process = make_venv(programs, COMPILER="yes", LACKS="python3.12-dev")
    assert process.returncode == 0, process.stderr
    asked = (programs.parent / "asked").read_text().splitlines()
    assert asked[0].endswith(" update")
    assert asked[1].endswith(" --no-install-recommends build-essential python3.12-dev")


def test_the_checkout_is_on_the_path_wherever_it_moves(programs):
    """A real environment, but without pip: the line that was written finds its own checkout."""
    fake_python(programs / "python3", "3.12")
    assert make_venv(programs).returncode == 0
    written = programs.parent / "venv" / "lib" / "python3.x" / "site-packages" / "checkout.pth"
    first, second = programs.parent / "first", programs.parent / "second"
    command = [sys.executable, "-m", "venv", "--without-pip", first / ".venv"]
    subprocess.run(command, check=True)
    (packages,) = first.glob(".venv/lib/python3*/site-packages")
    shutil.copy(written, packages)
    (first / "ours.py").touch()
    first.rename(second)
    for place in (second, programs.parent / "linked"):
        if place != second:  # an environment that several checkouts share is of each its own
            place.mkdir()
            (place / "ours.py").touch()
            (place / ".venv").symlink_to(second / ".venv")
        found = subprocess.run(
            [place / ".venv" / "bin" / "python", "-c", "import ours; print(ours.__file__)"],
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert found.stdout.strip() == str(place / "ours.py"), found.stderr
