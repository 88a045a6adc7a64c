"""The rate-quality plot."""

from collections.abc import Sequence
from pathlib import Path

from metrics.peers import ORIGINAL
from metrics.registry import Metric
from metrics.summary import Condition


def rate_quality(conditions: Sequence[Condition], metrics: Sequence[Metric], path: Path) -> None:
    """Draws each metric over the bitrate, a curve per codec with 95 % intervals, as a png."""
    import matplotlib

    matplotlib.use("Agg")  # no display needed
    from matplotlib import pyplot as plt

    conditions = [condition for condition in conditions if condition.codec != ORIGINAL]
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 3.4 * rows), squeeze=False)
    for axis in axes.flat[len(metrics) :]:
        axis.set_visible(False)
    for axis, metric in zip(axes.flat, metrics):
        for codec in dict.fromkeys(condition.codec for condition in conditions):
            points = [condition for condition in conditions if condition.codec == codec]
            values = [point.scores[metric.name] for point in points]
            axis.errorbar(
                [point.actual_bps / 1000 for point in points],
                [value.mean for value in values],
                yerr=[
                    [value.mean - value.low for value in values],
                    [value.high - value.mean for value in values],
                ],
                marker="o",
                capsize=3,
                label=codec,
            )
        axis.set_xscale("log")
        ticks = sorted({round(condition.actual_bps / 1000, 1) for condition in conditions})
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], rotation=60, fontsize=8)
        axis.minorticks_off()
        axis.set_xlabel("kbps")
        axis.set_title(metric.title + ("" if metric.higher_is_better else ", lower is better"))
        axis.grid(alpha=0.3)
    axes.flat[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
