from pathlib import Path

import pytest
from absl import flags
from absl.testing import flagsaver

import train

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("speech.flags", "flags/music.flags", "flags/paper.flags")
FILES = [*ROOT.glob("*.flags"), *(ROOT / "flags").rglob("*.flags")]


@pytest.mark.parametrize("name", PRESETS)
def test_a_flag_file_names_its_preset(name):
    with flagsaver.flagsaver():
        flags.FLAGS(["train.py", f"--flagfile={ROOT / name}"])
        assert train.codec_config().name == Path(name).stem
        assert flags.FLAGS.adversarial_start < flags.FLAGS.total_steps


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_flag_file_fits_its_codec(file, monkeypatch):
    monkeypatch.chdir(ROOT)  # flag files name each other from there
    with flagsaver.flagsaver():
        flags.FLAGS(["train.py", f"--flagfile={file}"])
        given = flags.FLAGS
        config = train.codec_config()
        for bps in given.validation_bitrate_bps:
            config.num_quantizers_for(int(bps))  # raises where the codec has no such rate
        assert given.min_quantizers <= config.num_quantizers
        assert given.quantizer_start <= given.adversarial_start


@pytest.mark.parametrize("name", [*PRESETS, "flags/denoise.flags"])
def test_a_flag_file_starts_with_its_purpose_and_command(name):
    lines = (ROOT / name).read_text().splitlines()
    comment = [line for line in lines if line.startswith("#")]
    assert comment == lines[: len(comment)]
    assert any(f"python train.py --flagfile={name}" in line for line in comment)
