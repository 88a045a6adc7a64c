"""The commands of README and of the guides: run on tiny data, or looked up where they are long."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundstream import cli

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT / "demo" / "clips"
NAMES = ("library", "server", "training", "denoising", "evaluation", "loss", "faq")
GUIDES = ("README.md", *(f"docs/{name}.md" for name in NAMES))
# What a newcomer has, or is told where to get; our own programs are looked up by other tests too.
KNOWN = {
    *("git", "cd", "pip", "make", "python", "soundstream", "gradle", "./gradlew", "tensorboard"),
    "python3.11",
}
# What the training of README needs to be over in seconds.
SHORT = {
    "train.py": "--total_steps=3 --batch_size=2 --quantizer_start=1 --adversarial_start=2 "
    "--adversarial_ramp=1 --validation_steps=3 --validation_bitrate_bps=3000 "
    "--validation_max_files=1 --codec_num_quantizers=10 --discriminator_windows=256 "
    "--discriminator_channels=4",
    "export/to_tflite.py": "--flavour=dynamic_int8 --bitrate_bps=3000",
}


def commands(page: str) -> list[str]:
    """The lines of a page's indented blocks, without comments, continued ones as one."""
    text = re.sub(r" *\\\n +", " ", (ROOT / page).read_text())
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    lines = re.findall(r"(?<=\n)    (\S.*)", text)
    return [re.sub(r"\s+# .*", "", line) for line in lines]


def words(line: str) -> list[str]:
    """The words of the first command of a line."""
    return shlex.split(line.partition(" && ")[0])


@pytest.mark.parametrize("page", GUIDES)
def test_commands_are_of_programs_that_readers_have(page):
    programs = {words(line)[0] for line in commands(page) if line[0] != "-"} - KNOWN
    assert [name for name in programs if not (ROOT / name).is_file()] == []


def test_files_that_pip_reads_are_there():
    given = [words(line) for page in GUIDES for line in commands(page)]
    installed = [parts[2:] for parts in given if parts[:2] == ["pip", "install"]]
    assert ["."] in installed
    for parts in installed:
        path = parts[-1] if parts[0] == "-r" else "pyproject.toml"
        assert (ROOT / path).is_file(), parts


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that looks like a checkout, with a recording and a folder of recordings."""
    for name in ("data", "export", "pretrained", "train.py", "codec.py", "speech.flags"):
        (tmp_path / name).symlink_to(ROOT / name)
    clips = sorted(CLIPS.glob("*.flac"))
    soundfile.write(tmp_path / "speech.wav", *soundfile.read(clips[0]))
    (tmp_path / "my_recordings").mkdir()
    for clip in clips:
        shutil.copy(clip, tmp_path / "my_recordings")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(parts: list[str]) -> str:
    done = subprocess.run([sys.executable, *parts], capture_output=True, text=True)
    assert done.returncode == 0, f"{parts}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/library.md", "docs/denoising.md"])
def test_files_are_coded_as_the_page_says(page, checkout, capsys):
    given = [words(line.replace("python codec.py", "soundstream")) for line in commands(page)]
    coded = [parts for parts in given if parts[0] == "soundstream"]
    assert coded
    (checkout / "exported").symlink_to(ROOT / "pretrained" / "speech")
    shutil.copy("speech.wav", "noisy.wav")
    for parts in coded:
        paths = [Path(part) for part in parts[2:] if not part.startswith("--")]
        if len(paths) == 2 and paths[1].is_file():
            paths[1].unlink()  # of a command before: none replaces a file unasked
        assert cli.main(parts) == cli.OK, parts
    if any(parts[1] == "decode" for parts in coded):
        assert soundfile.info("copy.wav").frames == soundfile.info("speech.wav").frames
    if any(parts[1] == "info" for parts in coded):
        assert "model id  " in capsys.readouterr().out


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


@pytest.mark.usefixtures("checkout")
def test_the_examples_of_the_readme_run():
    names = {"microphone": np.zeros(1000, np.float32)}
    for example in examples("README.md"):
        exec(compile(example, "README.md", "exec"), names)
    assert len(names["decoded"]) == len(names["samples"])
    assert names["heard"].shape == (320,)


def test_the_examples_for_servers_run(checkout):
    from export.to_tflite import export_model
    from model.soundstream import SoundStream
    from tests.tiny import tiny_config

    streams = 16
    export_model(
        SoundStream(tiny_config()), Path("batched16"), ["float32"], [800], streams_per_call=streams
    )
    one, several = examples("docs/server.md")
    names: dict = {}
    exec(compile(one, "docs/server.md", "exec"), names)
    assert names["codes"].shape == (10, 10) and names["audio"].shape == names["samples"].shape
    exec(compile(several.replace("=3000", "=800"), "docs/server.md", "exec"), names)
    assert names["audio"].shape == names["samples"].shape == (streams, 40)


def test_the_example_of_the_bitstream_runs(checkout):
    names = {"samples": np.zeros(320, np.float32), "number": 0}
    packets, redundancy = examples("docs/bitstream.md")
    exec(compile(packets, "docs/bitstream.md", "exec"), names)
    assert len(names["payload"]) <= 10 and names["audio"].shape == (320,)
    exec(compile(redundancy, "docs/bitstream.md", "exec"), names)
    assert len(names["payload"]) > 2 and names["audio"].size == 320


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a busy machine takes long to build the graphs
def test_a_codec_is_trained_as_the_readme_says(checkout):
    section = (ROOT / "README.md").read_text().partition("## Train your own")[2]
    section = re.sub(r" *\\\n +", " ", section.partition("\n## ")[0])
    lines = re.findall(r"(?<=\n)    (python .*)", section)
    assert len(lines) == 4
    for line in lines:
        program, *rest = shlex.split(line)[1:]
        run([program, *rest, *SHORT.get(program, "").split()])
    assert (checkout / "speech.sst").stat().st_size > 100
