"""Writes what the JUnit tests of android_demo/codec compare with: files, packets, decoded audio.

    python tests/android/write_vectors.py OUTPUT_DIR

The same bytes on every run. Text files hold one case a line, its fields parted by "|", codes by
spaces. Audio is big-endian int16.
"""

from __future__ import annotations

import io
import sys
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

from soundstream.bitstream.container import ContainerReader, ContainerWriter
from soundstream.bitstream.datagrams import DISTANCES, DatagramCoder, Sum
from soundstream.bitstream.entropy_tables import EntropyTables
from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.header import Header
from soundstream.bitstream.packets import Kind, Packet, PacketCoder
from soundstream.bitstream.packing import pack_codes
from soundstream.codec import block_decoder, concealment
from soundstream.codec.redundancy import PROFILES, DatagramEncoder
from soundstream.codec.repair import Repair
from soundstream.tflite.metadata import Metadata
from soundstream.tflite.runtime import CodecModel
from tools.release.table_learning import learn_tables

CODEBOOK_SIZE, LEVELS, HOP, RATE = 32, 6, 20, 4_000
METADATA = Metadata(
    name="vectors",
    model_id="00c0ffee12345678",
    sample_rate=RATE,
    hop=HOP,
    frames_per_call=1,
    codebook_size=CODEBOOK_SIZE,
    num_quantizers=LEVELS,
    bitrates_bps=(2_000, 6_000),
    flavours=("float32",),
)


class VectorDecoder:
    """A decoder with a state that any language can write in three lines."""

    def __init__(self, model: CodecModel) -> None:
        self.reset()

    def reset(self) -> None:
        self._state = 0.0
        self._num_frames = 0

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """int32 [frames, levels] -> float32 [frames * hop]."""
        frames = []
        for frame in codes:
            drive = np.dot(frame, np.arange(1, codes.shape[1] + 1))
            self._state = drive and 0.5 * self._state + drive  # silence at once for zeros
            self._num_frames += 1
            wave = (37 * np.arange(HOP) + 11 * self._num_frames) % 64 - 31.5
            frames.append(self._state * wave / 32768)
        return np.array(frames, np.float32).ravel()


def smooth_codes(rng: np.random.Generator, num_frames: int, shape: tuple[int, ...]) -> np.ndarray:
    """Codes [frames, *shape] that entropy coding can make shorter."""
    steps = rng.integers(-1, 2, (num_frames, *shape)).cumsum(axis=0)
    return (np.abs(steps + 5) % CODEBOOK_SIZE).astype(np.int32)


def packing_lines(rng: np.random.Generator) -> list[str]:
    """bits per code | codes | bytes."""
    lines = []
    for bits in range(1, 17):
        codes = rng.integers(0, 1 << bits, rng.integers(1, 40))
        lines.append(f"{bits}|{_text(codes)}|{pack_codes(codes, bits).hex()}")
    return lines


def packet_lines(rng: np.random.Generator, tables: EntropyTables) -> list[str]:
    """channels | frames | levels | denoise | entropy tables used | codes | datagram."""
    lines = []
    for index in range(40):
        channels, levels = int(rng.integers(1, 4)), int(rng.integers(1, LEVELS + 1))
        frames, coded = int(rng.integers(1, 65)), bool(index % 2)
        if index % 4 == 1:  # nothing to gain: sent packed
            codes = rng.integers(0, CODEBOOK_SIZE, (frames, channels, levels))
        else:
            codes = smooth_codes(rng, frames, (channels, levels))
        coder = PacketCoder(5, channels, tables if coded else None)
        packet = coder.encode(codes, denoise=index % 3 == 0)
        fields = (channels, frames, levels, int(packet.denoise), int(coded), _text(codes))
        lines.append("|".join(map(str, fields)) + f"|{packet.to_bytes().hex()}")
    return lines


