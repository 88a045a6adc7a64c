"""Units of preparation: each source once, whole or not at all, the same whenever it is done."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data import units
from data.corpus import build, finish
from data.recordings import assign_splits, read_folder
from data.shards import SPLITS, PreparedSplit

RATE = 16_000
UNITS = 3


def voice(seed: int, seconds: float) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Five speakers with short and long files, a copy, a broken file and an empty one."""
    folder = tmp_path_factory.mktemp("recordings") / "voices"
    for speaker in range(5):
        (folder / f"s{speaker}").mkdir(parents=True)
        for number, seconds in enumerate((2.5, 0.8, 0.9, 1.0)):
            path = folder / f"s{speaker}" / f"{number}.wav"
            soundfile.write(path, voice(10 * speaker + number, seconds), RATE)
    (folder / "s1/copy.wav").write_bytes((folder / "s0/0.wav").read_bytes())
    (folder / "s1/broken.wav").write_bytes(b"RIFF but no audio")
    soundfile.write(folder / "s2/empty.wav", np.zeros(0), RATE)
    return folder


def prepare(folder: Path, output: Path, order: int = 1) -> list[bool]:
    """What Beam does, in one process; whether each unit was done now."""
    recordings = assign_splits(read_folder(folder))
    members: dict[int, list] = {}
    for group in units.by_size(recordings)[::order]:
        for number, member in units.distinct(group, UNITS):
            members.setdefault(number, []).insert(0, member)
    done = [units.write(units.of_files(n, members[n]), output, RATE) for n in members]
    written, refused = units.collect(output, members)
    finish(written, refused, output, sample_rate=RATE, facts={})
    return done


def contents(output: Path) -> dict[str, bytes]:
    return {p.relative_to(output).as_posix(): p.read_bytes() for p in sorted(output.rglob("*.*"))}


def clips_of(output: Path) -> list[tuple]:
    """What there is to train on, without the order of the shards."""
    found = []
    for split in SPLITS:
        data = PreparedSplit(output, split)
        for clip in data.clips:
            samples = data.samples(clip, 0, clip.length)
            found.append((split, clip.kind, clip.speaker, clip.source, samples.tobytes()))
    return sorted(found)


def test_the_clips_are_those_of_the_corpus_script(folder, tmp_path):
    prepare(folder, tmp_path / "units")
    build(read_folder(folder), tmp_path / "whole", sample_rate=RATE, workers=1, facts={})
    assert clips_of(tmp_path / "units") == clips_of(tmp_path / "whole")


def test_what_is_left_out_is_reported_once(folder, tmp_path):
    prepare(folder, tmp_path)
    with (tmp_path / "rejected.tsv").open() as file:
        rows = [(row["file"], row["reason"]) for row in csv.DictReader(file, delimiter="\t")]
    assert [file for file, _ in sorted(rows)] == [
        f"voices:{name}" for name in ("s1/broken.wav", "s1/copy.wav", "s2/empty.wav")
    ]
    assert "unreadable" in dict(rows)["voices:s1/broken.wav"]
    assert dict(rows)["voices:s1/copy.wav"] == "a copy: same bytes as voices:s0/0.wav"


def test_a_unit_is_done_once_and_again_if_it_was_interrupted(folder, tmp_path):
    assert all(prepare(folder, tmp_path))
    first = contents(tmp_path)
    assert not any(prepare(folder, tmp_path, order=-1))
    # Killed between a shard and the record: the shard is whole or the one before.
    number = next((tmp_path / units.RECORDS).iterdir()).stem
    (tmp_path / units.RECORDS / f"{number}.json").unlink()
    shard = next(tmp_path.glob(f"*-{number}.npy"))
    shard.write_bytes(b"of another pass")
    assert sum(prepare(folder, tmp_path)) == 1
    assert contents(tmp_path) == first


def test_changed_files_are_prepared_again(folder, tmp_path):
    copy = tmp_path / "voices"
    for path in folder.rglob("*.wav"):
        (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(folder)).write_bytes(path.read_bytes())
    prepare(copy, tmp_path / "out")
    soundfile.write(copy / "s3/0.wav", voice(99, 3.0), RATE)
    assert sum(prepare(copy, tmp_path / "out")) == 1
