"""From windows of audio to training examples (input, target, denoise), vectorised numpy.

Section III-F of the paper (joint compression and enhancement) describes the tuples.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import fft  # unlike numpy.fft it stays in float32

from data.sampling import MixOptions, Plan
from soundstream.audio import resample

FRAME_SECONDS = 0.02
# A frame this far below the window's loudest one counts as a pause...
ACTIVE_BELOW_PEAK_DB = 35.0
# ...and a crop with half its frames active is speech enough.
ACTIVE_ENOUGH = 0.5
CANDIDATES = 4
# Recorded noise below this is a gap in the recording: scaling it to an SNR would blow up its
# quantizing noise.
SILENT_RMS = 1e-4
# A wall is at least so far away: 2 m there and back.
ECHO_DELAY_SECONDS = 0.006
BANK_SAMPLES = 2**19
# Amplitude ~ frequency ** -exponent: white, pink, brown.
COLOUR_EXPONENTS = (0.0, 0.5, 1.0)


class Mixer:
    """Turns windows into examples.

    Args:
      options: see MixOptions.
      sample_rate: in Hz.
      crop_samples: length of the examples.
    """

    def __init__(self, options: MixOptions, sample_rate: int, crop_samples: int):
        self._options = options
        self._rate = sample_rate
        self._crop = crop_samples
        self._frame = min(crop_samples, round(FRAME_SECONDS * sample_rate))
        self._bank = coloured_noise(max(BANK_SAMPLES, 4 * crop_samples), sample_rate)

    def mix(
        self, rng: np.random.Generator, plan: Plan, reads: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Makes one batch.

        Args:
          rng: the batch's own generator.
          plan: what the batch is made from.
          reads: float32 [reads, window], what the plan asked for, zeros behind its lengths.

        Returns:
          input float32 [batch, crop], target float32 [batch, crop], denoise float32 [batch].
        """
        batch = len(plan.noisy)
        options = self._options
        reads, lengths = self._change_speed(rng, reads, plan.length)
        noises, noise_lengths = reads[batch:], lengths[batch:]
        clean = self._choose_crops(rng, reads[:batch], lengths[:batch], plan.wrap)
        self._colour(rng, clean)
        self._add_echo(rng, clean)
        self._set_level(rng, clean)
        self._add_floor(rng, clean)
        mixed = clean.copy()
        snr_db = rng.uniform(*options.snr_db, size=batch)
        noisy_rows = np.flatnonzero(plan.noisy)
        added = self._noises(rng, noises[noisy_rows], noise_lengths[noisy_rows])
        for row, noise in zip(noisy_rows, added):
            gain = rms(clean[row]) / rms(noise) * 10.0 ** (-snr_db[row] / 20.0)
            mixed[row] += noise * np.float32(gain)
        # Input and target keep their proportion, and neither leaves full scale.
        scale = 1.0 / np.maximum(1.0, np.abs(mixed).max(axis=1, keepdims=True))
        mixed *= scale
        clean *= scale
        denoise = rng.random(batch) < options.denoise_share
        denoise = (denoise & plan.clean).astype(np.float32)
        target = np.where(denoise[:, None] > 0.0, clean, mixed)
        return mixed, target, denoise

    def _change_speed(
        self, rng: np.random.Generator, reads: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Plays some of [reads, window] faster or slower: new ones, and how much of each counts."""
        if self._options.speed_share == 0.0:
            return reads, lengths
        chosen = rng.random(len(reads)) < self._options.speed_share
        low, high = np.log(self._options.speed)
        speeds = np.exp(rng.uniform(low, high, size=len(reads)))
        changed, lengths = reads.copy(), lengths.copy()
        for row in np.flatnonzero(chosen & (lengths > 0)):
            played = resample(
                reads[row, : lengths[row]], round(self._rate * speeds[row]), self._rate
            )
            lengths[row] = min(len(played), reads.shape[1])
            changed[row] = 0.0
            changed[row, : lengths[row]] = played[: lengths[row]]
        return changed, lengths

    def _noises(
        self, rng: np.random.Generator, recorded: np.ndarray, lengths: np.ndarray
    ) -> np.ndarray:
        """What disturbs, float32 [rows, crop]: recordings, or coloured noise where there is none.

        Args:
          recorded: [rows, time], of any level.
          lengths: [rows], how much of each counts; short ones are repeated.
        """
        noises = np.zeros((len(recorded), self._crop), np.float32)
        turns = rng.integers(self._crop, size=len(recorded))
        synthetic = self._synthetic(rng, len(recorded))
        for noise, source, length, turn, stand_in in zip(
            noises, recorded, lengths, turns, synthetic
        ):
            if length:
                noise[:] = np.resize(source[:length], self._crop)
            if length < self._crop:  # repeated: begin anywhere
                noise[:] = np.roll(noise, turn)
            if rms(noise) <= SILENT_RMS:
                noise[:] = stand_in
        self._add_others(rng, noises)
        self._colour(rng, noises)
        self._add_echo(rng, noises)
        return noises

    def _add_others(self, rng: np.random.Generator, noises: np.ndarray) -> None:
        """Adds to some rows another one of the batch, in place, at 0 to -12 dB of their level."""
        if self._options.noise_pair_share == 0.0:
            return
        others = np.roll(noises, 1, axis=0)
        chosen = np.flatnonzero(rng.random(len(noises)) < self._options.noise_pair_share)
        levels = 10.0 ** (rng.uniform(-12.0, 0.0, size=len(noises)) / 20.0)
        for row in chosen:
            gain = levels[row] * rms(noises[row]) / rms(others[row])
            noises[row] += others[row] * np.float32(gain)

    def _choose_crops(
        self,
        rng: np.random.Generator,
        windows: np.ndarray,
        lengths: np.ndarray,
        wrap: np.ndarray,
    ) -> np.ndarray:
        batch, crop, frame = len(windows), self._crop, self._frame
        spare = np.maximum(0, lengths - crop)
        starts = (rng.random((CANDIDATES, batch)) * (spare + 1)).astype(np.int64)
        frames = windows[:, : windows.shape[1] // frame * frame].reshape(batch, -1, frame)
        power = np.einsum("bft,bft->bf", frames, frames)
        loudest = power.max(axis=1, keepdims=True)
        active = power > np.maximum(loudest * 10.0 ** (-ACTIVE_BELOW_PEAK_DB / 10.0), 1e-9)
        running = np.concatenate([np.zeros((batch, 1)), np.cumsum(active, axis=1)], axis=1)
        first = starts // frame
        last = np.minimum(first + crop // frame, active.shape[1])
        rows = np.arange(batch)
        share = (running[rows, last] - running[rows, first]) * frame / crop
        # The first candidate that is active enough, else the most active; sometimes simply any.
        choice = np.argmax(np.minimum(share, ACTIVE_ENOUGH), axis=0)
        choice = np.where(rng.random(batch) < self._options.active_share, choice, 0)
        start = starts[choice, rows]
        lead = (rng.random(batch) * (np.maximum(0, crop - lengths) + 1)).astype(np.int64)
        crops = np.zeros((batch, crop), np.float32)
        for row in rows:
            length = lengths[row]
            if length >= crop:
                crops[row] = windows[row, start[row] : start[row] + crop]
            elif wrap[row]:
                crops[row] = np.resize(windows[row, :length], crop)
            else:
                crops[row, lead[row] : lead[row] + length] = windows[row, :length]
        return crops

    def _colour(self, rng: np.random.Generator, crops: np.ndarray) -> None:
        """A smooth random equaliser on some rows, in place: three cosines over the band.

        It is applied circularly; its response is a few samples long, so the wrap is unheard.
        """
        chosen = np.flatnonzero(rng.random(len(crops)) < self._options.colour_share)
        weights = rng.uniform(-1.0, 1.0, size=(len(crops), 3)) / 3.0
        if len(chosen) == 0:
            return
        bins = self._crop // 2 + 1
        curves = np.cos(np.pi * np.arange(1, 4)[:, None] * np.linspace(0.0, 1.0, bins))
        gain = 10.0 ** (weights[chosen] @ curves * self._options.colour_db / 20.0)
        crops[chosen] = fft.irfft(fft.rfft(crops[chosen]) * gain.astype(np.float32), n=self._crop)

    def _add_echo(self, rng: np.random.Generator, crops: np.ndarray) -> None:
        """Puts some rows into a room, in place: noise that decays, after the direct sound."""
        options = self._options
        if options.room_share == 0.0:
            return
        chosen = np.flatnonzero(rng.random(len(crops)) < options.room_share)
        seconds = rng.uniform(*options.room_seconds, size=(len(chosen), 1))
        direct_db = rng.uniform(*options.room_direct_db, size=(len(chosen), 1))
        time = np.arange(self._crop) / self._rate
        echo = rng.standard_normal((len(chosen), self._crop)) * 10.0 ** (-3.0 * time / seconds)
        echo[:, time < ECHO_DELAY_SECONDS] = 0.0
        power = np.square(echo).sum(axis=1, keepdims=True)
        echo *= np.sqrt(10.0 ** (-direct_db / 10.0) / power)
        echo[:, 0] = 1.0
        size = fft.next_fast_len(2 * self._crop, real=True)
        spectrum = fft.rfft(crops[chosen], size) * fft.rfft(echo.astype(np.float32), size)
        crops[chosen] = fft.irfft(spectrum, size)[:, : self._crop]

    def _set_level(self, rng: np.random.Generator, crops: np.ndarray) -> None:
        """Scales every crop to a random peak level, in place."""
        options = self._options
        batch = len(crops)
        level = rng.uniform(*options.peak_dbfs, size=batch)
        quiet = rng.uniform(*options.silence_peak_dbfs, size=batch)
        level = np.where(rng.random(batch) < options.silence_share, quiet, level)
        peak_db = 20.0 * np.log10(np.abs(crops).max(axis=1) + 1e-6)
        gain_db = np.minimum(level - peak_db, options.max_gain_db)
        crops *= (10.0 ** (gain_db / 20.0)).astype(np.float32)[:, None]

    def _add_floor(self, rng: np.random.Generator, crops: np.ndarray) -> None:
        """Adds a faint noise floor to some rows, in place."""
        chosen = np.flatnonzero(rng.random(len(crops)) < self._options.floor_share)
        level = 10.0 ** (rng.uniform(*self._options.floor_dbfs, size=len(chosen)) / 20.0)
        for row, noise, scale in zip(chosen, self._synthetic(rng, len(chosen)), level):
            crops[row] += noise * np.float32(scale)

    def _synthetic(self, rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
        """`count` stretches of coloured noise of RMS about 1, float32 [crop], from the bank."""
        colours = rng.integers(len(self._bank), size=count)
        starts = rng.integers(self._bank.shape[1] - self._crop, size=count)
        return (self._bank[c, s : s + self._crop] for c, s in zip(colours, starts))


def rms(samples: np.ndarray) -> float:
    """Root mean square of [time], never zero."""
    return float(np.sqrt(np.dot(samples, samples) / len(samples))) + 1e-9


def coloured_noise(samples: int, sample_rate: int) -> np.ndarray:
    """White, pink and brown Gaussian noise above 50 Hz, RMS 1: float32 [colours, samples].

    Always the same: batches take random stretches of it, which costs no random numbers.
    """
    rng = np.random.default_rng(0)
    hertz = np.fft.rfftfreq(samples, 1.0 / sample_rate)
    shape = np.maximum(hertz, 50.0)[None, :] ** -np.array(COLOUR_EXPONENTS)[:, None]
    shape[:, hertz < 50.0] = 0.0
    spectrum = rng.standard_normal((2, len(COLOUR_EXPONENTS), len(hertz)))
    noise = np.fft.irfft((spectrum[0] + 1j * spectrum[1]) * shape, n=samples)
    return (noise / noise.std(axis=1, keepdims=True)).astype(np.float32)
