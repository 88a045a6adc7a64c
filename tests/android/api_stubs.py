"""Java stubs of the Android classes that an app uses, to compile it where there is no Android SDK.

They come from Python's type stubs of the same API (packages chaquopy-stubs-*), and hold what the
app's sources name: the classes it imports, members of names that occur in it, and the types those
need. What Python's stubs do not tell is guessed or given below: what is an interface, checked
exceptions, results of a type the caller chooses. `int` as a result may stand for any integer type,
`float` for either.
"""

from __future__ import annotations

import ast
import importlib.metadata
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("chaquopy-stubs-android", "chaquopy-stubs-androidx-core-core")
_EXCEPTIONS = {
    "openInputStream": "java.io.FileNotFoundException",
    "openFd": "java.io.IOException",
    "createInputStream": "java.io.IOException",
}
_CHOSEN_RESULTS = {"findViewById": "android.view.View", "getParcelableExtra": "java.lang.Object"}
_PRIMITIVES = {
    **dict.fromkeys(("int", "jint"), "int"),
    **dict.fromkeys(("float", "jfloat"), "float"),
    **dict.fromkeys(("bool", "jboolean"), "boolean"),
    **{f"j{name}": name for name in ("byte", "char", "double", "long", "short")},
    "None": "void",
}
_BOXES = {"int": "Integer", "boolean": "Boolean", "float": "Float", "long": "Long", "void": "Void"}
_CALLBACK = re.compile(r"^On[A-Z]|Listener$")


@dataclass
class Class:
    """One class of the Python stubs; `name` is its full Java name."""

    name: str
    node: ast.ClassDef
    parameters: list[str]

    @property
    def functions(self) -> Iterator[ast.FunctionDef]:
        return (item for item in self.node.body if isinstance(item, ast.FunctionDef))


