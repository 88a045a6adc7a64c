"""Batches and clips from both forms of data: the same ones for the same seed and step."""

import csv
import itertools

import numpy as np
import pytest
import soundfile

from data import decoding
from data.corpus import build
from data.pipeline import evaluation_clips, training_batches
from data.recordings import read_folder
from data.sampling import MixOptions
from soundstream.audio import resample

RATE = 16_000
CROP = 4_000
# Files that tensorflow-io decodes.
IN_GRAPH = ["PCM_16", "PCM_24", "FLOAT"]  # of wav


def voice(seed: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """Wideband noise, loud from end to end and without offset: nothing of it is changed."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, size=round(seconds * rate))
    return (np.round((samples - samples.mean()) * 32768) / 32768).astype(np.float32)


def write_folder(folder, rows, seconds=3.0):
    """A folder with a manifest: rows of (speaker, kind, flag, split), each a file of its own."""
    folder.mkdir()
    with (folder / "manifest.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["file", "kind", "speaker", "language", "license", "flag", "split"])
        for number, (speaker, kind, flag, split) in enumerate(rows):
            name = f"{number:02d}.wav"
            soundfile.write(folder / name, voice(number, seconds), RATE)
            writer.writerow([name, kind, speaker, "en", "CC0", flag, split])
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four speakers in train, two in valid, one noise."""
    rows = [(name, "speech", "-", "train") for name in "abcdab"]
    rows += [("v", "speech", "-", "valid"), ("v", "speech", "noisy", "valid")]
    rows += [("w", "speech", "-", "valid"), ("w", "speech", "-", "valid")]
    rows += [("rain", "noise", "-", "train")]
    return write_folder(tmp_path_factory.mktemp("data") / "plain", rows)


@pytest.fixture(scope="module")
def prepared(folder):
    """The same recordings in the prepared form."""
    path = folder.parent / "prepared"
    build(read_folder(folder), path, sample_rate=RATE, workers=1, facts={})
    return path


@pytest.fixture(params=["folder", "prepared"])
def data_dir(request):
    """Either form."""
    return request.getfixturevalue(request.param)


def batches(data_dir, count, **options):
    """The first `count` batches as numpy arrays."""
    arguments = {"sample_rate": RATE, "batch_size": 3, "crop_samples": CROP, "seed": 0, **options}
    dataset = training_batches(data_dir, **arguments)
    return [[part.numpy() for part in batch] for batch in itertools.islice(dataset, count)]


def assert_same(left, right):
    for one, other in zip(left, right):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)


def test_shapes_and_ranges(data_dir):
    dataset = training_batches(data_dir, sample_rate=RATE, batch_size=3, crop_samples=CROP, seed=0)
    signal, target, denoise = next(iter(dataset))
    assert signal.shape == target.shape == (3, CROP, 1) and denoise.shape == (3,)
    assert [tuple(spec.shape) for spec in dataset.element_spec] == [(3, CROP, 1)] * 2 + [(3,)]
    assert np.abs(signal).max() <= 1.0 and np.abs(signal).max() > 0.0


def test_a_resumed_run_sees_the_batches_of_the_unbroken_one(data_dir):
    mix = MixOptions(noisy_share=0.5, denoise_share=0.5, noise_share=0.2, colour_share=0.5)
    unbroken = batches(data_dir, 6, mix=mix)
    assert_same(unbroken[4:], batches(data_dir, 2, start_step=4, mix=mix))
    assert not np.array_equal(unbroken[0][0], unbroken[1][0])


def test_seeds_differ(data_dir):
    (first,), (second,) = batches(data_dir, 1, seed=1), batches(data_dir, 1, seed=2)
    assert not np.array_equal(first[0], second[0])


def test_shards_share_out_the_batches(data_dir):
    whole = batches(data_dir, 4)
    assert_same(whole[0::2], batches(data_dir, 2, shard=(0, 2)))
    assert_same(whole[1::2], batches(data_dir, 2, shard=(1, 2)))
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        batches(data_dir, 1, shard=(2, 2))


