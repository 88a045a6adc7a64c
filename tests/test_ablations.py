"""The ablations' flag files are what train.py takes; short trainings end in a table."""

import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags
from absl.testing import flagsaver

import train
from metrics.registry import find_metrics
from model.config import speech
from tests.tiny import make_folder
from tools.study import ablations

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "flags" / "ablations").glob("*.flags"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@flagsaver.flagsaver
def test_each_variant_is_a_codec_of_the_same_bitrates(file, monkeypatch):
    monkeypatch.chdir(ROOT)
    flags.FLAGS(["train.py", f"--flagfile={file}"])
    config = train.codec_config()
    for bitrate_bps in (6000,) if file.stem == "fixed_6kbps" else (3000, 6000, 12_000):
        assert config.num_quantizers_for(bitrate_bps) > 0
    changed = config != speech()
    assert changed or file.stem.startswith(("base", "discriminators"))


@flagsaver.flagsaver
def test_widths_that_are_no_numbers_are_named():
    with pytest.raises(flags.IllegalFlagValueError, match=r"--codec_strides=5,two: .*whole number"):
        flags.FLAGS(["train.py", "--codec_strides=5,two"])


def test_the_table_has_means_and_intervals_over_clips():
    rows = [
        {"variant": name, "seed": seed, "bitrate_bps": "3000", "clip": str(clip)}
        | {"metric": "estoi", "score": str(0.5 + 0.1 * clip + shift)}
        for name, shift in (("base", 0.0), ("other", 0.2))
        for seed in ("0", "1")
        for clip in range(3)
    ]
    lines = ablations.table(rows, find_metrics(["estoi"])[0]).splitlines()
    assert lines[0] == "| variant | seeds | kbps | ESTOI | over base |"
    assert lines[2].startswith("| base | 2 | 3 | 0.600 ±0.")
    assert lines[3].startswith("| other | 2 | 3 | 0.800 ±0.")
    # Clips differ, but the two variants by the same on each of them.
    assert lines[3].endswith("| +0.200 ±0.000 |")


def test_a_full_disk_leaves_earlier_scores_whole(tmp_path, full_disk):
    before = "variant,seed,bitrate_bps,clip,metric,score\nbase,0,3000,0,estoi,0.5\n"
    (tmp_path / "scores.csv").write_text(before)
    row = {"variant": "base", "seed": "1", "bitrate_bps": "3000", "clip": "0"}
    with pytest.raises(OSError, match="No space left"):
        ablations.keep([row | {"metric": "estoi", "score": "0.5"}], [], tmp_path)
    assert (tmp_path / "scores.csv").read_text() == before


@pytest.mark.slow
def test_two_short_trainings(tmp_path):
    """Expected usage, with a variant that cannot be trained among them."""
    folder = make_folder(tmp_path / "audio", 16_000)
    common = [
        "--batch_size=2",
        "--crop_seconds=0.3",
        "--quantizer_start=2",
        "--validation_max_files=2",
    ]
    (tmp_path / "good.flags").write_text("\n".join(common))
    (tmp_path / "bad.flags").write_text("\n".join([*common, "--codec_codebook_size=7"]))
    command = [
        *(sys.executable, "tools/study/ablations.py", f"--variants={tmp_path}"),
        *(f"--data_dir={folder}", f"--output_dir={tmp_path}/out", "--minutes=1.5"),
        *("--metrics=estoi", "--bitrate_bps=3000", "--max_files=2"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "codebook_size=7" in done.stderr
    assert "| good | 1 | 3 |" in (tmp_path / "out" / "table.md").read_text()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| good | 1 | 3 |" in again.stdout
