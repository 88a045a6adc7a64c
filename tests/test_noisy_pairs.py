"""Pairs of noisy and clean recordings: how they are made, found and scored."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.noisy_pairs import COLOURED, Noises, at_ratio, chosen_clips
from data.shards import PreparedSplit, ShardWriter
from evaluation import denoisers
from evaluation.noisy_recordings import find_pairs
from evaluation.peers import Coded, OriginalPeer
from evaluation.scoring import Job, score
from metrics import registry
from soundstream.audio import read_audio, write_audio
from tests.tiny import harmonic_batch

ROOT = Path(__file__).resolve().parents[1]
RATE = 16_000


def voice(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return 3 * harmonic_batch(1, round(seconds * RATE), RATE, seed)[0, :, 0]


def hiss(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.normal(size=round(seconds * RATE))).astype(np.float32)


@pytest.fixture
def prepared(tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"format_version": 1, "sample_rate": RATE}))
    with ShardWriter(folder, "valid") as writer:
        for kind, speaker, seconds, flag in (
            ("speech", "anna", 1.0, "-"),
            ("speech", "anna", 2.0, "-"),
            ("speech", "bert", 1.5, "-"),
            ("speech", "carl", 1.5, "noisy"),
            ("speech", "dora", 0.2, "-"),
            ("noise", "rain", 0.4, "-"),
        ):
            samples = voice(seconds) if kind == "speech" else hiss(seconds)
            columns = {"language": "en", "license": "CC0", "source": "x:y", "flag": flag}
            samples = np.round(samples * 32767).astype(np.int16)
            writer.add(samples, kind=kind, speaker=speaker, **columns)
    return folder


def test_clean_clips_come_one_per_speaker_first(prepared):
    split = PreparedSplit(prepared, "valid")
    chosen = [(c.speaker, c.length / RATE) for c in chosen_clips(split, 10, RATE // 2)]
    assert chosen == [("anna", 2.0), ("bert", 1.5), ("anna", 1.0)]
    assert len(chosen_clips(split, 2, RATE // 2)) == 2


def test_noises_come_in_turn_and_short_ones_are_repeated(prepared):
    noises = Noises(PreparedSplit(prepared, "valid"), ["noise", COLOURED])
    rng = np.random.default_rng(0)
    kinds, samples = zip(*(noises.draw(rng, turn, RATE) for turn in range(4)))
    assert kinds == ("noise", COLOURED, "noise", COLOURED)
    np.testing.assert_array_equal(samples[0][: RATE // 5], samples[0][2 * RATE // 5 :][: RATE // 5])
    assert np.any(samples[0] != samples[2])
    with pytest.raises(ValueError, match="no recordings of music"):
        Noises(PreparedSplit(prepared, "valid"), ["music"])


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 15.0])
def test_the_ratio_is_what_was_asked_for(snr_db):
    noisy, clean = at_ratio(voice(), hiss(), snr_db)
    ratio = 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2))
    assert ratio == pytest.approx(snr_db, abs=0.01)
    assert max(np.abs(noisy).max(), np.abs(clean).max()) == pytest.approx(0.9, abs=1e-3)


def test_made_pairs_are_found_with_their_ratio_and_scored_against_the_clean_one(prepared, tmp_path):
    made = subprocess.run(
        [
            sys.executable, str(ROOT / "data/noisy_pairs.py"), f"--data_dir={prepared}",
            f"--output_dir={tmp_path / 'pairs'}", "--snr_db=0,5", "--noise_kind=noise",
            "--min_seconds=1",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "3 clips of 2 speakers at 2 ratios" in made.stdout
    noisy, clean = (str(tmp_path / "pairs" / part) for part in ("noisy", "clean"))
    found = find_pairs(noisy, clean, None, 10.0)
    conditions = sorted((item.labels.condition, item.labels.speaker) for item in found)
    speakers = ["anna", "anna", "bert"]
    assert conditions == [(snr, who) for snr in ("00.0 dB", "05.0 dB") for who in speakers]
    metrics, costs, _ = registry.find_columns(["si_sdr", "real_time_factor", "entropy_kbps"])
    rows = [score(Job(item, [OriginalPeer()], metrics, RATE, 10.0, costs))[0][0] for item in found]
    for row in rows:
        expected = float(row.labels.condition.split()[0])
        assert row.scores["si_sdr"] == pytest.approx(expected, abs=0.5)
        assert 0 <= row.scores["real_time_factor"] < 1 and np.isnan(row.scores["entropy_kbps"])


def test_a_missing_partner_and_another_length_are_named(tmp_path):
    for name, seconds in (("noisy/a.wav", 1.0), ("clean/a.wav", 0.5), ("noisy/b.wav", 1.0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_audio(tmp_path / name, voice(seconds), RATE)
    folders = str(tmp_path / "noisy"), str(tmp_path / "clean")
    with pytest.raises(ValueError, match=r"clean/b\.wav: missing"):
        find_pairs(*folders, None, 10.0)
    (tmp_path / "noisy/b.wav").unlink()
    (pair,) = find_pairs(*folders, None, 10.0)
    rows, (failure,) = score(Job(pair, [OriginalPeer()], [], RATE, 10.0))
    assert not rows and failure.reason == "16000 samples are noisy, but 8000 are clean"


def halved(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples / 2


def test_denoisers_go_before_or_after_a_codec(monkeypatch):
    monkeypatch.setitem(denoisers.DENOISERS, "half", denoisers.Package(halved, "numpy"))
    monkeypatch.setitem(denoisers.DENOISERS, "gone", denoisers.Package(halved, "no_such_package"))

    class Squarer(OriginalPeer):
        def code(self, samples: np.ndarray, rate: int) -> Coded:
            return Coded(samples**2, 1.0)

    def peers_of(name: str) -> list:
        assert name == "square"
        return [Squarer(name="square")]

    results = {}
    for name in ("square", "half+square", "square+half", "half+square+half"):
        ((peer,), missing) = denoisers.in_pipelines(name, peers_of)
        assert peer.name == name and not missing
        results[name] = float(peer.code(np.full(4, 2.0, np.float32), RATE).samples[0])
    assert results == {
        "square": 4.0, "half+square": 1.0, "square+half": 2.0, "half+square+half": 0.5,
    }  # fmt: skip
    peers, (message,) = denoisers.in_pipelines("gone+square", peers_of)
    assert not peers and message == "gone+square is left out: no_such_package not installed"
    with pytest.raises(ValueError, match="must be one codec"):
        denoisers.in_pipelines("half", peers_of)


def test_rnnoise_removes_hiss_and_keeps_time():
    pytest.importorskip("pyrnnoise.rnnoise")
    clean, _ = read_audio(next((ROOT / "demo" / "clips").glob("*.flac")), RATE)
    clean = clean[: 4 * RATE, 0]
    noisy, clean = at_ratio(clean, hiss(len(clean) / RATE), 5.0)
    denoised = denoisers.rnnoise(noisy, RATE)
    assert denoised.shape == noisy.shape
    before, after = (np.sum((x - clean) ** 2) for x in (noisy, denoised))
    assert after < 0.5 * before
