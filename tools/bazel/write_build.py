"""Writes the dependencies of all BUILD files, from what the sources of each target import.

    python tools/bazel/write_build.py

Sources stay as they are listed; `deps` becomes what they need, with the packages of
requirements.txt and requirements-dev.txt by name. tests/test_bazel.py fails where this would change
anything.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from common import command_line

ROOT = Path(__file__).resolve().parents[2]
PYTHON = {"python_version": "3.11"}  # Bazel's, for which the lock is made
KINDS = ("py_library", "py_binary", "pytest_test")
_IMPLIED_BY_PYTEST_TEST = {"//tests:conftest", "pytest"}
_INDENT = 4 * " "


@dataclass(frozen=True)
class Target:
    """A Python target: its place in a BUILD file, and what that says of it.

    Attributes:
      build: the BUILD file, from the root.
      sources: its Python files, from the root.
      deps: whole labels of targets in the tree.
      requirements: packages from PyPI, as pip spells them.
    """

    build: str
    label: str
    kind: str
    sources: frozenset[str]
    deps: frozenset[str]
    requirements: frozenset[str]

    @property
    def package(self) -> str:
        return self.build.removesuffix("BUILD").rstrip("/")


def normal(name: str) -> str:
    """A package's name as pip compares it."""
    return name.lower().replace("_", "-")


def git_files(pattern: str) -> list[str]:
    """Tracked files that are there, from the root."""
    command = ["git", "ls-files", "--", pattern]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def pins() -> dict[str, str]:
    """The version of each package that the requirements pin on Bazel's Python."""
    found = {}
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in re.findall(r"^\w[^#\n]+", (ROOT / file).read_text(), re.M):
            requirement = Requirement(line.strip())
            if requirement.marker is None or requirement.marker.evaluate(PYTHON):
                found[normal(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def read_targets() -> dict[str, Target]:
    """The Python targets of all BUILD files by their labels."""
    builds = [name for name in git_files("*BUILD") if "/offline/" not in name]
    return {
        target.label: target
        for build in builds
        for node in _calls((ROOT / build).read_text())
        for target in [_target(build, node)]
    }


class Imports:
    """What the sources of a target need.

    Args:
      targets: all of them, by label.
    """

    def __init__(self, targets: dict[str, Target]):
        self._owners = {s: target.label for target in targets.values() for s in target.sources}
        self._pins = pins()
        self._distributions = importlib.metadata.packages_distributions()

    def needed(self, target: Target) -> tuple[set[str], set[str]]:
        """Labels in the tree, and packages from PyPI."""
        deps, requirements = set(), set()
        for module in {name for source in target.sources for name in _imported(source)}:
            file = self._project_file(module)
            if file is not None:
                deps.add(self._owners[file])
            elif (package := self._distribution(module)) is not None:
                requirements.add(package)
        implied = _IMPLIED_BY_PYTEST_TEST if target.kind == "pytest_test" else set()
        return deps - implied - {target.label}, requirements - implied

    def _project_file(self, module: str) -> str | None:
        """The file of a module, or of the module that something is taken from; else None."""
        for name in (module, module.rpartition(".")[0]):
            path = name.replace(".", "/")
            for file in (f"{path}.py", f"{path}/__init__.py", f"tests/{name}.py"):
                if file in self._owners:
                    return file
        return None

    def _distribution(self, module: str) -> str | None:
        """The pinned package that has a module."""
        package = module.partition(".")[0]
        if package == "tensorflow":
            return package  # other packages put files into its folder, too
        found = {normal(name) for name in self._distributions.get(package, ())} & self._pins.keys()
        return min(found, default=None)


def written(build: str, targets: dict[str, Target], imports: Imports) -> str:
    """The text of a BUILD file with the dependencies that its targets need."""
    text = (ROOT / build).read_text()
    lines = text.splitlines(keepends=True)
    for node in reversed(list(_calls(text))):
        target = targets[_label(build, node)]
        deps = sorted(_short(label, target.package) for label in imports.needed(target)[0])
        deps.sort(key=lambda label: not label.startswith(":"))
        items = [f'"{label}"' for label in deps]
        items += [f'requirement("{name}")' for name in sorted(imports.needed(target)[1])]
        values = {str(k.arg): ast.get_source_segment(text, k.value) for k in node.keywords}
        values.pop("deps", None)
        if items:
            values["deps"] = _list(items)
        assert node.end_lineno is not None
        lines[node.lineno - 1 : node.end_lineno] = [_call(target.kind, values)]
    return "".join(lines)


def _call(kind: str, values: dict[str, str | None]) -> str:
    """A rule as buildifier writes it."""
    if len(values) == 1:
        return f"{kind}({''.join(f'{name} = {value}' for name, value in values.items())})\n"
    rows = "".join(f"{_INDENT}{name} = {value},\n" for name, value in values.items())
    return f"{kind}(\n{rows})\n"


def _list(items: list[str]) -> str:
    if len(items) == 1:
        return f"[{items[0]}]"
    return "[\n" + "".join(f"{2 * _INDENT}{item},\n" for item in items) + f"{_INDENT}]"


def _calls(text: str) -> Iterator[ast.Call]:
    for statement in ast.parse(text).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) in KINDS:
            yield call


def _label(build: str, node: ast.Call) -> str:
    values = {keyword.arg: keyword.value for keyword in node.keywords}
    return f"//{build.removesuffix('BUILD').rstrip('/')}:{ast.literal_eval(values['name'])}"


def _target(build: str, node: ast.Call) -> Target:
    values = {keyword.arg: keyword.value for keyword in node.keywords}
    label = _label(build, node)
    package, _, name = label[2:].partition(":")
    listed = ast.literal_eval(values["srcs"]) if "srcs" in values else [f"{name}.py"]
    deps, requirements = set(), set()
    for item in ast.iter_child_nodes(values.get("deps", ast.List(elts=[]))):
        if isinstance(item, ast.Constant):
            deps.add(_whole(str(item.value), package))
        elif isinstance(item, ast.Call):
            requirements.add(normal(ast.literal_eval(item.args[0])))
    sources = frozenset(f"{package}/{source}".lstrip("/") for source in listed)
    kind = ast.unparse(node.func)
    return Target(build, label, kind, sources, frozenset(deps), frozenset(requirements))


def _whole(label: str, package: str) -> str:
    if label.startswith(":"):
        return f"//{package}{label}"
    return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"


def _short(label: str, package: str) -> str:
    folder, _, name = label[2:].partition(":")
    if folder == package:
        return f":{name}"
    return f"//{folder}" if folder.rpartition("/")[2] == name else label


def _imported(source: str) -> Iterator[str]:
    """Names of modules that a file imports, and of what it takes from them."""
    folder = Path(source).parent.parts
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def changes() -> dict[str, str]:
    """BUILD files whose dependencies are not what sources import, and what they should hold."""
    targets = read_targets()
    imports = Imports(targets)
    builds: Iterable[str] = sorted({target.build for target in targets.values()})
    new = {build: written(build, targets, imports) for build in builds}
    return {build: text for build, text in new.items() if text != (ROOT / build).read_text()}


def main(_: list[str]) -> None:
    for path, content in changes().items():
        (ROOT / path).write_text(content)
        print(path)


if __name__ == "__main__":
    command_line.run(main)
