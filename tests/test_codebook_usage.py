"""Codebook usage: known codes have known entropies."""

import numpy as np
import pytest

from evaluation.codebook_usage import CodeCounter, count_codes
from export.to_tflite import export_model
from model.soundstream import SoundStream
from soundstream.tflite.runtime import CodecModel
from tests.tiny import harmonic_batch, tiny_config


def test_codebook_usage_of_known_codes():
    counter = CodeCounter(3, 8)
    codes = np.stack([np.arange(800) % 8, np.arange(800) % 2, np.zeros(800, int)], axis=1)
    counter.add(codes[:300])
    counter.add(codes[300:])
    uniform, coin, constant = counter.levels()
    assert (uniform.used, uniform.dead, uniform.sent_bits) == (8, 0, 3)
    assert uniform.entropy_bits == pytest.approx(3)
    assert coin.perplexity == pytest.approx(2)
    assert (constant.used, constant.dead, constant.entropy_bits) == (1, 7, 0)


def test_codes_of_another_shape_or_size_are_refused():
    counter = CodeCounter(3, 8)
    with pytest.raises(ValueError, match="no codes"):
        counter.levels()
    with pytest.raises(ValueError, match=r"\[frames, 3\], not \(5, 2\)"):
        counter.add(np.zeros((5, 2), int))
    with pytest.raises(ValueError, match=r"0 \.\. 7, not 0 \.\. 8"):
        counter.add(np.array([[0, 8, 1]]))


def test_a_model_for_low_rates_has_fewer_levels_to_count(tmp_path):
    config = tiny_config()
    export_model(SoundStream(config), tmp_path, ["float32"], [1600])
    audio = harmonic_batch(2, 20 * config.hop)[..., 0]
    counter = count_codes(audio, config.sample_rate, CodecModel.load(tmp_path))
    assert counter.frames == 40
    assert len(counter.levels()) == 2
