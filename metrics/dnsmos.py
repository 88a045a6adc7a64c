"""DNSMOS P.835 (arXiv 2110.01763): a listening score predicted without the original.

The network and the polynomial that maps it to the listeners' scale are those of the package
`speechmos`, whose own module is not imported: it wants librosa for a second score.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

RATE = 16_000
_SECONDS = 9.01
_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])


def overall(samples: np.ndarray) -> float:
    """The overall score, 1 to 5: the mean over stretches of 9 s that start a second apart.

    Args:
        samples: `[time]` at 16 kHz, full scale 1; repeated where shorter than 9 s.
    """
    length = int(_SECONDS * RATE)
    samples = np.clip(samples, -1, 1).astype(np.float32)
    while len(samples) < length:
        samples = np.append(samples, samples)
    count = int(len(samples) // RATE - _SECONDS) + 1  # whole seconds, as in the authors' script
    starts = [RATE * second for second in range(count)]
    raw = [_raw_overall(samples[start : start + length]) for start in starts]
    return float(np.mean(_OVERALL(raw)))


def _raw_overall(stretch: np.ndarray) -> float:
    signal_background_overall = _network().run(None, {"input_1": stretch[None]})[0][0]
    return signal_background_overall[2]


@lru_cache(maxsize=1)
def _network() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = files("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"
    return onnxruntime.InferenceSession(str(path), options)
