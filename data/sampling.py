"""Which crops make up a batch: a pure function of (seed, batch number) and the clips' lengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from data.shards import Clip

DEFAULT_FLAG_WEIGHTS: Mapping[str, float] = {
    "-": 1.0,
    "short": 1.0,
    "noisy": 0.5,  # their noise becomes part of what the codec must spend bits on
    "coded": 0.5,  # they carry another codec's quantizing noise
    "dull": 0.0,  # no treble to learn from
}


@dataclasses.dataclass(frozen=True)
class MixOptions:
    """How training examples are drawn and mixed; the defaults are plain speech training.

    Shares are probabilities per example. Levels are dBFS of the crop's peak for signals and of
    the RMS for noise floors. Ranges are (low, high), and are drawn from evenly.

    Attributes:
      speaker_exponent: speakers are drawn with p ~ weight * seconds ** exponent: 1 is by duration,
        0 all alike.
      flag_weights: weight of recordings by the flag that their manifest gives them.
      music_share: share of crops that are music.
      noise_share: share of crops that are noise alone, as a signal to be coded.
      active_share: share of crops picked for speech activity; the rest may fall into pauses.
      peak_dbfs: range of the crops' peak levels, in dBFS.
      max_gain_db: quiet crops are not blown up by more than this, in dB.
      silence_share: share of crops turned down to near silence.
      silence_peak_dbfs: range of the peak levels of those, in dBFS.
      floor_share: share of crops that get a noise floor: gated recordings have digital silence in
        their pauses, which real microphones never do.
      floor_dbfs: range of the levels of noise floors, in dBFS.
      noisy_share: share of crops with noise added (section III-F of the paper).
      denoise_share: share of crops with the denoising switch on: with it the target is the clean
        signal, without it the (noisy) input.
      snr_db: range of signal-to-noise ratios of noisy crops, in dB.
      synthetic_noise_share: share of the noisy ones that get coloured noise instead of recordings.
      music_noise_share: share of the recorded noises that are music.
      room_share: share of crops heard in a room: an echo is added. Speech and what disturbs it
        stand in the same room at different places; a target of denoising keeps its echo.
      room_seconds: range of the times in which echoes fall by 60 dB, in seconds.
      room_direct_db: range of the echoes' levels below the direct sound, in dB.
      speed_share: share of crops played faster or slower, pitch and all: voices and noises that
        were never recorded.
      speed: range of those speeds, 1 being as recorded; within 0.5 and 2.
      noise_pair_share: share of the noises that another noise of the batch joins, 0 to 12 dB below.
      colour_share: share of crops that go through a smooth random equaliser, as through another
        microphone.
      colour_db: range of that equaliser, in dB either way.
    """

    speaker_exponent: float = 0.4
    flag_weights: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: dict(DEFAULT_FLAG_WEIGHTS)
    )
    music_share: float = 0.0
    noise_share: float = 0.0
    active_share: float = 0.9
    peak_dbfs: tuple[float, float] = (-24.0, 0.0)
    max_gain_db: float = 20.0
    silence_share: float = 0.02
    silence_peak_dbfs: tuple[float, float] = (-80.0, -50.0)
    floor_share: float = 0.5
    floor_dbfs: tuple[float, float] = (-90.0, -70.0)
    noisy_share: float = 0.0
    denoise_share: float = 0.0
    snr_db: tuple[float, float] = (-5.0, 30.0)
    synthetic_noise_share: float = 0.2
    music_noise_share: float = 0.0
    room_share: float = 0.0
    room_seconds: tuple[float, float] = (0.15, 0.6)
    room_direct_db: tuple[float, float] = (0.0, 20.0)
    speed_share: float = 0.0
    speed: tuple[float, float] = (0.85, 1.2)
    noise_pair_share: float = 0.0
    colour_share: float = 0.0
    colour_db: float = 6.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_share") and not 0.0 <= value <= 1.0:
                raise ValueError(f"{field.name} is a probability, got {value}")
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"{field.name} must be (low, high), got {value}")
        if self.speed[0] < 0.5 or self.speed[1] > 2.0:
            raise ValueError(f"speed must be within 0.5 and 2, got {self.speed}")
        if self.music_share + self.noise_share > 1.0:
            raise ValueError(
                f"music_share {self.music_share} + noise_share {self.noise_share} is above 1"
            )
        if min(self.flag_weights.values()) < 0.0:
            raise ValueError(f"flag_weights must not be negative, got {self.flag_weights}")


def fitting(
    options: MixOptions, kinds: Collection[str], given: Collection[str]
) -> tuple[MixOptions, dict[str, str]]:
    """Leaves out the shares whose recordings the data do not hold.

    Args:
      options: what is asked for.
      kinds: of the recordings there are: speech, noise, music.
      given: names of options that stay as they are, since the user wants them.

    Returns:
      the options, and for each one that changed the kind that is missing.
    """
    changes: dict[str, tuple[float, str]] = {}
    if "music" not in kinds:
        changes["music_share"] = (0.0, "music")
        changes["music_noise_share"] = (0.0, "music")
    if "noise" not in kinds:
        changes["noise_share"] = (0.0, "noise")
        recorded = options.noisy_share > 0.0 and options.music_noise_share > 0.0
        if recorded and "music" in kinds:
            changes["music_noise_share"] = (1.0, "noise")
        elif options.noisy_share > 0.0:
            changes["synthetic_noise_share"] = (1.0, "noise")
    changed = {
        name: (value, kind)
        for name, (value, kind) in changes.items()
        if name not in given and getattr(options, name) != value
    }
    values: dict[str, Any] = {name: value for name, (value, _) in changed.items()}
    return dataclasses.replace(options, **values), {n: kind for n, (_, kind) in changed.items()}


def generator(seed: int, batch: int, stream: int) -> np.random.Generator:
    """The random numbers of one purpose (`stream`) in one batch: counter-based, no history."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, batch, stream])))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a batch is made from.

    Attributes:
      clip, start, length: int64 [reads]: stretches to read, by number of the clip and in samples.
        The first `batch` are the windows that crops are cut from; where noise may be added,
        `batch` more are the noises, with length 0 where none is read.
      noisy: bool [batch], whether noise is added: the one read or, of length 0, a synthetic one.
      wrap: bool [batch], whether the signal is noise itself and may be repeated to fill a crop.
      clean: bool [batch], whether it is speech without noise of its own: a target of denoising.
    """

    clip: np.ndarray
    start: np.ndarray
    length: np.ndarray
    noisy: np.ndarray
    wrap: np.ndarray
    clean: np.ndarray


class _Timeline:
    """All clips of one kind end to end, grouped by (speaker, flag), drawn group first."""

    def __init__(self, clips: Sequence[Clip], kind: str, options: MixOptions):
        weights = options.flag_weights
        numbers = [n for n, c in enumerate(clips) if c.kind == kind and weights.get(c.flag, 1.0)]
        numbers.sort(key=lambda n: (clips[n].speaker, clips[n].flag))
        self.clips = np.array(numbers, np.int64)
        self.lengths = np.array([clips[n].length for n in numbers], np.int64)
        self._ends = np.cumsum(self.lengths)
        groups: dict[tuple[str, str], int] = {}
        for n in numbers:
            key = (clips[n].speaker, clips[n].flag)
            groups[key] = groups.get(key, 0) + clips[n].length
        self._group_length = np.array(list(groups.values()), np.int64)
        self._group_start = np.cumsum(self._group_length) - self._group_length
        probability = np.array(
            [
                weights.get(flag, 1.0) * length**options.speaker_exponent
                for (_, flag), length in groups.items()
            ]
        )
        self._cumulative = np.cumsum(probability) / max(probability.sum(), 1e-12)

    def draw(
        self, rng: np.random.Generator, count: int, window: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Clip numbers, starts and lengths, each [count]; clips shorter than the window whole.

        Of a kind without clips all three are zero: nothing is read.
        """
        if len(self.clips) == 0:
            nothing = np.zeros(count, np.int64)
            return nothing, nothing, nothing
        group = np.searchsorted(self._cumulative, rng.random(count), side="right")
        group = np.minimum(group, len(self._cumulative) - 1)
        at = self._group_start[group] + (rng.random(count) * self._group_length[group]).astype(
            np.int64
        )
        row = np.searchsorted(self._ends, at, side="right")
        spare = np.maximum(0, self.lengths[row] - window)
        start = (rng.random(count) * (spare + 1)).astype(np.int64)
        return self.clips[row], start, np.minimum(window, self.lengths[row])


