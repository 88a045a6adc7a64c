"""A lossless stand-in for `soundstream.tflite.runtime`.

Each level of a frame is one sample of it, in 16 bits. It has the same interface and needs no
model, so tests of the file codec can ask for exact samples.
Run as a script it is `codec.py` with this codec inside.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Metadata:
    name: str = "fake"
    model_id: str = "0011223344556677"
    sample_rate: int = 16_000
    hop: int = 4
    codebook_size: int = 1 << 16
    num_quantizers: int = 4  # = hop

    def num_quantizers_for(self, bitrate_bps: int) -> int:
        step = self.sample_rate // self.hop * (self.codebook_size - 1).bit_length()
        if bitrate_bps % step or not 1 <= bitrate_bps // step <= self.hop:
            raise ValueError(f"bitrate {bitrate_bps} bps is not possible: use a multiple of {step}")
        return bitrate_bps // step


@dataclass(frozen=True)
class CodecModel:
    metadata: Metadata = Metadata()

    @classmethod
    def load(cls, folder: str, flavour: str | None = None, num_threads: int = 1) -> CodecModel:
        return cls(
            Metadata(model_id="ffffffffffffffff") if Path(folder).name == "other" else Metadata()
        )


class StreamingEncoder:
    def __init__(self, model: CodecModel, bitrate_bps: int, denoise: float = 0.0) -> None:
        self._num_levels = model.metadata.num_quantizers_for(bitrate_bps)
        self._half = model.metadata.codebook_size // 2
        self._hop = model.metadata.hop

    def encode(self, samples: np.ndarray) -> np.ndarray:
        assert samples.dtype == np.float32 and samples.ndim == 1 and len(samples) % self._hop == 0
        assert np.all(np.isfinite(samples))
        steps = np.clip(np.round(samples * self._half), -self._half, self._half - 1)
        return (steps.astype(np.int32) + self._half).reshape(-1, self._hop)[:, : self._num_levels]


class StreamingDecoder:
    denoise = 0.0

    def __init__(self, model: CodecModel) -> None:
        self._half = model.metadata.codebook_size // 2
        self._hop = model.metadata.hop

    def reset(self) -> None:
        pass

    def decode(self, codes: np.ndarray) -> np.ndarray:
        assert codes.dtype == np.int32 and codes.ndim == 2 and 1 <= codes.shape[1] <= self._hop
        samples = np.zeros((len(codes), self._hop), np.float32)
        samples[:, : codes.shape[1]] = (codes - self._half) / np.float32(self._half)
        return samples.ravel()


if __name__ == "__main__":
    sys.modules["soundstream.tflite.runtime"] = sys.modules["__main__"]
    from soundstream import cli

    # Not the released model, whose entropy tables are for codes of another kind.
    sys.argv = ["codec.py", "--model_dir=stand-in", *sys.argv[1:]]
    cli.run()
