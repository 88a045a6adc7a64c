"""Lyra V2 behind the interface of `evaluation.peers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evaluation.packet_loss import PACKET_SECONDS
from evaluation.peers import SPEECH_RATE, Coded
from metrics.alignment import fit
from soundstream.audio import resample
from soundstream.codec.comfort_noise import Background, NoiseGenerator

GRAPHS = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")
BITRATES_BPS = (3200, 6000, 9200)
_HOP = round(PACKET_SECONDS * SPEECH_RATE)
_NUM_QUANTIZERS = 46
_NUM_FEATURES = 64
_CONCEALED_FRAMES = 4  # 80 ms that the generator makes up for
_FADE_SAMPLES = 2 * _HOP  # 40 ms from there to noise, and back


@dataclass(frozen=True)
class LyraPeer:
    """Lyra V2 (google/lyra 1.3.2) from its own three TFLite files, 16 kHz, 20 ms frames.

    A frame's 64 features are quantized by up to 46 codebooks of 16 entries, 4 bits each; the
    published bitrates use 16, 30 or 46 of them.
    """

    lyra_dir: str
    bitrate_bps: int
    name: str = "lyra"
    loss_rate: ClassVar[float] = 0.0

    @classmethod
    def at(cls, bitrates_bps: Sequence[int], lyra_dir: str | None) -> "list[LyraPeer]":
        """One peer for each bitrate, of those published; ValueError without the three files."""
        if lyra_dir is None:
            raise ValueError("lyra needs --lyra_dir, a folder with its three TFLite files")
        for graph in GRAPHS:
            if not (Path(lyra_dir) / graph).is_file():
                raise ValueError(f"--lyra_dir={lyra_dir}: no {graph} in it")
        for bitrate in bitrates_bps:
            if bitrate not in BITRATES_BPS:
                raise ValueError(f"--lyra_bitrates_bps: {bitrate} is none of {BITRATES_BPS}")
        return [cls(lyra_dir, bitrate) for bitrate in bitrates_bps]

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.code_with_losses(samples, rate, np.zeros(0, bool))

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        sent = resample(samples, rate, SPEECH_RATE)
        frames = np.pad(sent, (0, -len(sent) % _HOP)).reshape(-1, _HOP).astype(np.float32)
        gone = np.pad(lost, (0, max(0, len(frames) - len(lost))))
        # Lyra's state lives in its graphs: new ones for each recording.
        encoder = _Encoder(Path(self.lyra_dir), num_quantizers=self.bitrate_bps // 200)
        decoder = _Decoder(Path(self.lyra_dir))
        features = map(encoder.encode, frames)
        pieces = [decoder.decode(None if g else f) for f, g in zip(features, gone)]
        decoded = resample(np.clip(np.concatenate(pieces), -1, 1), SPEECH_RATE, rate)
        return Coded(fit(decoded, 0, len(samples)), float(self.bitrate_bps))


class _Encoder:
    """Features of a frame, and what the residual quantizer leaves of them."""

    def __init__(self, folder: Path, num_quantizers: int) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._num_quantizers = num_quantizers
        self._encoder = _graph(folder / GRAPHS[0])
        # XNNPACK gains nothing on the quantizer's small lookups.
        quantizer = Interpreter(
            str(folder / GRAPHS[1]),
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._quantize = quantizer.get_signature_runner("encode")
        self._dequantize = quantizer.get_signature_runner("decode")

    def encode(self, frame: np.ndarray) -> np.ndarray:
        """float32 `[320]` -> the features that arrive, float32 `[64]`."""
        sent = np.int32(self._num_quantizers)
        features = _invoke(self._encoder, frame[None])
        codes = self._quantize(input_frames=features, num_quantizers=sent)["output_0"]
        # Dequantizing takes all levels; -1 marks those that were not sent.
        received = np.full((_NUM_QUANTIZERS, 1, 1), -1, np.int32)
        received[:sent] = codes[:sent]
        return self._dequantize(encoding_indices=received)["output_0"].ravel()


class _Decoder:
    """Features to sound, and what lyra_decoder.cc does where they are lost.

    For 80 ms the generator gets zeros (lyra_components.cc: ZeroFeatureEstimator), then fades to
    comfort noise within 40 ms; when packets come again, it fades in as fast. The noise is this
    project's, with the colour of the recording's quiet moments; Lyra's own follows the minima of a
    mel spectrogram.
    """

    def __init__(self, folder: Path) -> None:
        self._generator = _graph(folder / GRAPHS[2])
        self._background = Background(SPEECH_RATE, _HOP)
        self._noise = NoiseGenerator(_HOP)
        self._lost = 0
        self._fade = 0  # samples, from 0, all generator, to _FADE_SAMPLES, all noise

    def decode(self, features: np.ndarray | None) -> np.ndarray:
        """float32 `[64]`, None where a packet is lost -> `[320]`."""
        self._lost = self._lost + 1 if features is None else 0
        direction = 1 if self._lost > _CONCEALED_FRAMES else -1
        path = np.clip(self._fade + direction * np.arange(_HOP + 1), 0, _FADE_SAMPLES)
        self._fade = int(path[-1])
        sound = np.zeros(_HOP, np.float32)
        if path.min() < _FADE_SAMPLES:
            wanted = np.zeros(_NUM_FEATURES, np.float32) if features is None else features
            sound = _invoke(self._generator, wanted.reshape(1, 1, -1))[0]
        if features is not None:
            self._background.hear(sound)
        if path.max() == 0:
            return sound
        weights = (1 + np.cos(np.pi * path[:-1] / _FADE_SAMPLES)) / 2
        noise = self._noise.generate(self._background.powers(), 1)
        return weights * sound + (1 - weights) * noise


def _graph(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    graph = Interpreter(str(path), num_threads=1)
    graph.allocate_tensors()
    return graph


def _invoke(graph: Any, value: np.ndarray) -> np.ndarray:
    """Runs a graph of one input and one output."""
    graph.set_tensor(graph.get_input_details()[0]["index"], value)
    graph.invoke()
    return graph.get_tensor(graph.get_output_details()[0]["index"])