class CropSampler:
    """Plans batches over a list of clips."""

    def __init__(self, clips: Sequence[Clip], options: MixOptions, crop_samples: int):
        self._options = options
        self._crop = crop_samples
        speech_share = 1.0 - options.music_share - options.noise_share
        self._shares = {
            "speech": speech_share,
            "music": options.music_share,
            "noise": options.noise_share,
        }
        self._clean = np.array([c.kind == "speech" and c.flag != "noisy" for c in clips])
        self._timelines = {kind: _Timeline(clips, kind, options) for kind in self._shares}
        needed = {kind for kind, share in self._shares.items() if share > 0.0}
        if options.noisy_share * (1.0 - options.synthetic_noise_share) > 0.0:
            if options.music_noise_share < 1.0:
                needed.add("noise")
            if options.music_noise_share > 0.0:
                needed.add("music")
        for kind in sorted(needed):
            if len(self._timelines[kind].clips) == 0:
                raise ValueError(
                    f"the data hold no {kind} that may be drawn, but {kind} is asked for"
                )

    @property
    def window_samples(self) -> int:
        """Crops are cut from windows twice their length, where the signal is active."""
        return 2 * self._crop

    def plan(self, rng: np.random.Generator, batch_size: int) -> Plan:
        """Draws the windows of one batch."""
        kinds = np.searchsorted(
            np.cumsum(list(self._shares.values())), rng.random(batch_size), side="right"
        )
        kinds = np.minimum(kinds, len(self._shares) - 1)
        clip, start, length = (np.zeros(batch_size, np.int64) for _ in range(3))
        for number, timeline in enumerate(self._timelines.values()):
            chosen = np.flatnonzero(kinds == number)
            if len(chosen):
                drawn = timeline.draw(rng, len(chosen), self.window_samples)
                clip[chosen], start[chosen], length[chosen] = drawn
        clean = self._clean[clip]
        wrap = kinds == list(self._shares).index("noise")
        noisy = (rng.random(batch_size) < self._options.noisy_share) & ~wrap
        if self._options.noisy_share > 0.0:
            recorded = noisy & (rng.random(batch_size) >= self._options.synthetic_noise_share)
            noises = self._noises(rng, batch_size)
            clip = np.concatenate([clip, noises[0]])
            start = np.concatenate([start, noises[1]])
            length = np.concatenate([length, np.where(recorded, noises[2], 0)])
        return Plan(clip, start, length, noisy, wrap, clean)

    def _noises(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
        """Clip numbers, starts and lengths of recordings to disturb speech with, each [count]."""
        noises = self._timelines["noise"].draw(rng, count, self._crop)
        share = self._options.music_noise_share
        if share == 0.0:
            return noises
        music = self._timelines["music"].draw(rng, count, self._crop)
        chosen = rng.random(count) < share
        return tuple(np.where(chosen, b, a) for a, b in zip(noises, music))
