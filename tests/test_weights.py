import json

import numpy as np
import pytest

from model.soundstream import SoundStream
from model.weights import CODEBOOKS, CONFIG, load_model, named_weights, save_model, weights_hash
from tests.contract import TINY, randomize


@pytest.fixture(scope="module")
def model():
    model = SoundStream(TINY)
    randomize(model)
    return model


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "weights.npz"
    save_model(model, path)
    return path


def rewrite(path, **changes):
    with np.load(path) as file:
        arrays = dict(file) | changes
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})


def test_every_weight_has_one_stable_name(model):
    names = named_weights(model)
    assert len(names) == len(model.weights)
    assert {id(v) for v in names.values()} == {id(v) for v in model.weights}
    assert "encoder/block_0_unit_1/body/dilated/kernel" in names
    assert CODEBOOKS in names


def test_float32_files_hold_the_model_exactly(model, tmp_path):
    save_model(model, tmp_path / "w.npz", half_precision=False)
    loaded = load_model(tmp_path / "w.npz")
    assert loaded.config == model.config
    assert weights_hash(loaded) == weights_hash(model)


def test_float16_files_round_all_but_the_codebooks(model, saved):
    loaded = load_model(saved)
    np.testing.assert_array_equal(loaded.quantizer.codebooks, model.quantizer.codebooks)
    for name, variable in named_weights(loaded).items():
        np.testing.assert_allclose(variable, named_weights(model)[name], atol=2e-3)
    assert weights_hash(loaded) != weights_hash(model)


def test_the_hash_notices_one_changed_weight(model, saved):
    loaded = load_model(saved)
    before = weights_hash(loaded)
    bias = named_weights(loaded)["decoder/last/conv/bias"]
    bias.assign_add([1e-3] * bias.shape[0])
    assert weights_hash(loaded) != before and len(before) == 16


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing.npz holds no codec weights"):
        load_model(tmp_path / "nothing.npz")


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"holds no codec weights"):
        load_model(saved)


def test_pickled_arrays_are_refused(saved):
    rewrite(saved, evil=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"holds no codec weights"):
        load_model(saved)


def test_missing_and_unknown_arrays_are_named(saved):
    rewrite(saved, **{CODEBOOKS: None, "surplus": np.zeros(1)})
    with pytest.raises(ValueError, match=r"missing .'quantizer/codebooks'.*unknown .'surplus'"):
        load_model(saved)


def test_arrays_of_another_shape_are_named(saved):
    rewrite(saved, **{CODEBOOKS: np.zeros([1, 2, 3])})
    with pytest.raises(ValueError, match=r"quantizer/codebooks has shape .1, 2, 3."):
        load_model(saved)


def test_settings_of_a_newer_version_are_refused(saved):
    config = json.dumps(TINY.to_dict() | {"from_the_future": 1})
    rewrite(saved, **{CONFIG: np.frombuffer(config.encode(), np.uint8)})
    with pytest.raises(ValueError, match=r"from_the_future"):
        load_model(saved)
