"""Learns a model's entropy tables on training speech; measures on other speakers what they save.

    python tools/release/learn_entropy_tables.py --model_dir=pretrained/speech --data_dir=prepared

writes entropy_tables.bin and entropy_coding.json into the model's folder. The data folder is a
prepared one (train split to learn, valid split to measure); or give two of audio files, the other
by --validation_dir.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from common import command_line, machine
from data.selection import find_recordings
from soundstream.atomic import write_whole
from soundstream.bitstream.entropy_tables import EntropyTables
from soundstream.bitstream.packets import PacketCoder
from soundstream.codec.files import TABLES_FILE
from soundstream.codec.packet_encoder import FRAMES_PER_PACKET
from soundstream.tflite.runtime import CodecModel
from tools.release.table_learning import learn_tables
from tools.study.recording_codes import codes_of

REPORT_FILE = "entropy_coding.json"
_BITRATES_BPS = (3_000, 6_000, 9_000, 12_000, 18_000)
_RESAMPLES = 2_000  # of the bootstrap
_MAX_LEVEL_BYTES = 8_192  # of one level's table


def measure(
    tables: EntropyTables, clips: Sequence[np.ndarray], bits_per_code: int, num_levels: int
) -> dict[str, Any]:
    """What entropy coding saves on clips of codes, in packets of 50 frames.

    Returns:
      The share of payload bytes saved, its 95 % interval (bootstrap over clips), and microseconds
      per frame for encoding and decoding.
    """
    coder = PacketCoder(bits_per_code, 1, tables)
    packed, coded = np.zeros(len(clips)), np.zeros(len(clips))
    encoding = decoding = 0.0
    for index, clip in enumerate(clips):
        for start in range(0, len(clip), FRAMES_PER_PACKET):
            codes = clip[start : start + FRAMES_PER_PACKET, None, :num_levels]
            begun = time.perf_counter()
            packet = coder.encode(codes)
            encoded = time.perf_counter()
            decoded = coder.decode(packet)
            decoding += time.perf_counter() - encoded
            encoding += encoded - begun
            assert np.array_equal(decoded, codes)
            packed[index] += codes.size * bits_per_code / 8
            coded[index] += len(packet.payload)
    draws = np.random.default_rng(0).integers(0, len(clips), (_RESAMPLES, len(clips)))
    savings = 1 - coded[draws].sum(axis=1) / packed[draws].sum(axis=1)
    num_frames = sum(map(len, clips))
    return {
        "saved": round(1 - coded.sum() / packed.sum(), 4),
        "interval_95": [round(bound, 4) for bound in np.percentile(savings, [2.5, 97.5])],
        "encode_us_per_frame": round(1e6 * encoding / num_frames, 1),
        "decode_us_per_frame": round(1e6 * decoding / num_frames, 1),
    }


def keep(folder: Path, tables: bytes, report: dict[str, Any]) -> None:
    """Writes both files whole: the folder may be that of a released model, which others read."""
    write_whole(folder / TABLES_FILE, tables)
    write_whole(folder / REPORT_FILE, f"{json.dumps(report, indent=2)}\n")


def main(_: list[str]) -> None:
    given = flags.FLAGS
    folder = Path(given.model_dir)
    model = CodecModel.load(folder)
    train = find_recordings(given.data_dir, "train", ["speech"], given.max_files)
    validation_dir = given.validation_dir or given.data_dir
    valid = find_recordings(validation_dir, "valid", ["speech"], given.validation_max_files)
    clips = codes_of(model, train, given.max_seconds)
    tables = learn_tables(clips, model.metadata.codebook_size, _MAX_LEVEL_BYTES)
    held_out = codes_of(model, valid, given.max_seconds)
    results = {}
    for bitrate_bps in _BITRATES_BPS:
        if bitrate_bps in model.metadata.bitrates_bps:
            levels = model.metadata.num_quantizers_for(bitrate_bps)
            width = model.metadata.bits_per_code
            results[str(bitrate_bps)] = measure(tables, held_out, width, levels)
            print(bitrate_bps, results[str(bitrate_bps)], flush=True)
    data = tables.to_bytes()
    report = {
        **machine.here_and_now(),
        "tables_id": f"{tables.id:08x}",
        "bytes": len(data),
        "learnt_on": {"clips": len(clips), "frames": sum(map(len, clips))},
        "measured_on": {"clips": len(held_out), "frames": sum(map(len, held_out))},
        "by_bitrate_bps": results,
    }
    keep(folder, data, report)
    print(f"{folder / TABLES_FILE}: {len(data)} bytes")


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "Folder of the exported model; required.", required=True)
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder, or any folder of audio; required.", required=True
    )
    flags.DEFINE_string(
        "validation_dir", None, "Folder of audio to measure on; default: that of --data_dir."
    )
    flags.DEFINE_integer(
        "max_files", 1000, "Recordings at most to learn from, one per speaker first.", 10
    )
    flags.DEFINE_integer("validation_max_files", 100, "Recordings at most to measure on.", 2)
    flags.DEFINE_float("max_seconds", 10.0, "Seconds at most of each recording.", 1.0)
    command_line.run(
        main,
        renamed={
            "clip_seconds": "max_seconds",
            "clips": "max_files",
            "valid_clips": "validation_max_files",
            "valid_dir": "validation_dir",
        },
    )
