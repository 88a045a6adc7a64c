"""Reading, writing, resampling of audio files, and what happens to files that are none."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from soundstream.audio import (
    AudioError,
    AudioReader,
    read_audio,
    read_segment,
    resample,
    write_audio,
)


def sine(hertz: float, rate: int, seconds: float, channels: int = 1) -> np.ndarray:
    """float32 [time, channels]; channel c has amplitude 0.5 / (c + 1)."""
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([0.5 * wave / (c + 1) for c in range(channels)], axis=1).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_16_bit_files_round_trip(tmp_path, suffix, channels):
    samples = sine(440.0, 16_000, 0.2, channels)
    write_audio(tmp_path / f"a{suffix}", samples, 16_000)
    read, rate = read_audio(tmp_path / f"a{suffix}")
    assert rate == 16_000 and read.shape == samples.shape and read.dtype == np.float32
    assert np.abs(read - samples).max() <= 1 / 32768


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_lossy_files_are_read(tmp_path, suffix):
    write_audio(tmp_path / f"a{suffix}", sine(440.0, 44_100, 1.0), 44_100)
    read, rate = read_audio(tmp_path / f"a{suffix}", sample_rate=16_000)
    assert rate == 16_000
    spectrum = np.abs(np.fft.rfft(read[:16_000, 0]))
    assert abs(int(spectrum.argmax()) - 440) <= 2


def test_raw_g722_is_known_by_its_suffix(tmp_path):
    av = pytest.importorskip("av")
    samples = sine(1000.0, 16_000, 1.0)
    path = tmp_path / "prompt.g722"
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            (samples.T * 32767).astype(np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    read, rate = read_audio(path)
    assert rate == 16_000 and abs(len(read) - 16_000) < 400
    assert abs(int(np.abs(np.fft.rfft(read[:15_000, 0])).argmax()) - 1000 * 15 / 16) <= 2


def test_too_loud_samples_are_clipped_not_wrapped(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([2.0, -2.0, 0.5]), 16_000)
    read, _ = read_audio(tmp_path / "a.wav")
    np.testing.assert_allclose(read[:, 0], [1.0, -1.0, 0.5], atol=1e-4)


@pytest.mark.parametrize("rates", [(44_100, 16_000), (16_000, 48_000), (192_000, 16_000)])
def test_resampling_has_no_delay_and_keeps_the_level(rates):
    from_rate, to_rate = rates
    resampled = resample(sine(1000.0, from_rate, 0.5), from_rate, to_rate)
    expected = sine(1000.0, to_rate, 0.5)
    assert abs(len(resampled) - len(expected)) <= 1
    middle = slice(to_rate // 10, to_rate // 5)
    assert np.abs(resampled[middle] - expected[middle]).max() < 1e-3


def test_resampling_refuses_a_rate_of_zero():
    with pytest.raises(ValueError, match="0 Hz"):
        resample(np.zeros(10, np.float32), 16_000, 0)


@pytest.mark.parametrize("sample_rate", [None, 22_050, 16_000, 48_000])
@pytest.mark.parametrize("block", [1000, 7919, 10**6])
def test_reader_yields_the_whole_file_in_even_blocks(tmp_path, sample_rate, block):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, size=(30_011, 2)).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 22_050, subtype="FLOAT")
    whole, rate = read_audio(path, sample_rate)
    with AudioReader(path, sample_rate) as reader:
        assert (reader.rate, reader.source_rate, reader.channels) == (rate, 22_050, 2)
        assert abs(reader.frames - len(whole)) <= 1
        blocks = list(reader.blocks(block))
    assert all(len(part) == block for part in blocks[:-1]) and 0 < len(blocks[-1]) <= block
    joined = np.concatenate(blocks)
    assert abs(len(joined) - len(whole)) <= 1
    common = min(len(joined), len(whole))
    assert np.abs(joined[:common] - whole[:common]).max() < 1e-4


def test_segment_equals_a_slice_of_the_whole(tmp_path):
    write_audio(tmp_path / "a.flac", sine(300.0, 16_000, 1.0), 16_000)
    whole, _ = read_audio(tmp_path / "a.flac")
    np.testing.assert_array_equal(read_segment(tmp_path / "a.flac", 700, 500), whole[700:1200])
    assert len(read_segment(tmp_path / "a.flac", 15_900, 500)) == 100


@pytest.mark.parametrize("length", [0, 1])
def test_tiny_files_are_read(tmp_path, length):
    write_audio(tmp_path / "a.wav", np.zeros((length, 1)), 44_100)
    samples, _ = read_audio(tmp_path / "a.wav", sample_rate=16_000)
    assert samples.shape[1] == 1 and len(samples) <= length
    with AudioReader(tmp_path / "a.wav") as reader:
        assert sum(len(block) for block in reader.blocks(100)) == length


def _text(path):
    path.write_text("this is no audio\n")


def _empty(path):
    path.write_bytes(b"")


def _folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (_text, "cannot be read as audio"),
        (_empty, "the file is empty"),
        (_folder, "it is a folder"),
    ],
    ids=["missing", "text", "empty", "folder"],
)
@pytest.mark.parametrize("reader", [read_audio, AudioReader, lambda path: read_segment(path, 0, 1)])
def test_unreadable_files_are_named_with_the_reason(tmp_path, make, reason, reader):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(AudioError, match=rf"a\.wav: {reason}"):
        reader(path)


def test_unwritable_files_are_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        write_audio(tmp_path / "nowhere" / "a.wav", np.zeros(10), 16_000)
    with pytest.raises(AudioError, match=r"a\.xyz"):
        write_audio(tmp_path / "a.xyz", np.zeros(10), 16_000)


def test_no_tensorflow_is_imported():
    code = "import sys, soundstream.audio; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
