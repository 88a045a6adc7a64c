"""Averages the weights of several runs that began from the same ones.

python tools/release/average.py --weights=runs/a/weights.npz,runs/b/weights.npz --output=average.npz

Noise of the steps, which keeps each run beside the best weights, falls with their number
("model soups", arXiv 2203.05482). Runs that began elsewhere have nothing in common to be averaged.

With --band_gains_from=runs/denoise_gains/weights.npz the mean gets the band gains of that file: the
rest of a denoiser does better behind gains that it was not trained behind (docs/denoising.md).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from common import command_line
from model.soundstream import SoundStream
from model.weights import load_model, named_weights, save_model
from training.checkpoints import take_denoiser


def averaged(paths: Sequence[str | Path]) -> SoundStream:
    """The codec whose weights are the mean of those in `paths`; equal ones stay as they are.

    Raises:
      ValueError: no path, an unreadable file, or codecs of different shapes.
    """
    if not paths:
        raise ValueError("no weights to average")
    models = [load_model(path) for path in paths]
    for path, model in zip(paths, models, strict=True):
        if model.config != models[0].config:
            raise ValueError(f"{path} is not the codec of {paths[0]}")
    others = [named_weights(model) for model in models]
    for name, variable in named_weights(models[0]).items():
        values = [other[name].numpy() for other in others]
        # Equal ones keep their bits, which name the codec: a mean makes 0 of -0.
        if any(np.any(value != values[0]) for value in values):
            variable.assign(np.mean(values, axis=0))
    return models[0]


def main(_: list[str]) -> None:
    given = flags.FLAGS
    model = averaged(given.weights)
    if given.band_gains_from:
        source = load_model(given.band_gains_from)
        take_denoiser(model, source, given.band_gains_from, "denoiser/band_gains/")
    save_model(model, given.output)


if __name__ == "__main__":
    command_line.several(
        "weights", None, "Weights (.npz) of runs with the same start; required.", required=True
    )
    flags.DEFINE_string(
        "band_gains_from", None, "Weights (.npz) whose band gains the mean gets; default: its own."
    )
    flags.DEFINE_string("output", None, "File to write the mean to; required.", required=True)
    command_line.run(main)
