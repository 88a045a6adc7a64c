"""The picture of `tools/benchmark/scaling_benchmark.py`: a panel for each thing that grows."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

Rows = list[dict[str, Any]]


def plot(report: dict[str, Any], path: Path) -> None:
    """Draws what `report` holds of streams, files and steps."""
    panels: list[tuple[str, Rows, str, str, str]] = []
    if "streams" in report:
        panels.append(
            ("frames of n streams", report["streams"], "streams", "frame_us", "us per frame")
        )
    if "files" in report:
        files = report["files"]
        panels.append(("encoding a file", files, "minutes", "seconds", "processor seconds"))
        panels.append(("encoding a file", files, "minutes", "peak_mib", "peak memory, MiB"))
    steps = report.get("steps", [])
    for axis in dict.fromkeys(row["axis"] for row in steps):
        rows = [row | {axis: row["value"]} for row in steps if row["axis"] == axis]
        panels.append(("a training step", rows, axis, "seconds", "processor seconds"))
        panels.append(("a training step", rows, axis, "mib", "memory, MiB"))
    rows_of_panels = -(-len(panels) // 3)
    figure, axes = plt.subplots(
        rows_of_panels, 3, figsize=(10, 2.6 * rows_of_panels), layout="constrained", squeeze=False
    )
    for place, panel in zip(axes.flat, panels):
        _draw(place, *panel)
    for place in axes.flat[len(panels) :]:
        place.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw(axes: Axes, title: str, rows: Rows, x: str, y: str, label: str) -> None:
    axes.plot([row[x] for row in rows], [row[y] for row in rows], "o-")
    if x == "streams":
        axes.set_xscale("log", base=2)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x.replace("_", " "))
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
