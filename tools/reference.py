"""Makes the API reference from the docstrings of soundstream/: what `make docs` calls.

python tools/reference.py --output_dir=build/docs
"""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pdoc
from absl import flags

import soundstream
from common import command_line

# pdoc links what a class inherits from a private one, which has no place to be linked to.
_TO_PRIVATE = re.compile(r'<a href="[^"]*#_[^"]*">(.*?)</a>', re.S)
_PAGES = Path(__file__).with_name("reference_pages")


def modules() -> list[str]:
    """The names of the library and of all modules in it that are public."""
    inner = pkgutil.walk_packages(soundstream.__path__, f"{soundstream.__name__}.")
    return [soundstream.__name__, *(one.name for one in inner if "._" not in one.name)]


def write(output_dir: Path) -> None:
    """Writes a page for each module, an index and a search."""
    for name in soundstream.__all__:
        getattr(soundstream, name)  # pdoc shows what is there, and names come when they are used
    pdoc.render.configure(docformat="google", show_source=False, template_directory=_PAGES)
    tops = [name for name in modules() if name.count(".") < 2]  # pdoc goes on from packages itself
    pdoc.pdoc(*tops, output_directory=output_dir)
    for page in output_dir.rglob("*.html"):
        page.write_text(_TO_PRIVATE.sub(r"\1", page.read_text()))


def main(_: list[str]) -> None:
    output_dir = Path(flags.FLAGS.output_dir)
    write(output_dir)
    print(output_dir / "index.html")


if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "build/docs", "Folder for the pages.")
    command_line.run(main)
