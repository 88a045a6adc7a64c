import numpy as np
import pytest
import tensorflow as tf

from model.weights import named_weights, save_model
from tests.test_trainer import batch, make_trainer
from tests.tiny import tiny_config
from training import checkpoints


def _steps(trainer, first, count):
    step = tf.function(trainer.train_step)
    return [float(step(batch(seed=i))["loss/mel"]) for i in range(first, first + count)]


def test_a_resumed_run_is_the_unbroken_one(tmp_path):
    unbroken = make_trainer()
    _steps(unbroken, 0, 3)
    run = checkpoints.RunDirectory(tmp_path, unbroken)
    run.describe({"codec": tiny_config().to_dict()})
    run.save()
    expected = _steps(unbroken, 3, 3)

    resumed = make_trainer(seed=0)
    assert checkpoints.RunDirectory(tmp_path, resumed).restore() == 3
    np.testing.assert_allclose(_steps(resumed, 3, 3), expected, rtol=1e-5)


def test_a_run_of_another_codec_is_not_overwritten(tmp_path):
    run = checkpoints.RunDirectory(tmp_path, make_trainer())
    run.describe({"codec": tiny_config().to_dict()})
    other = tiny_config(num_quantizers=3).to_dict()
    with pytest.raises(ValueError, match="num_quantizers: 4 -> 3"):
        run.describe({"codec": other})


def test_compact_checkpoint_keeps_nets_codebooks_and_step(tmp_path):
    trainer = make_trainer()
    _steps(trainer, 0, 2)
    path = tmp_path / "resume.npz"
    checkpoints.save_compact(trainer, path)
    other = make_trainer(seed=0)
    assert checkpoints.load_compact(other, path) == 2
    for a, b in zip(trainer.codec.weights, other.codec.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-3, atol=1e-5)
    exact = (trainer.codec.quantizer.codebooks, other.codec.quantizer.codebooks)
    np.testing.assert_array_equal(*(v.numpy() for v in exact))
    assert not list(tmp_path.glob("*.partial"))


def test_the_codec_to_ship_is_in_both_files_of_a_release(tmp_path):
    trainer = make_trainer()
    _steps(trainer, 0, 2)
    checkpoints.save_compact(trainer, tmp_path / "resume.npz")
    save_model(trainer.average, tmp_path / "weights.npz")
    expected, codec = (
        named_weights(checkpoints.load_codec(tmp_path / name))
        for name in ("weights.npz", "resume.npz")
    )
    assert expected.keys() == codec.keys()
    for name, variable in expected.items():
        np.testing.assert_array_equal(codec[name], variable, err_msg=name)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "notes.npz"
    path.write_text("not an archive")
    with pytest.raises(ValueError, match=r"notes\.npz"):
        checkpoints.load_compact(make_trainer(), path)
    with pytest.raises(ValueError, match=r"notes\.npz"):
        checkpoints.load_codec(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"codec": {"color": 1}}', r"run\.json: unknown codec settings .'color'"),
        ('{"codec": ', r"run\.json is not JSON"),
    ],
)
def test_a_run_that_this_version_cannot_read_is_named(tmp_path, text, message):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        checkpoints.RunDirectory(tmp_path, make_trainer()).describe(
            {"codec": tiny_config().to_dict()}
        )
    assert (tmp_path / "run.json").read_text() == text


def test_weights_of_an_unknown_codec_are_named(tmp_path):
    config = np.frombuffer(b'{"color": 1}', np.uint8)
    np.savez(tmp_path / "newer.npz", config=config)
    with pytest.raises(ValueError, match=r"newer\.npz .*unknown codec settings .'color'"):
        checkpoints.load_codec(tmp_path / "newer.npz")
