"""Summaries as text, for the terminal."""

import math
from collections.abc import Sequence

from evaluation.results import Failure
from evaluation.summary import Condition, Difference, Summary
from metrics.intervals import Interval
from metrics.registry import Column


def report(summary: Summary, metrics: Sequence[Column], failures: Sequence[Failure]) -> str:
    """Both tables, and what was left out."""
    parts = [conditions_table(summary.conditions, metrics)]
    if summary.differences:
        parts.append(differences_table(summary.differences, metrics))
    if failures:
        parts.append("\n".join(f"left out: {one.file}: {one.reason}" for one in failures))
    return "\n\n".join(parts)


def by_condition(summary: Summary, metrics: Sequence[Column]) -> str:
    """Both tables for the recordings of each condition."""
    parts = []
    for condition, rows in summary.groups.get("condition", {}).items():
        parts += [condition, conditions_table(rows, metrics)]
        if differences := summary.differences_by_condition.get(condition):
            parts.append(differences_table(differences, metrics))
    return "\n\n".join(parts)


def conditions_table(conditions: Sequence[Condition], metrics: Sequence[Column]) -> str:
    """One line per case: mean and half the width of the 95 % interval."""
    header = ["codec", "kbps", "% lost", "files", *(metric.title for metric in metrics)]
    lines = [
        [
            condition.codec,
            f"{condition.actual_bps / 1000:.2f}",
            f"{100 * condition.loss_rate:g}",
            str(condition.files),
            *(_mean(condition.scores[metric.name], metric.digits) for metric in metrics),
        ]
        for condition in conditions
    ]
    return _table([header, *lines])


def differences_table(differences: Sequence[Difference], metrics: Sequence[Column]) -> str:
    """One line per pair of conditions; `*` marks intervals that leave out zero."""
    header = ["better by", "than", *(metric.title for metric in metrics)]
    lines = [
        [
            pair.first,
            pair.second,
            *(_gain(pair.scores[metric.name], metric.digits) for metric in metrics),
        ]
        for pair in differences
    ]
    return _table([header, *lines])


def _mean(value: Interval, digits: int) -> str:
    if math.isnan(value.low):
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} ±{(value.high - value.low) / 2:.{digits}f}"


def _gain(value: Interval, digits: int) -> str:
    clear = value.low > 0 or value.high < 0
    return f"{value.mean:+.{digits}f}{'*' if clear else ' '}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; text to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )
