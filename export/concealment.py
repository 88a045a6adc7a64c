"""What is heard when packets are missing, or were not sent because nobody spoke.

Lost frames repeat the last codes, which keeps pitch and colour, and fade; after about 100 ms only
noise like that of the recording's quiet moments is left. Gains move in ramps and the decoder keeps
its state, so neither the loss nor the recovery clicks.
"""

from __future__ import annotations

import numpy as np

from export.comfort_noise import BAND_EDGES, NoiseGenerator, band_powers, powers_of
from export.runtime import CodecModel, StreamingDecoder

REPEAT_SECONDS = 0.1  # for so long the last codes are repeated, fading to nothing
RAMP_SECONDS = 0.005  # in which the decoder's voice comes back
_MEMORY_SECONDS = 3.0  # of recent sound, whose quiet moments tell what the background is
_QUIET_SHARE = 0.1  # of the frames in memory are taken as background
_LOUDEST_BACKGROUND = 1e-4  # mean square, -40 dBFS: speech without a pause is no background


class ConcealingDecoder:
    """A `StreamingDecoder` that also makes up for frames that did not come."""

    def __init__(self, model: CodecModel) -> None:
        metadata = model.metadata
        frame_rate = metadata.sample_rate / metadata.hop
        self._hop = metadata.hop
        self._ramp = min(metadata.hop, round(RAMP_SECONDS * metadata.sample_rate))
        self._memory_frames = round(_MEMORY_SECONDS * frame_rate)
        self._repeat_frames = max(1, round(REPEAT_SECONDS * frame_rate))
        self._decoder = StreamingDecoder(model)
        self.reset()

    def reset(self) -> None:
        """Starts a new stream."""
        self._decoder.reset()
        self._noise = NoiseGenerator(self._hop)
        self._memory = np.zeros((0, self._hop), np.float32)
        self._last_codes: np.ndarray | None = None
        self._gain = 1.0  # of the decoder's voice; noise fills up to the same power
        self._powers = np.zeros(len(BAND_EDGES) - 1)  # of that noise

    def decode(self, codes: np.ndarray | None) -> np.ndarray:
        """Decodes frames, or makes up for one.

        Args:
          codes: int32 [frames, levels], any number of levels; None for one lost frame.

        Returns:
          float32 [frames * hop].
        """
        if codes is None:
            return self.conceal(1)
        samples = self._decoder.decode(codes)
        if len(codes):
            self._last_codes = codes[-1:]
        if self._gain < 1.0 and len(codes):
            samples = samples.copy()
            samples[: self._hop] = self._blend(samples[: self._hop], 1.0, self._ramp)
        memory = np.concatenate([self._memory, samples.reshape(-1, self._hop)])
        self._memory = memory[-self._memory_frames :]
        return samples

    def conceal(self, num_frames: int) -> np.ndarray:
        """Makes up for lost frames: float32 [num_frames * hop]."""
        if self._gain == 1.0:
            self._powers = self._background()
        return self._fade_out(num_frames, self._repeat_frames)

    def pause(self, num_frames: int, description: bytes) -> np.ndarray:
        """Fills a pause that was not sent: float32 [num_frames * hop].

        Args:
          num_frames: at least 1.
          description: eight bytes that say what the pause sounds like (see comfort_noise.py), or
            none: like the recording's quiet moments, or like the pause up to here.
        """
        if description:
            self._powers = powers_of(description)
        elif self._gain == 1.0:
            self._powers = self._background()
        return self._fade_out(num_frames, 1)

    def _fade_out(self, num_frames: int, fade_frames: int) -> np.ndarray:
        """Repeats the last codes with a gain that reaches zero after `fade_frames`."""
        parts = []
        while len(parts) < num_frames and self._gain > 0.0:
            voice = np.zeros(self._hop, np.float32)
            if self._last_codes is not None:
                voice = self._decoder.decode(self._last_codes)
            gain = self._gain - 1.0 / fade_frames
            parts.append(self._blend(voice, max(0.0, gain), self._hop))
        parts.append(self._noise.generate(self._powers, num_frames - len(parts)))
        return np.concatenate(parts)

    def _blend(self, voice: np.ndarray, gain: float, ramp_samples: int) -> np.ndarray:
        """One frame of voice and noise; the gain moves to its new value within the ramp."""
        gains = np.full(self._hop, gain)
        gains[:ramp_samples] = self._gain + (gain - self._gain) * np.arange(1, ramp_samples + 1) / (
            ramp_samples
        )
        self._gain = gain if gain > 1e-9 else 0.0
        noise = self._noise.generate(self._powers, 1)
        return (voice * gains + noise * np.sqrt(1.0 - gains**2)).astype(np.float32)

    def _background(self) -> np.ndarray:
        """Band powers [8] of the quietest frames in memory."""
        if not len(self._memory):
            return np.zeros_like(self._powers)
        energy = np.mean(self._memory**2, axis=1)
        quiet = np.argsort(energy)[: max(1, int(_QUIET_SHARE * len(energy)))]
        powers = band_powers(self._memory[quiet]).mean(axis=0)
        return powers * (_LOUDEST_BACKGROUND / max(powers.sum(), _LOUDEST_BACKGROUND))
