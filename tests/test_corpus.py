"""Preparing data: screening by name, joining, copies, and the script itself."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.corpus import build, with_known_facts
from data.preparation import prepare, unique
from data.recordings import Recording
from data.shards import PreparedSplit
from soundstream.audio import resample

ROOT = Path(__file__).resolve().parents[1]
RATE = 16_000


def voice(seed: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """Wideband noise with 0.3 s of silence at both ends."""
    loud = np.random.default_rng(seed).uniform(-0.5, 0.5, size=round(seconds * rate))
    return np.pad(loud, round(0.3 * rate)).astype(np.float32)


def recording(path: Path, speaker: str = "anna", kind: str = "speech") -> Recording:
    return Recording(path, kind, speaker, "en", "CC0", f"test:{path.name}", split="train")


def build_from(folder: Path, recordings: list[Recording], sample_rate: int = RATE) -> Path:
    output = folder / "prepared"
    build(recordings, output, sample_rate=sample_rate, workers=1, facts={"command": "test"})
    return output


def rejected(folder: Path) -> dict[str, str]:
    with (folder / "rejected.tsv").open() as file:
        return {row["file"]: row["reason"] for row in csv.DictReader(file, delimiter="\t")}


def test_bad_files_are_named_with_a_reason_and_the_rest_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    files = {
        "good.wav": (voice(0, 3.0), RATE),
        "empty.wav": (np.zeros(0), RATE),
        "short.wav": (voice(1, 0.05)[4800:-4800], RATE),
        "low.wav": (voice(2, 3.0, 8_000), 8_000),
        "dull.wav": (resample(rng.uniform(-0.5, 0.5, 12_000), 4_000, RATE), RATE),
        "clipped.wav": (
            np.clip(np.cumsum(rng.uniform(-0.1, 0.1, 48_000)) % 2 - 1, -0.5, 0.5),
            RATE,
        ),
        "silent.wav": (np.full(48_000, 1e-4), RATE),
    }
    for name, (samples, rate) in files.items():
        soundfile.write(tmp_path / name, samples, rate)
    (tmp_path / "text.wav").write_text("no audio")
    names = [*files, "text.wav", "gone.wav"]
    folder = build_from(tmp_path, [recording(tmp_path / name) for name in names])
    reasons = rejected(folder)
    expected = {
        "empty.wav": "empty",
        "short.wav": "too short",
        "low.wav": "low rate: 8000 Hz",
        "dull.wav": "narrowband",
        "clipped.wav": "clipped",
        "silent.wav": "near-silent",
        "text.wav": "unreadable",
        "gone.wav": "no such file",
    }
    assert set(reasons) == {f"test:{name}" for name in expected}
    for name, reason in expected.items():
        assert reasons[f"test:{name}"].startswith(reason)
    assert [clip.source for clip in PreparedSplit(folder, "train").clips] == ["test:good.wav"]


def test_copies_and_links_are_left_out(tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(0, 1.0), RATE)
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    (tmp_path / "c.wav").symlink_to(tmp_path / "a.wav")
    kept, refused = unique(recording(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav"))
    assert [r.path.name for r in kept] == ["a.wav"]
    assert refused == [
        ("test:b.wav", "a copy: same bytes as test:a.wav"),
        ("test:c.wav", "a link"),
    ]


def test_samples_are_those_of_the_file_trimmed(tmp_path):
    samples = voice(0, 2.5)
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    (piece,), refused = prepare(recording(tmp_path / "a.flac"), RATE)
    assert not refused and piece.dtype == np.int16
    written, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    start = round((0.3 - 0.12) * RATE)
    np.testing.assert_array_equal(piece, written[start:-start])


def test_long_recordings_are_cut_and_music_is_shortened(tmp_path):
    soundfile.write(tmp_path / "a.flac", voice(0, 99.4), RATE)
    speech, _ = prepare(recording(tmp_path / "a.flac"), RATE)
    assert [round(len(piece) / RATE, 1) for piece in speech] == [29.8, 30.0, 30.0, 9.8]
    music, _ = prepare(recording(tmp_path / "a.flac", kind="music"), RATE)
    assert len(music) == 3


def test_short_pieces_of_a_speaker_are_joined(tmp_path):
    recordings = []
    for number in range(20):
        path = tmp_path / f"{number:02d}.wav"
        soundfile.write(path, voice(number, 0.5), RATE)
        recordings.append(recording(path, speaker="ab"[number % 2]))
    soundfile.write(tmp_path / "long.wav", voice(99, 3.0), RATE)
    recordings.append(recording(tmp_path / "long.wav", speaker="a"))
    split = PreparedSplit(build_from(tmp_path, recordings), "train")
    piece = 0.5 + 0.24
    seconds = sorted((clip.speaker, round(clip.length / RATE / piece, 1)) for clip in split.clips)
    assert seconds == [
        ("a", 1.0),
        ("a", pytest.approx(3.24 / piece, abs=0.1)),
        ("a", 9.0),
        ("b", 1.0),
        ("b", 9.0),
    ]


def test_the_summary_tells_hours_speakers_and_licenses(tmp_path):
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", voice(number, 36.0 - 0.24), RATE)
    recordings = [recording(tmp_path / "0.wav"), recording(tmp_path / "1.wav", "bert")]
    recordings.append(recording(tmp_path / "2.wav", kind="noise"))
    folder = build_from(tmp_path, recordings)
    metadata = json.loads((folder / "dataset.json").read_text())
    assert metadata["hours"]["train"]["noise"] == pytest.approx(0.01, abs=2e-4)
    assert metadata["hours"]["train"]["speech"] == pytest.approx(0.02, abs=2e-4)
    assert metadata["speakers"] == {"train": 2, "valid": 0, "test": 0}
    assert metadata["command"] == "test" and metadata["sample_rate"] == RATE
    assert "| test | speech | 1.2 | CC0 |" in (folder / "ATTRIBUTION.md").read_text()


def test_finished_folders_are_not_overwritten_and_empty_ones_not_finished(tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(0, 3.0), RATE)
    with pytest.raises(ValueError, match="no recording is fit"):
        build_from(tmp_path, [recording(tmp_path / "a.wav")], sample_rate=24_000)
    assert not (tmp_path / "prepared" / "dataset.json").exists()
    build_from(tmp_path, [recording(tmp_path / "a.wav")])
    with pytest.raises(ValueError, match="holds a finished data set"):
        build_from(tmp_path, [recording(tmp_path / "a.wav")])


def test_crowds_under_one_label_stay_in_train(tmp_path):
    crowd = Recording(tmp_path, "speech", "mycroft_x", "en", "CC0", "x:y")
    assert (with_known_facts(crowd).split, with_known_facts(crowd).flag) == ("train", "short")
    other = Recording(tmp_path, "speech", "vctk_p306", "en", "CC0", "x:y")
    assert with_known_facts(other) == other


def run_script(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "data/corpus.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_script_prepares_a_users_own_folder(tmp_path):
    for number in range(6):
        folder = tmp_path / "mine" / f"speaker {number}"
        folder.mkdir(parents=True)
        soundfile.write(folder / "a.wav", voice(number, 3.0, 44_100), 44_100)
    arguments = [
        "--nodebian",
        f"--input_dir={tmp_path / 'mine'}",
        f"--output_dir={tmp_path / 'out'}",
    ]
    result = run_script(*arguments, "--workers=1")
    assert result.returncode == 0, result.stderr
    assert "4 speakers" in result.stdout
    for split, speakers in (("train", 4), ("valid", 1), ("test", 1)):
        assert len(PreparedSplit(tmp_path / "out", split).clips) == speakers
    again = run_script(*arguments)
    assert again.returncode == 1 and again.stderr.strip().endswith("name a new folder")
    assert "Traceback" not in again.stderr


def test_the_script_names_a_missing_folder(tmp_path):
    result = run_script(
        "--nodebian", f"--input_dir={tmp_path / 'nowhere'}", f"--output_dir={tmp_path / 'out'}"
    )
    assert result.returncode == 1
    assert result.stderr.strip() == f"corpus.py: {tmp_path / 'nowhere'}: no such folder"
