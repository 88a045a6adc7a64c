"""Docstrings of soundstream/ have one style: the API reference is made from them.

A summary of one line; then `Args:`, `Returns:` or `Yields:`, and `Raises:`, each with all there is.
Classes say what their constructor takes, and their public attributes. (ruff checks the rest.)
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "soundstream").rglob("*.py"))
SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):\n((?:\n|  .*\n?)*)", re.M)


def public(node):
    """(qualified name, node) of all classes and functions that a caller may use."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and child.name[0] != "_":
            yield child.name, child
            if isinstance(child, ast.ClassDef):
                yield from ((f"{child.name}.{name}", inner) for name, inner in public(child))


def sections(node):
    """{section: names that it explains, or its text if it explains none}"""
    text = ast.get_docstring(node) or ""
    return {
        name: set(re.findall(r"^  (\w+):", body, re.M))
        if name in ("Args", "Attributes", "Raises")
        else body.strip()
        for name, body in SECTION.findall(text + "\n")
    }


def parameters(function):
    given = function.args
    extra = [one for one in (given.vararg, given.kwarg) if one]
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *extra]
    return {one.arg for one in every} - {"self", "cls"}


def raised(function):
    """Names of exceptions that its own statements raise."""
    calls = [n.exc for n in ast.walk(function) if isinstance(n, ast.Raise) and n.exc]
    names = {ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)}
    return {name for name in names if name[0].isupper()}


def faults_of_function(node):
    decorators = {ast.unparse(one) for one in node.decorator_list}
    if decorators & {"property", "cached_property", "functools.cached_property"}:
        return []
    told = sections(node)
    result = ast.unparse(node.returns) if node.returns else "None"
    faults = []
    if told.get("Args", set()) != parameters(node):
        faults.append(f"Args {told.get('Args')} for {parameters(node)}")
    wanted = "Yields" if result.startswith("Iterator") else "Returns"
    if (result not in ("None", "NoReturn")) != bool(told.get(wanted)):
        faults.append(f"{wanted} for {result}")
    if missing := raised(node) - told.get("Raises", set()):
        faults.append(f"Raises without {missing}")
    return faults


def fields(node):
    """Public fields of a dataclass, and attributes that a constructor sets."""
    bare = {
        one.target.id
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    starts = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    stored = [
        n
        for start in starts
        for n in ast.walk(start)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    ]
    set_ = {n.attr for n in stored if isinstance(n.value, ast.Name) and n.value.id == "self"}
    return {name for name in bare | set_ if name[0] != "_"}


def faults_of_class(node):
    told = sections(node)
    starts = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    wanted = parameters(starts[0]) if starts else set()
    faults = []
    if starts and ast.get_docstring(starts[0]):
        faults.append("the class, not __init__, says what it takes")
    if told.get("Args", set()) != wanted:
        faults.append(f"Args {told.get('Args')} for {wanted}")
    if missing := fields(node) - told.get("Attributes", set()):
        faults.append(f"Attributes without {missing}")
    if starts and (missing := raised(starts[0]) - told.get("Raises", set())):
        faults.append(f"Raises without {missing}")
    return faults


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_argument_result_and_error_is_explained(file):
    faults = [
        f"{name}: {fault}"
        for name, node in public(ast.parse(file.read_text()))
        for fault in (
            faults_of_class(node) if isinstance(node, ast.ClassDef) else faults_of_function(node)
        )
    ]
    assert not faults, "\n".join(faults)


def test_what_is_not_explained_is_found():
    source = '''
def wrong(samples: np.ndarray, rate: int) -> int:
    """A summary.

    Args:
      samples: float32 [time].
    """
    raise ValueError("no")

class Thing:
    """A summary."""

    size: int

    def __init__(self, size: int):
        self.size = size
'''
    (_, function), (_, thing) = public(ast.parse(source))
    assert len(faults_of_function(function)) == 3
    assert len(faults_of_class(thing)) == 2
