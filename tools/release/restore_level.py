"""Makes a codec give back the level that went in, by a fixed gain in its decoder's last weights.

    python tools/release/restore_level.py --weights=trained.npz --data_dir=prepared \\
        --output=weights.npz

Losses that forgive a missing level more than an added one leave decoded speech 1 to 3 dB too quiet,
and listeners hear that first. The gain is the mean over speech of the valid split and over
bitrates; it costs a phone nothing.
"""

import numpy as np
import tensorflow as tf
from absl import flags

from common import command_line
from data.pipeline import evaluation_clips
from metrics.artefacts import level_dbfs
from model.soundstream import SoundStream
from model.weights import load_model, save_model


def level_change_db(model: SoundStream, clips: np.ndarray, bitrates_bps: list[int]) -> float:
    """Level of what comes out against what went in, in dB: a mean over clips and bitrates.

    Args:
      clips: float32 [clips, time], whole frames.
    """
    before = [level_dbfs(clip) for clip in clips]
    changes = []
    for bitrate_bps in bitrates_bps:
        levels = model.config.num_quantizers_for(bitrate_bps)
        for clip, level in zip(clips, before, strict=True):
            decoded = model(tf.constant(clip[None, :, None]), levels).numpy()
            changes.append(level_dbfs(decoded) - level)
    return float(np.mean(changes))


def amplify(model: SoundStream, gain_db: float) -> None:
    """Scales what the decoder gives, in place."""
    last = next(layer for layer in model.decoder.layers if layer.name == "last").conv
    for weight in (last.kernel, last.bias):
        weight.assign(weight * 10 ** (gain_db / 20))


def main(_: list[str]) -> None:
    given = flags.FLAGS
    model = load_model(given.weights)
    clips = evaluation_clips(
        given.data_dir,
        split="valid",
        sample_rate=model.config.sample_rate,
        max_clips=given.max_files,
        seconds=given.max_seconds,
    )
    hop = model.config.hop
    clips = clips[:, : clips.shape[1] // hop * hop]
    change = level_change_db(model, clips, given.bitrate_bps)
    amplify(model, -change)
    save_model(model, given.output)
    left = level_change_db(model, clips, given.bitrate_bps)
    print(f"{given.output}: {change:+.2f} dB before, {left:+.2f} dB now")


if __name__ == "__main__":
    flags.DEFINE_string("weights", None, "Weights of a codec (.npz); required.", required=True)
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder, or any folder of audio; required.", required=True
    )
    command_line.several_integers(
        "bitrate_bps", [3000, 6000, 12000], "Bits per second at which levels are compared."
    )
    flags.DEFINE_integer("max_files", 40, "Recordings at most, one per speaker first.", 1)
    flags.DEFINE_float("max_seconds", 4.0, "Seconds at most of each recording.", 0.1)
    flags.DEFINE_string("output", None, "File (.npz) for the result; required.", required=True)
    command_line.run(main)
