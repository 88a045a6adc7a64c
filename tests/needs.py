"""What tests need beyond Python's packages, as tools/installation/tools.txt lists it."""

import os
import shutil
from collections.abc import Iterable
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
    reason = f"they need {', '.join(names)}: tools/installation/install_tools.sh {need}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def left_out(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """One line for each reason of `require`: how many tests, of which files, and why."""
    files: dict[str, list[str]] = {}
    for report in skipped:
        reason = str(report.longrepr)
        if isinstance(report.longrepr, tuple):  # (path, line, reason) of pytest.skip
            reason = report.longrepr[2].removeprefix("Skipped: ")
        if "install_tools.sh" in reason:
            files.setdefault(reason, []).append(report.location[0])
    return [
        f"{len(names)} tests of {', '.join(sorted(set(names)))} are left out: {reason}"
        for reason, names in files.items()
    ]
