"""Evaluation runs: rows, resuming, failures, statistics, and the command itself."""

import csv
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data.selection import FileRecording, Labels, find_recordings
from evaluation.peers import Case, Coded
from evaluation.results import ResultsFile, Row, keep_settings
from evaluation.scoring import Job, evaluate, score
from metrics import registry
from soundstream.audio import write_audio

RATE = 16_000
METRICS, _ = registry.find_metrics(["si_sdr", "mel_distance"])
NAMES = [metric.name for metric in METRICS]


@dataclass(frozen=True)
class NoisePeer:
    """Adds noise; counts its calls in a file; fails or dies on the recordings it is told to."""

    bitrate_bps: int
    log: str
    name: str = "noise"
    loss_rate: float = 0.0
    fails_at: float = math.inf
    dies_at: float = math.inf

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        with Path(self.log).open("a") as file:
            file.write("call\n")
        if abs(samples[0] - self.dies_at) < 1e-3:
            os._exit(9)
        if abs(samples[0] - self.fails_at) < 1e-3:
            raise RuntimeError("this codec dislikes it")
        noise = np.random.default_rng(99).normal(size=len(samples))
        return Coded(samples + noise.astype(np.float32) / self.bitrate_bps, self.bitrate_bps + 1.5)


@pytest.fixture
def folder(tmp_path):
    """Four recordings; the first sample of number i is i / 10."""
    input_dir = tmp_path / "in"
    input_dir.mkdir()
    for i in range(4):
        samples = 0.1 * np.random.default_rng(i).normal(size=RATE // 2)
        samples[0] = i / 10
        write_audio(input_dir / f"{i}.wav", samples, RATE)
    return input_dir


def jobs(folder: Path, *peers: NoisePeer) -> list[Job]:
    found = find_recordings(str(folder), "valid", ["speech"])
    return [Job(recording, peers, METRICS, RATE, 10.0) for recording in found]


def calls(log: Path) -> int:
    return len(log.read_text().splitlines())


def test_a_run_scores_every_recording_with_every_codec(folder, tmp_path):
    log = tmp_path / "log"
    peers = [NoisePeer(bitrate, str(log)) for bitrate in (3000, 6000)]
    results = ResultsFile(tmp_path / "scores.csv", NAMES)
    assert evaluate(jobs(folder, *peers), results, processes=2) == []
    rows = results.read()
    assert {row.key for row in rows} == {
        (f"{i}.wav", Case("noise", bitrate)) for i in range(4) for bitrate in (3000, 6000)
    }
    for row in rows:
        assert row.actual_bps == row.bitrate_bps + 1.5
        assert row.seconds == 0.5
        expected = 20 * math.log10(0.1 * row.bitrate_bps)
        assert row.scores["si_sdr"] == pytest.approx(expected, abs=1)


def test_a_stopped_run_goes_on_where_it_was(folder, tmp_path):
    log, path = tmp_path / "log", tmp_path / "scores.csv"
    peer = NoisePeer(3000, str(log))
    evaluate(jobs(folder, peer), ResultsFile(path, NAMES), processes=1)
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + lines[3][:20])  # killed within the third row
    assert evaluate(jobs(folder, peer), ResultsFile(path, NAMES), processes=1) == []
    assert calls(log) == 4 + 2
    assert sorted(path.read_text().splitlines()) == sorted(whole.splitlines())


def test_bad_recordings_and_failing_codecs_are_named_and_the_run_goes_on(folder, tmp_path):
    (folder / "4.wav").write_text("this is no audio")
    write_audio(folder / "5.wav", np.zeros(RATE), RATE)
    write_audio(folder / "6.wav", np.zeros(0), RATE)
    peer = NoisePeer(3000, str(tmp_path / "log"), fails_at=0.2)
    results = ResultsFile(tmp_path / "scores.csv", NAMES)
    failures = {f.file: f.reason for f in evaluate(jobs(folder, peer), results, processes=1)}
    assert sorted(failures) == ["2.wav", "4.wav", "5.wav", "6.wav"]
    assert "noise at 3000 bps: this codec dislikes it" in failures["2.wav"]
    assert "4.wav" in failures["4.wav"]
    assert "silent" in failures["5.wav"]
    assert "empty" in failures["6.wav"]
    assert sorted(row.file for row in results.read()) == ["0.wav", "1.wav", "3.wav"]


def test_a_process_that_dies_costs_its_own_recording_only(folder, tmp_path):
    peer = NoisePeer(3000, str(tmp_path / "log"), dies_at=0.1)
    results = ResultsFile(tmp_path / "scores.csv", NAMES)
    failures = evaluate(jobs(folder, peer), results, processes=2)
    assert [failure.file for failure in failures] == ["1.wav"]
    assert sorted(row.file for row in results.read()) == ["0.wav", "2.wav", "3.wav"]


