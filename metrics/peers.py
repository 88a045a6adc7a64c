"""Codecs under test, all behind one interface: `SoundStreamPeer`, `OpusPeer`, `LyraPeer`.

A peer is a small picklable value, one codec at one bitrate, so that it can be sent to another
process; what is slow to load is loaded at its first use and kept.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from data.audio import resample
from metrics.alignment import fit

SPEECH_RATE = 16_000
ORIGINAL = "original"


class Coded(NamedTuple):
    """What came out of a codec.

    Attributes:
        samples: float32 `[time]`, as long as the input, at its rate and without delay.
        bitrate_bps: Bits per second that the codec really sent.
    """

    samples: np.ndarray
    bitrate_bps: float


class Peer(Protocol):
    """One codec at one bitrate."""

    @property
    def name(self) -> str:
        """The codec's name in tables; the same at all its bitrates."""

    @property
    def bitrate_bps(self) -> int:
        """The bitrate asked for."""

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        """Encodes and decodes one recording, float32 `[time]`."""


@dataclass(frozen=True)
class OriginalPeer:
    """No codec: what the metrics say of the recording itself, as 16 bit samples."""

    bitrate_bps: int = 16 * SPEECH_RATE
    name: str = ORIGINAL

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return Coded(samples, 16 * rate)


@dataclass(frozen=True)
class SoundStreamPeer:
    """This project's codec as it ships: the exported TFLite graphs, streaming, one thread."""

    model_dir: str
    bitrate_bps: int
    flavour: str | None = None
    name: str = "soundstream"

    @classmethod
    def at(
        cls, bitrates_bps: list[int], model_dir: str, flavour: str | None
    ) -> "list[SoundStreamPeer]":
        """One peer for each bitrate; ValueError for one that the model cannot code."""
        for bitrate in bitrates_bps:
            load_model(model_dir, flavour).metadata.num_quantizers_for(bitrate)
        return [cls(model_dir, bitrate, flavour) for bitrate in bitrates_bps]

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        from export.runtime import StreamingDecoder, StreamingEncoder

        model = load_model(self.model_dir, self.flavour)
        metadata = model.metadata
        sent = resample(samples, rate, metadata.sample_rate)
        padded = np.pad(sent, (0, -len(sent) % metadata.hop))
        codes = StreamingEncoder(model, bitrate_bps=self.bitrate_bps).encode(padded)
        decoded = StreamingDecoder(model).decode(codes)
        bits = codes.size * np.log2(metadata.codebook_size)
        decoded = resample(decoded, metadata.sample_rate, rate)
        return Coded(fit(decoded, 0, len(samples)), bits * metadata.sample_rate / len(padded))


@dataclass(frozen=True)
class OpusPeer:
    """libopus through PyAV: 16 kHz mono, 20 ms frames, VoIP application, variable bitrate.

    The encoder chooses the bandwidth itself, as in a call: it narrows below about 9 kbps.
    """

    bitrate_bps: int
    name: str = "opus"

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        import av

        stream_file = io.BytesIO()
        packets = []
        with av.open(stream_file, "w", format="ogg") as ogg:
            stream = ogg.add_stream(
                "libopus",
                rate=SPEECH_RATE,
                layout="mono",
                bit_rate=self.bitrate_bps,
                options={"application": "voip", "vbr": "on", "frame_duration": "20"},
            )
            pcm = np.round(np.clip(resample(samples, rate, SPEECH_RATE), -1, 1) * 32767)
            frame = av.AudioFrame.from_ndarray(pcm.astype(np.int16)[None], "s16", "mono")
            frame.sample_rate = SPEECH_RATE
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                packets.append(packet.size)
                ogg.mux(packet)
        stream_file.seek(0)
        # Ogg's reader drops the encoder's delay (pre-skip) and the padding of the last frame.
        with av.open(stream_file, "r") as reader:
            frames = list(reader.decode(audio=0))
        decoded = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
        decoded = resample(decoded, frames[0].sample_rate, rate)
        return Coded(fit(decoded, 0, len(samples)), 8 * sum(packets) / (0.02 * len(packets)))


