"""Writes model_<name>.json: what a shipped model makes of a fixed signal, for every flavour.

    python tests/golden/make_model_vectors.py pretrained/speech

To be run whenever a model is released. Models that remove noise do so here. Any implementation
must turn these codes into this audio, to rounding, and these packets into these codes, exactly. An
encoder on another processor may choose another entry where two are equally near.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from soundstream.bitstream.packets import PacketCoder
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder

FOLDER = Path(__file__).parent
NUM_FRAMES = 25
BITRATES_BPS = (3_000, 12_000)


def signal(num_samples: int) -> np.ndarray:
    """A gliding triangle wave and noise in integer arithmetic: float32 [num_samples]."""
    samples, state = [], 1
    for n in range(num_samples):
        half = 60 + n // 200
        state = (state * 1103515245 + 12345) % (1 << 31)
        triangle = 2 * abs(n % (2 * half) - half) - half  # -half..half
        samples.append(6000 * triangle // half + (state >> 16) % 1001 - 500)
    return np.array(samples, np.float32) / 32768


def make(folder: Path) -> dict[str, Any]:
    """The vectors of the model in `folder`."""
    vectors: list[dict[str, Any]] = []
    for flavour in CodecModel.load(folder).metadata.flavours:
        model = CodecModel.load(folder, flavour)
        metadata = model.metadata
        for bitrate_bps in BITRATES_BPS:
            encoder = StreamingEncoder(model, bitrate_bps, denoise=float(metadata.denoise))
            codes = encoder.encode(signal(NUM_FRAMES * metadata.hop))
            audio = StreamingDecoder(model).decode(codes)
            packet = PacketCoder(metadata.bits_per_code).encode(codes[:, None])
            vectors.append(
                {
                    "flavour": flavour,
                    "bitrate_bps": bitrate_bps,
                    "codes": codes.tolist(),
                    "packet": packet.to_bytes().hex(),
                    "audio": np.rint(audio * 32768).astype(int).tolist(),
                }
            )
    return {"model": folder.name, "model_id": metadata.model_id, "vectors": vectors}


if __name__ == "__main__":
    result = make(Path(sys.argv[1]).resolve())
    (FOLDER / f"model_{result['model']}.json").write_text(json.dumps(result) + "\n")
