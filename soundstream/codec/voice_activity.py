"""Tells frames in which somebody may be speaking from pauses, by energy alone.

The floor follows the quietest sound of the last seconds; a frame well above it is active, and so
are the frames shortly after, because words end softly. What is loud is never a pause, whatever
the floor, so music and applause are kept.
"""

from __future__ import annotations

import numpy as np

ACTIVE_DB = 9.0  # this far above the floor is active
ALWAYS_ACTIVE_DBFS = -35.0  # a pause is never as loud as this
NEVER_ACTIVE_DBFS = -75.0  # below, only hiss of a converter
_FLOOR_RISE_DB_PER_SECOND = 3.0
_HANGOVER_SECONDS = 0.2
_SILENCE_DBFS = -120.0


class VoiceActivityDetector:
    """Decides frame by frame for one channel.

    Args:
      sample_rate: Hz.
      hop: samples per frame.
    """

    def __init__(self, sample_rate: int, hop: int) -> None:
        frame_rate = sample_rate / hop
        self._hop = hop
        self._rise = _FLOOR_RISE_DB_PER_SECOND / frame_rate
        self._hangover_frames = round(_HANGOVER_SECONDS * frame_rate)
        # Starts low, so that what comes first is kept until it proves to be the background.
        self._floor = NEVER_ACTIVE_DBFS
        self._hangover = 0

    def is_active(self, samples: np.ndarray) -> np.ndarray:
        """Decides for the next frames; what it knows of the floor is kept between calls.

        Args:
          samples: float32 [frames * hop], full scale 1.

        Returns:
          bool [frames], whether somebody may be speaking.
        """
        power = np.mean(samples.reshape(-1, self._hop).astype(np.float64) ** 2, axis=1)
        levels = 10 * np.log10(power + 10 ** (_SILENCE_DBFS / 10))
        return np.array([self._step(level) for level in levels.tolist()], bool)

    def _step(self, level: float) -> bool:
        self._floor = min(level, self._floor + self._rise)
        threshold = max(self._floor + ACTIVE_DB, NEVER_ACTIVE_DBFS)
        loud = level > min(threshold, ALWAYS_ACTIVE_DBFS)
        self._hangover = self._hangover_frames if loud else max(0, self._hangover - 1)
        return loud or self._hangover > 0
