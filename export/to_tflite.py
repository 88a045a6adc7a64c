"""Exports a codec to streaming TFLite graphs.

    python export/to_tflite.py --weights=weights.npz --output_dir=DIR

writes encoder_<flavour>.tflite and decoder_<flavour>.tflite for each flavour, and metadata.json.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import tensorflow as tf
from absl import flags, logging

from common import command_line
from data.selection import find_recordings
from export import graphs, quantize
from export.flatbuffer import static_int16
from export.state import STATE_FORMS
from model.config import CodecConfig
from model.quantizer import SEARCH_PATHS
from model.soundstream import SoundStream
from model.weights import load_model, weights_hash, with_int8_nets
from soundstream.atomic import write_whole
from soundstream.frames import whole_frames
from soundstream.tflite.metadata import Metadata


def export_model(
    model: SoundStream,
    folder: Path,
    flavours: list[str],
    bitrates_bps: list[int] | None = None,
    frames_per_call: int = 1,
    state: str = "explicit",
    int8_models: Mapping[str, SoundStream] = MappingProxyType({}),
    int16_speech: np.ndarray | None = None,
    streams_per_call: int = 1,
) -> Metadata:
    """Writes the graphs of `model` and their metadata into `folder`, created if missing.

    Args:
      flavours: keys of `quantize.FLAVOURS` or of `int8_models`, or int16; the first is what
        programs load by default.
      bitrates_bps: rates with a signature of their own; None: the usual ones that the codec has.
      frames_per_call: frames of codes that one invocation consumes or makes.
      state: key of `STATE_FORMS`.
      int8_models: what the int8 flavours are made from: models with `int8_nets`.
      int16_speech: float32 [samples], what the ranges of int16 are set on.
      streams_per_call: signals that one invocation serves; several are for servers.

    Raises:
      ValueError: unknown flavour, a bitrate that the codec does not have, an int8 model of another
        architecture or with codebooks of its own, in int8 or int16 another state than explicit, a
        denoising switch or several streams, or several streams with a state that is not explicit.
    """
    known = [*quantize.FLAVOURS, *int8_models]
    known += [quantize.INT16] if int16_speech is not None else []
    unknown = sorted(set(flavours) - set(known))
    if unknown or not flavours:
        raise ValueError(f"flavour {unknown}: choose from {', '.join(known)}")
    fixed = sorted(set(flavours) - set(quantize.FLAVOURS))  # ranges are
    if fixed and model.config.denoise:
        # Its net has no ranges, and `integer_elu` knows only those that have.
        raise ValueError(f"{', '.join(fixed)}: not for models with a denoising switch")
    for flavour, int8_model in int8_models.items():
        if int8_model.config != model.config.replace(int8_nets=True):
            raise ValueError(f"{flavour}: not this codec with int8 nets, as `train.py --qat` makes")
        if np.any(int8_model.quantizer.codebooks != model.quantizer.codebooks):
            raise ValueError(
                f"{flavour} has other codebooks: it could not decode what this encodes"
            )
    if fixed and state != "explicit":
        # Packed, all states would be rounded by the one scale of their tensor; and the order of
        # operators that `integer_elu` makes leaves assignments of variables out.
        raise ValueError(f"state {state} is not for {', '.join(fixed)}: use explicit")
    if streams_per_call > 1 and (fixed or state != "explicit"):
        what = ", ".join(fixed) or f"state {state}"
        raise ValueError(f"{what}: not with {streams_per_call} streams in one call")
    config = model.config
    bitrates = tuple(sorted(bitrates_bps or model.config.usual_bitrates_bps))

    def parts(source: SoundStream) -> dict[str, graphs.Part]:
        form = STATE_FORMS[state]
        return {
            "encoder": graphs.encoder(source, bitrates, frames_per_call, form, streams_per_call),
            "decoder": graphs.decoder(source, frames_per_call, form, streams_per_call),
        }

    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {}
    converted = {name: quantize.convert(part) for name, part in parts(model).items()}
    for name, content in converted.items():
        for flavour in set(flavours) & set(quantize.FLAVOURS):
            files[f"{name}_{flavour}.tflite"] = quantize.FLAVOURS[flavour](content)
    if quantize.INT16 in flavours:
        assert int16_speech is not None
        seen = static_int16.calibration(**converted, audio=int16_speech)
        for name, content in converted.items():
            files[f"{name}_{quantize.INT16}.tflite"] = quantize.int16(content, seen)
    for flavour in set(flavours) & set(int8_models):
        for name, part in parts(int8_models[flavour]).items():
            files[f"{name}_{flavour}.tflite"] = quantize.convert_int8(part)
    for file, content in sorted(files.items()):
        write_whole(folder / file, content)
        print(f"{folder / file}: {len(content) / 1e6:.2f} MB", flush=True)
    metadata = Metadata(
        name=config.name,
        model_id=weights_hash(model),
        sample_rate=config.sample_rate,
        hop=config.hop,
        frames_per_call=frames_per_call,
        codebook_size=config.codebook_size,
        num_quantizers=config.num_quantizers,
        bitrates_bps=bitrates,
        flavours=tuple(flavours),
        denoise=config.denoise,
        state=state,
        streams_per_call=streams_per_call,
    )
    metadata.write(folder)
    return metadata


def calibration_speech(
    config: CodecConfig, folder: str, max_files: int, max_seconds: float
) -> np.ndarray:
    """Speech to set ranges on, float32 [samples], whole frames.

    Args:
      folder: a prepared data folder, of which the training part counts, or any folder of audio.
      max_files: recordings to take, one per speaker first.
      max_seconds: of the beginning of each.

    Raises:
      ValueError: no audio there, or a file that cannot be read.
    """
    recordings = find_recordings(folder, "train", ["speech"], max_files)
    samples = np.concatenate([one.read(config.sample_rate, max_seconds) for one in recordings])
    return whole_frames(samples, config.hop)


def calibrated(model: SoundStream, speech: np.ndarray) -> SoundStream:
    """`model` with int8 nets, their ranges set on `speech`, float32 [samples]."""
    return with_int8_nets(model, tf.constant(speech[None, :, None]))


def _define_flags() -> None:
    """Not at import: this module is also a library."""
    flavours = [*quantize.FLAVOURS, quantize.INT16, quantize.INT8, quantize.INT8_QAT]
    flags.DEFINE_string("weights", None, "Weights of a codec (.npz); required.", required=True)
    flags.DEFINE_string("output_dir", None, "Folder for the graphs; required.", required=True)
    command_line.several_of(
        "flavour", list(quantize.FLAVOURS), flavours, "Number formats to write, the default first."
    )
    command_line.several_integers(
        "bitrate_bps",
        None,
        "Bits per second that get an encoder signature; default: the usual ones of the codec.",
    )
    flags.DEFINE_enum(
        "state", "explicit", list(STATE_FORMS), "How state goes into graphs and comes out."
    )
    flags.DEFINE_integer("frames_per_call", 1, "Frames of codes per invocation.", 1)
    flags.DEFINE_integer("streams_per_call", 1, "Signals per invocation; several: for servers.", 1)
    flags.DEFINE_integer(
        "search_paths", SEARCH_PATHS, "Paths that the quantizer's search keeps; 1: greedy.", 1
    )
    flags.DEFINE_string(
        "calibration_dir",
        None,
        "For int8 and int16: prepared data, or speech, to set ranges on; default: neither is made.",
    )
    flags.DEFINE_integer(
        "calibration_max_files", 50, "Recordings at most of those, one per speaker first.", 1
    )
    flags.DEFINE_float(
        "calibration_max_seconds", 2.0, "Seconds at most of the beginning of each of those.", 0.1
    )
    flags.DEFINE_string(
        "qat_from",
        None,
        "For int8_qat: weights (.npz) by `train.py --qat`; default: it isn't made.",
    )


_RENAMED = {
    "calibration_files": "calibration_max_files",
    "calibration_seconds": "calibration_max_seconds",
    "checkpoint": "weights",
    "qat_checkpoint": "qat_from",
    "quantization": "flavour",
}


def _int8_models(
    model: SoundStream, speech: np.ndarray | None, given: flags.FlagValues
) -> dict[str, SoundStream]:
    """The sources of the int8 flavours for which flags name data or weights."""
    models = {}
    if speech is not None and quantize.INT8 in given.flavour:
        models[quantize.INT8] = calibrated(model, speech)
    if given.qat_from:
        models[quantize.INT8_QAT] = load_model(given.qat_from, given.search_paths)
    return models


def main(_: list[str]) -> None:
    logging.set_verbosity(logging.ERROR)  # the converter tells much that means nothing here
    given = flags.FLAGS
    model = load_model(given.weights, given.search_paths)
    speech = None
    if given.calibration_dir:
        speech = calibration_speech(
            model.config,
            given.calibration_dir,
            given.calibration_max_files,
            given.calibration_max_seconds,
        )
    export_model(
        model,
        Path(given.output_dir),
        given.flavour,
        given.bitrate_bps,
        given.frames_per_call,
        given.state,
        _int8_models(model, speech, given),
        speech,
        given.streams_per_call,
    )


if __name__ == "__main__":
    _define_flags()
    command_line.run(main, renamed=_RENAMED)
