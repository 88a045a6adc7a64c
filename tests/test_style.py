"""The house rules that a program can check: lint, types, and which package may import which."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each package may import. `train.py`, `evaluate.py` and `codec.py` stand above them all.
MAY_IMPORT = {
    "bitstream": set(),
    "data": set(),
    "model": set(),
    # The tools in export/ that calibrate, compare and learn tables read recordings and score them.
    "export": {"bitstream", "data", "metrics", "model"},
    "metrics": {"data", "export"},
    "training": {"data", "metrics", "model"},
    "demo": {"data", "export", "metrics"},
}
# Coding, scoring and showing audio must work, and start fast, where no TensorFlow is installed.
LIGHT = ("bitstream", "metrics", "demo", "codec", "evaluate", "export.runtime", "data.audio")
HEAVY = {"tensorflow", "tensorflow_io", "tensorflow_model_optimization", "tf_keras", "keras"}
MAX_LINES = 300


def project_files():
    """{'model.conv': path, 'train': path, ...}"""
    packaged = [path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py")]
    paths = sorted([*packaged, *ROOT.glob("*.py")])
    names = [path.relative_to(ROOT).with_suffix("").as_posix() for path in paths]
    return {name.replace("/", "."): path for name, path in zip(names, paths)}


FILES = project_files()


def imports_of(path):
    """Names of all modules that a file imports anywhere; of objects, the module they are in."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & FILES.keys()) or {str(node.module)}
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


def test_packages_import_in_one_direction():
    wrong = [
        f"{name} imports {imported}"
        for name, imported_names in IMPORTS.items()
        for imported in imported_names & FILES.keys()
        if "." in name and top(imported) != top(name) and top(imported) not in MAY_IMPORT[top(name)]
    ]
    assert not wrong


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
    [("codec", {"codec", "bitstream", "data", "export"}), ("export.runtime", {"export"})],
)
def test_the_runtime_stays_small(start, packages):
    assert {top(name) for name in reach(start)} == packages


def test_keras_comes_from_one_place():
    wrong = [
        name
        for name, imported in IMPORTS.items()
        if {top(i) for i in imported} & {"keras", "tf_keras"} and name != "model.backend"
    ]
    wrong += [name for name, path in FILES.items() if "tf.keras" in path.read_text()]
    assert not wrong


def test_files_are_short_and_named_unlike_the_standard_library():
    lengths = {name: len(path.read_text().splitlines()) for name, path in FILES.items()}
    assert not {name: n for name, n in lengths.items() if n > MAX_LINES}
    # A script's own folder comes first in sys.path, so its neighbours hide modules of that name.
    assert not {name for name in FILES if name.rpartition(".")[2] in sys.stdlib_module_names}
