"""The house rules that a program can check: lint, types, and which package may import which."""

import ast
import graphlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.layers import LIGHT, MAY_IMPORT

ROOT = Path(__file__).resolve().parents[1]

HEAVY = {"tensorflow", "tensorflow_io", "tensorflow_model_optimization", "tf_keras", "keras"}
MAX_LINES = 300


def project_files():
    """{'model.conv': path, 'train': path, ...}"""
    packaged = [path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py")]
    paths = sorted([*packaged, *ROOT.glob("*.py")])
    names = [path.relative_to(ROOT).with_suffix("").as_posix() for path in paths]
    return {name.removesuffix("/__init__").replace("/", "."): p for name, p in zip(names, paths)}


FILES = project_files()


def imports_of(path):
    """Names of all modules that a file imports anywhere; of objects, the module they are in."""
    found = set()
    folder = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            inner = {f"{module}.{alias.name}" for alias in node.names}
            found |= (inner & FILES.keys()) or {module}
    return found


IMPORTS = {name: imports_of(path) for name, path in FILES.items()}


def top(name):
    return name.split(".")[0]


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=lambda command: " ".join(command[:2]),
)
def test_lint_and_types(command):
    process = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr


def test_tests_over_nothing_fail(tmp_path):
    text = "import pytest\n\n@pytest.mark.parametrize('file', [])\ndef test(file):\n    pass\n"
    (tmp_path / "test_nothing.py").write_text(text)
    options = ["-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, tmp_path / "test_nothing.py"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode and "Empty parameter set in 'test'" in process.stdout


def test_packages_import_in_one_direction():
    wrong = [
        f"{name} imports {imported}"
        for name, imported_names in IMPORTS.items()
        for imported in imported_names & FILES.keys()
        if top(name) in MAY_IMPORT and top(imported) not in MAY_IMPORT[top(name)] | {top(name)}
    ]
    assert not wrong


def test_the_layers_have_no_circle():
    graphlib.TopologicalSorter(MAY_IMPORT).prepare()


def test_the_library_imports_itself_by_relative_names():
    wrong = [
        name
        for name, path in FILES.items()
        if top(name) == "soundstream"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and top(ast.unparse(node).split()[1]) == "soundstream"
    ]
    assert not wrong


def test_the_design_page_has_the_layers():
    page = (ROOT / "docs" / "design.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \|.*\|(.*)\|$", page, re.M)
    assert {name: frozenset(re.findall(r"\w+", cell)) for name, cell in rows} == MAY_IMPORT


def test_no_module_imports_itself_by_a_detour():
    graphlib.TopologicalSorter(
        {name: imported & FILES.keys() for name, imported in IMPORTS.items()}
    ).prepare()  # raises CycleError, which names the circle


def reach(start):
    """{module: the module that imports it} for `start`, or all in that package, and what it needs.

    The values of the first ones are empty.
    """
    found = dict.fromkeys((name for name in FILES if start in (name, top(name))), "")
    assert found
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for imported in IMPORTS[name] & FILES.keys() - found.keys():
            found[imported] = name
            waiting.append(imported)
    return found


@pytest.mark.parametrize("light", LIGHT)
def test_light_modules_never_reach_tensorflow(light):
    wrong = [
        f"{by} > {name} imports {imported}"
        for name, by in reach(light).items()
        for imported in IMPORTS[name]
        if top(imported) in HEAVY
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("start", "packages"),
    [("codec", {"codec", "soundstream"}), ("soundstream", {"soundstream"})],
)
def test_the_library_stands_alone(start, packages):
    assert {top(name) for name in reach(start)} == packages


def test_keras_comes_from_one_place():
    wrong = [
        name
        for name, imported in IMPORTS.items()
        if {top(i) for i in imported} & {"keras", "tf_keras"} and name != "model.backend"
    ]
    wrong += [name for name, path in FILES.items() if "tf.keras" in path.read_text()]
    assert not wrong


def test_files_are_short_and_named_unlike_what_is_installed():
    lengths = {name: len(path.read_text().splitlines()) for name, path in FILES.items()}
    assert not {name: n for name, n in lengths.items() if n > MAX_LINES}
    names = {name: name.rpartition(".")[2] for name in FILES}
    assert not {name for name, stem in names.items() if stem in sys.stdlib_module_names}
    # A script's own folder comes first in sys.path, so its neighbours hide modules of that name.
    folders = {path.parent for path in FILES.values() if "__main__" in path.read_text()} - {ROOT}
    installed = importlib.metadata.packages_distributions()
    assert not {n for n, stem in names.items() if FILES[n].parent in folders and stem in installed}
