"""A streaming neural speech codec: 300 bps to 18 kbps from one model, without TensorFlow.

    import soundstream

    soundstream.encode_file("speech.wav", "speech.sst", bitrate_bps=3000)
    soundstream.decode_file("speech.sst", "copy.wav")

    data = soundstream.encode(samples, sample_rate=44_100, bitrate_bps=6000)
    samples, sample_rate = soundstream.decode(data)

Names are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .audio import AudioError
    from .bitstream.errors import BitstreamError
    from .codec.file_codec import Summary
    from .live import Decoder, Encoder
    from .models import Model, load
    from .whole import decode, decode_file, encode, encode_file, info

__version__ = "0.9.0"

__all__ = [
    "AudioError",
    "BitstreamError",
    "Decoder",
    "Encoder",
    "Model",
    "Summary",
    "__version__",
    "decode",
    "decode_file",
    "encode",
    "encode_file",
    "info",
    "load",
]

_HOMES = {
    "AudioError": "audio",
    "BitstreamError": "bitstream.errors",
    "Decoder": "live",
    "Encoder": "live",
    "Model": "models",
    "Summary": "codec.file_codec",
    "decode": "whole",
    "decode_file": "whole",
    "encode": "whole",
    "encode_file": "whole",
    "info": "whole",
    "load": "models",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