def test_a_metric_that_does_not_apply_is_nan(folder, tmp_path):
    metrics, _ = registry.find_metrics(["estoi"])
    recording = FileRecording(str(folder / "0.wav"), "0.wav", Labels())
    (row,), _ = score(Job(recording, [NoisePeer(3000, str(tmp_path / "log"))], metrics, RATE, 0.1))
    assert math.isnan(row.scores["estoi"])
    assert row.seconds == pytest.approx(0.1)


def test_results_of_other_columns_or_settings_are_not_mixed(tmp_path):
    row = Row("a", Labels(), "x", 1, 0.0, 1.0, 1.0, {"si_sdr": 1.0})
    ResultsFile(tmp_path / "scores.csv", ["si_sdr"]).append([row])
    with pytest.raises(ValueError, match="choose another output folder"):
        ResultsFile(tmp_path / "scores.csv", ["estoi"])
    keep_settings(tmp_path / "settings.json", {"model_id": "aa"})
    keep_settings(tmp_path / "settings.json", {"model_id": "aa"})
    with pytest.raises(ValueError, match="model_id aa, not bb"):
        keep_settings(tmp_path / "settings.json", {"model_id": "bb"})


def test_rows_survive_the_csv(tmp_path):
    labels = Labels('one, "two"', "de", "noisy")
    rows = [
        Row("a, b.wav", labels, "x", 3000, 0.05, 2998.5, 1.25, {"si_sdr": 1.5}),
        Row("ü.wav", labels, "x", 6000, 0.0, 6000.0, 1.25, {"si_sdr": float("nan")}),
    ]
    results = ResultsFile(tmp_path / "scores.csv", ["si_sdr"])
    for row in rows:
        results.append([row])
    first, second = results.read()
    assert first == rows[0]
    assert second.file == "ü.wav"
    assert math.isnan(second.scores["si_sdr"])


def test_an_unknown_metric_is_refused_and_a_missing_one_is_named(monkeypatch):
    with pytest.raises(ValueError, match=r"'loudness'.*si_sdr"):
        registry.find_metrics(["loudness"])
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "pesq" else True)
    found, skipped = registry.find_metrics(["pesq_wb", "si_sdr"])
    assert [metric.name for metric in found] == ["si_sdr"]
    assert skipped == ["pesq_wb is left out: pesq not installed"]


def test_costs_are_no_scores_of_audio():
    with pytest.raises(ValueError, match="entropy_kbps is no score of audio"):
        registry.find_metrics(["si_sdr", "entropy_kbps"])
    metrics, costs, _ = registry.find_columns(["entropy_kbps", "si_sdr"])
    assert [column.name for column in (*metrics, *costs)] == ["si_sdr", "entropy_kbps"]


def test_recordings_come_one_per_speaker_first(tmp_path):
    for name in ("a/1.wav", "a/2.wav", "b/1.wav", "c/1.wav", "c/2.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_audio(tmp_path / name, np.zeros(100), RATE)
    names = [item.name for item in find_recordings(str(tmp_path), "valid", ["speech"])]
    assert names == ["a/1.wav", "b/1.wav", "c/1.wav", "a/2.wav", "c/2.wav"]
    first = find_recordings(str(tmp_path), "valid", ["speech"], max_files=2)
    assert [item.labels.speaker for item in first] == ["a", "b"]
    with pytest.raises(ValueError, match="music"):
        find_recordings(str(tmp_path), "valid", ["music"])


def test_only_the_beginning_is_read_channels_averaged_and_resampled(tmp_path):
    time = np.arange(2 * 48_000) / 48_000
    sine = 0.5 * np.sin(2 * np.pi * 440 * time)
    write_audio(tmp_path / "a.flac", np.stack([sine, np.zeros_like(sine)], axis=1), 48_000)
    (recording,) = find_recordings(str(tmp_path), "valid", ["speech"])
    samples = recording.read(RATE, 0.75)
    assert samples.shape == (12_000,)
    np.testing.assert_allclose(samples[100:-100], sine[::3][100:11_900] / 2, atol=2e-3)


def test_a_prepared_folder_is_read_by_its_index(tmp_path):
    samples = np.arange(0, 30 * RATE, 10).astype(np.int16)
    np.save(tmp_path / "valid-00000.npy", samples)
    (tmp_path / "dataset.json").write_text(json.dumps({"format_version": 1, "sample_rate": RATE}))
    header = [
        "shard",
        "offset",
        "length",
        "kind",
        "speaker",
        "language",
        "license",
        "source",
        "flag",
    ]
    lines = [
        ["0", "0", "16000", "speech", "anna", "de", "CC0", "x", "-"],
        ["0", "16000", "8000", "noise", "rain", "-", "CC0", "x", "-"],
        ["0", "24000", "24000", "speech", "bert", "en", "CC0", "x", "noisy"],
    ]
    text = "".join("\t".join(line) + "\n" for line in [header, *lines])
    (tmp_path / "valid.tsv").write_text(text)
    first, second = find_recordings(str(tmp_path), "valid", ["speech"])
    assert first.labels == Labels("anna", "de", "clean")
    assert second.labels == Labels("bert", "en", "noisy")
    read = second.read(RATE, 1.0) * 32767
    np.testing.assert_allclose(read, samples[24_000:40_000], atol=1.01)
    (noise,) = find_recordings(str(tmp_path), "valid", ["noise"])
    assert noise.labels.condition == "noise"


def evaluate_command(*flags: str) -> subprocess.CompletedProcess:
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, str(root / "evaluate.py"), *flags], capture_output=True, text=True
    )