def datagram_lines(rng: np.random.Generator, tables: EntropyTables) -> list[str]:
    """channels | frames | levels | denoise | tables used | row:levels of sums | codes | bytes.

    The codes are those of the sums, then the packet's own.
    """
    lines = []
    for index in range(32):
        channels, levels = int(rng.integers(1, 3)), int(rng.integers(1, LEVELS + 1))
        frames, coded = int(rng.integers(1, 9)), bool(index % 2)
        coder = DatagramCoder(5, channels, tables if coded else None)
        shape = (channels, levels)
        own = smooth_codes(rng, frames, shape)
        sums = [
            Sum(row, smooth_codes(rng, frames, (channels, int(rng.integers(1, LEVELS + 1)))))
            for row in rng.integers(0, len(DISTANCES), index % 9).tolist()
        ]
        data = coder.encode(own, sums, denoise=index % 3 == 0)
        said = " ".join(f"{one.row}:{one.codes.shape[2]}" for one in sums)
        codes = np.concatenate([*(one.codes.ravel() for one in sums), own.ravel()])
        fields = (channels, frames, levels, int(index % 3 == 0), int(coded), said, _text(codes))
        lines.append("|".join(map(str, fields)) + f"|{data.hex()}")
    return lines


def stream_lines(rng: np.random.Generator) -> list[str]:
    """profile | lost | codes | datagram | codes that are known when all came, of 64 entries."""
    coder = DatagramCoder(6)
    encoder = DatagramEncoder(coder, PROFILES["off"])
    repair = Repair()
    cases = []
    for number in range(120):
        encoder.profile = PROFILES["strong" if number > 60 else "light" if number > 10 else "off"]
        levels = 20 if number % 40 < 25 else 12
        codes = rng.integers(0, 64, (1, 1, levels))
        data = encoder.encode(codes)
        lost = bool(rng.random() < 0.3)
        if not lost:
            repair.add(number, coder.decode(data))
        cases.append((encoder.profile.name.upper(), lost, codes, data))
    lines = []
    for number in range(60, 120):  # the last 60, which are kept
        profile, lost, codes, data = cases[number]
        known = repair.received(number) or repair.rebuilt(number)
        found = np.zeros(0, int) if known is None or known.codes is None else known.codes
        lines.append(f"{profile}|{int(lost)}|{_text(codes)}|{data.hex()}|{_text(found)}")
    first = [f"{p}|{int(lost)}|{_text(c)}|{d.hex()}|" for p, lost, c, d in cases[:60]]
    return first + lines


def header_lines(rng: np.random.Generator) -> list[str]:
    """bytes | the same put right, or what is wrong."""
    header = Header(44_100, 16_000, 320, 2, 60, 6, bytes(range(8)), 50, 123_456_789_012)
    good = header.to_bytes()
    cases = [good, Header(8_000, 8_000, 40, 1, 6, 5, bytes(8), tables_id=7).to_bytes()]
    for position in range(0, 44, 5):
        cases.append(_flipped(good, position, int(rng.integers(1, 256))))
    cases += [_flipped(_flipped(good, 11, 3), 30, 9), b"", b"SS", good[:20], b"RIFF" * 11]
    cases += [header_with(good, 4, 2), header_with(good, 7, 17), header_with(good, 5, 8)]
    lines = []
    for data in cases:
        try:
            result = Header.from_bytes(data).to_bytes().hex()
        except BitstreamError as error:
            result = f"error: {error}"
        lines.append(f"{data.hex()}|{result}")
    return lines


def header_with(header: bytes, position: int, value: int) -> bytes:
    """A header with one byte changed and its checksum made to fit."""
    body = header[:position] + bytes([value]) + header[position + 1 : 40]
    return body + zlib.crc32(body).to_bytes(4, "big")


