"""Averaging the weights of runs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.soundstream import SoundStream
from model.weights import load_model, named_weights, save_model, weights_hash
from tests.contract import randomize
from tests.tiny import SMALL_SWITCH, tiny_config
from tools.release.average import averaged
from training.checkpoints import take_denoiser

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def paths(tmp_path):
    """Three denoisers for one codec."""
    model, paths = SoundStream(tiny_config(**SMALL_SWITCH)), []
    randomize(model)
    kernel = model.encoder.layers[1].conv.kernel
    kernel.assign(tf.where(kernel > 0, kernel, -0.0))  # whose sign must live on
    for seed in range(3):
        randomize(model.denoiser, seed=seed)
        paths.append(tmp_path / f"{seed}.npz")
        save_model(model, paths[-1])
    return paths


def test_denoisers_are_averaged_and_their_codec_stays_what_it_was(paths):
    model, sources = averaged(paths), [load_model(path) for path in paths]
    assert weights_hash(model) == weights_hash(sources[0])
    own = named_weights(model.denoiser)
    others = [named_weights(source.denoiser) for source in sources]
    for name, variable in own.items():
        mean = np.mean([other[name] for other in others], axis=0)
        np.testing.assert_allclose(variable, mean, atol=1e-6, err_msg=name)
    kernel = "band_gains/net/first/kernel"
    assert np.abs(own[kernel] - others[0][kernel]).max() > 1e-3


def test_the_script_writes_weights_and_names_what_does_not_fit(paths, tmp_path):
    def run(weights: list[Path], *more: str) -> subprocess.CompletedProcess:
        output = f"--output={tmp_path / 'mean.npz'}"
        flags = [f"--weights={','.join(map(str, weights))}", output, *more]
        command = [sys.executable, str(ROOT / "tools" / "release" / "average.py"), *flags]
        return subprocess.run(command, capture_output=True, text=True)

    assert run(paths[:2]).returncode == 0
    assert load_model(tmp_path / "mean.npz").config == load_model(paths[0]).config
    assert run(paths[:2], f"--band_gains_from={paths[2]}").returncode == 0
    own, *sources = (
        named_weights(load_model(path).denoiser) for path in (tmp_path / "mean.npz", *paths)
    )
    kernel = "band_gains/net/first/kernel"
    np.testing.assert_array_equal(own[kernel], sources[2][kernel])
    kernel = "modulation/first/kernel"
    np.testing.assert_allclose(
        own[kernel], (sources[0][kernel] + sources[1][kernel]) / 2, atol=1e-3
    )
    save_model(SoundStream(tiny_config()), tmp_path / "plain.npz")
    failed = run([paths[0], tmp_path / "plain.npz"])
    assert failed.returncode != 0
    assert f"{tmp_path / 'plain.npz'} is not the codec of {paths[0]}" in failed.stderr
    with pytest.raises(ValueError, match="no weights to average"):
        averaged([])


def test_band_gains_that_do_not_fit_are_named(paths):
    model, plain = load_model(paths[0]), SoundStream(tiny_config())
    wide = SoundStream(tiny_config(**SMALL_SWITCH | {"denoise_gain_channels": 16}))
    part = "denoiser/band_gains/"
    for source in plain, wide:
        with pytest.raises(ValueError, match=f"a.npz has no {part}net/first/kernel of shape"):
            take_denoiser(model, source, "a.npz", part)
    with pytest.raises(ValueError, match="a codec without denoise=True cannot take"):
        take_denoiser(plain, model, "a.npz", part)
