"""What is heard when packets are missing, or were not sent because nobody spoke.

A loss goes on with the last pitch period, which fades; after about 100 ms only noise like that of
the recording's quiet moments is left. What comes next is faded in, so neither end clicks.

docs/lab/concealment.md has what was tried beside it. Whether the decoder is run meanwhile, on
predicted codes, on the encoder's codes of what is heard, or on none, makes no difference.
"""

from __future__ import annotations

import numpy as np

from ..tflite.runtime import CodecModel, StreamingDecoder
from .comfort_noise import BAND_EDGES, Background, NoiseGenerator, powers_of
from .pitch import PAST_SECONDS, extend

FADE_SECONDS = 0.1  # in which a loss fades to noise
RAMP_SECONDS = 0.005  # in which the decoder's voice comes back


class ConcealingDecoder:
    """A `StreamingDecoder` that also makes up for frames that did not come.

    Args:
      model: may be shared with other streams.
    """

    def __init__(self, model: CodecModel) -> None:
        metadata = model.metadata
        frame_rate = metadata.sample_rate / metadata.hop
        self._sample_rate = metadata.sample_rate
        self._hop = metadata.hop
        self._ramp = min(metadata.hop, round(RAMP_SECONDS * metadata.sample_rate))
        self._past_samples = round(PAST_SECONDS * metadata.sample_rate) + 1
        self._fade_frames = max(1, round(FADE_SECONDS * frame_rate))
        self._decoder = StreamingDecoder(model)
        self.reset()

    def reset(self) -> None:
        """Starts a new stream."""
        self._decoder.reset()
        self._noise = NoiseGenerator(self._hop)
        self._powers = np.zeros(len(BAND_EDGES) - 1)  # of that noise
        self._background = Background(self._sample_rate, self._hop)
        self._past = np.zeros(self._past_samples, np.float32)  # what was heard, whatever it was
        self._extension = np.zeros(0, np.float32)  # how the sound before a loss goes on
        self._gain = 1.0  # of the extension; 1 where nothing is missing

    def decode(self, codes: np.ndarray | None, denoise: float = 0.0) -> np.ndarray:
        """Decodes frames, or makes up for one.

        Args:
          codes: int32 [frames, levels], any number of levels; None for one lost frame.
          denoise: the encoder's switch as the packet has it.

        Returns:
          float32 [frames * hop], full scale 1.
        """
        if codes is None:
            return self.conceal(1)
        self._decoder.denoise = denoise
        samples = self._decoder.decode(codes)
        self._background.hear(samples)
        if self._gain < 1.0 and len(codes):
            weights = np.arange(self._ramp, dtype=np.float32) / self._ramp
            missing = self._fill(1, self._fade_frames)[: self._ramp]
            samples = samples.copy()
            samples[: self._ramp] = missing + weights * (samples[: self._ramp] - missing)
            self._gain = 1.0
        return self._heard(samples)

    def conceal(self, num_frames: int) -> np.ndarray:
        """Makes up for lost frames.

        Args:
          num_frames: how many, at least 1.

        Returns:
          float32 [num_frames * hop], full scale 1.
        """
        if self._gain == 1.0:
            self._powers = self._background.powers()
        return self._heard(self._fill(num_frames, self._fade_frames))

    def pause(self, num_frames: int, description: bytes) -> np.ndarray:
        """Fills a pause that was not sent.

        Args:
          num_frames: at least 1.
          description: eight bytes that say what the pause sounds like (see comfort_noise.py), or
            none: like the recording's quiet moments, or like the pause up to here.

        Returns:
          float32 [num_frames * hop], full scale 1.
        """
        if description:
            self._powers = powers_of(description)
        elif self._gain == 1.0:
            self._powers = self._background.powers()
        return self._heard(self._fill(num_frames, 1))

    def _heard(self, samples: np.ndarray) -> np.ndarray:
        self._past = np.concatenate([self._past, samples])[-self._past_samples :]
        return samples

    def _fill(self, num_frames: int, fade_frames: int) -> np.ndarray:
        """Goes on with the last sound, whose gain falls to 0 in `fade_frames`, then with noise.

        The gain falls in a straight line; noise fills up to the same power.
        """
        if self._gain == 1.0:
            self._extension = extend(
                self._past, (self._fade_frames + 1) * self._hop, self._sample_rate
            )
        num_samples = num_frames * self._hop
        fall = np.arange(1, num_samples + 1) / (fade_frames * self._hop)
        gains = np.maximum(0.0, self._gain - fall)
        self._gain = float(gains[-1])
        sound = np.zeros(num_samples, np.float32)
        count = min(num_samples, len(self._extension))
        sound[:count] = self._extension[:count]
        self._extension = self._extension[count:]
        noise = self._noise.generate(self._powers, num_frames)
        return (sound * gains + noise * np.sqrt(1.0 - gains**2)).astype(np.float32)
