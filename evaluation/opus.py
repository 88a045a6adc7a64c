"""Opus behind the interface of `evaluation.peers`."""

from dataclasses import dataclass
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
    name: str = "opus"
    loss_rate: ClassVar[float] = 0.0

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return self.code_with_losses(samples, rate, np.zeros(0, bool))

    def code_with_losses(self, samples: np.ndarray, rate: int, lost: np.ndarray) -> Coded:
        """The decoder conceals what is lost; the same packets are sent whatever is lost.

        A packet of nothing but its first byte (TOC) has a frame of no bytes, "DTX or lost" (RFC
        6716, section 3.2.1), which libopus treats like a missing packet (opus_decoder.c: payloads
        of one byte trigger concealment). The TOC is that of the last packet that came.
        """
        packets, extradata = self._encode(resample(samples, rate, SPEECH_RATE))
        gone = np.zeros(len(packets), bool)
        gone[: len(lost)] = lost[: len(packets)]
        received, toc = [], packets[0][:1]
        for packet, is_gone in zip(packets, gone):
            toc = toc if is_gone else packet[:1]
            received.append(toc if is_gone else packet)
        decoded = resample(_decode(received, extradata), _DECODED_RATE, rate)
        bits = 8 * sum(map(len, packets))
        return Coded(align(samples, decoded, rate), bits / (PACKET_SECONDS * len(packets)))

    def _encode(self, samples: np.ndarray) -> tuple[list[bytes], bytes]:
        """The packets of float `[time]` at SPEECH_RATE, and what the decoder must know."""
        import av

        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate = SPEECH_RATE
        encoder.layout = "mono"
        encoder.format = "s16"
        encoder.bit_rate = self.bitrate_bps
        milliseconds = str(round(1000 * PACKET_SECONDS))
        encoder.options = {"application": "voip", "vbr": "on", "frame_duration": milliseconds}
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], "s16", "mono")
        frame.sample_rate = SPEECH_RATE
        packets = [bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]]
        assert encoder.extradata is not None
        return packets, encoder.extradata


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
