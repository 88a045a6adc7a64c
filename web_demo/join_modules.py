"""JavaScript modules as one classic script, for Workers and for a page that is a single file.

Not a bundler: the modules stand one behind the other, without their imports and exports. So names
at the top of a module must differ from those of all others, which is checked.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r"^import \{[^}]*\} from '(\.[^']+)';\n", re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.M)
_DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) ([\w$]+)", re.M)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.M)


def joined(entry: Path) -> str:
    """The module `entry` and all that it imports, each once and after what it needs itself.

    Raises:
      ValueError: two modules declare one name, or one is written in a way this does not read.
    """
    modules: dict[Path, str] = {}
    _collect(entry.resolve(), modules)
    owners: dict[str, Path] = {}
    for path, source in modules.items():
        if left := _LEFT.search(source):
            raise ValueError(f"{path.name}: cannot be joined: {left[0]}")
        for name in _DECLARED.findall(source):
            if name in owners:
                raise ValueError(f"{path.name} and {owners[name].name} both declare {name}")
            owners[name] = path
    return "(() => {\n'use strict';\n" + "\n".join(modules.values()) + "})();\n"


def _collect(path: Path, modules: dict[Path, str]) -> None:
    source = path.read_text()
    for imported in _IMPORT.findall(source):
        target = (path.parent / imported).resolve()
        if target not in modules:
            _collect(target, modules)
    modules[path] = _EXPORT.sub("", _IMPORT.sub("", source))
