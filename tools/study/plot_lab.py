"""Draws the curves of the laboratory: docs/lab/*.csv as docs/images/lab_*.png.

    python tools/study/plot_lab.py

The first column of a table is its x axis. Columns that begin with the same word share a picture.
"""

import csv
from pathlib import Path

from common import command_line

ROOT = Path(__file__).resolve().parents[2]
TITLES = {"estoi": "ESTOI", "mel": "mel distance, dB", "si": "SI-SDR, dB"}


def read_table(path: Path) -> dict[str, list[float]]:
    """Columns by name; an empty cell is nan.

    Raises:
      ValueError: a cell is no number.
    """
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    try:
        return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def groups(names: list[str]) -> dict[str, list[str]]:
    """Names of columns by their first word, in order."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.split("_")[0], []).append(name)
    return found


def draw(table: dict[str, list[float]], path: Path) -> None:
    """Writes a png with one picture below the other."""
    import matplotlib

    matplotlib.use("Agg")  # no display needed
    from matplotlib import pyplot as plt

    x, *others = table
    pictures = groups(others)
    figure, axes = plt.subplots(
        len(pictures), sharex=True, figsize=(8, 2.3 * len(pictures)), squeeze=False
    )
    for axis, (word, names) in zip(axes[:, 0], pictures.items(), strict=True):
        for name in names:
            axis.plot(table[x], table[name], label=name.split("_")[-1], linewidth=1.2)
        axis.set_ylabel(TITLES.get(word, word))
        axis.grid(alpha=0.3)
        axis.legend(loc="best", fontsize=8)
    axes[-1, 0].set_xlabel(x)
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def main(_: list[str]) -> None:
    for path in sorted((ROOT / "docs" / "lab").glob("*.csv")):
        draw(read_table(path), ROOT / "docs" / "images" / f"lab_{path.stem}.png")


if __name__ == "__main__":
    command_line.run(main)
