"""Codecs under test, all behind one interface; other people's are in files of their own.

A peer is a small picklable value, one codec at one bitrate, so that it can be sent to another
process; what is slow to load is loaded at its first use and kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from evaluation.packet_loss import PACKET_SECONDS, GilbertElliott, lost_packets
from metrics.alignment import fit
from soundstream.audio import resample
from soundstream.bitstream.entropy_tables import EntropyTables
from soundstream.codec import files
from soundstream.codec.concealment import ConcealingDecoder
from soundstream.codec.packet_encoder import payload_bits
from soundstream.frames import filled_frames
from soundstream.tflite.runtime import CodecModel, StreamingEncoder

SPEECH_RATE = 16_000
ORIGINAL = "original"
SOUNDSTREAM = "soundstream"
DENOISING = "soundstream_denoise"  # the same codec, told to remove noise


class Coded(NamedTuple):
    """What came out of a codec.

    Attributes:
        samples: float32 `[time]`, as long as the input, at its rate and without delay.
        bitrate_bps: Bits per second that the codec really sent.
        entropy_bps: Bits per second if its codes are entropy-coded; NaN where there is no such
            thing, or no tables for it.
    """

    samples: np.ndarray
    bitrate_bps: float
    entropy_bps: float = math.nan


class Case(NamedTuple):
    """A codec, the bitrate asked for, and the share of packets lost: what results belong to."""

    codec: str
    bitrate_bps: int
    loss_rate: float = 0.0


class Peer(Protocol):
    """One codec at one bitrate."""

    @property
    def name(self) -> str:
        """The codec's name in tables; the same at all its bitrates."""

    @property
    def bitrate_bps(self) -> int:
        """The bitrate asked for."""

    @property
    def loss_rate(self) -> float:
        """Share of packets that do not arrive."""

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        """Encodes and decodes one recording, float32 `[time]`."""


class ConcealingPeer(Peer, Protocol):
    """A codec that makes up for packets that are lost."""

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        """Codes one recording, float32 `[time]`, over a network that loses packets.

        Args:
            lost: bool, one for each PACKET_SECONDS of the recording; what lies beyond arrives.
        """


def case_of(peer: Peer) -> Case:
    """What the peer's results belong to."""
    return Case(peer.name, peer.bitrate_bps, peer.loss_rate)


@dataclass(frozen=True)
class LossyPeer:
    """A codec over a network that loses packets, of one recording the same ones for all codecs."""

    peer: ConcealingPeer
    network: GilbertElliott

    @property
    def name(self) -> str:
        return self.peer.name

    @property
    def bitrate_bps(self) -> int:
        return self.peer.bitrate_bps

    @property
    def loss_rate(self) -> float:
        return self.network.loss_rate

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.peer.code_with_losses(samples, rate, lost_packets(self.network, samples, rate))


def over_networks(
    peers: Sequence[ConcealingPeer], networks: Sequence[GilbertElliott]
) -> list[Peer]:
    """Each codec over each network."""
    return [
        LossyPeer(peer, network) if network.loss_rate else peer
        for peer in peers
        for network in networks
    ]


@dataclass(frozen=True)
class OriginalPeer:
    """No codec: what the metrics say of the recording itself, as 16 bit samples."""

    bitrate_bps: int = 16 * SPEECH_RATE
    name: str = ORIGINAL
    loss_rate: ClassVar[float] = 0.0

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return Coded(samples, 16 * rate)


@dataclass(frozen=True)
class SoundStreamPeer:
    """This project's codec as it ships: the exported TFLite graphs, streaming, one thread.

    Attributes:
        denoise: Whether the codec is told to remove noise.
    """

    model_dir: str
    bitrate_bps: int
    flavour: str | None = None
    denoise: bool = False
    loss_rate: ClassVar[float] = 0.0

    @classmethod
    def at(
        cls, bitrates_bps: list[int], model_dir: str, flavour: str | None, denoise: bool = False
    ) -> "list[SoundStreamPeer]":
        """One peer for each bitrate; ValueError for what the model cannot do."""
        metadata = load_model(model_dir, flavour).metadata
        for bitrate in bitrates_bps:
            metadata.num_quantizers_for(bitrate)
        if denoise and not metadata.denoise:
            raise ValueError(f"the model in {model_dir} has no denoising switch")
        return [cls(model_dir, bitrate, flavour, denoise) for bitrate in bitrates_bps]

    @property
    def name(self) -> str:
        return DENOISING if self.denoise else SOUNDSTREAM

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.code_with_losses(samples, rate, np.zeros(0, bool))

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        """A packet is one call's frames; it is lost with the PACKET_SECONDS that it begins in."""
        model = load_model(self.model_dir, self.flavour)
        metadata = model.metadata
        block = metadata.frames_per_call * metadata.hop
        sent = resample(samples, rate, metadata.sample_rate)
        padded = filled_frames(sent, block)
        switch = float(self.denoise)
        codes = StreamingEncoder(model, self.bitrate_bps, switch).encode(padded)
        packets = codes.reshape(-1, metadata.frames_per_call, codes.shape[1])
        # What begins with a PACKET_SECONDS shall not fall into the one before by rounding.
        begins = np.arange(len(packets)) * block / metadata.sample_rate / PACKET_SECONDS + 1e-6
        gone = np.append(lost, False)[np.minimum(begins.astype(int), len(lost))]
        decoder = ConcealingDecoder(model)
        decoded = [
            decoder.conceal(len(packet)) if is_gone else decoder.decode(packet, switch)
            for packet, is_gone in zip(packets, gone)
        ]
        heard = resample(np.concatenate(decoded), metadata.sample_rate, rate)
        seconds = len(padded) / metadata.sample_rate
        bits = codes.size * metadata.bits_per_code
        coded_bits = _entropy_coded_bits(codes, metadata.bits_per_code, self.model_dir)
        return Coded(fit(heard, 0, len(samples)), bits / seconds, coded_bits / seconds)


def _entropy_coded_bits(codes: np.ndarray, bits_per_code: int, model_dir: str) -> float:
    """Of codes [frames, levels]; NaN without tables."""
    tables = load_tables(model_dir)
    if tables is None:
        return math.nan
    return payload_bits(codes, bits_per_code, tables)


@lru_cache(maxsize=2)
def load_tables(model_dir: str) -> EntropyTables | None:
    """The model's tables; None where it has none."""
    return files.load_tables(model_dir)


@lru_cache(maxsize=2)
def load_model(folder: str, flavour: str | None) -> CodecModel:
    """The exported model of a folder, loaded once per process."""
    return CodecModel.load(folder, flavour, num_threads=1)