def test_both_forms_give_the_same_batches(folder, prepared):
    mix = MixOptions(noisy_share=0.5, denoise_share=0.5)
    for one, other in zip(batches(folder, 5, mix=mix), batches(prepared, 5, mix=mix)):
        for a, b in zip(one, other):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    ("suffix", "rate", "subtype", "in_graph"),
    [
        (".wav", 16_000, "PCM_16", True),
        (".wav", 44_100, "PCM_24", True),
        (".wav", 16_000, "FLOAT", True),
        (".wav", 16_000, "PCM_U8", False),
        (".wav", 16_000, "PCM_32", False),
        (".flac", 48_000, "PCM_16", False),
        (".flac", 22_050, "PCM_24", False),
        (".ogg", 32_000, "VORBIS", False),
        (".ogg", 48_000, "OPUS", False),
        (".mp3", 44_100, "MPEG_LAYER_III", False),
    ],
)
@pytest.mark.parametrize("long", [False, True])
def test_every_format_is_decoded_at_the_right_place(
    tmp_path, monkeypatch, suffix, rate, subtype, in_graph, long
):
    by_library = []
    read = decoding.read_mono
    monkeypatch.setattr(decoding, "read_mono", lambda *a: by_library.append(a) or read(*a))
    monkeypatch.setattr(decoding, "WHOLE_FILE_SECONDS", 1 if long else 15)
    path = tmp_path / f"a{suffix}"
    stereo = np.stack([voice(0, 2.0, rate), voice(1, 2.0, rate)], axis=1)
    soundfile.write(path, stereo, rate, subtype=subtype)
    decoded, _ = soundfile.read(path, dtype="float32")
    whole = resample(decoded.mean(axis=1), rate, RATE)
    options = MixOptions(floor_share=0.0, silence_share=0.0, peak_dbfs=(0.0, 0.0))
    for signal, _, _ in batches(tmp_path, 2, mix=options):
        for crop in signal[..., 0]:
            # The crop is found in the file, decoded and resampled as a whole.
            match = np.correlate(whole, crop, mode="valid")
            start = int(match.argmax())
            found = whole[start : start + CROP] / np.abs(whole[start : start + CROP]).max()
            assert np.abs(found - crop).max() < 2e-3
    assert bool(by_library) == (long or not in_graph or decoding.tfio is None)


@pytest.mark.skipif(decoding.tfio is None, reason="no tensorflow-io on this version of Python")
@pytest.mark.parametrize("subtype", IN_GRAPH)
def test_samples_are_the_same_without_tensorflow_io(tmp_path, monkeypatch, subtype):
    stereo = np.stack([voice(0, 2.0), voice(1, 2.0)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, RATE, subtype=subtype)
    with_it = batches(tmp_path, 2)
    monkeypatch.setattr(decoding, "_NUMBERS", {})
    monkeypatch.setattr(decoding, "_DECODERS", {})
    for one, other in zip(with_it, batches(tmp_path, 2)):
        for a, b in zip(one, other):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_bad_files_are_named_and_left_out(tmp_path, caplog):
    soundfile.write(tmp_path / "good.wav", voice(0, 2.0), RATE)
    soundfile.write(tmp_path / "low.wav", voice(0, 2.0), 8_000)
    soundfile.write(tmp_path / "void.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "cut.flac", voice(0, 2.0), RATE)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "manifest.tsv").write_text(
        "file\tkind\tspeaker\tlanguage\tlicense\tsplit\n"
        + "".join(
            f"{name}\tspeech\tanna\ten\tCC0\ttrain\n"
            for name in ("good.wav", "low.wav", "void.wav", "cut.flac", "text.wav", "gone.wav")
        )
    )
    assert len(batches(tmp_path, 1)) == 1
    for name in ("low.wav", "void.wav", "cut.flac", "text.wav", "gone.wav"):
        assert sum(name in record.getMessage() for record in caplog.records) == 1, name
    assert not any("good.wav" in record.getMessage() for record in caplog.records)


def test_wrong_folders_and_rates_are_one_clear_line(tmp_path, folder, prepared):
    with pytest.raises(ValueError, match="prepared at 16000 Hz, but 24000 Hz is asked for"):
        batches(prepared, 1, sample_rate=24_000)
    with pytest.raises(ValueError, match="no usable audio at 24000 Hz"):
        batches(folder, 1, sample_rate=24_000)
    with pytest.raises(ValueError, match="no audio files"):
        batches(tmp_path, 1)
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        batches(tmp_path / "nowhere", 1)


def test_evaluation_clips_take_each_speaker_first_and_only_clean_ones(data_dir):
    arguments = {"split": "valid", "sample_rate": RATE, "seconds": 2.0}
    clips = evaluation_clips(data_dir, max_clips=10, **arguments)
    assert clips.shape == (3, 2 * RATE) and clips.dtype == np.float32
    # Files 6 (v), 8 and 9 (w); 7 is noisy. The middle two of three seconds.
    middle = {number: voice(number, 3.0)[RATE // 2 : RATE * 5 // 2] for number in (6, 8, 9)}
    found = [
        next(n for n, samples in middle.items() if np.abs(samples - clip).max() < 1e-4)
        for clip in clips
    ]
    assert sorted(found[:2]) == [6, 8] and found[2] == 9
    np.testing.assert_array_equal(evaluation_clips(data_dir, max_clips=2, **arguments), clips[:2])


def test_evaluation_clips_are_padded_when_short(data_dir):
    clips = evaluation_clips(data_dir, split="valid", sample_rate=RATE, max_clips=1, seconds=4.0)
    assert np.abs(clips[0, : 3 * RATE]).max() > 0.1 and not clips[0, 3 * RATE :].any()


def test_a_split_without_clean_clips_is_named(data_dir):
    with pytest.raises(ValueError, match="no clean music in the valid split"):
        evaluation_clips(
            data_dir, split="valid", sample_rate=RATE, max_clips=1, seconds=1.0, kind="music"
        )
