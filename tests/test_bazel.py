"""The BUILD files: every Python file is in one, with the dependencies that it imports."""

import ast
import importlib.metadata
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import needs

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "tools" / "bazel" / "requirements_lock.txt"
SHIM = ROOT / "tools" / "bazel" / "offline" / "pypi" / "requirements.bzl"
KINDS = ("py_library", "py_binary", "pytest_test")
IMPLIED_BY_PYTEST_TEST = ({"//tests:conftest"}, {"pytest"})
# What a target may depend on, besides its own package. export never needs training, and what codes
# a file needs no model.
MAY_USE = {
    "//bitstream:bitstream": set(),
    "//model:model": set(),
    "//data:audio": set(),
    "//data:recordings": set(),
    "//data:pipeline": set(),
    "//export:runtime": set(),
    "//export:codec": {"bitstream", "data"},
    "//export:graphs": {"model", "data", "metrics"},
    "//metrics:metrics": {"data", "export"},
    "//training:training": {"model", "data", "metrics"},
}


@dataclass
class Target:
    """A Python target: its sources and direct dependencies in the tree, and packages from PyPI."""

    label: str
    kind: str
    sources: set[str]
    deps: set[str]
    requirements: set[str]


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def git_files(pattern: str) -> list[str]:
    command = ["git", "ls-files", "--", pattern]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def targets_of(build: str) -> Iterator[Target]:
    package = build.removesuffix("BUILD").rstrip("/")
    for node in ast.walk(ast.parse((ROOT / build).read_text())):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in KINDS:
            continue
        values = {keyword.arg: keyword.value for keyword in node.keywords}
        name = ast.literal_eval(values["name"])
        kind = ast.unparse(node.func)
        listed = ast.literal_eval(values["srcs"]) if "srcs" in values else [f"{name}.py"]
        deps, requirements = set(), set()
        for item in ast.iter_child_nodes(values.get("deps", ast.List(elts=[]))):
            if isinstance(item, ast.Constant):
                deps.add(full_label(str(item.value), package))
            elif isinstance(item, ast.Call):
                requirements.add(normal(ast.literal_eval(item.args[0])))
        sources = {f"{package}/{source}".lstrip("/") for source in listed}
        yield Target(f"//{package}:{name}", kind, sources, deps, requirements)


def full_label(label: str, package: str) -> str:
    if label.startswith(":"):
        return f"//{package}{label}"
    return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"


BUILDS = [name for name in git_files("*BUILD") if "/offline/" not in name]
TARGETS = {target.label: target for build in BUILDS for target in targets_of(build)}
OWNERS = {source: target.label for target in TARGETS.values() for source in target.sources}
PYTHON = {"python_version": "3.11"}  # Bazel's, for which the lock is made


def pins(file: str) -> Iterator[tuple[str, str]]:
    """Names and versions that a file of requirements asks for on Bazel's Python."""
    for line in re.findall(r"^\w[^#\n]+", (ROOT / file).read_text(), re.M):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate(PYTHON):
            yield normal(requirement.name), str(requirement.specifier).removeprefix("==")


PINS = {**dict(pins("requirements.txt")), **dict(pins("requirements-dev.txt"))}
DISTRIBUTIONS = importlib.metadata.packages_distributions()


def imported(source: str) -> Iterator[str]:
    """Names of modules that a file imports, and of what it takes from them."""
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def project_file(module: str) -> str | None:
    """The file of a module, or of the module that something is taken from; else None."""
    for name in (module, module.rpartition(".")[0]):
        for path in (name.replace(".", "/") + ".py", f"tests/{name}.py"):
            if path in OWNERS:
                return path
    return None


def distribution(module: str) -> str | None:
    """The pinned package that has a module."""
    package = module.partition(".")[0]
    if package == "tensorflow":
        return package  # other packages put files into its folder, too
    found = {normal(name) for name in DISTRIBUTIONS.get(package, ())} & PINS.keys()
    return min(found, default=None)


def test_every_python_file_is_in_exactly_one_target():
    listed = [source for target in TARGETS.values() for source in target.sources]
    assert len(listed) == len(set(listed)), "in two targets"
    there = {f for f in git_files("*.py") if not f.endswith("__init__.py")}
    entry_points = {"tools/bazel/pytest_main.py"}
    missing = sorted(there - set(listed) - entry_points)
    assert not missing, f"in no BUILD file: {', '.join(missing)}"
    gone = sorted(source for source in listed if not (ROOT / source).exists())
    assert not gone, f"in a BUILD file, but not in the tree: {', '.join(gone)}"


@pytest.mark.parametrize("label", sorted(TARGETS))
def test_dependencies_are_what_the_sources_import(label):
    target = TARGETS[label]
    deps, requirements = set(), set()
    for module in {name for source in target.sources for name in imported(source)}:
        file = project_file(module)
        if file is not None:
            deps.add(OWNERS[file])
        elif (package := distribution(module)) is not None:
            requirements.add(package)
    deps.discard(label)
    if target.kind == "pytest_test":
        deps -= IMPLIED_BY_PYTEST_TEST[0]
        requirements -= IMPLIED_BY_PYTEST_TEST[1]
    assert target.deps == deps, f"deps of {label}"
    assert target.requirements == requirements, f"requirements of {label}"


@pytest.mark.parametrize("label", MAY_USE)
def test_dependencies_point_one_way(label):
    package = label[2:].partition(":")[0]
    used = {dep[2:].partition(":")[0] for dep in TARGETS[label].deps} - {package}
    assert used <= MAY_USE[label]


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
    locked = {normal(name): version for name, version in locked.items()}
    assert {name: locked.get(name) for name in PINS} == PINS


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_bazel_builds_and_tests_everything():
    needs.require("bazel")
    command = ["tools/bazel/offline/bazel.sh", "test", "//...", "--jobs=1", "--keep_going"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-5_000:]
    assert re.search(r"Executed \d+ out of (\d+) tests?: \1 tests pass", done.stdout + done.stderr)
