"""The prepared form: what is written is what is read, at any offset."""

import json

import numpy as np
import pytest

from data.shards import (
    FORMAT_VERSION,
    METADATA_FILE,
    PreparedSplit,
    ShardWriter,
    read_index,
    to_float32,
    to_int16,
)

TEXT = {
    "kind": "speech",
    "speaker": "anna",
    "language": "en",
    "license": "CC0",
    "source": "package:file.ogg",
    "flag": "-",
}


def write_clips(folder, lengths, shard_samples=1000):
    """A train split of random clips; returns them."""
    rng = np.random.default_rng(0)
    clips = [rng.integers(-32768, 32768, size=n).astype(np.int16) for n in lengths]
    with ShardWriter(folder, "train", shard_samples) as writer:
        for number, clip in enumerate(clips):
            writer.add(clip, **{**TEXT, "speaker": f"speaker {number}"})
    metadata = {"format_version": FORMAT_VERSION, "sample_rate": 16_000}
    (folder / METADATA_FILE).write_text(json.dumps(metadata))
    return clips


def test_every_int16_value_survives():
    values = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(to_float32(values)), values)


def test_samples_beyond_full_scale_are_clipped():
    np.testing.assert_array_equal(to_int16(np.array([2.0, -2.0], np.float32)), [32767, -32768])


def test_clips_are_read_back_from_several_shards(tmp_path):
    clips = write_clips(tmp_path, [600, 300, 500, 2500, 10])
    split = PreparedSplit(tmp_path, "train")
    assert split.sample_rate == 16_000
    assert [clip.shard for clip in split.clips] == [0, 0, 1, 2, 3]
    assert [clip.speaker for clip in split.clips] == [f"speaker {n}" for n in range(5)]
    for clip, samples in zip(split.clips, clips):
        np.testing.assert_array_equal(split.samples(clip, 0, len(samples)), to_float32(samples))


def test_stretches_end_with_their_clip(tmp_path):
    clips = write_clips(tmp_path, [600, 300])
    split = PreparedSplit(tmp_path, "train")
    np.testing.assert_array_equal(
        split.samples(split.clips[0], 500, 50), to_float32(clips[0][500:550])
    )
    assert len(split.samples(split.clips[0], 550, 100)) == 50


def test_odd_names_keep_the_index_readable(tmp_path):
    odd = 'a "quoted"\tname\nof two lines'
    with ShardWriter(tmp_path, "train") as writer:
        writer.add(np.zeros(10, np.int16), **{**TEXT, "source": odd})
        writer.add(np.zeros(10, np.int16), **TEXT)
    first, second = read_index(tmp_path, "train")
    assert first.source == 'a "quoted" name of two lines' and second.source == TEXT["source"]


def test_an_empty_split_is_fine(tmp_path):
    write_clips(tmp_path, [])
    assert PreparedSplit(tmp_path, "train").clips == []


def test_nothing_is_indexed_when_writing_fails(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, "train") as writer:
        writer.add(np.zeros(10, np.int16), **TEXT)
        raise RuntimeError
    assert not (tmp_path / "train.tsv").exists()


def test_unfinished_and_foreign_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no dataset\.json"):
        PreparedSplit(tmp_path, "train")
    write_clips(tmp_path, [10])
    with pytest.raises(ValueError, match=r"valid\.tsv: no such index"):
        PreparedSplit(tmp_path, "valid")
    (tmp_path / METADATA_FILE).write_text('{"format_version": 99, "sample_rate": 16000}')
    with pytest.raises(ValueError, match="version 99"):
        PreparedSplit(tmp_path, "train")
    (tmp_path / "train.tsv").write_text("a\tb\n")
    with pytest.raises(ValueError, match="header"):
        read_index(tmp_path, "train")
