"""Quality over bitrate, and over the packets lost, as pictures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.peers import ORIGINAL
from evaluation.summary import Condition
from metrics.registry import Column


def rate_quality(conditions: Sequence[Condition], metrics: Sequence[Column], path: Path) -> None:
    """Draws each metric over the bitrate without loss, a curve per codec, as a png."""
    curves: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.codec != ORIGINAL and condition.loss_rate == 0:
            curves.setdefault(condition.codec, []).append(condition)
    points = [condition for curve in curves.values() for condition in curve]
    ticks = sorted({round(condition.actual_bps / 1000, 1) for condition in points})

    def finish(axis: Any) -> None:
        axis.set_xscale("log")
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], rotation=60, fontsize=8)
        axis.minorticks_off()
        axis.set_xlabel("kbps")

    _draw(curves, lambda condition: condition.actual_bps / 1000, finish, metrics, path)


def loss_quality(conditions: Sequence[Condition], metrics: Sequence[Column], path: Path) -> None:
    """Draws each metric over the loss, a curve per codec and bitrate, as a png."""
    curves: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.codec != ORIGINAL:
            kbps = f"{condition.bitrate_bps / 1000:g} kbps"
            curves.setdefault(f"{condition.codec} {kbps}", []).append(condition)

    def finish(axis: Any) -> None:
        axis.set_xlabel("% of packets lost")

    _draw(curves, lambda condition: 100 * condition.loss_rate, finish, metrics, path)


def _draw(
    curves: Mapping[str, Sequence[Condition]],
    x_of: Callable[[Condition], float],
    finish: Callable[[Any], None],
    metrics: Sequence[Column],
    path: Path,
) -> None:
    """One picture of each metric's curves with 95 % intervals; `finish` sees to the x axis.

    Where there are no curves, there is no picture.
    """
    if not curves:
        return
    import matplotlib

    matplotlib.use("Agg")  # no display needed
    from matplotlib import pyplot as plt

    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 3.4 * rows), squeeze=False)
    for axis in axes.flat[len(metrics) :]:
        axis.set_visible(False)
    for axis, metric in zip(axes.flat, metrics):
        for name, points in curves.items():
            values = [point.scores[metric.name] for point in points]
            axis.errorbar(
                [x_of(point) for point in points],
                [value.mean for value in values],
                yerr=[
                    [value.mean - value.low for value in values],
                    [value.high - value.mean for value in values],
                ],
                marker="o",
                capsize=3,
                label=name,
            )
        finish(axis)
        axis.set_title(metric.title + ("" if metric.higher_is_better else ", lower is better"))
        axis.grid(alpha=0.3)
    axes.flat[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
