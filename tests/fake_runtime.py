"""A lossless stand-in for `export.runtime`: frames of four samples, each level one 16-bit sample.

It has the same interface and needs no model, so tests of the file codec can ask for exact samples.
Run as a script it is `codec.py` with this codec inside.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOP = 4


@dataclass(frozen=True)
class Metadata:
    name: str = "fake"
    model_id: str = "0011223344556677"
    sample_rate: int = 16_000
    hop: int = HOP
    codebook_size: int = 1 << 16
    num_quantizers: int = HOP
    bitrates_bps: tuple[int, ...] = (64_000, 128_000, 192_000, 256_000)

    def num_quantizers_for(self, bitrate_bps: int) -> int:
        if bitrate_bps not in self.bitrates_bps:
            raise ValueError(f"bitrate_bps must be one of {self.bitrates_bps}, got {bitrate_bps}")
        return bitrate_bps // 64_000


@dataclass(frozen=True)
class CodecModel:
    metadata: Metadata = Metadata()

    @classmethod
    def load(cls, folder: str, flavour: str | None = None, num_threads: int = 1) -> CodecModel:
        return cls(
            Metadata(model_id="ffffffffffffffff") if Path(folder).name == "other" else Metadata()
        )


class StreamingEncoder:
    def __init__(self, model: CodecModel, bitrate_bps: int = 256_000) -> None:
        self._num_levels = model.metadata.num_quantizers_for(bitrate_bps)

    def encode(self, samples: np.ndarray) -> np.ndarray:
        assert samples.dtype == np.float32 and samples.ndim == 1 and len(samples) % HOP == 0
        assert np.all(np.isfinite(samples))
        pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int32) + 32768
        return pcm.reshape(-1, HOP)[:, : self._num_levels]


class StreamingDecoder:
    def __init__(self, model: CodecModel) -> None:
        assert model.metadata.hop == HOP

    def decode(self, codes: np.ndarray) -> np.ndarray:
        assert codes.dtype == np.int32 and codes.ndim == 2 and 1 <= codes.shape[1] <= HOP
        samples = np.zeros((len(codes), HOP), np.float32)
        samples[:, : codes.shape[1]] = (codes - 32768) / np.float32(32768)
        return samples.ravel()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.modules["export.runtime"] = sys.modules["__main__"]
    from absl import app

    import codec

    app.run(codec.main)
