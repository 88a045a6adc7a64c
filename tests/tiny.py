"""A codec small enough to train inside a test, and audio for it."""

from pathlib import Path

import numpy as np
import soundfile

from model.config import CodecConfig, speech

# A switch that removes noise, as small, for `tiny_config(**SMALL_SWITCH)`.
SMALL_SWITCH = {
    "denoise": True,
    "denoise_channels": 8,
    "denoise_dilations": (1, 2),
    "denoise_gain_channels": 8,
    "denoise_gain_dilations": (1, 2),
}


def tiny_config(**changes) -> CodecConfig:
    """The speech codec's layout with few channels: hop 40 at 8 kHz."""
    settings = {
        "name": "tiny",
        "sample_rate": 8000,
        "patch_stride": 4,
        "strides": (5, 2),
        "encoder_channels": (8, 20, 40),
        "decoder_channels": (8, 20, 40),
        "embedding_dim": 16,
        "codebook_size": 16,
        "num_quantizers": 4,
        "decoder_hidden": (),
        "decoder_dilations": (),
    }
    return speech().replace(**(settings | changes))


def harmonic_batch(batch: int, samples: int, rate: int = 8000, seed: int = 0) -> np.ndarray:
    """Sums of gliding harmonics with an envelope, float32 [batch, samples, 1]: voice-like."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    pitch = rng.uniform(90, 250, (batch, 1)) * (1 + 0.2 * np.sin(2 * np.pi * 3 * time))
    phase = 2 * np.pi * np.cumsum(pitch, axis=1) / rate
    voice = sum(np.sin(k * phase + k) / k for k in range(1, 9))
    envelope = 0.1 + np.abs(np.sin(2 * np.pi * rng.uniform(1, 4, (batch, 1)) * time))
    return (0.1 * envelope * voice)[..., None].astype(np.float32)


def make_folder(folder: Path, rate: int, files: int = 24) -> Path:
    """A folder of `files` wav files of 2 s, one speaker each."""
    folder.mkdir()
    for index in range(files):
        audio = harmonic_batch(1, 2 * rate, rate, seed=index)[0]
        soundfile.write(folder / f"speaker{index:02d}.wav", audio, rate)
    return folder
