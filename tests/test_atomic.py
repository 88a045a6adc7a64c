"""Files appear whole or not at all; streams are written through; nothing is left behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundstream.atomic import is_stream, whole_file, write_whole
from soundstream.audio import write_audio

ROOT = Path(__file__).resolve().parent.parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_replaced_at_once_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old" and temporary.parent == tmp_path
    assert path.read_text() == "new" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old" and names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("there", [True, False])
def test_links_are_followed(tmp_path, there):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    if there:
        target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and target.read_text() == "new"


def test_the_longest_names_can_be_written(tmp_path):
    name = "ä" * 125 + ".wav"  # 254 bytes; 255 are allowed
    write_audio(tmp_path / name, np.zeros(10), 16_000)
    assert names(tmp_path) == [name]


def test_pipes_and_devices_are_written_through(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    heard = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    write_whole(tmp_path / "fifo", "through")
    reader.join(10)
    assert heard == [b"through"] and stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    write_whole("/dev/null", "gone")
    assert is_stream("/dev/stdout") and is_stream("/dev/null") and not is_stream(tmp_path / "new")


def test_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        write_whole(tmp_path, "text")
    with pytest.raises(ValueError, match="no such folder"):
        write_whole(tmp_path / "nowhere" / "a", "text")


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_what_the_system_refuses_to_write_is_said_with_the_file(tmp_path, suffix):
    code = (
        "import resource, sys, numpy as np; from soundstream.audio import write_audio\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_audio(sys.argv[1], np.random.default_rng(0).uniform(-1, 1, 99_999), 16_000)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / f"a.{suffix}")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert f"File too large: '{tmp_path}/a.{suffix}'" in done.stderr.splitlines()[-1]
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_nothing_behind_and_still_end_the_process(tmp_path, number):
    code = (
        "import sys, time; from soundstream import atomic, console\n"
        "with console.guarded(), atomic.whole_file(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); print('on', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}

    # What a shell in the background makes its children ignore, this one minds as ever.
    def minded() -> None:
        signal.signal(number, signal.SIG_DFL)

    with subprocess.Popen(command, **streams, preexec_fn=minded) as process:
        assert process.stdout.readline() == "on\n" and len(names(tmp_path)) == 1
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert names(tmp_path) == []
    if number == signal.SIGINT:
        assert process.returncode == 130 and said == "-c: interrupted\n"
    else:
        assert process.returncode == -number and said == ""


def run(*arguments, cwd, **options):
    command = [sys.executable, str(ROOT / "tests" / "fake_codec.py"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, **options)


def test_the_command_asks_before_it_replaces_and_writes_through(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.ones(1000), 16_000)
    original = (tmp_path / "a.wav").read_bytes()
    lossless = "--bitrate_bps=256000"
    assert run("encode", ".", ".", lossless, cwd=tmp_path).returncode == 0
    refused = run("decode", ".", ".", cwd=tmp_path)
    assert refused.returncode == 1 and (tmp_path / "a.wav").read_bytes() == original
    assert refused.stderr == b"codec.py: a.wav: exists already; --overwrite replaces it\n"
    assert run("decode", ".", ".", "--overwrite", cwd=tmp_path).returncode == 0
    through = run("decode", "a.sst", "/dev/stdout", cwd=tmp_path)
    assert through.stdout[:4] == b"RIFF" and b"a.sst -> /dev/stdout" in through.stderr
    coded = run("encode", "a.wav", "/dev/stdout", lossless, cwd=tmp_path)
    assert coded.stdout[:3] == b"SST"


def test_names_that_the_terminal_cannot_show_do_not_end_a_folder(tmp_path):
    for name in (b"caf\xe9.wav", "größe.wav".encode()):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        soundfile.write(os.fsencode(path), np.zeros(1000), 16_000)
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in (("encode", ".", "coded", "--bitrate_bps=256000"), ("decode", "coded", "out")):
        done = run(*arguments, cwd=tmp_path, env=ascii_only)
        assert done.returncode == 0, done.stderr
    assert sorted(map(os.fsencode, names(tmp_path / "out"))) == [
        b"caf\xe9.wav",
        "größe.wav".encode(),
    ]


def test_what_follows_the_end_of_a_stream_is_said(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.ones(1000), 16_000)
    run("encode", "a.wav", "a.sst", "--bitrate_bps=256000", cwd=tmp_path)
    once = (tmp_path / "a.sst").read_bytes()
    for behind, words in ((once, "another stream"), (b"noise" * 9, "45 bytes behind its end")):
        (tmp_path / "two.sst").write_bytes(once + behind)
        for arguments in (("decode", "two.sst", "two.wav", "--overwrite"), ("info", "two.sst")):
            done = run(*arguments, cwd=tmp_path)
            assert done.returncode == 2 and words in done.stderr.decode()
        assert soundfile.info(tmp_path / "two.wav").frames == 1000


@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_times_that_are_none_are_one_line(tmp_path, value):
    (tmp_path / "a.sst").touch()
    done = run("decode", "a.sst", "a.wav", f"--start_seconds={value}", cwd=tmp_path)
    assert (
        done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"start_seconds" in done.stderr
    )
