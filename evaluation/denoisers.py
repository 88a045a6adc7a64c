"""Other people's noise suppression, to be put before or after a codec."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from evaluation.peers import Coded, Peer
from metrics.alignment import align
from soundstream.audio import resample

Denoise = Callable[[np.ndarray, int], np.ndarray]
_FULL_SCALE = 32768  # RNNoise takes samples on the scale of 16 bit integers


def rnnoise(samples: np.ndarray, rate: int) -> np.ndarray:
    """RNNoise (arXiv 1709.08243) from the package `pyrnnoise`: float32 `[time]`, delay removed.

    It works at 48 kHz, so a signal of another rate is converted on the way in and out.
    """
    from pyrnnoise import rnnoise as library

    size, full_rate = library.FRAME_SIZE, library.SAMPLE_RATE
    given = resample(samples, rate, full_rate) * _FULL_SCALE
    # One frame more than there are, for what the delay of the filters pushes out at the end.
    frames = np.pad(given, (0, size - len(given) % size + size)).reshape(-1, size)
    frames = np.ascontiguousarray(frames, np.float32)
    pointer = library.ctypes.POINTER(library.ctypes.c_float)
    state = library.create()
    try:
        for frame in frames:
            at = frame.ctypes.data_as(pointer)
            library.lib.rnnoise_process_frame(state, at, at)
    finally:
        library.destroy(state)
    cleaned = resample((frames / _FULL_SCALE).reshape(-1), full_rate, rate)
    return align(samples, cleaned, rate)


@dataclass(frozen=True)
class Package:
    """What a denoiser needs installed."""

    denoise: Denoise
    package: str


DENOISERS = {"rnnoise": Package(rnnoise, "pyrnnoise")}


@dataclass(frozen=True)
class Pipeline:
    """A codec with denoisers before or after it.

    Attributes:
        peer: The codec, with or without losses.
        before, after: Keys of `DENOISERS`, in the order of the signal.
    """

    peer: Peer
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    separator: ClassVar[str] = "+"

    @property
    def name(self) -> str:
        return self.separator.join([*self.before, self.peer.name, *self.after])

    @property
    def bitrate_bps(self) -> int:
        return self.peer.bitrate_bps

    @property
    def loss_rate(self) -> float:
        return self.peer.loss_rate

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        for name in self.before:
            samples = DENOISERS[name].denoise(samples, rate)
        coded = self.peer.code(samples, rate)
        for name in self.after:
            coded = coded._replace(samples=DENOISERS[name].denoise(coded.samples, rate))
        return coded


def in_pipelines(
    name: str, peers_of: Callable[[str], Sequence[Peer]]
) -> tuple[Sequence[Any], list[str]]:
    """The peers that `name` stands for, as "soundstream" or "rnnoise+soundstream".

    Args:
        name: Codec and denoisers in the order of the signal.
        peers_of: From the name of a codec to its peers; raises ValueError where there is none.

    Returns:
        The peers, and what is missing: denoisers whose package is not installed.
    """
    parts = name.split(Pipeline.separator)
    codecs = [part for part in parts if part not in DENOISERS]
    if len(codecs) != 1:
        known = ", ".join(DENOISERS)
        raise ValueError(f"--codecs: {name!r} must be one codec, with denoisers ({known}) or none")
    at = parts.index(codecs[0])
    before, after = tuple(parts[:at]), tuple(parts[at + 1 :])
    needed = {part: DENOISERS[part].package for part in (*before, *after)}
    missing = [package for package in needed.values() if find_spec(package) is None]
    if missing:
        return [], [f"{name} is left out: {', '.join(missing)} not installed"]
    peers = peers_of(codecs[0])
    return ([Pipeline(peer, before, after) for peer in peers] if needed else peers), []
