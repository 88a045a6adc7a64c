"""The BUILD files: every Python file is in one, with the dependencies that it imports."""

import ast
import re
import subprocess

import pytest

from tests import needs
from tools.bazel import write_build
from tools.bazel.write_build import ROOT
from tools.layers import MAY_IMPORT

LOCK = ROOT / "tools" / "bazel" / "requirements_lock.txt"
SHIM = ROOT / "tools" / "bazel" / "offline" / "pypi" / "requirements.bzl"
TARGETS = write_build.read_targets()
PINS = write_build.pins()


def test_every_python_file_is_in_exactly_one_target():
    listed = [source for target in TARGETS.values() for source in target.sources]
    assert len(listed) == len(set(listed)), "in two targets"
    there = {f for f in write_build.git_files("*.py") if not f.endswith("__init__.py")}
    entry_points = {"tools/bazel/pytest_main.py"}
    missing = sorted(there - set(listed) - entry_points)
    assert not missing, f"in no BUILD file: {', '.join(missing)}"
    gone = sorted(source for source in listed if not (ROOT / source).exists())
    assert not gone, f"in a BUILD file, but not in the tree: {', '.join(gone)}"


def test_dependencies_are_what_the_sources_import():
    changes = write_build.changes()
    assert not changes, f"run tools/bazel/write_build.py: it changes {', '.join(changes)}"


def test_the_dependencies_are_written_from_the_imports(tmp_path, monkeypatch):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.py").write_text("from . import b\nimport numpy\nfrom .b import c\n")
    (tmp_path / "room" / "b.py").write_text("")
    (tmp_path / "room" / "BUILD").write_text(
        'py_library(\n    name = "a",\n    srcs = ["a.py"],\n    deps = [":gone"],\n)\n\n'
        'py_library(name = "b", srcs = ["b.py"])\n'
    )
    for file in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / file).write_text("numpy==1.0\n")
    monkeypatch.setattr(write_build, "ROOT", tmp_path)
    monkeypatch.setattr(write_build, "git_files", lambda pattern: ["room/BUILD"])
    assert write_build.changes()["room/BUILD"] == (
        'py_library(\n    name = "a",\n    srcs = ["a.py"],\n    deps = [\n        ":b",\n'
        '        requirement("numpy"),\n    ],\n)\n\n'
        'py_library(\n    name = "b",\n    srcs = ["b.py"],\n)\n'
    )


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_dependencies_point_one_way(package):
    targets = [t for t in TARGETS.values() if t.package.partition("/")[0] == package]
    assert targets
    used = {re.split("[/:]", dep[2:])[0] or dep[3:] for t in targets for dep in t.deps}
    assert used - {package} <= MAY_IMPORT[package]


def test_the_programs_are_binaries():
    names = ("//:train", "//:evaluate", "//:codec", "//export:to_tflite")
    assert {TARGETS[name].kind for name in names} == {"py_binary"}


def test_the_offline_packages_are_those_that_the_targets_name():
    used = {name for target in TARGETS.values() for name in target.requirements} | {"pytest"}
    assignment = ast.parse(SHIM.read_text()).body[1]
    assert isinstance(assignment, ast.Assign)
    assert set(ast.literal_eval(assignment.value)) == used


def test_the_lock_holds_every_pin():
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)$", LOCK.read_text(), re.M))
    locked = {write_build.normal(name): version for name, version in locked.items()}
    assert {name: locked.get(name) for name in PINS} == PINS


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_bazel_builds_and_tests_everything():
    needs.require("bazel")
    command = ["tools/bazel/offline/bazel.sh", "test", "//...", "--jobs=1", "--keep_going"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-5_000:]
    assert re.search(r"Executed \d+ out of (\d+) tests?: \1 tests pass", done.stdout + done.stderr)
