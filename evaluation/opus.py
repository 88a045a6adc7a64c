"""Opus behind the interface of `evaluation.peers`."""

import ctypes
import ctypes.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from evaluation.packet_loss import PACKET_SECONDS
from evaluation.peers import SPEECH_RATE, Coded
from metrics.alignment import align
from soundstream.audio import resample

_DECODED_RATE = 48_000


@dataclass(frozen=True)
class OpusPeer:
    """libopus through PyAV: 16 kHz mono, 20 ms packets, VoIP application, variable bitrate.

    The encoder chooses the bandwidth itself, as in a call: it narrows below about 9 kbps.
    """

    bitrate_bps: int
    name: ClassVar[str] = "opus"
    loss_rate: ClassVar[float] = 0.0

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.code_with_losses(samples, rate, np.zeros(0, bool))

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        """The decoder conceals what is lost; the same packets are sent whatever is lost.

        A packet of nothing but its first byte (TOC) has a frame of no bytes, "DTX or lost" (RFC
        6716, section 3.2.1), which libopus treats like a missing packet (opus_decoder.c: payloads
        of one byte trigger concealment). The TOC is that of the last packet that came.
        """
        packets, extradata = encode(resample(samples, rate, SPEECH_RATE), self.bitrate_bps)
        gone = _gone(lost, len(packets))
        received, toc = [], packets[0][:1]
        for packet, is_gone in zip(packets, gone):
            toc = toc if is_gone else packet[:1]
            received.append(toc if is_gone else packet)
        decoded = resample(_decode(received, extradata), _DECODED_RATE, rate)
        return Coded(align(samples, decoded, rate), _bitrate(packets))


@dataclass(frozen=True)
class OpusFecPeer:
    """The same, its encoder told of 20 % loss and to add forward error correction.

    A packet then tells of the one before it, if the bitrate leaves room (libopus decides; below
    about 12 kbps it does not). FFmpeg's interface cannot ask for it, so libopus decodes directly.
    """

    bitrate_bps: int
    name: ClassVar[str] = "opus_fec"
    loss_rate: ClassVar[float] = 0.0

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.code_with_losses(samples, rate, np.zeros(0, bool))

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        """A lost packet is decoded from the next one if that came, else concealed."""
        pcm = resample(samples, rate, SPEECH_RATE)
        packets, extradata = encode(pcm, self.bitrate_bps, {"fec": "1", "packet_loss": "20"})
        gone = _gone(lost, len(packets))
        decoder = _Libopus()
        pieces = []
        for number, packet in enumerate(packets):
            following = number + 1 < len(packets) and not gone[number + 1]
            if not gone[number]:
                pieces.append(decoder.decode(packet, fec=False))
            else:
                pieces.append(decoder.decode(packets[number + 1] if following else None, fec=True))
        skipped = int.from_bytes(extradata[10:12], "little")  # the encoder's delay (RFC 7845)
        decoded = resample(np.concatenate(pieces)[skipped:], _DECODED_RATE, rate)
        return Coded(align(samples, decoded, rate), _bitrate(packets))


def encode(
    samples: np.ndarray, bitrate_bps: int, options: dict[str, str] | None = None
) -> tuple[list[bytes], bytes]:
    """The packets of float `[time]` at SPEECH_RATE, and what the decoder must know."""
    import av

    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate = SPEECH_RATE
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.bit_rate = bitrate_bps
    milliseconds = str(round(1000 * PACKET_SECONDS))
    always = {"application": "voip", "vbr": "on", "frame_duration": milliseconds}
    encoder.options = always | (options or {})
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pcm[None], "s16", "mono")
    frame.sample_rate = SPEECH_RATE
    packets = [bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]]
    assert encoder.extradata is not None
    return packets, encoder.extradata


def _gone(lost: np.ndarray, count: int) -> np.ndarray:
    gone = np.zeros(count, bool)
    gone[: len(lost)] = lost[:count]
    return gone


def _bitrate(packets: list[bytes]) -> float:
    return 8 * sum(map(len, packets)) / (PACKET_SECONDS * len(packets))


class _Libopus:
    """A decoder of libopus itself, mono at 48 kHz."""

    def __init__(self) -> None:
        self._library = _load_libopus()
        error = ctypes.c_int()
        self._decoder = self._library.opus_decoder_create(_DECODED_RATE, 1, ctypes.byref(error))
        if error.value:
            raise RuntimeError(f"libopus: no decoder, error {error.value}")

    def decode(self, packet: bytes | None, fec: bool) -> np.ndarray:
        """One packet, or what it tells of the one before, or without one: float32 `[960]`."""
        samples = np.empty(round(PACKET_SECONDS * _DECODED_RATE), np.float32)
        count = self._library.opus_decode_float(
            self._decoder,
            packet,
            0 if packet is None else len(packet),
            samples.ctypes.data_as(ctypes.c_void_p),
            len(samples),
            int(fec and packet is not None),
        )
        if count != len(samples):
            raise RuntimeError(f"libopus: {count} where {len(samples)} samples were due")
        return samples

    def __del__(self) -> None:
        self._library.opus_decoder_destroy(self._decoder)


@lru_cache(maxsize=1)
def _load_libopus() -> ctypes.CDLL:
    """The one in PyAV's wheel, or the system's."""
    import av

    bundled = sorted((Path(av.__file__).parents[1] / "av.libs").glob("libopus-*"))
    path = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if path is None:
        raise RuntimeError("opus_fec needs libopus, which is neither in PyAV's wheel nor installed")
    library = ctypes.CDLL(path)
    library.opus_decoder_create.restype = ctypes.c_void_p
    library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    library.opus_decode_float.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int,
        ctypes.c_int,
    ]  # fmt: skip
    return library


def _decode(packets: list[bytes], extradata: bytes) -> np.ndarray:
    """float32 `[time]` at 48 kHz, without the encoder's delay, which `extradata` states.

    The resamplers inside of Opus shift it by up to two samples at 16 kHz more.
    """
    import av

    # FFmpeg's own decoder, which would be the default, conceals nothing.
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = extradata
    decoder.sample_rate = _DECODED_RATE
    decoder.layout = "mono"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return (
        np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.float32) / 32768
    )
