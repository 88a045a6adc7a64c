"""Trains a codec.

    python train.py --flagfile=speech.flags --data_dir=prepared --train_dir=runs/speech

A run that is killed goes on from its last checkpoint when the same command is given again.
"""

import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow: its banner is not news

from absl import app, flags

from data.sampling import MixOptions
from model import config as presets
from training import distribution, quantization_aware
from training import run as runs
from training.settings import LossWeights, Schedule, TrainingSettings

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Prepared folder, or any folder of audio.")
_TRAIN_DIR = flags.DEFINE_string("train_dir", None, "Checkpoints, curves and scores go here.")
_INIT_FROM = flags.DEFINE_string(
    "init_from", None, "Compact checkpoint, or weights, to start from."
)
_DENOISER_FROM = flags.DEFINE_string(
    "denoiser_from", None, "Weights whose denoising switch a run begins with."
)
_QAT = flags.DEFINE_bool("qat", False, "Train the codec of --init_from, weights.npz, for int8.")
_PRESET = flags.DEFINE_enum("preset", "speech", list(presets.PRESETS), "Architecture.")
_DENOISE = flags.DEFINE_bool("denoise", False, "Add the switch that removes noise.")
_DENOISE_DECODER = flags.DEFINE_bool(
    "denoise_decoder", False, "Condition the decoder on that switch too."
)
_WIDTHS = ("patch_stride", "embedding_dim", "codebook_size", "num_quantizers")
_WIDTH_LISTS = ("strides", "encoder_channels", "decoder_channels", "dilations")
_CODEC = {
    name: flags.DEFINE_integer(f"codec_{name}", None, f"CodecConfig.{name}, not the preset's.", 1)
    for name in _WIDTHS
} | {
    name: flags.DEFINE_list(f"codec_{name}", None, f"CodecConfig.{name}, not the preset's.")
    for name in _WIDTH_LISTS
}
_TOTAL_STEPS = flags.DEFINE_integer("total_steps", 1_000_000, "Where the run ends.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 12, "Examples per step, of all replicas.", lower_bound=1
)
_CROP_SECONDS = flags.DEFINE_float("crop_seconds", 0.8, "Length of an example.", lower_bound=0.02)
_DISTRIBUTION = flags.DEFINE_enum(
    "distribution", "none", list(distribution.STRATEGIES), "Over devices or hosts; docs/scale.md."
)
_DATA_PARTS = flags.DEFINE_integer(
    "data_parts", 0, "Independent parts of a batch; 0: one for each replica.", lower_bound=0
)
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, data order and dropout.")
_PRODUCT_DTYPE = flags.DEFINE_enum(
    "product_dtype",
    "float32",
    ["float32", "bfloat16", "int8"],
    "Of convolutions; the rest is float32.",
)
_CHECKPOINT_MINUTES = flags.DEFINE_float("checkpoint_minutes", 5, "Between checkpoints.")
_VALIDATION_STEPS = flags.DEFINE_integer("validation_steps", 1000, "Between scorings.")
_VALIDATION_CLIPS = flags.DEFINE_integer("validation_clips", 24, "Clips scored, of 3 s.")
_VALIDATION_KIND = flags.DEFINE_enum(
    "validation_kind", "speech", ["speech", "music", "noise"], "What is scored while training."
)
_VALIDATION_BITRATES_BPS = flags.DEFINE_list(
    "validation_bitrates_bps", ["3000", "6000", "12000"], "Rates scored beside no quantizer."
)
_DISCRIMINATORS = flags.DEFINE_list("discriminators", ["ms_stft"], "Of wave, stft, ms_stft.")
_DISCRIMINATOR_CHANNELS = flags.DEFINE_integer("discriminator_channels", 16, "Width of stft ones.")
_DISCRIMINATOR_WINDOWS = flags.DEFINE_list(
    "discriminator_windows", ["1024", "512", "256"], "Window lengths of ms_stft, in samples."
)


def _define_numbers(cls: type, prefix: str = "") -> dict[str, flags.FlagHolder]:
    """A flag per number of a settings dataclass: one list of names and defaults, not two."""
    kinds = {float: flags.DEFINE_float, int: flags.DEFINE_integer, bool: flags.DEFINE_boolean}
    holders = {}
    for field in dataclasses.fields(cls):
        if type(field.default) in kinds and field.name != "seed":
            define = kinds[type(field.default)]
            text = f"See {cls.__name__}.{field.name} in {cls.__module__.replace('.', '/')}.py."
            holders[field.name] = define(prefix + field.name, field.default, text)
    return holders


_WEIGHTS = _define_numbers(LossWeights, "weight_")
_SCHEDULE = _define_numbers(Schedule)
_TRAINING = _define_numbers(TrainingSettings)
_MIX = _define_numbers(MixOptions, "mix_")


def _values(holders: dict[str, flags.FlagHolder]) -> dict:
    return {name: holder.value for name, holder in holders.items()}


def codec_config() -> presets.CodecConfig:
    """The preset with what the flags change; ValueError names a flag that is no list of numbers."""
    changes: dict = {"denoise": _DENOISE.value, "denoise_decoder": _DENOISE_DECODER.value}
    for name, value in _values(_CODEC).items():
        if isinstance(value, list):
            if not all(part.strip().isdecimal() for part in value):
                raise ValueError(f"--codec_{name}={','.join(value)} is not a list of whole numbers")
            value = tuple(int(part) for part in value)
        if value is not None:
            changes[name] = value
    return presets.preset(_PRESET.value).replace(**changes)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}: options start with --")
    for flag in (_DATA_DIR, _TRAIN_DIR):
        if not flag.value:
            raise app.UsageError(f"--{flag.name} is missing")
    training = TrainingSettings(
        weights=LossWeights(**_values(_WEIGHTS)),
        schedule=Schedule(**_values(_SCHEDULE)),
        seed=_SEED.value,
        **_values(_TRAINING),
    )
    data = runs.DataSettings(
        data_dir=_DATA_DIR.value,
        batch_size=_BATCH_SIZE.value,
        crop_seconds=_CROP_SECONDS.value,
        seed=_SEED.value,
        mix=MixOptions(**_values(_MIX)),
        valid_clips=_VALIDATION_CLIPS.value,
        valid_kind=_VALIDATION_KIND.value,
        parts=_DATA_PARTS.value,
    )
    run = runs.RunSettings(
        train_dir=_TRAIN_DIR.value,
        total_steps=_TOTAL_STEPS.value,
        init_from=_INIT_FROM.value,
        denoiser_from=_DENOISER_FROM.value,
        checkpoint_minutes=_CHECKPOINT_MINUTES.value,
        validation_steps=_VALIDATION_STEPS.value,
        validation_bitrates_bps=tuple(int(bps) for bps in _VALIDATION_BITRATES_BPS.value),
        discriminators=tuple(_DISCRIMINATORS.value),
        discriminator_channels=_DISCRIMINATOR_CHANNELS.value,
        discriminator_windows=tuple(int(w) for w in _DISCRIMINATOR_WINDOWS.value),
        product_dtype=_PRODUCT_DTYPE.value,
        distribution=_DISTRIBUTION.value,
    )
    try:
        if _QAT.value:
            quantization_aware.train(data, run, training.learning_rate)
        else:
            runs.train(codec_config(), training, data, run)
    except ValueError as error:
        sys.exit(f"train.py: {error}")


if __name__ == "__main__":
    app.run(main)
