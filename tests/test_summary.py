"""Means, intervals and paired differences of an evaluation."""

import math

import numpy as np

from data.selection import Labels
from evaluation import tables
from evaluation.results import Row
from evaluation.summary import summarize
from metrics import registry
from metrics.intervals import mean_interval

METRICS, _ = registry.find_metrics(["si_sdr", "mel_distance"])
NAMES = [metric.name for metric in METRICS]


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    generator = np.random.default_rng(0)
    speakers = np.repeat(np.arange(30), 5).astype(str)
    held = 0
    for _ in range(300):
        # Recordings of a speaker share most of their deviation.
        values = np.repeat(generator.normal(size=30), 5) + 0.3 * generator.normal(size=150)
        interval = mean_interval(values, speakers)
        held += interval.low < 0 < interval.high
    assert 0.90 < held / 300 < 0.98


def test_intervals_leave_out_nan_and_need_two_values():
    interval = mean_interval([1.0, float("nan"), 3.0], ["a", "b", "c"])
    assert (interval.mean, interval.count) == (2.0, 2)
    assert interval.low == 1.0 and interval.high == 3.0
    assert math.isnan(mean_interval([1.0], ["a"]).low)
    assert mean_interval([float("nan")], ["a"]).count == 0
    one_speaker = mean_interval([1.0, 3.0], ["a", "a"])
    assert one_speaker.low < 2 < one_speaker.high


def row(
    file: str, codec: str, bitrate: int, si_sdr: float, mel: float, language: str, loss: float = 0
) -> Row:
    labels = Labels(file, language)
    return Row(file, labels, codec, bitrate, loss, bitrate, 2.0, dict(zip(NAMES, (si_sdr, mel))))


def test_differences_are_paired_and_positive_where_the_first_codec_is_better():
    rows = [
        *(row(str(i), "ours", 3000, 10.0 * i + 1, 1.0, "de" if i % 2 else "en") for i in range(11)),
        *(row(str(i), "theirs", 6000, 10.0 * i, 1.5, "de" if i % 2 else "en") for i in range(10)),
    ]
    summary = summarize(rows, METRICS)
    assert [condition.title for condition in summary.conditions] == [
        "ours 3.0 kbps",
        "theirs 6.0 kbps",
    ]
    (difference,) = summary.differences
    assert difference.scores["si_sdr"].mean == 1.0  # though means of 11 and 10 differ by 6
    assert difference.scores["si_sdr"].low == 1.0
    assert difference.scores["mel_distance"].mean == 0.5
    assert difference.scores["si_sdr"].count == 10
    assert list(summary.groups) == ["language"]  # and no speaker: they have one recording each
    assert [c.files for c in summary.groups["language"]["en"]] == [6, 5]
    assert "+1.0*" in tables.differences_table(summary.differences, METRICS)
    assert "51.0 ±" in tables.conditions_table(summary.conditions, METRICS)


def test_losses_are_conditions_of_their_own_and_compared_with_their_like():
    rows = [
        row(str(i), codec, bitrate, 10.0 - 20 * loss, 1.0, "de", loss)
        for i in range(3)
        for codec, bitrate in (("ours", 3000), ("theirs", 6000))
        for loss in (0.1, 0.0)
    ]
    summary = summarize(rows, METRICS)
    assert [(one.codec, one.loss_rate) for one in summary.conditions] == [
        ("ours", 0.0), ("ours", 0.1), ("theirs", 0.0), ("theirs", 0.1),
    ]  # fmt: skip
    assert [(pair.first, pair.second) for pair in summary.differences] == [
        ("ours 3.0 kbps", "theirs 6.0 kbps"),
        ("ours 3.0 kbps, 10 % lost", "theirs 6.0 kbps, 10 % lost"),
    ]
    assert summary.conditions[1].scores["si_sdr"].mean == 8.0