def container(rng: np.random.Generator, channels: int, tables: EntropyTables | None) -> bytes:
    """A stream of every kind of packet, every third one silent, its end in part filled."""
    header = Header(
        sample_rate=RATE,
        coded_rate=RATE,
        hop=HOP,
        num_channels=channels,
        num_levels=LEVELS,
        bits_per_code=5,
        model_id=bytes.fromhex(METADATA.model_id),
        frames_per_packet=20,
        entropy_coded=tables is not None,
        silence=True,
        tables_id=tables.id if tables else 0,
    )
    coder = PacketCoder(5, channels, tables)
    stream = io.BytesIO()
    writer = ContainerWriter(stream, header)
    for index in range(30):
        levels = 1 + index % LEVELS
        frames = 20 if index % 7 else 3
        codes = smooth_codes(rng, frames, (channels, levels)) * (index % 3 > 0)
        if index in (20, 21):
            noise = bytes([255] * 8 * channels) if index == 20 else b""
            writer.write(Packet(Kind.SILENCE, frames, 0, noise))
        else:
            writer.write(coder.encode(codes, denoise=index % 5 == 0))
    writer.finish(writer.num_frames * HOP - 17)
    return stream.getvalue()


def container_lines(data: bytes, tables: EntropyTables | None) -> list[str]:
    """Blocks (start | frames | kind | levels | denoise | codes), then what the reader counted."""
    reader = ContainerReader(io.BytesIO(data))
    coder = PacketCoder(5, reader.header.num_channels, tables)
    lines = []
    for block in reader:
        packet = block.packet
        if packet is None:
            lines.append(f"{block.start}|{block.num_frames}|GAP|0|0|")
            continue
        codes = np.zeros(0, int) if packet.kind == Kind.SILENCE else coder.decode(packet)
        fields = (block.start, block.num_frames, packet.kind.name, packet.num_levels)
        lines.append("|".join(map(str, fields)) + f"|{int(packet.denoise)}|{_text(codes)}")
    total = reader.total_samples if reader.length_is_sound else -1
    counts = (reader.num_frames, reader.num_packets, reader.lost_frames, reader.skipped_bytes)
    lines.append("|".join(map(str, (*counts, int(reader.complete), total))))
    return lines


def decoded(data: bytes, tables: EntropyTables | None) -> np.ndarray:
    """The audio of a stream, float32 [time, channels], its exact length."""
    reader = ContainerReader(io.BytesIO(data))
    model = CodecModel(METADATA, None, None)  # type: ignore[arg-type]
    with mock.patch.object(concealment, "StreamingDecoder", VectorDecoder):
        decoder = block_decoder.BlockDecoder(model, reader.header, tables)
        audio = np.concatenate([part for block in reader for part in decoder.decode(block)])
    return audio[: reader.total_samples] if reader.length_is_sound else audio


def write_vectors(folder: Path) -> None:
    """Writes all files into `folder`, created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    tables = learn_tables(
        [smooth_codes(rng, 200, (LEVELS,)) for _ in range(20)], CODEBOOK_SIZE, 4_096
    )
    (folder / "tables.sset").write_bytes(tables.to_bytes())
    texts = {
        "packing": packing_lines(rng),
        "packets": packet_lines(rng, tables),
        "headers": header_lines(rng),
        "datagrams": datagram_lines(np.random.default_rng(8), tables),
        "stream": stream_lines(np.random.default_rng(9)),
    }
    streams = {
        "mono": (container(rng, 1, None), None),
        "stereo_coded": (container(rng, 2, tables), tables),
    }
    whole = streams["mono"][0]
    holes = _flipped(_flipped(whole, len(whole) // 2, 5), len(whole) - 300, 77)
    streams["damaged"] = (holes[:-200] + b"\xa5\0\1" * 30 + holes[-110:], None)
    streams["cut"] = (whole[:-150], None)
    for name, (data, used) in streams.items():
        (folder / f"{name}.sst").write_bytes(data)
        texts[name] = container_lines(data, used)
    for name in ("stereo_coded", "damaged"):
        audio = np.round(32768 * decoded(*streams[name]))
        assert 1_000 < np.abs(audio).max() < 32_767
        (folder / f"{name}.s16").write_bytes(audio.astype(">i2").tobytes())
    for name, lines in texts.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def _flipped(data: bytes, position: int, flip: int) -> bytes:
    return data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :]


def _text(codes: np.ndarray) -> str:
    return " ".join(map(str, codes.ravel().tolist()))


if __name__ == "__main__":
    write_vectors(Path(sys.argv[1]))
