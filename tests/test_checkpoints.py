from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.weights import named_weights, save_model
from tests.contract import randomize
from tests.test_trainer import batch, make_trainer
from tests.tiny import tiny_config
from training import checkpoints, numbered


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


def _reordered(layer):
    """The same layer with its attributes, and so its weights, in another order."""
    attributes = dict(vars(layer))
    for name in sorted(attributes, reverse=True):
        if not name.startswith("_"):
            delattr(layer, name)
            setattr(layer, name, attributes[name])


def test_arrays_are_found_by_name_in_whatever_order_attributes_stand(tmp_path):
    trainer = make_trainer()
    checkpoints.save_compact(trainer, tmp_path / "resume.npz")
    expected = named_weights(trainer.codec)
    other = make_trainer(seed=0)
    _reordered(other.codec)
    assert list(named_weights(other.codec)) != list(expected)
    for variable in other.codec.weights:
        variable.assign(tf.zeros_like(variable))
    checkpoints.load_compact(other, tmp_path / "resume.npz")
    for name, variable in named_weights(other.codec).items():
        np.testing.assert_allclose(variable, expected[name], rtol=2e-3, atol=1e-5, err_msg=name)


def _numbered(path):
    """Rewrites a compact checkpoint in the first form, as it was written then."""
    with np.load(path) as file:
        arrays = dict(file)
    trainer = make_trainer()
    old = {key: arrays[key] for key in ("config", "steps_done")}
    for group in ("codec", "average", "discriminators"):
        net = getattr(trainer, group)
        names = {id(variable): name for name, variable in named_weights(net).items()}
        for i, variable in enumerate(net.weights):
            old[f"{group}/{i:03d}"] = arrays[f"{group}/{names[id(variable)]}"]
    for i, name in enumerate(("counts", "sums")):
        old[f"codebooks/{i:03d}"] = arrays[f"codebooks/{name}"]
    np.savez(path, **old)
    return old


def test_checkpoints_with_numbered_arrays_still_load(tmp_path):
    trainer = make_trainer()
    randomize(trainer.codec, seed=1)
    randomize(trainer.average, seed=2)
    trainer.steps_done.assign(2)
    path = tmp_path / "resume.npz"
    checkpoints.save_compact(trainer, path)
    new = make_trainer(seed=0)
    checkpoints.load_compact(new, path)
    _numbered(path)
    old = make_trainer(seed=1)
    _reordered(old.codec)
    assert checkpoints.load_compact(old, path) == 2
    for group in ("codec", "average", "discriminators"):
        expected, found = named_weights(getattr(new, group)), named_weights(getattr(old, group))
        for name, variable in expected.items():
            np.testing.assert_array_equal(found[name], variable, err_msg=f"{group}/{name}")
    np.testing.assert_array_equal(old.codebook_trainer.sums, new.codebook_trainer.sums)


def test_numbers_go_along_the_signal_whatever_the_order_of_names():
    along = [
        "encoder/first/conv/kernel", "encoder/first/conv/bias",
        "encoder/block_0_unit_0/body/dilated/kernel", "encoder/block_0_unit_1/body/dilated/kernel",
        "encoder/block_0_down/conv/kernel", "encoder/block_1_unit_0/body/dilated/kernel",
        "encoder/last/kernel", "decoder/first/kernel", "decoder/block_1_up/conv/kernel",
        "decoder/block_1_unit_0/body/dilated/kernel", "decoder/block_0_up/conv/kernel",
        "decoder/last/conv/kernel", "quantizer/codebooks",
    ]  # fmt: skip
    arrays = {f"codec/{i:03d}": np.array(i) for i in range(len(along))}
    for names in (along, along[::-1], sorted(along)):
        found = numbered.named(arrays, "codec", names)
        assert [int(found[name]) for name in along] == list(range(len(along)))
    with pytest.raises(ValueError, match="no file with numbered arrays holds encoder/new"):
        numbered.named(arrays, "codec", [*along[1:], "encoder/new"])


def test_numbers_of_discriminators_go_through_one_after_the_other():
    kinds = ["wave_1", "wave_2", "stft", "ms_stft_1024", "ms_stft_512"]
    weights = [f"conv_{i}/{part}" for i in range(11) for part in ("kernel", "bias")]
    names = [f"{kind}/{weight}" for kind in kinds for weight in weights]
    arrays = {f"discriminators/{i:03d}": np.array(i) for i in range(len(names))}
    found = numbered.named(arrays, "discriminators", names[44:] + names[:44])
    assert [int(found[name]) for name in names] == list(range(len(names)))


def test_numbered_arrays_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "resume.npz"
    checkpoints.save_compact(make_trainer(), path)
    arrays = _numbered(path)
    np.savez(path, **{key: value for key, value in arrays.items() if key != "average/002"})
    with pytest.raises(ValueError, match=r"resume\.npz: .* arrays average/000 \.\.\., .* weights"):
        checkpoints.load_codec(path)
    swapped = {"average/002": arrays["average/003"], "average/003": arrays["average/002"]}
    np.savez(path, **arrays | swapped)
    with pytest.raises(ValueError, match=r"resume\.npz has no average/encoder/.* of shape"):
        checkpoints.load_codec(path)


def test_the_released_checkpoint_holds_the_released_weights():
    folder = Path(__file__).resolve().parents[1] / "pretrained" / "speech"
    expected, found = (
        named_weights(checkpoints.load_codec(folder / name))
        for name in ("weights.npz", "resume.npz")
    )
    for name, variable in expected.items():
        before, now = found[name].numpy(), variable.numpy()
        if name.startswith("decoder/last/"):  # made stronger: tools/release/restore_level.py
            gain = np.sum(before * now) / np.sum(before * before)
            assert 1.1 < gain < 1.3
            np.testing.assert_allclose(now, gain * before, atol=1e-3, err_msg=name)
        else:
            np.testing.assert_array_equal(before, now, err_msg=name)


def test_discriminators_of_other_windows_start_fresh(tmp_path):
    path = tmp_path / "resume.npz"
    checkpoints.save_compact(make_trainer(), path)
    other = make_trainer()
    (stft,) = (m for m in other.discriminators.members if m.name.startswith("ms_stft"))
    stft._name = "ms_stft_64"  # of the same shape, so that only the name tells
    before = [variable.numpy() for variable in other.discriminators.weights]
    checkpoints.load_compact(other, path)
    for variable, value in zip(other.discriminators.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)


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
