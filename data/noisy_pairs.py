"""Makes noisy recordings, and what is clean of them, from a prepared folder.

    python data/noisy_pairs.py --data_dir=prepared --output_dir=pairs

writes pairs/noisy/*.wav and pairs/clean/*.wav, pairs by file name, for evaluate.py. Every clip is
there at every signal-to-noise ratio, with the same noise. Speakers and noises are those of the
valid split, so nothing of them was trained on.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from common import command_line
from data.mixing import SILENT_RMS, coloured_noise, rms
from data.shards import Clip, PreparedSplit, tsv_line
from soundstream.atomic import write_whole
from soundstream.audio import write_audio

COLOURED = "coloured"
PEAK = 0.9  # of what is louder, clean or noisy
_MANIFEST = ("file", "kind", "speaker", "language", "license")


class Noises:
    """Draws noise of each kind in turn: recordings of a split, or synthetic.

    Args:
      split: where recordings come from.
      kinds: of noise, music and coloured.

    Raises:
      ValueError: the split has no recordings of a kind.
    """

    def __init__(self, split: PreparedSplit, kinds: Sequence[str]):
        self._split = split
        self._kinds = list(kinds)
        self._clips = {k: [c for c in split.clips if c.kind == k] for k in kinds if k != COLOURED}
        for kind, clips in self._clips.items():
            if not clips:
                raise ValueError(f"the data hold no recordings of {kind}")

    def draw(self, rng: np.random.Generator, turn: int, length: int) -> tuple[str, np.ndarray]:
        """The kind, and float32 [length]: from anywhere in a recording, repeated if it is short."""
        kind = self._kinds[turn % len(self._kinds)]
        if kind == COLOURED:
            bank = coloured_noise(4 * length, self._split.sample_rate)
            start = rng.integers(3 * length)
            return kind, bank[rng.integers(len(bank)), start : start + length]
        while True:
            clip = self._clips[kind][rng.integers(len(self._clips[kind]))]
            samples = self._split.samples(clip, 0, clip.length)
            noise = np.resize(np.roll(samples, -rng.integers(len(samples))), length)
            if rms(noise) > SILENT_RMS:
                return kind, noise


def chosen_clips(split: PreparedSplit, max_clips: int, min_samples: int) -> list[Clip]:
    """Clean speech: the longest clip of each speaker first, then their second ones."""
    by_speaker: dict[str, list[Clip]] = {}
    for clip in split.clips:
        if clip.kind == "speech" and clip.flag == "-" and clip.length >= min_samples:
            by_speaker.setdefault(clip.speaker, []).append(clip)
    ranked = [
        (turn, number, clip)
        for number, clips in enumerate(by_speaker.values())
        for turn, clip in enumerate(sorted(clips, key=lambda one: -one.length))
    ]
    return [clip for _, _, clip in sorted(ranked, key=lambda row: row[:2])][:max_clips]


def at_ratio(clean: np.ndarray, noise: np.ndarray, snr_db: float) -> tuple[np.ndarray, np.ndarray]:
    """Noisy and clean [time] at a signal-to-noise ratio, scaled alike so that neither clips."""
    noisy = clean + noise * np.float32(rms(clean) / rms(noise) * 10.0 ** (-snr_db / 20.0))
    scale = np.float32(PEAK / max(np.abs(noisy).max(), np.abs(clean).max()))
    return noisy * scale, clean * scale


def pairs(
    split: PreparedSplit,
    clips: Sequence[Clip],
    noises: Noises,
    snrs_db: Sequence[float],
    max_samples: int,
    seed: int,
) -> Iterator[tuple[str, Clip, np.ndarray, np.ndarray]]:
    """File name, clip, noisy and clean samples [time]."""  # fmt: skip
    for number, clip in enumerate(clips):
        rng = np.random.default_rng([seed, number])
        clean = split.samples(clip, 0, max_samples)
        kind, noise = noises.draw(rng, number, len(clean))
        for snr_db in snrs_db:
            name = f"{number:03d}_{kind}_{snr_db:g}dB.wav"
            yield name, clip, *at_ratio(clean, noise, snr_db)


def main(_: list[str]) -> None:
    given = flags.FLAGS
    folder = Path(given.output_dir)
    split = PreparedSplit(given.data_dir, given.split)
    rate = split.sample_rate
    noises = Noises(split, given.noise_kind)
    clips = chosen_clips(split, given.max_files, round(given.min_seconds * rate))
    if not clips:
        raise ValueError(f"{given.data_dir}: no clean speech of {given.min_seconds} s")
    folder.mkdir(parents=True)
    rows = [_MANIFEST]
    made = pairs(split, clips, noises, given.snr_db, round(given.max_seconds * rate), given.seed)
    for name, clip, noisy, clean in made:
        for part, samples in (("noisy", noisy), ("clean", clean)):
            (folder / part).mkdir(exist_ok=True)
            write_audio(folder / part / name, samples, rate)
        rows.append((name, "speech", clip.speaker, clip.language, clip.license))
    manifest = "".join(map(tsv_line, rows))
    write_whole(folder / "noisy" / "manifest.tsv", manifest)
    speakers = len({clip.speaker for clip in clips})
    print(f"{len(clips)} clips of {speakers} speakers at {len(given.snr_db)} ratios in {folder}")


if __name__ == "__main__":
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder whose clips are taken; required.", required=True
    )
    flags.DEFINE_string("output_dir", None, "New folder for the pairs; required.", required=True)
    flags.DEFINE_string("split", "valid", "Part of the prepared folder: train, valid or test.")
    command_line.several_floats("snr_db", [0, 5, 10, 15], "Signal-to-noise ratios in dB.")
    command_line.several_of(
        "noise_kind",
        ["noise", "music", COLOURED],
        ["noise", "music", COLOURED],
        "Kinds of noise, which clips get in turn.",
    )
    flags.DEFINE_integer("max_files", 48, "Clips at most, one per speaker first.", 1)
    flags.DEFINE_float("min_seconds", 2.0, "Seconds at least: shorter clips are left out.", 0.1)
    flags.DEFINE_float("max_seconds", 6.0, "Seconds at most of the beginning of each clip.", 0.1)
    flags.DEFINE_integer("seed", 0, "Seed of the noises.")
    command_line.run(
        main, renamed={"max_clips": "max_files", "noises": "noise_kind", "snrs_db": "snr_db"}
    )
