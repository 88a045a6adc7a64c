"""The metrics by name: what they are called, which way is better, and what they need installed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distributions
from importlib.util import find_spec

import numpy as np

from metrics import quality


@dataclass(frozen=True)
class Metric:
    """A column of the results.

    Attributes:
        name: Column name in files and flags.
        title: Name and unit for tables and plots.
        score: `(reference, degraded, rate) -> float`, see `metrics.quality`.
        packages: What must be importable.
        higher_is_better: False for distances.
        digits: Decimals worth showing.
    """

    name: str
    title: str
    score: Callable[[np.ndarray, np.ndarray, int], float]
    packages: tuple[str, ...] = ()
    higher_is_better: bool = True
    digits: int = 2


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


def _not_in_audio(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    del reference, degraded, rate
    return float("nan")


# What a codec costs beside the bitrate that it was asked for: measured by `evaluation.scoring`.
ENTROPY_KBPS, REAL_TIME_FACTOR = "entropy_kbps", "real_time_factor"
COSTS = (
    Metric(ENTROPY_KBPS, "entropy-coded kbps", _not_in_audio, higher_is_better=False),
    Metric(REAL_TIME_FACTOR, "CPU s per s", _not_in_audio, higher_is_better=False, digits=4),
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
        The metrics that can run here, costs last, and one message for each other.

    Raises:
        ValueError: a name that is no metric's.
    """
    names = list(names)
    known = {metric.name for metric in (*METRICS, *COSTS)}
    for name in names:
        if name not in known:
            raise ValueError(f"no metric {name!r}; there are {', '.join(sorted(known))}")
    wanted = [metric for metric in (*METRICS, *COSTS) if metric.name in names]
    found, skipped = [], []
    for metric in wanted:
        missing = [package for package in metric.packages if find_spec(package) is None]
        if missing:
            skipped.append(f"{metric.name} is left out: {', '.join(missing)} not installed")
        else:
            found.append(metric)
    return found, skipped
