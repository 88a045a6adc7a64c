"""The rows of an evaluation, and the csv file that they are appended to while it runs."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.selection import Labels
from evaluation.peers import Case
from soundstream.atomic import write_whole

_COLUMNS = (
    "file", "speaker", "language", "condition", "codec", "bitrate_bps", "loss_rate",
    "actual_bps", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The scores of one recording coded by one codec at one bitrate over one network.

    Attributes:
        file: The recording's name.
        labels: What is known of the recording.
        codec: The codec's name.
        bitrate_bps: The bitrate asked for.
        loss_rate: Share of packets that did not arrive.
        actual_bps: The bitrate sent.
        seconds: How much was coded.
        scores: By metric name; NaN where a metric does not apply.
    """

    file: str
    labels: Labels
    codec: str
    bitrate_bps: int
    loss_rate: float
    actual_bps: float
    seconds: float
    scores: dict[str, float]

    @property
    def case(self) -> Case:
        return Case(self.codec, self.bitrate_bps, self.loss_rate)

    @property
    def key(self) -> tuple[str, Case]:
        """What tells the rows of one evaluation apart."""
        return self.file, self.case


@dataclass(frozen=True)
class Failure:
    """A recording that could not be read, coded or scored."""

    file: str
    reason: str


class ResultsFile:
    """`scores.csv`: one line per row, written as soon as it is known, so that a run can go on.

    Args:
        path: The file; it is created at the first row.
        metrics: Names of the metric columns.

    Raises:
        ValueError: the file exists and has other columns.
    """

    def __init__(self, path: Path, metrics: Sequence[str]) -> None:
        self._path = path
        self._metrics = list(metrics)
        self._columns = [*_COLUMNS, *self._metrics]
        if path.is_file():
            self._drop_unfinished_line()
            header = path.read_text(encoding="utf-8").partition("\n")[0]
            if header and header.split(",") != self._columns:
                raise ValueError(f"{path} has the columns {header}: choose another output folder")

    def read(self) -> list[Row]:
        """The rows so far, in the order they were written."""
        if not self._path.is_file():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            return [self._row(record) for record in csv.DictReader(file)]

    def append(self, rows: Sequence[Row]) -> None:
        """Adds rows in one write."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        if not self._path.is_file() or self._path.stat().st_size == 0:
            writer.writeheader()
        writer.writerows(self._record(row) for row in rows)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())

    def _drop_unfinished_line(self) -> None:
        """A killed run may have left half a line at the end."""
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_whole(self._path, whole)

    def _record(self, row: Row) -> dict[str, object]:
        return {
            "file": row.file,
            "speaker": row.labels.speaker,
            "language": row.labels.language,
            "condition": row.labels.condition,
            "codec": row.codec,
            "bitrate_bps": row.bitrate_bps,
            "loss_rate": row.loss_rate,
            "actual_bps": f"{row.actual_bps:.1f}",
            "seconds": f"{row.seconds:.3f}",
            **{name: f"{row.scores[name]:.4f}" for name in self._metrics},
        }

    def _row(self, record: dict[str, str]) -> Row:
        return Row(
            file=record["file"],
            labels=Labels(record["speaker"], record["language"], record["condition"]),
            codec=record["codec"],
            bitrate_bps=int(record["bitrate_bps"]),
            loss_rate=float(record["loss_rate"]),
            actual_bps=float(record["actual_bps"]),
            seconds=float(record["seconds"]),
            scores={name: float(record[name]) for name in self._metrics},
        )


def keep_settings(path: Path, settings: dict[str, object]) -> None:
    """Writes what all rows of an output folder must share, or compares with what it was before.

    Raises:
        ValueError: a setting differs from that of the rows already there.
    """
    if not path.is_file():
        write_whole(path, json.dumps(settings, indent=1) + "\n")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in settings.items():
        if before.get(name) != value:
            raise ValueError(
                f"{path.parent} holds an evaluation with {name} {before.get(name)}, not {value}: "
                "choose another output folder"
            )