def test_the_command_writes_table_json_csv_and_plot(folder, tmp_path):
    output = tmp_path / "scores"
    done = evaluate_command(
        f"--input_dir={folder}", f"--output_dir={output}", "--codecs=opus", "--workers=1",
        "--opus_bitrate_bps=8000,16000", "--metrics=si_sdr,estoi",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "SI-SDR" in done.stdout
    assert len(list(csv.DictReader((output / "scores.csv").open()))) == 8
    summary = json.loads((output / "scores.json").read_text())
    assert [c["bitrate_bps"] for c in summary["conditions"]] == [8000, 16000]
    assert summary["versions"]["pystoi"]
    assert "cores" in summary["machine"] and re.fullmatch(r"\d{4}-\d\d-\d\d", summary["date"])
    assert (output / "rate_quality.png").stat().st_size > 10_000


def test_the_command_scores_every_loss_rate(folder, tmp_path):
    output = tmp_path / "scores"
    done = evaluate_command(
        f"--input_dir={folder}", f"--output_dir={output}", "--codecs=opus,original",
        "--workers=1", "--opus_bitrate_bps=16000", "--metrics=mel_distance",
        "--loss_rates=0,0.2,0.05",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((output / "scores.json").read_text())
    losses = [(c["codec"], c["loss_rate"]) for c in summary["conditions"]]
    assert losses == [("opus", 0), ("opus", 0.05), ("opus", 0.2), ("original", 0)]
    distances = [c["scores"]["mel_distance"]["mean"] for c in summary["conditions"]]
    assert distances[3] < distances[0] <= distances[1] < distances[2]
    assert (output / "loss_quality.png").stat().st_size > 10_000
    assert "Quality over packet loss" in (output / "report.html").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--codecs=speex"], "no 'speex'; there are soundstream, soundstream_denoise, opus,"),
        (["--codecs=lyra"], "lyra needs --lyra_dir"),
        (["--codecs=opus", "--opus_bitrate_bps=6k"], "--opus_bitrate_bps=6k: not a whole number"),
        (["--codecs=opus", "--loss_rates=0,1"], "loss_rate must be from 0 to below 1, got 1.0"),
        (["--codecs=opus", "--mean_burst=0.5"], "flag --mean_burst=0.5: 0.5 is not number >= 1.0"),
        (["--codecs=opus", "--loss_patterns=no.txt"], "no.txt: not a pattern of losses"),
        (["--codecs=opus", "--metrics=loudness"], "no metric 'loudness'"),
    ],
)
def test_wrong_flags_are_one_clear_line(folder, tmp_path, flags, message):
    done = evaluate_command(f"--input_dir={folder}", f"--output_dir={tmp_path / 'out'}", *flags)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("evaluate.py: ") and message in line


@pytest.mark.slow
def test_the_command_evaluates_an_exported_model(folder, tmp_path):
    from tiny import tiny_config

    from export.to_tflite import export_model
    from model.soundstream import SoundStream

    metadata = export_model(SoundStream(tiny_config()), tmp_path / "model", ["float32"])
    output = tmp_path / "scores"
    lowest = metadata.bitrates_bps[0]
    done = evaluate_command(
        f"--input_dir={folder}", f"--model_dir={tmp_path / 'model'}", f"--output_dir={output}",
        f"--bitrate_bps={lowest}", "--opus_bitrate_bps=8000", "--metrics=mel_distance,si_sdr",
        "--workers=1", "--listening_max_files=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((output / "scores.json").read_text())
    assert summary["settings"]["model_id"] == metadata.model_id
    assert summary["settings"]["sample_rate"] == metadata.sample_rate
    assert summary["conditions"][0]["actual_bps"] == lowest
    frames_of_all_recordings = 4 * metadata.sample_rate // 2 // metadata.hop
    assert summary["codebooks"]["frames"] == frames_of_all_recordings
    assert len(summary["codebooks"]["levels"]) == metadata.num_quantizers
    assert len(summary["differences"]) == 1
    assert (output / "report.html").stat().st_size > 50_000
