"""Fits the small net that stands for ViSQOL's lattices in the loss `visqol`.

python tools/study/fit_visqol_map.py --data_dir=prepared \\
    --weights=pretrained/speech_denoise/weights.npz

Speech of the train split, clean and with noise, through the codec and not, gives typical features.
Many more lie between and around these; the lattices of the package visqol-python say what each is
worth. Prints how far the net is from them on held out ones, and on those that all lie between.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import tensorflow as tf
import visqol as package
from absl import flags
from ai_edge_litert.interpreter import Interpreter

from common import command_line
from data.pipeline import training_batches
from data.sampling import MixOptions
from model.backend import keras
from model.soundstream import SoundStream
from model.weights import load_model
from training import visqol
from training.auditory import BANDS
from training.spectra import stft

WIDTHS = (96, 48)
BATCH, SECONDS = 16, 4.0
BATCHES = 24  # of typical features
POINTS = 60_000  # around these, that the lattices judge
EPOCHS = 40
SEED = 0
HELD_OUT = 0.1
# Standard deviations around typical features, of each by itself and of all bands together: mean,
# worst and deviation of NSIM, level in decibels.
ALONE = np.repeat([0.06, 0.08, 0.05, 1.2], BANDS)
TOGETHER = (0.05, 0.06, 0.03, 1.5)
LEAST_SIMILAR = -0.2
_NAMES = ("fvnsim{}", "fvnsim10_{}", "fstdnsim{}", "fvdegenergy{}")
_TAU = 0.5  # the quantile that ViSQOL asks its lattices for


def examples(codec: SoundStream, data_dir: str, batches: int, seed: int) -> Iterator[np.ndarray]:
    """Features [BATCH, FEATURES] of noisy speech, and of what the codec makes of speech."""
    rate = codec.config.sample_rate
    rng = np.random.default_rng(seed)
    hear = tf.function(
        lambda x, y: visqol.features(x, y, stft(x, visqol.WINDOW), stft(y, visqol.WINDOW))
    )
    options = MixOptions(noisy_share=1.0, denoise_share=1.0, music_noise_share=0.3)
    data = training_batches(
        data_dir,
        sample_rate=rate,
        batch_size=BATCH,
        crop_samples=round(SECONDS * rate),
        seed=seed,
        mix=options,
    )
    for noisy, clean, denoise in data.take(batches):
        levels = int(rng.integers(5, codec.config.num_quantizers + 1))
        yield hear(clean[..., 0], noisy[..., 0]).numpy()
        for audio, switch in ((clean, None), (noisy, None), (noisy, denoise[:, None])):
            if switch is None or codec.denoiser is not None:
                yield hear(clean[..., 0], codec(audio, levels, switch)[..., 0]).numpy()


def around(typical: np.ndarray, count: int, seed: int) -> np.ndarray:
    """float32 [count, FEATURES] between pairs of [examples, FEATURES], and beside these lines."""
    rng = np.random.default_rng(seed)
    one, other = rng.integers(len(typical), size=(2, count))
    way = rng.uniform(0.0, 0.5, size=(count, 1))
    points = typical[one] * (1 - way) + typical[other] * way
    points += rng.standard_normal(points.shape) * ALONE * rng.random((count, 1))
    points += np.repeat(rng.standard_normal((count, len(TOGETHER))) * TOGETHER, BANDS, axis=1)
    similar = slice(0, 3 * BANDS)
    points[:, similar] = np.clip(points[:, similar], LEAST_SIMILAR, 1.0)
    return points.astype(np.float32)


@cache
def _lattices() -> Interpreter:
    (path,) = (Path(package.__file__).parent / "model").glob("lattice*.tflite")
    return Interpreter(str(path), num_threads=1)


def lattice_quality(features: np.ndarray) -> np.ndarray:
    """What ViSQOL's lattices say of float32 [count, FEATURES]: [count]."""
    run = _lattices().get_signature_runner("predict")
    names = [name.format(band) for name in _NAMES for band in range(BANDS)]
    columns = dict(zip(names, np.ascontiguousarray(features.T), strict=True))
    return run(**columns, tau=np.full(len(features), _TAU, np.float32))["predictions"].reshape(-1)


def fit(features: np.ndarray, scores: np.ndarray, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of `training/visqol_map.npz`."""
    keras.utils.set_random_seed(seed)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    net = keras.Sequential(
        [keras.Input([visqol.FEATURES])]
        + [keras.layers.Dense(width, "softplus") for width in WIDTHS]
        + [keras.layers.Dense(1)]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(3e-3, 900, 0.8)
    net.compile(keras.optimizers.Adam(rate), "mse")
    wanted = np.log(scores - visqol.MAP_OFFSET)
    net.fit((features - mean) / scale, wanted, batch_size=256, epochs=epochs, verbose=0)
    arrays = {"mean": mean, "scale": scale}
    for index, layer in enumerate(net.layers):
        arrays[f"kernel_{index}"], arrays[f"bias_{index}"] = layer.get_weights()
    return arrays


def main(_: list[str]) -> None:
    given = flags.FLAGS
    codec = load_model(given.weights)
    if codec.config.sample_rate != visqol.SAMPLE_RATE:
        raise ValueError(f"{given.weights} is no codec for {visqol.SAMPLE_RATE} Hz")
    found = list(examples(codec, given.data_dir, BATCHES, SEED))
    typical = np.concatenate(found)
    points = around(typical, POINTS, SEED)
    with ProcessPoolExecutor(given.workers) as pool:
        parts = np.array_split(np.concatenate([points, typical]), 10 * given.workers)
        scores = np.concatenate(list(pool.map(lattice_quality, parts)))
    learnt = round(len(points) * (1 - HELD_OUT))
    arrays = fit(points[:learnt], scores[:learnt], EPOCHS, SEED)
    np.savez_compressed(given.output, **arrays)
    for name, rows in (
        ("around", slice(learnt, len(points))),
        ("typical", slice(len(points), None)),
    ):
        seen = np.concatenate([points, typical])[rows]
        guessed = visqol.quality(tf.constant(seen), arrays).numpy()
        spread = np.sqrt(np.mean((guessed - scores[rows]) ** 2))
        likeness = np.corrcoef(guessed, scores[rows])[0, 1]
        print(f"{name}: {len(seen)}, error {spread:.3f}, correlation {likeness:.4f}")


if __name__ == "__main__":
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder of speech to learn from; required.", required=True
    )
    flags.DEFINE_string(
        "weights", None, "Weights (.npz) of a 16 kHz codec; required.", required=True
    )
    flags.DEFINE_string("output", str(visqol.MAP_FILE), "File to write the net to.")
    flags.DEFINE_integer("workers", 2, "Processes that ask the lattices.", 1)
    command_line.run(main)
