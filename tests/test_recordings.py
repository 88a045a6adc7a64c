"""Folders, manifests, and the split by speaker."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from data.recordings import (
    HELD_OUT_SHARE,
    Recording,
    assign_splits,
    name_share,
    read_folder,
    series_of,
)

HEADER = "file\tkind\tspeaker\tlanguage\tlicense"


def recording(speaker: str, number: int = 0, kind: str = "speech", split: str = "-") -> Recording:
    name = f"{speaker}-{number}.wav"
    return Recording(Path("any") / name, kind, speaker, "en", "CC0", f"x:{name}", split=split)


def splits_of(recordings):
    return [r.split for r in assign_splits(recordings)]


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("noise", "game:sounds/rain1.ogg", "game:sounds/rain"),
        ("noise", "game:sounds/rain_03b.ogg", "game:sounds/rain"),
        ("noise", "game:sounds/rain.ogg#7", "game:sounds/rain"),
        ("noise", "game:sounds/12.ogg", "game:sounds/12"),
        ("noise", "game:sounds/b52 take.ogg", "game:sounds/b52 take"),
        ("music", "game:music/track1.ogg#2", "game:music/track1.ogg"),
    ],
)
def test_noise_goes_by_series_and_music_by_file(kind, source, expected):
    assert series_of(kind, source) == expected


def test_no_speaker_is_in_two_splits():
    recordings = [recording(f"speaker {n % 200}", n) for n in range(1000)]
    splits = {}
    for assigned in assign_splits(recordings):
        assert splits.setdefault(assigned.speaker, assigned.split) == assigned.split
    count = Counter(splits.values())
    assert set(count) == {"train", "valid", "test"}
    for split in ("valid", "test"):
        assert count[split] / 200 == pytest.approx(HELD_OUT_SHARE, abs=0.05)


def test_the_split_is_the_same_on_every_machine():
    # Written down once: a change of the hash would leak held-out voices into training.
    speakers = ["librispeech_5393", "librispeech_669", "vctk_p306", "vctk_p225"]
    assert [round(name_share(name), 4) for name in speakers] == [0.0156, 0.0692, 0.0062, 0.3839]
    many = [recording(f"speaker {n}") for n in range(1000)]
    for r, split in zip(many, splits_of(many)):
        share = name_share(r.speaker)
        assert split == ("valid" if share < 0.06 else "test" if share < 0.12 else "train")


def test_the_split_does_not_depend_on_the_company():
    many = [recording(f"speaker {n}") for n in range(300)]
    alone = dict(zip([r.speaker for r in many], splits_of(many)))
    for r, split in zip(many[100:], splits_of(many[100:])):
        assert alone[r.speaker] == split


def test_named_splits_stand():
    recordings = [recording(f"speaker {n}", split="test") for n in range(50)]
    assert splits_of(recordings) == ["test"] * 50


def test_a_named_split_holds_for_all_of_a_speaker():
    named = [recording(f"speaker {n}", 0, split="valid") for n in range(20)]
    unnamed = [recording(f"speaker {n}", 1) for n in range(20)]
    assert splits_of(unnamed + named) == ["valid"] * 40


@pytest.mark.parametrize("speakers", [3, 4, 7])
def test_few_speakers_give_all_three_splits(speakers):
    recordings = [recording(f"s{n % speakers}", n) for n in range(5 * speakers)]
    assert set(splits_of(recordings)) == {"train", "valid", "test"}


@pytest.mark.parametrize(("files", "splits"), [(1, 1), (2, 2), (3, 3), (40, 3)])
def test_a_single_speaker_is_split_by_file(files, splits):
    found = splits_of([recording("anna", n) for n in range(files)])
    assert len(set(found)) == splits and "train" in found


def test_kinds_are_split_apart():
    speech = [recording(f"speaker {n}") for n in range(100)]
    noise = [recording(f"noise {n}", kind="noise") for n in range(5)]
    assert splits_of(speech + noise)[:100] == splits_of(speech)
    assert set(splits_of(speech + noise)[100:]) == {"train", "valid", "test"}


def test_speakers_are_first_subfolders_or_stems(tmp_path):
    for name in ("anna/day one/a.wav", "anna/b.flac", "carl.MP3", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {r.path.name: r for r in read_folder(tmp_path)}
    assert {name: r.speaker for name, r in found.items()} == {
        "a.wav": "anna",
        "b.flac": "anna",
        "carl.MP3": "carl",
    }
    assert found["a.wav"].source == f"{tmp_path.name}:anna/day one/a.wav"
    assert {r.kind for r in found.values()} == {"speech"}


def test_it_is_said_how_speakers_were_told_apart(tmp_path, caplog):
    for name in (
        "all/clips/anna/a.wav",
        "all/clips/anna/b.m4a",
        "all/clips/bob/c.wav",
        "all/x.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    # Folders that all share tell nobody apart.
    assert {r.speaker for r in read_folder(tmp_path)} == {"anna", "bob"}
    said = [record.getMessage() for record in caplog.records]
    assert said[0].endswith("3 files are speech of 2 speakers: 3 by their folder 3 deep")
    assert said[1].endswith("passed over, no audio by name: 1 .txt")


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(ValueError, match=f"{tmp_path}: Permission denied"):
        read_folder(tmp_path)


def test_manifests_are_read(tmp_path):
    (tmp_path / "manifest.tsv").write_text(
        f"{HEADER}\tseconds\tsource_repo\tsource_path\tflag\tsplit\n"
        "a.wav\tspeech\tanna\tde\tCC0\t3\towner/repo\tx/a.ogg\tnoisy\tvalid\n"
        "r0.wav\tnoise\tme\t-\tCC0\t30\towner/repo\train.ogg#0\t\t\n"
        "r1.wav\tnoise\tme\t-\tCC0\t30\towner/repo\train.ogg#1\t\t\n"
    )
    anna, rain, more_rain = read_folder(tmp_path)
    assert anna == Recording(
        tmp_path / "a.wav",
        "speech",
        "anna",
        "de",
        "CC0",
        "owner/repo:x/a.ogg",
        flag="noisy",
        split="valid",
    )
    # Two pieces of one noise recording are one voice.
    assert rain.speaker == more_rain.speaker == "owner/repo:rain"
    assert (rain.flag, rain.split) == ("-", "-")
    assert dataclasses.replace(rain, path=more_rain.path, source=more_rain.source) == more_rain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\tkind\n", "column speaker is missing"),
        (f"{HEADER}\na.wav\tspech\ta\ten\tCC0\n", r"manifest\.tsv:2: kind is one of .* 'spech'"),
        (f"{HEADER}\tsplit\na.wav\tspeech\ta\ten\tCC0\tdev\n", "split is one of .* 'dev'"),
        (f"{HEADER}\n", "no audio files"),
    ],
)
def test_wrong_manifests_are_named(tmp_path, text, message):
    (tmp_path / "manifest.tsv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_folder(tmp_path)
