"""The codes of recordings, for what is learnt from them or measured on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from data.selection import Recording
from soundstream.frames import whole_frames
from soundstream.tflite.runtime import CodecModel, StreamingEncoder


def codes_of(
    model: CodecModel, recordings: Sequence[Recording], seconds: float
) -> list[np.ndarray]:
    """Codes [frames, levels] of the start of each recording, at the model's full rate."""
    metadata = model.metadata
    encoder = StreamingEncoder(model, max(metadata.bitrates_bps))
    clips = []
    for recording in tqdm(recordings, unit="clip", disable=None):
        samples = recording.read(metadata.sample_rate, seconds)
        encoder.reset()
        clips.append(encoder.encode(whole_frames(samples, metadata.hop)))
    return [clip for clip in clips if len(clip)]
