"""What tests need beyond Python's packages, as tools/installation/tools.txt lists it."""

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tools" / "installation"


def missing(need: str) -> list[str]:
    """Programs and files of that need which are not there."""
    lines = [line.split() for line in (FOLDER / "tools.txt").read_text().splitlines()]
    names = [fields[1] for fields in lines if fields[:1] == [need]]
    assert names, need
    # Of a file, shutil.which would ask whether it can be executed.
    return [n for n in names if not (Path(n).exists() if n[0] == "/" else shutil.which(n))]


def require(need: str) -> None:
    """Leaves the test out where the need is not met, and says so; with CI=true it fails."""
    names = missing(need)
    if not names:
        return
    reason = f"tests of {need} need {', '.join(names)}: tools/installation/install_tools.sh {need}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
