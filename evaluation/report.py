"""The outcome of an evaluation as one html file, which needs no network to be looked at."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from evaluation.codebook_usage import CodeCounter
from evaluation.peers import ORIGINAL
from evaluation.report_audio import ORIGINAL_CASE, Sounds
from evaluation.results import Failure, Row
from evaluation.summary import Summary
from metrics.registry import Column
from soundstream.atomic import write_whole

_PAGE = Path(__file__).parent / "report_page"
_SCRIPTS = ("dom", "charts", "tables", "player", "listening", "abx", "rating", "details", "page")


@dataclass(frozen=True)
class Report:
    """What the report shows.

    Attributes:
        command: The command line that made it.
        versions: Package versions by name.
        settings: What all rows have in common.
        metrics: The columns.
        rows: Every recording in every case.
        summary: Their means.
        failures: What was left out.
        sounds: Recordings to listen to.
        codes: The codes of the codec under test, if it has any.
        curves: `(step, value)` points by name, if a training run was given.
        origin: Machine and date, as `common.machine` says them.
    """

    command: str
    versions: dict[str, str]
    settings: dict[str, object]
    metrics: Sequence[Column]
    rows: Sequence[Row]
    summary: Summary
    failures: Sequence[Failure] = ()
    sounds: Sounds = field(default_factory=Sounds)
    codes: CodeCounter | None = None
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Writes the html file."""
        # Within a script element only "</" could end it early, and "<" needs no escape elsewhere.
        data = json.dumps(_without_nan(self._data()), separators=(",", ":")).replace("<", "\\u003c")
        page = _read("template.html")
        for name, text in (
            ("style", _read("style.css")),
            ("script", "\n".join(_read(f"{script}.js") for script in _SCRIPTS)),
            ("data", data),
        ):
            page = page.replace(f"{{{{{name}}}}}", text)
        write_whole(path, page)

    def scores_json(self) -> str:
        """The summary, what it rests on, and how well codebooks are used, without single rows."""
        content = {
            "command": self.command,
            **self.origin,
            "versions": self.versions,
            "settings": self.settings,
            **self.summary.to_dict(),
            "codebooks": self._codebooks(),
            "failures": [asdict(failure) for failure in self.failures],
        }
        return json.dumps(_without_nan(content), indent=1) + "\n"

    def _codebooks(self) -> dict | None:
        if self.codes is None:
            return None
        levels = [asdict(level) for level in self.codes.levels()]
        return {"frames": self.codes.frames, "levels": levels}

    def _data(self) -> dict:
        """What the scripts of the page read."""
        conditions = self.summary.conditions
        numbers = {one.case: number for number, one in enumerate(conditions)}
        keys = {**{key: str(number) for key, number in numbers.items()}, ORIGINAL_CASE: ORIGINAL}
        return {
            "command": self.command,
            "versions": self.versions,
            "settings": self.settings,
            "metrics": [
                {
                    "name": metric.name,
                    "title": metric.title,
                    "higher_is_better": metric.higher_is_better,
                    "digits": metric.digits,
                }
                for metric in self.metrics
            ],
            **self.summary.to_dict(),
            "files": {row.file: asdict(row.labels) for row in self.rows},
            "rows": [
                {
                    "file": row.file,
                    "condition": numbers[row.case],
                    "scores": [round(row.scores[metric.name], 3) for metric in self.metrics],
                }
                for row in self.rows
            ],
            "failures": [asdict(failure) for failure in self.failures],
            "listening": self.sounds.listening,
            "audio": {
                file: {keys[key]: asdict(version) for key, version in versions.items()}
                for file, versions in self.sounds.versions.items()
            },
            "codebooks": self._codebooks(),
            "curves": self.curves,
        }


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _without_nan(value: object) -> object:
    """JSON has no NaN: null instead."""
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
