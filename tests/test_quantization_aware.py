import csv
import dataclasses

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from export.quantize import INT8_QAT
from export.to_tflite import export_model
from model.soundstream import SoundStream
from model.weights import load_model, named_weights, save_model, with_int8_nets
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.contract import fit_codebooks, randomize
from tests.tiny import harmonic_batch, tiny_config
from training.quantization_aware import Student, train
from training.run import DataSettings, RunSettings

CONFIG = tiny_config()


@pytest.fixture(scope="module")
def audio():
    return tf.constant(harmonic_batch(4, 60 * CONFIG.hop))


@pytest.fixture(scope="module")
def teacher(audio):
    teacher = SoundStream(CONFIG)
    randomize(teacher)
    fit_codebooks(teacher, audio)
    return teacher


@pytest.fixture
def settings(teacher, tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    for index in range(12):
        speech = harmonic_batch(1, 2 * CONFIG.sample_rate, seed=index)[0]
        soundfile.write(folder / f"speaker{index:02d}.wav", speech, CONFIG.sample_rate)
    save_model(teacher, tmp_path / "weights.npz", half_precision=False)
    data = DataSettings(
        str(folder), batch_size=2, crop_seconds=0.3, valid_clips=2, valid_seconds=1.0
    )
    run = RunSettings(
        str(tmp_path / "run"),
        total_steps=6,
        init_from=str(tmp_path / "weights.npz"),
        validation_steps=3,
        validation_bitrates_bps=(800, 3200, 12000),
    )
    return data, run


def test_the_student_comes_nearer_to_the_teacher(teacher, audio):
    student = Student(teacher, with_int8_nets(teacher, audio), 80, 2e-3)
    batches = tf.data.Dataset.from_tensors((audio, audio, tf.zeros([4]))).repeat()
    step = tf.function(student.train_step)
    losses = [{k: float(v) for k, v in step(batch).items()} for batch in batches.take(80)]
    for name in ("loss/embedding", "loss/complex"):
        before, after = (
            np.mean([loss[name] for loss in part]) for part in (losses[:5], losses[-5:])
        )
        assert after < 0.8 * before, name
    np.testing.assert_array_equal(student.codec.quantizer.codebooks, teacher.quantizer.codebooks)


def test_the_teacher_stays_as_it_is(teacher, audio):
    before = [variable.numpy() for variable in teacher.weights]
    student = Student(teacher, with_int8_nets(teacher, audio), 5, 1e-2)
    scales = [w.numpy() for w in student.codec.weights if "log_scale" in w.name]
    student.train_step((audio, audio, tf.zeros([4])))
    for variable, value in zip(teacher.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    moved = [w.numpy() for w in student.codec.weights if "log_scale" in w.name]
    assert all(a != b for a, b in zip(scales, moved, strict=True))


@pytest.mark.slow
def test_a_run_writes_weights_and_scores_and_resumes(settings, teacher, audio, tmp_path):
    data, run = settings
    train(data, dataclasses.replace(run, total_steps=3), 1e-3)
    student = train(data, run, 1e-3)
    assert int(student.steps_done) == 6
    rows = list(csv.DictReader((tmp_path / "run" / "scores.csv").open()))
    assert {(row["step"], row["codec"]) for row in rows} == {
        (step, codec) for step in ("3", "6") for codec in ("unquantized", "800bps", "3200bps")
    }
    trained = load_model(tmp_path / "run" / "weights.npz")
    assert trained.config == CONFIG.replace(int8_nets=True)
    for name, variable in named_weights(trained).items():
        expected = named_weights(student.codec)[name]
        np.testing.assert_allclose(variable, expected, rtol=1e-3, atol=1e-3)
    # What it exports understands the teacher's codes.
    export_model(
        teacher, tmp_path / "model", ["float32", INT8_QAT], [3200], int8_models={INT8_QAT: trained}
    )
    signal = audio[0, :, 0].numpy()
    codes = StreamingEncoder(CodecModel.load(tmp_path / "model", "float32"), 3200).encode(signal)
    decoded = StreamingDecoder(CodecModel.load(tmp_path / "model", INT8_QAT)).decode(codes)
    expected = trained.decode(codes[None])[0, :, 0].numpy()
    assert np.sum((decoded - expected) ** 2) < 0.01 * np.sum(expected**2)


def test_weights_to_start_from_are_needed(settings):
    data, run = settings
    with pytest.raises(ValueError, match=r"--init_from=weights\.npz"):
        train(data, dataclasses.replace(run, init_from=None), 1e-3)
