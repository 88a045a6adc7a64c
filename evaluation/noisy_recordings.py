"""Noisy recordings and what is clean of them: pairs by file name in two folders."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.selection import FileRecording, Labels, Recording, find_recordings
from evaluation.peers import SPEECH_RATE

_SNR_STEP_DB = 2.5  # recordings are grouped by the nearest


@dataclass(frozen=True)
class NoisyRecording:
    """What a codec gets is noisy; what is compared with is clean."""

    noisy: Recording
    clean: Recording
    labels: Labels

    @property
    def name(self) -> str:
        return self.noisy.name

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        return self.noisy.read(rate, max_seconds)

    def reference(self, rate: int, max_seconds: float) -> np.ndarray:
        """The clean recording; ValueError where it is not as long as the noisy one."""
        clean = self.clean.read(rate, max_seconds)
        noisy = self.noisy.read(rate, max_seconds)
        if len(clean) != len(noisy):
            raise ValueError(f"{len(noisy)} samples are noisy, but {len(clean)} are clean")
        return clean


def find_pairs(
    noisy_dir: str, clean_dir: str, max_files: int | None, max_seconds: float
) -> list[Recording]:
    """The recordings below `noisy_dir`, each with the one of the same name below `clean_dir`.

    Their condition is the signal-to-noise ratio, measured over what is read: "05.0 dB". A
    `manifest.tsv` in `noisy_dir` says who speaks.

    Raises:
        ValueError: no recordings, or one without its partner.
    """
    pairs: list[Recording] = []
    for noisy in find_recordings(noisy_dir, "valid", ["speech"], max_files):
        path = Path(clean_dir) / noisy.name
        if not path.is_file():
            raise ValueError(f"{path}: missing, but {noisy_dir} has a recording of that name")
        pair = NoisyRecording(
            noisy, FileRecording(str(path), noisy.name, noisy.labels), noisy.labels
        )
        labels = replace(noisy.labels, condition=_condition(pair, max_seconds))
        pairs.append(replace(pair, labels=labels))
    return pairs


def _condition(pair: NoisyRecording, max_seconds: float) -> str:
    noisy = pair.read(SPEECH_RATE, max_seconds)
    clean = pair.clean.read(SPEECH_RATE, max_seconds)
    length = min(len(noisy), len(clean))
    noise = np.sum((noisy[:length] - clean[:length]) ** 2) + 1e-9
    snr_db = 10 * np.log10(np.sum(clean**2) / noise + 1e-9)
    return f"{_SNR_STEP_DB * round(snr_db / _SNR_STEP_DB):04.1f} dB"
