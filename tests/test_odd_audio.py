"""Files with headers that lie or say nothing: read whole, or refused with a reason."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.folder import AudioFolder
from data.preparation import prepare
from data.recordings import Recording, read_folder
from soundstream.audio import AudioError, AudioReader, read_audio, read_header, read_segment
from tools.study import odd_audio

ROOT = Path(__file__).resolve().parent.parent
RATE = 16_000
SECONDS = 2.5
# Codecs work in frames, and pad the last one.
SLACK_SECONDS = {".mp3": 0.16, ".aac": 0.14, ".m4a": 0.14, ".webm": 0.03, ".ogg": 0.02}


def glide() -> np.ndarray:
    """float32 [time]: a tone that rises, so that every stretch differs, with a voice's band."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(time))
    return (0.4 * np.sin(2 * np.pi * (200 + 150 * time) * time) + noise).astype(np.float32)


CASES = odd_audio.cases(glide(), RATE)
BY_NAME = {case.name: case for case in CASES}
WHOLE = [case for case in CASES if case.seconds]


def write(folder: Path, case: odd_audio.Case) -> Path:
    path = folder / case.name
    path.write_bytes(case.content)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_files_are_read_whole_or_refused(tmp_path, case):
    path = write(tmp_path, case)
    if case.seconds is None:
        with pytest.raises(AudioError, match=case.name.replace(".", r"\.")):
            read_audio(path)
        return
    samples, rate = read_audio(path)
    slack = SLACK_SECONDS.get(path.suffix, 0.0)
    assert -1e-3 <= len(samples) / rate - case.seconds <= slack, len(samples) / rate
    if case.seconds == SECONDS and path.suffix in (".wav", ".flac", ".caf", ".w64", ".aiff", ".au"):
        np.testing.assert_allclose(samples[:, 0], glide(), atol=1 / 32768)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_stretches_equal_those_of_the_whole(tmp_path, case):
    path = write(tmp_path, case)
    whole, rate = read_audio(path)
    header = read_header(path)
    assert (header.rate, header.channels) == (rate, 1)
    assert header.frames <= len(whole) + 0.05 * rate
    for start in (0, 700, header.frames // 2, header.frames - 2000):
        stretch = read_segment(path, start, 1000)
        if case.name.startswith(("adts", "aac", "joined")):  # noise drawn anew; times begin anew
            continue
        # Times in webm and mka are whole milliseconds.
        slip = range(-rate // 500, rate // 500 + 1) if path.suffix in (".webm", ".mka") else (0,)
        first = min(
            np.abs(stretch - whole[start + s : start + s + 1000]).max()
            for s in slip
            if start + s >= 0 and start + s + 1000 <= len(whole)
        )
        assert first < 1e-3, (start, first)


def test_headers_of_plain_wav_alone_are_for_decoders_that_trust_them(tmp_path):
    plain = {
        case.name for case in CASES if case.seconds and read_header(write(tmp_path, case)).subtype
    }
    assert plain == {"plain.wav"}


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("three_times_too_large.wav", "breaks off"),
        ("cut_off.wav", "breaks off"),
        ("junk_behind.wav", "100 bytes behind its audio"),
    ],
)
def test_what_is_missing_or_left_out_is_said(tmp_path, name, remark):
    with AudioReader(write(tmp_path, BY_NAME[name])) as reader:
        for _ in reader.blocks(10_000):
            pass
    assert len(reader.remarks) == 1 and remark in reader.remarks[0]


