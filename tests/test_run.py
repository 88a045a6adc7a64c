"""Whole runs on small folders: stages, curves, resuming, kills, and what users get wrong."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.weights import load_model
from tests.tiny import make_folder, tiny_config
from tools.release.release import release
from training import checkpoints
from training import run as runs
from training.settings import Schedule, TrainingSettings

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = TrainingSettings(schedule=Schedule(quantizer_start=3, adversarial_start=6, warmup=1))


def settings(tmp_path: Path, steps: int, rate: int = 8000) -> tuple:
    folder = tmp_path / "audio"
    if not folder.exists():
        make_folder(folder, rate)
    data = runs.DataSettings(
        str(folder), batch_size=2, crop_seconds=0.3, valid_clips=2, valid_seconds=1.0
    )
    run = runs.RunSettings(
        str(tmp_path / "run"),
        total_steps=steps,
        validation_steps=4,
        validation_bitrates_bps=(800, 3200),
        discriminator_channels=4,
        discriminator_windows=(256,),
    )
    return tiny_config(), SETTINGS, data, run


@pytest.fixture
def restored_signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("restored_signals")
def test_a_run_goes_through_its_stages_and_goes_on_where_it_stopped(tmp_path):
    first = runs.train(*settings(tmp_path, 7))
    assert int(first.steps_done) == 7
    assert first.stage.adversarial
    second = runs.train(*settings(tmp_path, 9))
    assert int(second.steps_done) == 9
    with (tmp_path / "run" / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["step"], r["codec"]) for r in rows] == [
        (step, codec) for step in ("4", "8") for codec in ("unquantized", "800bps", "3200bps")
    ]
    assert all(float(row["si_sdr"]) > -20 for row in rows)
    tags = tensorboard_tags(tmp_path / "run" / "tensorboard")
    assert {"valid_800bps/estoi", "decoded_unquantized", "spectrogram_reference"} <= tags


def tensorboard_tags(folder: Path) -> set[str]:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return set(accumulator.Reload().Tags()["tensors"])


@pytest.mark.usefixtures("restored_signals")
def test_a_run_can_be_released(tmp_path):
    trained = runs.train(*settings(tmp_path, 4))
    loaded = runs.latest(tmp_path / "run")
    assert int(loaded.steps_done) == 4
    for a, b in zip(trained.average.weights, loaded.average.weights, strict=True):
        assert (a.numpy() == b.numpy()).all(), a.name
    release(tmp_path / "run", tmp_path / "released")
    exported = load_model(tmp_path / "released" / "weights.npz")
    assert exported.config == trained.codec.config
    resumed = runs.build(trained.codec.config, SETTINGS, settings(tmp_path, 4)[3])
    assert checkpoints.load_compact(resumed, tmp_path / "released" / "resume.npz") == 4
    assert_refitted(tmp_path, exported.quantizer.codebooks.numpy())


def assert_refitted(tmp_path: Path, before: np.ndarray) -> None:
    """With audio at hand, both files of a release hold codebooks refitted on it."""
    release(tmp_path / "run", tmp_path / "refitted", str(tmp_path / "audio"))
    weights, compact = (
        checkpoints.load_codec(tmp_path / "refitted" / name).quantizer.codebooks.numpy()
        for name in ("weights.npz", "resume.npz")
    )
    np.testing.assert_array_equal(weights, compact)
    assert np.abs(weights - before).max() > 1e-3 * np.abs(before).max()


def test_a_run_is_scored_on_the_kind_of_audio_it_is_for(tmp_path):
    config, training, data, run = settings(tmp_path, 1)
    with pytest.raises(ValueError, match="no clean music in the valid split"):
        runs.train(config, training, dataclasses.replace(data, valid_kind="music"), run)


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match="no training run"):
        runs.latest(tmp_path)


def _train(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--data_dir is missing"),
        (["--data_dir={audio}"], "--train_dir is missing"),
        (["--data_dir={empty}", "--train_dir={run}"], "empty"),
        (["--data_dir={audio}", "--train_dir={run}", "--crop_seconds=0.001"], "crop_seconds"),
        (["--data_dir={audio}", "--train_dir={run}", "--preset=speach"], "preset"),
        (["--data_dir={audio}", "--train_dir={run}", "--bogus=1"], "bogus"),
    ],
)
def test_what_users_get_wrong_is_one_clear_line(tmp_path, arguments, said):
    places = {"run": tmp_path / "run", "empty": tmp_path / "empty", "audio": tmp_path / "audio"}
    places["empty"].mkdir()
    make_folder(places["audio"], 16_000, files=1)
    result = _train(*[a.format(**places) for a in arguments])
    assert result.returncode != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on_from_a_whole_checkpoint(tmp_path):
    """SIGKILL at arbitrary moments, several times: no step is lost behind the last checkpoint."""
    folder = make_folder(tmp_path / "audio", 16_000)
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        f"--data_dir={folder}",
        f"--train_dir={tmp_path / 'run'}",
        "--batch_size=1",
        "--crop_seconds=0.1",
        "--checkpoint_minutes=0.001",
        "--validation_steps=1000000",
        "--validation_max_files=1",
        "--total_steps=100000",
    ]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    state = tmp_path / "run" / "checkpoints" / "checkpoint"
    reached = []
    for delay in (0.0, 1.3, 2.1):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        before = state.read_text() if state.exists() else ""
        deadline = time.monotonic() + 200
        while (not state.exists() or state.read_text() == before) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(delay)
        assert process.poll() is None, process.stderr.read().decode()[-2000:]
        process.kill()
        process.wait()
        reached.append(int(runs.latest(tmp_path / "run").steps_done))
    assert reached == sorted(reached)
    assert reached[0] < reached[-1]
