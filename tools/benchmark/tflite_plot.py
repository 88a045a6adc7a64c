"""The picture of a benchmark: what a frame costs, part by part."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def plot(report: dict[str, Any], path: Path) -> None:
    """Stacked bars of net, search and decoder for each row, and of the peer's graphs."""
    rows = report["rows"]
    labels = [
        f"{row['model']} {row['flavour']}, {row['bitrate_bps'] / 1000:g} kbps, "
        f"{row['threads']} thr., {row['frames_per_call']} fr."
        for row in rows
    ]
    parts = {
        "encoder net": [row["net_us"]["median"] for row in rows],
        "search": [row["quantizer_us"]["median"] for row in rows],
        "decoder": [row["decoder_us"]["median"] for row in rows],
    }
    figure, axes = plt.subplots(figsize=(9, 1 + 0.25 * (len(rows) + 1)), layout="constrained")
    left = [0.0] * len(rows)
    for name, widths in parts.items():
        axes.barh(labels, widths, left=left, label=name)
        left = [a + b for a, b in zip(left, widths)]
    start = 0.0
    for name, latency in report["peers"].items():
        axes.barh("compared with", latency["median"], left=start, color="0.7", edgecolor="white")
        axes.text(
            start + latency["median"] / 2, len(rows), name.split("/")[0], fontsize=5, ha="center"
        )
        start += latency["median"]
    axes.invert_yaxis()
    axes.set_xlabel("microseconds per frame")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