class ApiStubs:
    """Writes Java stubs for what some Java sources use."""

    def __init__(self, sources: Iterable[Path]) -> None:
        """Finds the Python stubs; an error says which package is missing."""
        text = "\n".join(path.read_text() for path in sources)
        self._words = set(re.findall(r"\w+", text))
        self._imports = set(re.findall(r"^import (androidx?\.[\w.]+);", text, re.M))
        self._imports |= set(re.findall(r"\bandroid\.R\b", text))
        self._files = {
            ".".join(path.parent.parts).replace("-stubs", ""): Path(str(path.locate()))
            for package in PACKAGES
            for path in importlib.metadata.files(package) or ()
            if path.name == "__init__.pyi" and path.parts[0].startswith("android")
        }
        self._classes: dict[str, Class] = {}
        self._read: set[str] = set()  # packages whose classes are known
        self._unique = itertools.count(1)  # a value for each constant

    def write(self, folder: Path) -> list[Path]:
        """Writes one .java file per class that is not nested in another one; returns them."""
        needed: dict[str, list[str]] = {}
        queue = sorted(self._imports)
        for name in queue:  # grows while it is walked
            if name in needed or self._find(name) is None:
                continue
            uses: list[str] = []
            needed[name] = self._members(self._classes[name], uses)
            queue += [*uses, *self._outer(name), *self._inner(name)]
        unknown = self._imports - set(needed)
        if unknown:
            raise ValueError(f"Android has no {', '.join(sorted(unknown))}")
        files = []
        for name in (name for name in needed if not self._outer(name)):
            package, _, simple = name.rpartition(".")
            path = folder.joinpath(*package.split("."), f"{simple}.java")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"package {package};\n\n{self._class(name, needed, '')}")
            files.append(path)
        return files

    def _find(self, name: str) -> Class | None:
        """The class of that name, its file read if it was not yet."""
        package = name
        while package not in self._files:
            package = package.rpartition(".")[0]
            if not package:
                return None
        if package not in self._read:
            self._read.add(package)
            self._index(package, ast.parse(self._files[package].read_text()).body)
        return self._classes.get(name)

    def _index(self, scope: str, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                name = f"{scope}.{node.name}"
                generic = [ast.unparse(b) for b in node.bases if "Generic[" in ast.unparse(b)]
                parameters = re.findall(r"__(\w+?)\b", generic[0]) if generic else []
                self._classes[name] = Class(name, node, parameters)
                self._index(name, node.body)

    def _outer(self, name: str) -> list[str]:
        outer = name.rpartition(".")[0]
        return [outer] if self._find(outer) else []

    def _inner(self, name: str) -> list[str]:
        """Nested classes whose names occur in the sources."""
        inner = [n.name for n in self._classes[name].node.body if isinstance(n, ast.ClassDef)]
        return [f"{name}.{simple}" for simple in inner if simple in self._words]

    def _is_interface(self, cls: Class) -> bool:
        """Guessed: no constructor, and methods whose arguments have no names."""
        names = [a.arg for f in cls.functions for a in f.args.posonlyargs[1:]]
        functions = [f.name for f in cls.functions]
        named = any(not re.fullmatch(r"arg\d+", name) for name in names)
        bases = [self._find(t) for t in self._bases(cls, [])]
        return (
            "__init__" not in functions
            and (not named or bool(_CALLBACK.search(cls.node.name)))
            and all(base is None or self._is_interface(base) for base in bases)
        )

    def _bases(self, cls: Class, uses: list[str]) -> list[str]:
        """Erased names of the supertypes, without Object."""
        types = [self._type(base, cls, uses) for base in cls.node.bases]
        return [t.split("<")[0] for t in types if t != "java.lang.Object" and "Generic" not in t]

    def _members(self, cls: Class, uses: list[str]) -> list[str]:
        """Lines of the members to write; their types are added to `uses`."""
        interface = self._is_interface(cls)
        callback = interface and bool(_CALLBACK.search(cls.node.name))
        lines = []
        constructors = set()
        words = self._words - {"equals", "hashCode", "toString", "finalize"}  # Object has them
        for node in cls.node.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in self._words:
                lines.append(self._constant(node, cls, uses))
            elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
                arguments = self._arguments(node, cls, uses)
                constructors.add(arguments)
                lines.append(f"public {cls.node.name}({arguments}) {{ throw null; }}")
            elif isinstance(node, ast.FunctionDef) and (callback or node.name in words):
                lines.append(self._method(node, cls, uses, interface, callback))
        if not interface and "" not in constructors:
            lines.append(f"protected {cls.node.name}(Void... onlyForSubclasses) {{}}")
        self._bases(cls, uses)
        return list(dict.fromkeys(lines))

    def _constant(self, node: ast.AnnAssign, cls: Class, uses: list[str]) -> str:
        annotation = node.annotation
        assert isinstance(annotation, ast.Subscript), ast.unparse(node)
        kind = self._type(annotation.slice, cls, uses)
        number = next(self._unique)
        value = {"int": f"{number}", "String": f'"{number}"'}.get(kind, "null")
        return f"public static final {kind} {ast.unparse(node.target)} = {value};"

    def _method(
        self, node: ast.FunctionDef, cls: Class, uses: list[str], interface: bool, callback: bool
    ) -> str:
        assert node.returns is not None
        static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
        result = self._type(node.returns, cls, uses)
        if node.name in _CHOSEN_RESULTS and "__" not in ast.unparse(node.returns):
            uses.append(_CHOSEN_RESULTS[node.name])
            result = f"<R extends {_CHOSEN_RESULTS[node.name]}> R"
        arguments = self._arguments(node, cls, uses, static)
        free = set(re.findall(r"__(\w+?)\b", ast.unparse(node))) - set(cls.parameters)
        generic = f"<{', '.join(sorted(free))}> " if free else ""
        throws = f" throws {_EXCEPTIONS[node.name]}" if node.name in _EXCEPTIONS else ""
        head = f"public {generic}{result} {node.name}({arguments}){throws}"
        if callback:
            return f"{head};"
        kind = "static " if static else "default " if interface else ""
        return head.replace("public ", f"public {kind}", 1) + " { throw null; }"

    def _arguments(
        self, node: ast.FunctionDef, cls: Class, uses: list[str], static: bool = False
    ) -> str:
        arguments = [*node.args.posonlyargs, *node.args.args][0 if static else 1 :]
        types = [self._type(a.annotation, cls, uses) for a in arguments if a.annotation]
        if node.args.vararg and node.args.vararg.annotation:
            types.append(self._type(node.args.vararg.annotation, cls, uses) + "...")
        return ", ".join(f"{kind} a{index}" for index, kind in enumerate(types))

    def _type(self, node: ast.expr, cls: Class, uses: list[str]) -> str:
        """The Java type of an annotation."""
        if isinstance(node, ast.BinOp):  # int | java.jint | java.lang.Integer, X | None
            options = [n for n in self._union(node) if ast.unparse(n) != "None"]
            exact = [n for n in options if re.match(r"java\.j[a-z]+$", ast.unparse(n))]
            return self._type((exact or options)[0], cls, uses)
        if isinstance(node, ast.Subscript):
            return self._generic(node, cls, uses)
        text = ast.unparse(node)
        array = re.fullmatch(r"java\.chaquopy\.JavaArrayJ(\w+)", text)
        if array:
            return f"{array[1].lower()}[]"
        if text.startswith("_") and "__" in text:
            return text.rpartition("__")[2]
        simple = text.removeprefix("java.")
        if simple in _PRIMITIVES:
            return _PRIMITIVES[simple]
        if text in ("str", "java.lang.String"):
            return "String"
        if text.startswith(("typing.", "java.")):
            return "java.lang.Object" if text == "typing.Any" else text
        return self._named(text, cls, uses)

    def _generic(self, node: ast.Subscript, cls: Class, uses: list[str]) -> str:
        outer = ast.unparse(node.value)
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        inner = [self._type(item, cls, uses) for item in items]
        if outer == "java.chaquopy.JavaArray":
            return f"{inner[0]}[]"
        if outer == "typing.Generic":
            return "Generic"
        arguments = [_BOXES.get(t, "?" if t == "java.lang.Object" else t) for t in inner]
        name = "Class" if outer == "typing.Type" else self._type(node.value, cls, uses)
        found = self._find(name)
        if found is not None and not found.parameters:
            return name
        return f"{name}<{', '.join(arguments)}>"

    def _named(self, text: str, cls: Class, uses: list[str]) -> str:
        """A class by its name as seen from `cls`: full, or of the same package."""
        scope = cls.name
        while scope:
            scope = scope.rpartition(".")[0]
            name = f"{scope}.{text}" if scope else text
            if self._find(name) is not None:
                uses.append(name)
                return name
        return "java.lang.Object"  # of a package that has no stubs

    def _union(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BinOp):
            return [*self._union(node.left), *self._union(node.right)]
        return [node]

    def _class(self, name: str, needed: dict[str, list[str]], indent: str) -> str:
        cls = self._classes[name]
        interface = self._is_interface(cls)
        types = [self._type(base, cls, []) for base in cls.node.bases]
        types = [t for t in types if t == "java.io.Closeable" or self._is_useful_base(t)]
        classes = [t for t in types if not self._is_interface_name(t)]
        interfaces = [t for t in types if t not in classes]
        head = f"public {'static ' if indent else ''}{'interface' if interface else 'class'} "
        head += cls.node.name + (f"<{', '.join(cls.parameters)}>" if cls.parameters else "")
        if classes:
            head += f" extends {classes[0]}"
        if interfaces:
            head += f" {'extends' if interface else 'implements'} {', '.join(interfaces)}"
        body = [f"{indent}  {line}\n" for line in needed[name]]
        body += [
            self._class(inner, needed, indent + "  ")
            for inner in needed
            if inner.rpartition(".")[0] == name
        ]
        return f"{indent}{head} {{\n{''.join(body)}{indent}}}\n"

    def _is_useful_base(self, name: str) -> bool:
        """Whether it is Android's, and no callback, whose methods would have to be written."""
        return name.startswith("android") and not _CALLBACK.search(name.rpartition(".")[2])

    def _is_interface_name(self, name: str) -> bool:
        found = self._find(name.split("<")[0])
        return self._is_interface(found) if found else True  # those of java.* that occur are
