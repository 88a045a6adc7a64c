"""Writes the tables of figures in the pages, from the json files that commands wrote.

    python tools/measured.py

A page says which table it wants from which file, and the table comes between the marks:

    <!-- measured: scores pretrained/speech/scores.json -->
    <!-- end of measured -->

`scores` has a row for each codec and bitrate, `differences` compares this project's codec with the
others of up to twice its rate, `scores_by_condition` has the rows of each condition, and
`entropy_coding` is what entropy tables save. Machine and date follow where the file has them.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from common import command_line
from evaluation import judges
from metrics import registry

ROOT = Path(__file__).resolve().parents[1]
# Marks that are indented are examples.
_MARKED = re.compile(
    r"^(<!-- measured: (\w+) (\S+) -->\n).*?^(<!-- end of measured -->)", re.S | re.M
)
_NAMES = {
    "soundstream": "this",
    "soundstream_denoise": "**this, switched on**",
    "opus": "Opus",
    "lyra": "Lyra V2",
    "original": "no codec",
    "rnnoise+soundstream": "RNNoise, then this",
    "soundstream+rnnoise": "this, then RNNoise",
}
_ORDER = list(_NAMES)
_OURS = "soundstream"
_ORIGINAL = "original"


def written(text: str, root: Path = ROOT) -> str:
    """The text of a page with its tables as the files say.

    Raises:
      ValueError: a table of a kind that there is not, or a file that is missing.
    """

    def replaced(match: re.Match[str]) -> str:
        start, kind, name, end = match.groups()
        if kind not in KINDS:
            raise ValueError(f"measured: no table {kind!r}; there are {', '.join(KINDS)}")
        if not (root / name).is_file():
            raise ValueError(f"measured: {name} is missing")
        facts = json.loads((root / name).read_text())
        return start + KINDS[kind](facts) + _origin(facts) + end

    return _MARKED.sub(replaced, text)


def pages() -> list[Path]:
    """All pages of the project."""
    command = ["git", "ls-files", "--", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def _origin(facts: dict[str, Any]) -> str:
    if "machine" not in facts and "date" not in facts:
        return ""
    told = ", ".join(facts[name] for name in ("machine", "date") if name in facts)
    return f"\nMeasured: {told}.\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _metrics(entries: list[dict[str, Any]]) -> list[registry.Column]:
    known = [*judges.COLUMNS, *registry.METRICS, *registry.COSTS]  # what no loss imitates first
    return [one for one in known if one.name in entries[0]["scores"]]


def _number(value: float, digits: int, sign: str = "") -> str:
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # no -0


def _score(score: dict[str, float] | None, digits: int) -> str:
    """The mean and half of the 95 % interval."""
    if score is None or score["mean"] is None:
        return ""
    half = (score["high"] - score["low"]) / 2
    return f"{_number(score['mean'], digits)} ±{_number(half, digits)}"


def _difference(score: dict[str, float] | None, digits: int) -> str:
    if score is None or score["mean"] is None:
        return ""
    low, high = (_number(score[end], digits, "+") for end in ("low", "high"))
    return f"{_number(score['mean'], digits, '+')} ({low} to {high})"


def _score_rows(entries: list[dict[str, Any]]) -> list[list[str]]:
    place = {name: number for number, name in enumerate(_ORDER)}
    entries = sorted(entries, key=lambda one: place.get(one["codec"], len(place)))
    return [
        [
            _NAMES.get(one["codec"], one["codec"]),
            "" if one["codec"] == _ORIGINAL else f"{one['actual_bps'] / 1000:.1f}",
            *(_score(one["scores"].get(m.name), m.digits) for m in _metrics(entries)),
        ]
        for one in entries
    ]


def _is_fair(first: str, second: str) -> bool:
    """Whether ours is compared with another codec, which has the same rate or up to twice."""
    (one, ours), (other, theirs) = (name.removesuffix(" kbps").split() for name in (first, second))
    return one == _OURS and other != _OURS and float(ours) <= float(theirs) <= 2 * float(ours)


def _named(case: str) -> str:
    codec, rate = case.split(maxsplit=1)
    return f"{_NAMES.get(codec, codec)}, {rate}"


def _scores(facts: dict[str, Any]) -> str:
    entries = facts["conditions"]
    head = ["codec", "kbps", *(one.title for one in _metrics(entries))]
    return _table(head, _score_rows(entries))


def _differences(facts: dict[str, Any]) -> str:
    entries = [one for one in facts["differences"] if _is_fair(one["first"], one["second"])]
    metrics = _metrics(entries)
    rows = [
        [
            *(_named(one[side]) for side in ("first", "second")),
            *(_difference(one["scores"].get(m.name), m.digits) for m in metrics),
        ]
        for one in entries
    ]
    return _table(["codec", "less", *(one.title for one in metrics)], rows)


def _condition(name: str) -> str:
    return re.sub(r"^0(?=\d)|\.0(?= )", "", name)


def _scores_by_condition(facts: dict[str, Any]) -> str:
    groups = facts["groups"]["condition"]
    metrics = _metrics(next(iter(groups.values())))
    rows = [[_condition(name), *row] for name, one in groups.items() for row in _score_rows(one)]
    return _table(["condition", "codec", "kbps", *(one.title for one in metrics)], rows)


def _entropy_coding(facts: dict[str, Any]) -> str:
    rows = []
    for bitrate, one in facts["by_bitrate_bps"].items():
        low, high = (f"{100 * bound:.1f}" for bound in one["interval_95"])
        times = [f"{one[f'{way}_us_per_frame']:.1f} us" for way in ("encode", "decode")]
        saved = f"{100 * one['saved']:.1f} % ({low}-{high})"
        rows.append([f"{int(bitrate) / 1000:g}", saved, *times])
    return _table(["kbps", "saved", "to encode", "to decode"], rows)


KINDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "scores": _scores,
    "differences": _differences,
    "scores_by_condition": _scores_by_condition,
    "entropy_coding": _entropy_coding,
}


def main(_: list[str]) -> None:
    for page in pages():
        before = page.read_text()
        after = written(before)
        if after != before:
            page.write_text(after)
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    command_line.run(main)