def test_a_wav_beyond_4_gigabytes_is_read_to_its_end(tmp_path):
    """Its size in 32 bits is what is left of the true one."""
    path = tmp_path / "long.wav"
    wav = BY_NAME["plain.wav"].content
    data = (1 << 32) + 32_000
    path.write_bytes(odd_audio.with_sizes(wav[:44], 32_036, 32_000))
    os.truncate(path, 44 + data)  # takes no room: a file of holes
    header = read_header(path)
    assert header.frames == data // 2 and header.subtype is None
    assert len(read_segment(path, data // 2 - 500, 1000)) == 500


@pytest.mark.parametrize(
    ("container", "codec", "channels", "layout"),
    [("mp4", "aac", 8, "7.1"), ("matroska", "libopus", 8, "7.1"), ("mp4", "aac", 6, "5.1")],
)
def test_surround_sound_is_read(tmp_path, container, codec, channels, layout):
    time = np.arange(48_000) / 48_000
    tones = [0.1 * np.sin(2 * np.pi * 100 * (n + 1) * time) for n in range(channels)]
    path = tmp_path / "a.mka"
    path.write_bytes(odd_audio.coded(np.stack(tones), 48_000, container, codec, layout=layout))
    samples, rate = read_audio(path)
    assert rate == 48_000 and samples.shape[1] == channels and len(samples) >= 48_000
    peaks = np.abs(np.fft.rfft(samples[5000:45_000], axis=0)).argmax(axis=0) * 48_000 / 40_000
    # The channel of low frequencies hears nothing else.
    kept = [n for n in range(channels) if n != 3]
    np.testing.assert_allclose(peaks[kept], [100 * (n + 1) for n in kept], atol=2)


def test_a_change_of_rate_is_refused_with_its_place(tmp_path):
    path = tmp_path / "two.mp3"
    other = odd_audio.mp3_without_xing(glide(), 22_050)
    path.write_bytes(odd_audio.mp3_without_xing(glide(), RATE) + other)
    with pytest.raises(AudioError, match=r"two\.mp3: changes after 2\.\d\d s .* 22050 Hz"):
        read_audio(path)


@pytest.mark.parametrize(
    "name", ["plain.wav", "rf64_pipe.wav", "no_count.flac", "no_xing.mp3", "chained.ogg"]
)
def test_pipes_carry_what_is_read_from_front_to_end(tmp_path, name):
    code = "import sys; from soundstream.codec.audio_io import open_audio\n" + (
        "with open_audio('-') as reader: print(sum(map(len, reader.blocks(999))) / reader.rate)"
    )
    command = [sys.executable, "-c", code]
    content = BY_NAME[name].content
    done = subprocess.run(command, input=content, capture_output=True, cwd=ROOT, check=True)
    assert abs(float(done.stdout) - BY_NAME[name].seconds) < 0.15
    broken = subprocess.run(command, input=b"no audio" * 99, capture_output=True, cwd=ROOT)
    assert b"standard input: cannot be read as audio" in broken.stderr.splitlines()[-1]


def test_names_that_are_no_utf_8_are_read_and_can_be_printed(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    path.write_bytes(BY_NAME["plain.wav"].content)
    (found,) = read_folder(tmp_path)
    assert found.speaker == "caf\\xe9" and found.source.endswith(":caf\\xe9.wav")
    assert len(read_audio(path)[0]) == SECONDS * RATE


def test_preparation_hears_all_of_them(tmp_path):
    for case in WHOLE:
        recording = Recording(write(tmp_path, case), "music", "-", "-", "-", case.name)
        pieces, refused = prepare(recording, RATE)
        assert abs(sum(map(len, pieces)) / RATE - case.seconds) < 0.2, (case.name, refused)
        assert all(reason.startswith("in part: ") for _, reason in refused)


def test_training_hears_all_of_them(tmp_path):
    """Each file alone: as long as it is, and nowhere silent."""
    for case in WHOLE:
        folder = tmp_path / case.name.replace(".", "_")
        folder.mkdir()
        for copy in ("a", "b", "c"):
            (folder / f"{copy}{Path(case.name).suffix}").write_bytes(case.content)
        source = AudioFolder(folder, "train", RATE)
        for clip in source.clips:
            # Of joined files the first one: no time leads into the others.
            assert clip.length / RATE > SECONDS - 0.1 or case.name == "cut_off.wav", case.name
            stretch = source.samples(clip, clip.length // 2, RATE // 2)
            assert np.sqrt(np.mean(stretch**2)) > 0.2, case.name


def test_a_file_that_proves_damaged_is_named_and_another_taken(tmp_path, caplog):
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.flac").write_bytes(BY_NAME["plain.flac"].content)
    source = AudioFolder(tmp_path, "train", RATE)
    first = source.clips[0]
    bad = source.segment(first, 0, 1).file.path
    bad.write_bytes(b"no audio any more")
    stretch = source.samples(first, 8000, 8000)
    assert np.sqrt(np.mean(stretch**2)) > 0.2
    assert any(bad.name in record.getMessage() for record in caplog.records)


def test_without_pyav_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert len(read_audio(write(tmp_path, BY_NAME["plain.flac"]))[0]) == SECONDS * RATE
    with pytest.raises(AudioError, match=r"aac\.m4a: .* pip install av"):
        read_audio(write(tmp_path, BY_NAME["aac.m4a"]))
