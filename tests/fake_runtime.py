"""A lossless stand-in for `soundstream.tflite.runtime`, which tests/test_runtime_contract.py holds
to the real one.

Each level of a frame is one sample of it, in as many steps as a codebook has entries. No graph is
run, so tests of what lies above can ask for exact samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundstream import models
from soundstream.codec import concealment, packet_encoder
from soundstream.tflite import metadata
from soundstream.tflite.checks import check_codes, check_samples
from soundstream.tflite.metadata import NOT_SENT


@dataclass(frozen=True)
class Metadata(metadata.Metadata):
    """The real one, of a model that fits most tests."""

    name: str = "fake"
    model_id: str = "0011223344556677"
    sample_rate: int = 16_000
    hop: int = 4
    frames_per_call: int = 1
    codebook_size: int = 1 << 16
    num_quantizers: int = 4  # at most hop
    bitrates_bps: tuple[int, ...] = ()
    flavours: tuple[str, ...] = ("lossless",)


@dataclass(frozen=True)
class CodecModel:
    metadata: Metadata = Metadata()

    @classmethod
    def load(
        cls, folder: str | Path, flavour: str | None = None, num_threads: int = 1
    ) -> CodecModel:
        return cls(
            Metadata(model_id="ffffffffffffffff") if Path(folder).name == "other" else Metadata()
        )


class StreamingEncoder:
    def __init__(self, model: CodecModel, bitrate_bps: int = 3_000, denoise: float = 0.0):
        self._num_levels = model.metadata.num_quantizers_for(bitrate_bps)
        if denoise and not model.metadata.denoise:
            raise ValueError(f"model {model.metadata.name!r} has no denoising switch")
        self.denoise = denoise
        self._half = model.metadata.codebook_size // 2
        self._hop = model.metadata.hop

    def reset(self) -> None:
        pass

    def encode(self, samples: np.ndarray) -> np.ndarray:
        if samples.ndim != 1 or len(samples) % self._hop:
            raise ValueError(f"{samples.shape}: mono audio in multiples of {self._hop} needed")
        check_samples(samples)
        steps = np.clip(np.round(samples * self._half), -self._half, self._half - 1)
        return (steps.astype(np.int32) + self._half).reshape(-1, self._hop)[:, : self._num_levels]


class StreamingDecoder:
    def __init__(self, model: CodecModel):
        self._metadata = model.metadata
        self.denoise = 0.0

    def reset(self) -> None:
        pass

    def decode(self, codes: np.ndarray) -> np.ndarray:
        size, levels = self._metadata.codebook_size, self._metadata.num_quantizers
        if codes.ndim != 2 or not 1 <= codes.shape[1] <= levels:
            raise ValueError(f"codes of shape {codes.shape}: [n, levels], 1 to {levels} levels")
        check_codes(codes)
        if codes.size and not NOT_SENT <= codes.min() <= codes.max() < size:
            name = self._metadata.name
            raise ValueError(
                f"codes from {codes.min()} to {codes.max()}: {name!r} has 0 to {size - 1}"
            )
        half = size // 2
        samples = np.zeros((len(codes), self._metadata.hop), np.float32)
        sent = (codes - half) / np.float32(half)
        samples[:, : codes.shape[1]] = np.where(codes == NOT_SENT, 0, sent)
        return samples.ravel()


def use(patch: Callable[[object, str, object], None]) -> None:
    """Puts the stand-in wherever the library makes models and streams."""
    patch(models, "CodecModel", CodecModel)
    patch(packet_encoder, "StreamingEncoder", StreamingEncoder)
    patch(concealment, "StreamingDecoder", StreamingDecoder)
