"""Codes audio files into .sst files and back with a streaming neural codec.

  python codec.py encode speech.wav speech.sst --bitrate_bps=3000
  python codec.py decode speech.sst copy.wav
  python codec.py info speech.sst

`encode` takes wav, flac, ogg and mp3 at any sample rate, number of channels and length, and all
three come back exactly. A folder is coded into a folder, and "-" is a pipe (wav or .sst).

Exit code: 0 all is well; 1 a file failed and was not written; 2 a file was written, or described,
but its .sst stream is damaged or cut.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from absl import flags

from .codec import files
from .codec.audio_io import PIPE
from .codec.file_codec import Span, Summary
from .codec.packet_encoder import EncodeOptions
from .tflite.runtime import CodecModel

_MODEL_DIR = flags.DEFINE_string(
    "model_dir",
    str(Path(__file__).resolve().parents[1] / "pretrained" / "speech"),
    "Folder of an exported model: .tflite files and metadata.json.",
)
_FLAVOUR = flags.DEFINE_string("flavour", None, "Which of the model's files; default: its first.")
_BITRATE_BPS = flags.DEFINE_integer("bitrate_bps", 3000, "Bits per second of each channel.")
_ENTROPY_CODING = flags.DEFINE_bool(
    "entropy_coding", True, "encode: fewer bits for likely codes, where the model has tables."
)
_DTX = flags.DEFINE_bool("dtx", False, "encode: describe pauses instead of coding them.")
_DENOISE = flags.DEFINE_bool("denoise", False, "encode: remove noise, where the model can.")
_START_SECONDS = flags.DEFINE_float("start_seconds", 0.0, "decode: second to begin at.", 0.0)
_SECONDS = flags.DEFINE_float(
    "seconds", None, "decode: seconds to decode; default: to the end.", 0.0
)
_JSON = flags.DEFINE_bool("json", False, "info: print JSON in place of a table.")

OK, FAILED, DAMAGED = 0, 1, 2
_USAGE = "usage: codec.py encode IN OUT.sst | decode IN.sst OUT | info IN.sst (--help for more)"


def _encode(source: str, target: str) -> int:
    jobs = files.encode_jobs(source, target)
    model = CodecModel.load(_MODEL_DIR.value, flavour=_FLAVOUR.value)
    options = EncodeOptions(
        bitrate_bps=_BITRATE_BPS.value,
        tables=files.load_tables(_MODEL_DIR.value) if _ENTROPY_CODING.value else None,
        dtx=_DTX.value,
        denoise=_DENOISE.value,
    )
    return _code_all(jobs, lambda job: files.encode_file(model, job, options))


def _decode(source: str, target: str) -> int:
    jobs = files.decode_jobs(source, target)
    model = CodecModel.load(_MODEL_DIR.value, flavour=_FLAVOUR.value)
    tables = files.load_tables(_MODEL_DIR.value)
    span = Span(_START_SECONDS.value, _SECONDS.value)
    return _code_all(jobs, lambda job: files.decode_file(model, job, tables, span))


def _code_all(jobs: list[files.Job], code: Callable[[files.Job], Summary]) -> int:
    """Codes one file after the other; a bad one is named and the others go on."""
    results = {OK}
    for job in jobs:
        out = sys.stderr if job.target == PIPE else sys.stdout
        try:
            summary = code(job)
        except (ValueError, OSError) as error:
            _complain(error)
            results.add(FAILED)
            continue
        for remark in summary.warnings + summary.damage:
            _complain(f"{job.source}: {remark}")
        results.add(DAMAGED if summary.damage else OK)
        print(
            f"{job.source} -> {job.target}: {summary.seconds:.2f} s, "
            f"{summary.header.nominal_bps:.0f} bps nominal, {summary.actual_bps:.0f} bps actual, "
            f"real-time factor {summary.real_time_factor:.4f}",
            file=out,
        )
    return FAILED if FAILED in results else max(results)


def _info(source: str) -> int:
    facts = files.describe_file(source)
    if _JSON.value:
        print(json.dumps({"file": source, **facts}, indent=2))
    else:
        for name, value in facts.items():
            text = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            print(f"{name.replace('_', ' '):<20}{text}")
    for phrase in facts["damage"]:
        _complain(f"{source}: {phrase}")
    return DAMAGED if facts["damage"] else OK


def _complain(message: object) -> None:
    print(f"codec.py: {message}", file=sys.stderr)


def main(argv: list[str]) -> int:
    try:
        match argv[1:]:
            case ["encode", source, target]:
                return _encode(source, target)
            case ["decode", source, target]:
                return _decode(source, target)
            case ["info", source]:
                return _info(source)
        _complain(_USAGE)
        return FAILED
    except (ValueError, OSError) as error:
        _complain(error)
        return FAILED
