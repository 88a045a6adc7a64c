"""The script that prepares by Apache Beam; needs requirements-scale.txt."""

import csv
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data import prepare_shards
from data.shards import SPLITS, read_index

needs_beam = pytest.mark.skipif(find_spec("apache_beam") is None, reason="no apache_beam")
ROOT = Path(__file__).resolve().parents[1]
RATE = 16_000


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "data/prepare_shards.py"), *arguments]


def sources(output: Path) -> list[str]:
    return [clip.source for split in SPLITS for clip in read_index(output, split)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Twelve speakers with two files each, and a broken file."""
    folder = tmp_path_factory.mktemp("recordings") / "voices"
    rng = np.random.default_rng(0)
    for speaker in range(12):
        (folder / f"s{speaker}").mkdir(parents=True)
        for number in range(2):
            path = folder / f"s{speaker}" / f"{number}.flac"
            soundfile.write(path, rng.uniform(-0.5, 0.5, 2 * RATE + 100 * speaker), RATE)
    (folder / "broken.flac").write_bytes(b"fLaC but no audio")
    return folder


def test_without_beam_the_script_can_be_imported_and_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ValueError, match=r"apache_beam.*pip install -r requirements-scale\.txt"):
        prepare_shards.prepare(
            [], [], tmp_path / "out",
            shards=8, sample_rate=RATE, data_dir=None, beam_options=[], facts={},
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


@needs_beam
def test_a_killed_run_goes_on_and_every_source_is_there_once(folder, tmp_path):
    run = command(f"--input_dir={folder}", f"--output_dir={tmp_path}", "--shards=8", "--workers=2")
    records = tmp_path / "units"
    with subprocess.Popen(run, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        while not (records.is_dir() and list(records.glob("*.json"))):
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    expected = [f"voices:s{speaker}/{n}.flac" for speaker in range(12) for n in range(2)]
    assert sorted(sources(tmp_path)) == sorted(expected)
    with (tmp_path / "rejected.tsv").open() as file:
        assert [row["file"] for row in csv.DictReader(file, delimiter="\t")] == [
            "voices:broken.flac"
        ]


@needs_beam
def test_a_tensorflow_dataset_is_prepared_shard_by_shard(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")

    class TinySpeech(tfds.core.GeneratorBasedBuilder):
        """Noise of four speakers."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            audio = tfds.features.Audio(sample_rate=RATE, dtype=np.int16)
            features = tfds.features.FeaturesDict({"speech": audio, "speaker_id": np.int64})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train_clean": self._generate_examples(0), "dev": self._generate_examples(9)}

        def _generate_examples(self, first):
            rng = np.random.default_rng(first)
            for number in range(4):
                noise = rng.integers(-9000, 9000, 2 * RATE).astype(np.int16)
                yield number, {"speech": noise, "speaker_id": first + number % 2}

    TinySpeech(data_dir=tmp_path / "tfds").download_and_prepare()
    output = tmp_path / "prepared"
    run = command(
        "--tfds=tiny_speech", f"--tfds_data_dir={tmp_path / 'tfds'}", f"--output_dir={output}"
    )
    done = subprocess.run([*run, "--workers=1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [len(read_index(output, split)) for split in SPLITS] == [4, 4, 0]
    assert {clip.speaker for clip in read_index(output, "train")} == {
        "tiny_speech-0",
        "tiny_speech-1",
    }
    assert len(set(sources(output))) == 8
