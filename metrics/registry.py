"""The metrics by name: what they are called, which way is better, and what they need installed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import distributions
from importlib.util import find_spec

import numpy as np

from metrics import quality


@dataclass(frozen=True)
class Column:
    """A column of the results.

    Attributes:
        name: Column name in files and flags.
        title: Name and unit for tables and plots.
        higher_is_better: False for distances and costs.
        digits: Decimals worth showing.
    """

    name: str
    title: str
    higher_is_better: bool = field(default=True, kw_only=True)
    digits: int = field(default=2, kw_only=True)


@dataclass(frozen=True)
class Metric(Column):
    """A score of what is heard.

    Attributes:
        score: `(reference, degraded, rate) -> float`, see `metrics.quality`.
        packages: What must be importable.
    """

    score: Callable[[np.ndarray, np.ndarray, int], float]
    packages: tuple[str, ...] = ()


METRICS = (
    Metric("visqol_speech", "ViSQOL speech", quality.visqol_speech, ("visqol",)),
    Metric("visqol_audio", "ViSQOL audio", quality.visqol_audio, ("visqol",)),
    Metric("pesq_wb", "PESQ-WB", quality.pesq_wb, ("pesq",)),
    Metric("estoi", "ESTOI", quality.estoi, ("pystoi",), digits=3),
    Metric("si_sdr", "SI-SDR (dB)", quality.si_sdr, digits=1),
    Metric("mel_distance", "mel distance (dB)", quality.mel_distance, higher_is_better=False),
    Metric("dnsmos", "DNSMOS", quality.dnsmos, ("speechmos", "onnxruntime")),
    *(
        Metric(f"{name}_{low_hz}", f"{name} {span} kHz", partial(score, group=low_hz))
        for name, score in (("periodic", quality.periodic), ("follow", quality.follow))
        for low_hz, span in (("1500", "1.5-3"), ("3000", "3-4.5"), ("4500", "4.5-8"))
    ),
)


# What a codec costs beside the bitrate that it was asked for: measured by `evaluation.scoring`.
ENTROPY_KBPS, REAL_TIME_FACTOR = "entropy_kbps", "real_time_factor"
COSTS = (
    Column(ENTROPY_KBPS, "entropy-coded kbps", higher_is_better=False),
    Column(REAL_TIME_FACTOR, "CPU s per s", higher_is_better=False, digits=4),
)

# Distributions whose version can change a score.
PACKAGES = (
    "numpy", "soxr", "ai-edge-litert", "av", "visqol-python", "pesq", "pystoi", "speechmos",
    "onnxruntime", "pyrnnoise",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The installed ones of `PACKAGES` with their versions."""
    installed = {distribution.name: distribution.version for distribution in distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}


def find_metrics(names: Iterable[str]) -> tuple[list[Metric], list[str]]:
    """Looks metrics up by name.

    Returns:
        The metrics that can run here, and one message for each other.

    Raises:
        ValueError: a name that is no metric's.
    """
    metrics, costs, skipped = find_columns(names)
    if costs:
        raise ValueError(f"{costs[0].name} is no score of audio: only evaluate.py measures it")
    return metrics, skipped


def find_columns(names: Iterable[str]) -> tuple[list[Metric], list[Column], list[str]]:
    """Looks metrics and costs up by name.

    Returns:
        The metrics that can run here, the costs, and one message for each metric that cannot run.

    Raises:
        ValueError: a name that is neither's.
    """
    names = list(names)
    known = {column.name for column in (*METRICS, *COSTS)}
    for name in names:
        if name not in known:
            raise ValueError(f"no metric {name!r}; there are {', '.join(sorted(known))}")
    found, skipped = [], []
    for metric in (metric for metric in METRICS if metric.name in names):
        missing = [package for package in metric.packages if find_spec(package) is None]
        if missing:
            skipped.append(f"{metric.name} is left out: {', '.join(missing)} not installed")
        else:
            found.append(metric)
    return found, [cost for cost in COSTS if cost.name in names], skipped
