"""Trains a codec.

    python train.py --flagfile=speech.flags --data_dir=prepared --train_dir=runs/speech

A run that is killed goes on from its last checkpoint when the same command is given again.
"""

import os
import sys
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow: its banner is not news

from absl import flags, logging

from common import command_line
from data import pipeline
from data.recordings import KINDS
from data.sampling import MixOptions, fitting
from model import config as presets
from training import discriminators, distribution, quantization_aware
from training import run as runs
from training.setting_flags import SettingFlags
from training.settings import LossWeights, Schedule, TrainingSettings

_PRESET = flags.DEFINE_enum(
    "preset", "speech", list(presets.PRESETS), "Architecture that --codec_... flags change."
)
_QAT = flags.DEFINE_bool("qat", False, "Train the codec of --init_from, weights.npz, for int8.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, order of the data and dropout.")
_CODEC = SettingFlags(
    presets.CodecConfig, "codec_", skip=("name", "int8_nets"), unset="the preset's"
)
_WEIGHTS = SettingFlags(LossWeights, "weight_")
_SCHEDULE = SettingFlags(Schedule)
_TRAINING = SettingFlags(TrainingSettings, skip=("weights", "schedule", "seed"))
_MIX = SettingFlags(MixOptions, "mix_", skip=("flag_weights",))
_DATA = SettingFlags(
    runs.DataSettings,
    skip=("seed", "mix", "valid_seconds"),
    names={
        "parts": "data_parts",
        "valid_clips": "validation_max_files",
        "valid_kind": "validation_kind",
    },
    at_least={"batch_size": 1, "crop_seconds": 0.02, "parts": 0, "valid_clips": 1},
    choices={"valid_kind": KINDS},
)
_RUN = SettingFlags(
    runs.RunSettings,
    names={"validation_bitrates_bps": "validation_bitrate_bps"},
    at_least={"total_steps": 1, "validation_steps": 1},
    choices={
        "discriminators": discriminators.KINDS,
        "distribution": tuple(distribution.STRATEGIES),
        "product_dtype": ("float32", "bfloat16", "int8"),
    },
)
RENAMED = {
    "denoise": "codec_denoise",
    "denoise_decoder": "codec_denoise_decoder",
    "validation_bitrates_bps": "validation_bitrate_bps",
    "validation_clips": "validation_max_files",
}


def codec_config() -> presets.CodecConfig:
    """The preset with what the flags change; ValueError if that is no codec."""
    return presets.preset(_PRESET.value).replace(**_CODEC.values())


def training_settings() -> TrainingSettings:
    """How the flags say to train."""
    return _TRAINING.make(weights=_WEIGHTS.make(), schedule=_SCHEDULE.make(), seed=_SEED.value)


def mix_options() -> MixOptions:
    """How the flags say to draw and mix examples."""
    return _MIX.make()


def mix_for(data_dir: str, typed: Sequence[str]) -> MixOptions:
    """`mix_options` without shares of what the data do not hold, unless the user `typed` them.

    What a flag file asks for is no wish of the user's: it was written for other data.
    """
    given = {word.lstrip("-").partition("=")[0].removeprefix("mix_") for word in typed}
    options, missing = fitting(mix_options(), pipeline.kinds_of(data_dir), given)
    for name, kind in missing.items():
        logging.warning(
            "%s holds no %s: --mix_%s is %g", data_dir, kind, name, getattr(options, name)
        )
    return options


def main(_: list[str]) -> None:
    for name in ("data_dir", "train_dir"):
        if not flags.FLAGS[name].value:
            raise ValueError(f"--{name} is missing")
    data = _DATA.make(seed=_SEED.value, mix=mix_for(flags.FLAGS.data_dir, sys.argv[1:]))
    run = _RUN.make()
    training = training_settings()
    if _QAT.value:
        quantization_aware.train(data, run, training.learning_rate)
    else:
        runs.train(codec_config(), training, data, run)


if __name__ == "__main__":
    command_line.run(main, renamed=RENAMED)
