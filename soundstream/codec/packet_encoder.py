"""Audio of all channels -> packets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..bitstream.entropy_tables import EntropyTables
from ..bitstream.header import Header
from ..bitstream.packets import MAX_PAYLOAD_BYTES, Kind, Packet, PacketCoder
from ..tflite.metadata import Metadata
from ..tflite.runtime import CodecModel, StreamingEncoder
from .comfort_noise import band_powers, describe_noise
from .voice_activity import VoiceActivityDetector

FRAMES_PER_PACKET = 50  # overhead of 7 bytes in 382 at 3 kbps; a damaged byte costs one second
NOISE_UPDATE_SECONDS = 0.4  # how long one description of a pause stands
_LEAD_IN_FRAMES = 2  # sent before speech starts, so that the decoder has settled when it does


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    Attributes:
      bitrate_bps: bits per second of each channel, before entropy coding.
      tables: for entropy coding; None sends all codes at their fixed width.
      dtx: whether pauses are described instead of coded (discontinuous transmission).
      denoise: whether the encoder removes noise; only for models that can.
    """

    bitrate_bps: int
    tables: EntropyTables | None = None
    dtx: bool = False
    denoise: bool = False


def make_header(
    metadata: Metadata, sample_rate: int, num_channels: int, options: EncodeOptions
) -> Header:
    """Makes the header of a stream that is about to be encoded; its length is not known yet.

    Args:
      metadata: of the model.
      sample_rate: of the audio, Hz.
      num_channels: of the audio.
      options: bitrate and all else.

    Returns:
      The header.

    Raises:
      ValueError: the model does not offer the bitrate, or the sample rate is out of range.
    """
    num_levels = metadata.num_quantizers_for(options.bitrate_bps)
    bits_per_frame = num_channels * num_levels * metadata.bits_per_code
    return Header(
        sample_rate=sample_rate,
        coded_rate=metadata.sample_rate,
        hop=metadata.hop,
        num_channels=num_channels,
        num_levels=num_levels,
        bits_per_code=metadata.bits_per_code,
        model_id=bytes.fromhex(metadata.model_id),
        frames_per_packet=min(FRAMES_PER_PACKET, 8 * MAX_PAYLOAD_BYTES // max(1, bits_per_frame)),
        entropy_coded=options.tables is not None,
        tables_id=0 if options.tables is None else options.tables.id,
        denoise=options.denoise,
        silence=options.dtx,
    )


def payload_bits(codes: np.ndarray, bits_per_code: int, tables: EntropyTables) -> int:
    """Counts the bits of codes, entropy-coded in packets as long as those of files.

    Args:
      codes: int32 [frames, levels].
      bits_per_code: width of a packed code.
      tables: the model's.

    Returns:
      Bits of all payloads.
    """
    coder = PacketCoder(bits_per_code, 1, tables)
    starts = range(0, len(codes), FRAMES_PER_PACKET)
    packets = [coder.encode(codes[start : start + FRAMES_PER_PACKET, None]) for start in starts]
    return 8 * sum(len(packet.payload) for packet in packets)


class PacketEncoder:
    """Encodes one stream in order.

    Args:
      model: encodes all channels.
      header: of the stream.
      options: those that the header was made with.
    """

    def __init__(self, model: CodecModel, header: Header, options: EncodeOptions) -> None:
        channels = range(header.num_channels)
        self._header = header
        self._options = options
        self._coder = PacketCoder(header.bits_per_code, header.num_channels, options.tables)
        self._encoders = [
            StreamingEncoder(model, options.bitrate_bps, float(options.denoise)) for _ in channels
        ]
        self._detectors = [VoiceActivityDetector(header.coded_rate, header.hop) for _ in channels]
        frame_rate = header.coded_rate / header.hop
        self._pause_frames = max(1, round(NOISE_UPDATE_SECONDS * frame_rate))

    def encode(self, samples: np.ndarray) -> list[Packet]:
        """Encodes the next frames, at most as many as a packet has.

        Args:
          samples: float32 [frames * hop, channels], full scale 1, at the model's rate.

        Returns:
          Packets in order: one, or with `dtx` one for each stretch of speech or pause.
        """
        channels = [np.ascontiguousarray(column) for column in samples.T]
        codes = np.stack(
            [encoder.encode(channel) for encoder, channel in zip(self._encoders, channels)], axis=1
        )
        if not self._options.dtx:
            return [self._coder.encode(codes, self._options.denoise)]
        active = np.any(
            [detector.is_active(channel) for detector, channel in zip(self._detectors, channels)],
            axis=0,
        )
        frames = samples.reshape(len(codes), self._header.hop, -1)
        packets = []
        for start, stop in self._runs(active):
            if active[start]:
                packets.append(self._coder.encode(codes[start:stop], self._options.denoise))
            else:
                packets.append(self._pause(frames[start:stop]))
        return packets

    def _runs(self, active: np.ndarray) -> list[tuple[int, int]]:
        """Where stretches of speech, and of pause, start and stop; widens `active` in place."""
        for _ in range(_LEAD_IN_FRAMES):
            active[:-1] |= active[1:]
        edges = [0, *(np.flatnonzero(np.diff(active)) + 1).tolist(), len(active)]
        runs = []
        for start, stop in itertools.pairwise(edges):
            longest = stop - start if active[start] else self._pause_frames
            runs += [(a, min(a + longest, stop)) for a in range(start, stop, longest)]
        return runs

    def _pause(self, frames: np.ndarray) -> Packet:
        """Describes frames [frames, hop, channels] of a pause."""
        payload = b"".join(
            describe_noise(band_powers(frames[..., channel]).mean(axis=0))
            for channel in range(frames.shape[2])
        )
        return Packet(Kind.SILENCE, len(frames), 0, payload)
