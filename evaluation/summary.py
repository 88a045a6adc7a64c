"""What an evaluation found: means per case, by group, and paired differences."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field

from evaluation.peers import ORIGINAL, Case
from evaluation.results import Row
from metrics.intervals import Interval, mean_interval
from metrics.registry import Column


@dataclass(frozen=True)
class Condition:
    """One codec at one bitrate, over one network, for some recordings.

    Attributes:
        codec: Its name.
        bitrate_bps: The bitrate asked for.
        loss_rate: Share of packets that did not arrive.
        actual_bps: Bits sent over all recordings by their length.
        files: Number of recordings.
        scores: Mean and interval by metric name.
    """

    codec: str
    bitrate_bps: int
    loss_rate: float
    actual_bps: float
    files: int
    scores: dict[str, Interval]

    @property
    def case(self) -> Case:
        return Case(self.codec, self.bitrate_bps, self.loss_rate)

    @property
    def title(self) -> str:
        lossy = f", {100 * self.loss_rate:g} % lost" if self.loss_rate else ""
        return f"{self.codec} {self.actual_bps / 1000:.1f} kbps{lossy}"


@dataclass(frozen=True)
class Difference:
    """How much better the first condition scores than the second on the same recordings."""

    first: str
    second: str
    scores: dict[str, Interval]


@dataclass(frozen=True)
class Summary:
    """Everything but the single recordings.

    Attributes:
        conditions: Over all recordings, codecs in their order of appearance, then by bitrate and
            loss.
        groups: The same by speaker, language and condition, for groups of five recordings and
            more: `{"language": {"en": [...]}}`.
        differences: The first codec at each bitrate against every other codec at the same loss.
        differences_by_condition: The same for the recordings of each condition in `groups`.
    """

    conditions: list[Condition]
    groups: dict[str, dict[str, list[Condition]]]
    differences: list[Difference]
    differences_by_condition: dict[str, list[Difference]] = field(default_factory=dict)

    def to_dict(self) -> dict:
        return asdict(self)


# Fewer recordings than this say nothing about a group.
_MIN_GROUP = 5
_GROUPINGS: dict[str, Callable[[Row], str]] = {
    "speaker": lambda row: row.labels.speaker,
    "language": lambda row: row.labels.language,
    "condition": lambda row: row.labels.condition,
}


def summarize(rows: Sequence[Row], metrics: Sequence[Column]) -> Summary:
    """Means, intervals and differences of the rows of one evaluation."""
    by_case = _by_case(rows)
    codecs = list(dict.fromkeys(row.codec for row in rows))
    cases = sorted(by_case, key=lambda case: (codecs.index(case.codec), *case[1:]))
    ordered = [by_case[case] for case in cases]
    groups = {name: _groups(ordered, label, metrics) for name, label in _GROUPINGS.items()}
    groups = {name: parts for name, parts in groups.items() if len(parts) > 1}
    return Summary(
        conditions=_conditions(ordered, metrics),
        groups=groups,
        differences=_differences(ordered, metrics),
        differences_by_condition={
            condition: _differences(
                [[row for row in part if row.labels.condition == condition] for part in ordered],
                metrics,
            )
            for condition in groups.get("condition", {})
        },
    )


def _differences(ordered: Sequence[list[Row]], metrics: Sequence[Column]) -> list[Difference]:
    """The first codec against the others, in lists of rows of one case each, some empty."""
    parts = [part for part in ordered if part]
    return [
        _difference(first, second, metrics)
        for first in parts
        for second in parts
        if first[0].codec == parts[0][0].codec
        and second[0].codec not in (parts[0][0].codec, ORIGINAL)
        and second[0].loss_rate == first[0].loss_rate
    ]


def _groups(
    ordered: Sequence[list[Row]], label: Callable[[Row], str], metrics: Sequence[Column]
) -> dict[str, list[Condition]]:
    """The conditions over the recordings of each label that has enough of them."""
    files: dict[str, set[str]] = {}
    for part in ordered:
        for row in part:
            files.setdefault(label(row), set()).add(row.file)
    return {
        value: _conditions(
            ([row for row in part if label(row) == value] for part in ordered), metrics
        )
        for value in sorted(files)
        if len(files[value]) >= _MIN_GROUP
    }


def _conditions(parts: Iterable[list[Row]], metrics: Sequence[Column]) -> list[Condition]:
    return [_condition(part, metrics) for part in parts if part]


def _condition(rows: list[Row], metrics: Sequence[Column]) -> Condition:
    speakers = [_speaker(row) for row in rows]
    return Condition(
        codec=rows[0].codec,
        bitrate_bps=rows[0].bitrate_bps,
        loss_rate=rows[0].loss_rate,
        actual_bps=sum(r.actual_bps * r.seconds for r in rows) / sum(r.seconds for r in rows),
        files=len(rows),
        scores={
            metric.name: mean_interval([row.scores[metric.name] for row in rows], speakers)
            for metric in metrics
        },
    )


def _difference(first: list[Row], second: list[Row], metrics: Sequence[Column]) -> Difference:
    partner = {row.file: row for row in second}
    pairs = [(row, partner[row.file]) for row in first if row.file in partner]
    speakers = [_speaker(row) for row, _ in pairs]
    return Difference(
        first=_condition(first, []).title,
        second=_condition(second, []).title,
        scores={
            metric.name: mean_interval(
                [
                    (a.scores[metric.name] - b.scores[metric.name])
                    * (1 if metric.higher_is_better else -1)
                    for a, b in pairs
                ],
                speakers,
            )
            for metric in metrics
        },
    )


def _by_case(rows: Sequence[Row]) -> dict[Case, list[Row]]:
    parts: dict[Case, list[Row]] = {}
    for row in rows:
        parts.setdefault(row.case, []).append(row)
    return parts


def _speaker(row: Row) -> str:
    """Unknown speakers count as one each."""
    return row.file if row.labels.speaker == "-" else row.labels.speaker
