"""What a released codec does to silence, hiss, noise and speech of any level, beside the original.

    python tools/release/check_artefacts.py --model_dir=pretrained/speech --input_dir=prepared

Scores of similarity forgive a whistle at the frame rate or a hum in pauses; listeners don't.
"""

import numpy as np
from absl import flags

from common import command_line
from data.selection import find_recordings
from metrics.artefacts import level_dbfs, line_excess_db
from metrics.quality import pesq_wb
from soundstream.frames import whole_frames
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of the exported model; required.", required=True
)
_INPUT_DIR = flags.DEFINE_string(
    "input_dir", None, "Folder of speech, or a prepared data folder; required.", required=True
)
_SPLIT = flags.DEFINE_string(
    "split", "valid", "Part of a prepared data folder: train, valid or test."
)
_BITRATE_BPS = command_line.several_integers(
    "bitrate_bps", [3000, 6000], "Bits per second that are sent."
)
_MAX_FILES = flags.DEFINE_integer("max_files", 12, "Recordings at most, one per speaker first.", 1)
_MAX_SECONDS = flags.DEFINE_float(
    "max_seconds", 4.0, "Seconds at most of the beginning of each recording.", 1.0
)

PEAKS_DBFS = (0, -10, -20, -30, -40)
STAGES = (1, 4)  # lines at the frame rate, and at the rate of the decoder's second stage


def code(model: CodecModel, samples: np.ndarray, bitrate_bps: int) -> np.ndarray:
    """float32 [time] through the codec; whole frames of it."""
    whole = whole_frames(samples, model.metadata.hop).astype(np.float32)
    codes = StreamingEncoder(model, bitrate_bps=bitrate_bps).encode(whole)
    return StreamingDecoder(model).decode(codes)


def rows(model: CodecModel, clips: list[np.ndarray], bitrate_bps: int) -> list[tuple[str, str]]:
    """What was checked, and what came out."""
    rate, frame_rate = model.metadata.sample_rate, model.metadata.sample_rate // model.metadata.hop
    noise = np.random.default_rng(0).normal(size=8 * rate)
    found = []
    for name, signal in (("silence", 0 * noise), ("hiss at -80 dBFS", 1e-4 * noise)):
        decoded = code(model, signal, bitrate_bps)[rate:]
        found.append((f"{name}: level out, dBFS", f"{level_dbfs(decoded):.0f}"))
    voices = np.concatenate(clips)
    for name, signal in (("white noise", 0.05 * noise), ("speech", voices)):
        decoded = code(model, signal, bitrate_bps)
        for stage in STAGES:
            before, after = (line_excess_db(x, rate, stage * frame_rate) for x in (signal, decoded))
            title = f"{name}: lines every {stage * frame_rate} Hz, dB (original)"
            found.append((title, f"{after:.1f} ({before:.1f})"))
    for peak in PEAKS_DBFS:
        gain = 10 ** (peak / 20)
        scores, levels = [], []
        for clip in clips:
            loud = gain * clip / np.abs(clip).max()
            decoded = code(model, loud, bitrate_bps)
            loud = loud[: len(decoded)]
            scores.append(pesq_wb(loud / gain, decoded / gain, rate))
            levels.append(level_dbfs(decoded) - level_dbfs(loud))
        title = f"speech with peaks of {peak} dBFS: PESQ, level change in dB"
        found.append((title, f"{np.mean(scores):.2f}, {np.mean(levels):+.1f}"))
    return found


def main(_: list[str]) -> None:
    model = CodecModel.load(_MODEL_DIR.value)
    recordings = find_recordings(_INPUT_DIR.value, _SPLIT.value, ["speech"], _MAX_FILES.value)
    clips = [one.read(model.metadata.sample_rate, _MAX_SECONDS.value) for one in recordings]
    columns = {bps: rows(model, clips, bps) for bps in _BITRATE_BPS.value}
    print(" | ".join(["| check", *(f"{bps / 1000:g} kbps" for bps in columns)]), "|")
    print("|---" * (1 + len(columns)) + "|")
    for same in zip(*columns.values(), strict=True):
        print(" | ".join([f"| {same[0][0]}", *(value for _, value in same)]), "|")


if __name__ == "__main__":
    command_line.run(main)