@dataclass(frozen=True)
class LyraPeer:
    """Lyra V2 (google/lyra 1.3.2) from its own three TFLite files, 16 kHz, 20 ms frames.

    A frame's 64 features are quantized by up to 46 codebooks of 16 entries, 4 bits each; the
    published bitrates use 16, 30 or 46 of them.
    """

    lyra_dir: str
    bitrate_bps: int
    name: str = "lyra"

    @classmethod
    def at_all_bitrates(cls, lyra_dir: str | None) -> "list[LyraPeer]":
        """The three published bitrates; ValueError without the three files."""
        if lyra_dir is None:
            raise ValueError("lyra needs --lyra_dir, a folder with its three TFLite files")
        for graph in _Lyra.GRAPHS:
            if not (Path(lyra_dir) / graph).is_file():
                raise ValueError(f"--lyra_dir={lyra_dir}: no {graph} in it")
        return [cls(lyra_dir, bitrate) for bitrate in (3200, 6000, 9200)]

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        sent = resample(samples, rate, SPEECH_RATE)
        frames = np.pad(sent, (0, -len(sent) % _Lyra.HOP)).reshape(-1, _Lyra.HOP)
        lyra = _Lyra(Path(self.lyra_dir))  # its state lives in the graphs: new ones per recording
        decoded = lyra.code(frames.astype(np.float32), self.bitrate_bps // 200)
        decoded = resample(np.clip(decoded, -1, 1), SPEECH_RATE, rate)
        return Coded(fit(decoded, 0, len(samples)), float(self.bitrate_bps))


class _Lyra:
    """Lyra's graphs: features of a frame, residual quantizer, generator of a frame."""

    GRAPHS = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")
    HOP = 320
    NUM_QUANTIZERS = 46

    def __init__(self, folder: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        encoder, quantizer, decoder = (str(folder / graph) for graph in self.GRAPHS)
        self._encoder = Interpreter(encoder, num_threads=1)
        self._decoder = Interpreter(decoder, num_threads=1)
        # XNNPACK gains nothing on the quantizer's small lookups.
        self._quantizer = Interpreter(
            quantizer,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._encoder.allocate_tensors()
        self._decoder.allocate_tensors()
        self._quantize = self._quantizer.get_signature_runner("encode")
        self._dequantize = self._quantizer.get_signature_runner("decode")

    def code(self, frames: np.ndarray, num_quantizers: int) -> np.ndarray:
        """float32 `[frames, 320]` -> `[time]`."""
        return np.concatenate([self._code_frame(frame, num_quantizers) for frame in frames])

    def _code_frame(self, frame: np.ndarray, num_quantizers: int) -> np.ndarray:
        features = _invoke(self._encoder, frame[None])
        codes = self._quantize(input_frames=features, num_quantizers=np.int32(num_quantizers))[
            "output_0"
        ]
        # The decoder takes all levels; -1 marks those that were not sent.
        received = np.full((self.NUM_QUANTIZERS, 1, 1), -1, np.int32)
        received[:num_quantizers] = codes[:num_quantizers]
        features = self._dequantize(encoding_indices=received)["output_0"]
        return _invoke(self._decoder, features.reshape(1, 1, -1))[0]


def _invoke(graph: Any, value: np.ndarray) -> np.ndarray:
    """Runs a graph of one input and one output."""
    graph.set_tensor(graph.get_input_details()[0]["index"], value)
    graph.invoke()
    return graph.get_tensor(graph.get_output_details()[0]["index"])


@lru_cache(maxsize=2)
def load_model(folder: str, flavour: str | None) -> Any:
    """The exported model of a folder, an `export.runtime.CodecModel`, loaded once per process."""
    from export.runtime import CodecModel

    return CodecModel.load(folder, flavour, num_threads=1)
