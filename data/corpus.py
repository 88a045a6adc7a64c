"""Fetches the open corpus, screens it, and writes the prepared form that training reads.

python data/corpus.py --output_dir=speech_data
python data/corpus.py --nodebian --input_dir=my_recordings --output_dir=my_data
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from absl import flags
from tqdm import tqdm

from common import command_line
from data import debian, preparation, shards
from data.recordings import KINDS, Recording, assign_splits, read_folder
from soundstream.atomic import write_whole

FLAGS = flags.FLAGS

# What the manifests of public clip collections leave unsaid, by the beginning of the speaker's
# name: (split, flag). A voice with much audio stays in train, where its minutes are of use, and so
# does a crowd under one label, since nobody can tell which of its members speak elsewhere.
KNOWN_SPEAKERS = {
    "kerstin": ("train", "-"),
    "pico_intent": ("train", "-"),
    "mycroft": ("train", "short"),
}


def with_known_facts(recording: Recording) -> Recording:
    """Fills in split and flag of speakers in KNOWN_SPEAKERS where their manifest has none."""
    for beginning, (split, flag) in KNOWN_SPEAKERS.items():
        if recording.kind == "speech" and recording.speaker.startswith(beginning):
            return dataclasses.replace(
                recording,
                split=split if recording.split == "-" else recording.split,
                flag=flag if recording.flag == "-" else recording.flag,
            )
    return recording


def build(
    recordings: Iterable[Recording],
    folder: Path,
    *,
    sample_rate: int,
    workers: int,
    facts: Mapping[str, object],
) -> dict:
    """Writes recordings as a prepared folder; `facts` go into its dataset.json, which is returned.

    Raises:
      ValueError: the folder holds a finished data set, or nothing is left after screening.
    """
    if (folder / shards.METADATA_FILE).exists():
        raise ValueError(f"{folder}: holds a finished data set; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    kept, refused = preparation.unique(recordings)
    written, unfit = preparation.write_splits(
        assign_splits(kept), folder, sample_rate=sample_rate, workers=workers
    )
    return finish(written, refused + unfit, folder, sample_rate=sample_rate, facts=facts)


def finish(
    written: Sequence[tuple[str, shards.Clip]],
    refused: preparation.Refusals,
    folder: Path,
    *,
    sample_rate: int,
    facts: Mapping[str, object],
) -> dict:
    """Writes what a folder with shards and indexes lacks, dataset.json last, which is returned.

    Args:
      written: (split, clip) of all clips.
      refused: what was left out, and why.
      folder: the prepared folder.
      sample_rate: in Hz.
      facts: go into dataset.json too.

    Raises:
      ValueError: there are no clips.
    """
    _write_refusals(refused, folder)
    if not written:
        raise ValueError(f"{folder}: no recording is fit; see rejected.tsv there")
    _write_attribution([clip for _, clip in written], sample_rate, folder)
    samples: Counter[tuple[str, str]] = Counter()
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    for split, clip in written:
        samples[split, clip.kind] += clip.length
        if clip.kind == "speech":
            speakers[split].add(clip.speaker)
    metadata = {
        "format_version": shards.FORMAT_VERSION,
        "sample_rate": sample_rate,
        "hours": {
            split: {
                kind: round(samples[split, kind] / sample_rate / 3600, 4)
                for kind in KINDS
                if samples[split, kind]
            }
            for split in shards.SPLITS
        },
        "speakers": {split: len(speakers[split]) for split in shards.SPLITS},
        "rejected_files": len(refused),
        **facts,
    }
    text = json.dumps(metadata, indent=2, ensure_ascii=False)
    write_whole(folder / shards.METADATA_FILE, text + "\n")
    for split in shards.SPLITS:
        hours = Counter({k: n / sample_rate / 3600 for (s, k), n in samples.items() if s == split})
        parts = ", ".join(f"{hours[kind]:.2f} h of {kind}" for kind in KINDS if hours[kind])
        print(f"{split}: {parts or 'nothing'}; {len(speakers[split])} speakers")
    return metadata


def _write_refusals(refused: preparation.Refusals, folder: Path) -> None:
    lines = [shards.tsv_line(row) for row in [("file", "reason"), *refused]]
    write_whole(folder / "rejected.tsv", "".join(lines))
    counts = Counter(reason.split(":")[0] for _, reason in refused)
    for reason, count in counts.most_common():
        print(f"left out {count:6d} x {reason}")
    if refused:
        print(f"named in {folder / 'rejected.tsv'}")


def _write_attribution(clips: Sequence[shards.Clip], sample_rate: int, folder: Path) -> None:
    rows: Counter[tuple[str, str, str]] = Counter()
    for clip in clips:
        rows[clip.source.split(":")[0], clip.kind, clip.license] += clip.length
    lines = [
        "# Where this audio comes from\n\n",
        "The `source` column of the index files names every clip's own origin; `licenses/` holds\n"
        "the authors and exact terms of Debian packages. Clips were resampled to one rate,\n"
        "mixed to mono, trimmed, and cut or joined.\n\n",
        "| origin | kind | minutes | license |\n|---|---|---|---|\n",
    ]
    for (origin, kind, license_), length in sorted(rows.items()):
        lines.append(f"| {origin} | {kind} | {length / sample_rate / 60:.1f} | {license_} |\n")
    write_whole(folder / "ATTRIBUTION.md", "".join(lines))


def _fetch_debian(folder: Path) -> tuple[list[Recording], dict[str, object]]:
    wanted = [
        source
        for source in debian.read_sources()
        if source.kind in FLAGS.kind and source.flag not in FLAGS.left_out_flags
    ]
    packages = list(dict.fromkeys(source.package for source in wanted))
    download_dir = Path(FLAGS.download_dir or f"{folder}-packages")
    unpacked, failed = debian.fetch(tqdm(packages, desc="fetch", unit="package"), download_dir)
    for package, reason in failed.items():
        print(f"cannot fetch {package}: {reason}", file=sys.stderr)
    if failed:
        print("(has apt-get update been run?) going on with the others", file=sys.stderr)
    licenses = folder / "licenses"
    licenses.mkdir(parents=True, exist_ok=True)
    for package, root in unpacked.items():
        terms = root / "usr/share/doc" / package / "copyright"
        if terms.is_file():
            shutil.copyfile(terms, licenses / f"{package}.txt")
    facts: dict[str, object] = {
        "packages": sorted(root.name for root in unpacked.values()),
        "missing": failed,
    }
    return debian.recordings(wanted, unpacked), facts


def define_flags() -> None:
    """Flags of this script."""
    flags.DEFINE_string(
        "output_dir", None, "New folder for the prepared data; required.", required=True
    )
    command_line.several_of("kind", list(KINDS), KINDS, "Kinds of recordings to take.")
    command_line.several("input_dir", [], "Further folders of audio, with or without manifest.tsv.")
    flags.DEFINE_bool("debian", True, "Take the Debian packages of debian_sources.tsv.")
    flags.DEFINE_string(
        "download_dir", None, "Where fetched packages are kept; default: OUTPUT_DIR-packages."
    )
    flags.DEFINE_integer("sample_rate", 16_000, "Sample rate of the prepared data in Hz.", 8_000)
    command_line.several("left_out_flags", ["dull"], "Recordings with these flags are left out.")
    flags.DEFINE_integer("workers", 2, "Processes that decode recordings.", 1)


_RENAMED = {"extra_dirs": "input_dir", "sources": "kind"}


def main(_: list[str]) -> None:
    """Collects the recordings that the flags name and builds the prepared folder."""
    folder = Path(FLAGS.output_dir)
    facts: dict[str, object] = {"command": shlex.join(["python", "data/corpus.py", *sys.argv[1:]])}
    recordings: list[Recording] = []
    for extra in FLAGS.input_dir:
        recordings += [with_known_facts(r) for r in read_folder(extra)]
    if FLAGS.debian:
        found, debian_facts = _fetch_debian(folder)
        recordings = found + recordings
        facts |= debian_facts
    recordings = [
        r for r in recordings if r.kind in FLAGS.kind and r.flag not in FLAGS.left_out_flags
    ]
    build(recordings, folder, sample_rate=FLAGS.sample_rate, workers=FLAGS.workers, facts=facts)


if __name__ == "__main__":
    define_flags()
    command_line.run(main, renamed=_RENAMED)
