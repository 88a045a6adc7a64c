"""The codec in JavaScript: in Node, beside the Python side."""

import json
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import web_tools
from web_demo import join_modules, litert

_SHOWN = ("p10_ms", "median_ms")  # of the times, in the guide
CLIP = web_tools.ROOT / "demo" / "clips" / "english_vctk_p262.flac"


@pytest.fixture(scope="module")
def litert_dir(tmp_path_factory) -> Path:
    return web_tools.litert_for_node(tmp_path_factory.mktemp("litert"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Two seconds of speech, one of a pause and no whole number of frames, as wav."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    samples, rate = soundfile.read(CLIP, frames=32_000, dtype="int16")
    noise = np.random.default_rng(0).integers(-9, 10, 16_123).astype(np.int16)
    soundfile.write(path, np.concatenate([samples, noise]), rate)
    return path


def codec(*arguments: object) -> None:
    command = [sys.executable, "codec.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=web_tools.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


@pytest.mark.parametrize("name", ["format", "codec"])
def test_format_and_signal_processing(name):
    assert "# fail 0" in web_tools.node(["--test", web_tools.TESTS / f"{name}.test.js"])


@pytest.mark.parametrize("name", ["model", "live"])
def test_the_shipped_models(name, litert_dir):
    printed = web_tools.node(["--test", web_tools.TESTS / f"{name}.test.js"], litert_dir)
    assert "# fail 0" in printed


@pytest.mark.parametrize(("bitrate_bps", "dtx"), [(3000, False), (12000, False), (3000, True)])
def test_files_are_those_of_python_byte_for_byte(litert_dir, clip, tmp_path, bitrate_bps, dtx):
    our_file, their_file = tmp_path / "ours.sst", tmp_path / "theirs.sst"
    arguments = ["encode", clip, our_file, bitrate_bps, str(dtx).lower()]
    web_tools.node([web_tools.TESTS / "code_file.js", *arguments], litert_dir)
    pauses = "--dtx" if dtx else "--nodtx"
    codec("encode", clip, their_file, f"--bitrate_bps={bitrate_bps}", pauses)
    assert our_file.read_bytes() == their_file.read_bytes()

    sounds = {}
    for name, source in (("ours", their_file), ("theirs", our_file)):
        target = tmp_path / f"{name}.wav"
        if name == "ours":
            web_tools.node([web_tools.TESTS / "code_file.js", "decode", source, target], litert_dir)
        else:
            codec("decode", source, target)
        sounds[name] = samples_of(target)
    assert {len(sound) for sound in sounds.values()} == {len(samples_of(clip))}
    spoken = slice(0, 32_000)  # what follows is noise of random numbers in the case of dtx
    ours, theirs = sounds["ours"][spoken], sounds["theirs"][spoken]
    assert np.mean(theirs**2) > 1e5 * np.mean((ours - theirs) ** 2)  # 50 dB
    assert np.abs(theirs).max() > 3000


def test_a_rate_other_than_the_models_comes_back(litert_dir, tmp_path):
    source, coded, decoded = (tmp_path / name for name in ("in.wav", "out.sst", "out.wav"))
    time = np.arange(22_051) / 22_050
    soundfile.write(source, 0.3 * np.sin(2 * np.pi * 300 * time * (1 + time)), 22_050)
    web_tools.node(
        [web_tools.TESTS / "code_file.js", "encode", source, coded, 6000, "false"], litert_dir
    )
    codec("decode", coded, decoded)
    assert soundfile.info(decoded).samplerate == 22_050
    assert len(samples_of(decoded)) == 22_051
    assert np.corrcoef(samples_of(decoded), samples_of(source))[0, 1] > 0.5


def test_modules_are_joined_in_order_and_clashes_are_named(tmp_path):
    (tmp_path / "a.js").write_text("import {\n  b,\n} from './b.js';\nexport const a = b + 1;\n")
    (tmp_path / "b.js").write_text("export const b = 1;\n")
    script = join_modules.joined(tmp_path / "a.js")
    assert script.index("const b = 1") < script.index("const a = b + 1")
    assert not re.search(r"\b(import|export)\b", script)
    (tmp_path / "b.js").write_text("const a = 2;\nexport const b = a;\n")
    with pytest.raises(ValueError, match=r"a\.js and b\.js both declare a"):
        join_modules.joined(tmp_path / "a.js")
    (tmp_path / "b.js").write_text("export default 1;\n")
    with pytest.raises(ValueError, match=r"b\.js: cannot be joined: export default 1;"):
        join_modules.joined(tmp_path / "a.js")


def test_a_package_that_is_another_one_is_refused(tmp_path):
    (tmp_path / litert.ARCHIVE).write_bytes(b"not what was tested")
    with pytest.raises(ValueError, match=r"litertjs-core-2\.5\.3\.tgz has the checksum"):
        litert.fetch(tmp_path)


def test_the_guide_shows_what_was_measured():
    docs = web_tools.ROOT / "docs"
    guide, facts = (docs / "web.md").read_text(), json.loads((docs / "web.json").read_text())
    sizes = re.findall(r"^\| \D.* \| (\d+\.\d) \|$", guide, re.M)
    assert sizes == [f"{size / 1e6:.1f}" for size in facts["bytes"].values() if size]
    rows = re.findall(r"\| (\d+\.\d) / (\d+\.\d) \| (\d+\.\d) / (\d+\.\d) \|$", guide, re.M)
    assert rows == [
        tuple(str(parts[part][key]) for part in ("encoder", "decoder") for key in _SHOWN)
        for parts in facts["times_per_20_ms_frame"].values()
    ]
    for fact in (facts["processor"], facts["browser"], f"load\n{facts['load_average']:.0f}"):
        assert fact.replace("\n", " ") in guide.replace("\n", " ")


def test_javascript_keeps_the_house_rules():
    files = [*(web_tools.ROOT / "web_demo").rglob("*.js"), *web_tools.TESTS.glob("*.js")]
    assert len(files) > 30
    for file in files:
        lines = file.read_text().splitlines()
        assert len(lines) <= 300, file
        assert max(map(len, lines)) <= 100, file
