"""install_tools.sh and needs.py: tools are installed where that may be, else their tests left out.

apt-get, id and sudo are played by shell scripts.
"""

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import needs

# Written as tools.txt; `lens` and a file are there, the others are not.
TABLE = """
# A comment, and names that occur within others.
glass  lens          lens-tools
glass  {file}        frame-data
view   mirror        mirror-tools
view   {file}.gone   mirror-tools
views  other         other-tools
"""


@pytest.fixture
def machine(tmp_path):
    """A folder with the scripts, a table of tools, and PATH in `programs`."""
    installation = tmp_path / "installation"
    shutil.copytree(needs.FOLDER, installation)
    (tmp_path / "file").touch()
    (installation / "tools.txt").write_text(TABLE.format(file=tmp_path / "file"))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "env"):
        (programs / name).symlink_to(Path("/bin") / name)
    fake(tmp_path, "lens", "")
    fake(tmp_path, "id", "echo ${USER_ID:-1000}")
    return tmp_path


def fake(machine, name, body):
    path = machine / "programs" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def install(machine, *names, **environment):
    return subprocess.run(
        ["sh", str(machine / "installation" / "install_tools.sh"), *names],
        env={"PATH": str(machine / "programs"), **environment},
        cwd=machine,
        capture_output=True,
        text=True,
    )


def test_what_is_there_is_not_installed(machine):
    process = install(machine, "glass", CI="true")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


@pytest.mark.parametrize("who", ["root", "sudo"])
def test_root_and_sudo_install_what_is_missing(machine, who):
    fake(machine, "apt-get", 'echo "$*" >> asked')
    fake(machine, "sudo", 'shift; echo sudo >> asked; exec "$@"')
    fake(machine, "true", "")
    process = install(machine, "glass", "view", USER_ID="0" if who == "root" else "1000")
    assert process.returncode == 0, process.stderr
    asked = (machine / "asked").read_text().splitlines()
    assert asked.count("sudo") == (0 if who == "root" else 3)  # `true`, update, install
    update, wanted = (line for line in asked if line != "sudo")
    assert update.endswith(" update") and wanted.endswith(" --no-install-recommends mirror-tools")


@pytest.mark.parametrize(
    ("programs", "user_id", "reason"),
    [
        ({}, 0, "there is no apt-get here"),
        ({"apt-get": ""}, 1000, "that takes root, or sudo without a password"),
        ({"apt-get": "", "sudo": "exit 1"}, 1000, "that takes root, or sudo without a password"),
        ({"apt-get": "exit 100"}, 0, "apt-get failed, see above"),
    ],
    ids=["no apt-get", "no sudo", "sudo asks", "no network"],
)
def test_where_it_may_not_be_one_line_says_so(machine, programs, user_id, reason):
    for name, body in programs.items():
        fake(machine, name, body)
    process = install(machine, "view", USER_ID=str(user_id))
    assert process.returncode == 0
    assert process.stderr == (
        f"not installed: mirror-tools ({reason}). The tests that use them are left out.\n"
    )
    assert install(machine, "view", USER_ID=str(user_id), CI="true").returncode == 1


def test_one_line_says_which_tests_were_left_out_and_why():
    def report(file, reason):
        skip = (str(needs.FOLDER), 1, f"Skipped: {reason}")
        return SimpleNamespace(location=(file, 1, "test"), longrepr=skip)

    why = "they need mirror: tools/installation/install_tools.sh view"
    reports = [report(file, why) for file in ("b.py", "a.py", "a.py")]
    lines = needs.left_out([*reports, report("c.py", "another reason")])
    assert lines == [f"3 tests of a.py, b.py are left out: {why}"]


def test_unknown_names_are_refused(machine):
    process = install(machine, "glas")
    assert process.returncode == 2 and "got glas" in process.stderr


def test_tests_that_need_it_are_left_out_or_fail(machine, monkeypatch):
    monkeypatch.setattr(needs, "FOLDER", machine / "installation")
    monkeypatch.setenv("PATH", str(machine / "programs"))
    monkeypatch.delenv("CI", raising=False)
    needs.require("glass")
    with pytest.raises(pytest.skip.Exception) as skipped:
        needs.require("view")
    assert f"they need mirror, {machine}/file.gone" in str(skipped.value)
    assert "tools/installation/install_tools.sh view" in str(skipped.value)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="they need mirror"):
        needs.require("view")


def test_the_makefile_installs_what_is_listed():
    table = (needs.FOLDER / "tools.txt").read_text()
    listed = set(re.findall(r"^(\w+) ", table, re.M))
    makefile = (needs.FOLDER.parents[1] / "Makefile").read_text()
    asked = re.findall(r"install_tools\.sh (.+)", makefile)
    assert len(asked) == 2 and set(" ".join(asked).split()) == listed
