"""Exports a codec to streaming TFLite graphs.

    python export/to_tflite.py --checkpoint=weights.npz --output_dir=DIR

writes encoder_<flavour>.tflite and decoder_<flavour>.tflite for each flavour, and metadata.json.
"""

import sys
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from absl import app, flags, logging

from export import calibration, graphs, quantize
from export.metadata import Metadata
from export.state import STATE_FORMS
from model.soundstream import SoundStream
from model.weights import load_model, weights_hash

USUAL_BITRATES_BPS = (3_000, 6_000, 9_000, 12_000, 18_000)


def export_model(
    model: SoundStream,
    folder: Path,
    flavours: list[str],
    bitrates_bps: list[int] | None = None,
    frames_per_call: int = 1,
    state: str = "explicit",
    calibration_audio: np.ndarray | None = None,
) -> Metadata:
    """Writes the graphs of `model` and their metadata into `folder`, created if missing.

    Args:
      flavours: keys of `quantize.FLAVOURS`, or `quantize.INT8`; the first is what programs load
        by default.
      bitrates_bps: rates with a signature of their own; None: the usual ones that the codec has.
      frames_per_call: frames of codes that one invocation consumes or makes.
      state: key of `STATE_FORMS`.
      calibration_audio: float32 [time] at the model's rate, for `quantize.INT8` only.

    Raises:
      ValueError: unknown flavour, a bitrate that the codec does not have, or no audio for int8.
    """
    known = [*quantize.FLAVOURS, quantize.INT8]
    unknown = sorted(set(flavours) - set(known))
    if unknown or not flavours:
        raise ValueError(f"quantization {unknown}: choose from {', '.join(known)}")
    if quantize.INT8 in flavours and calibration_audio is None:
        raise ValueError("int8 needs audio to calibrate with")
    config = model.config
    bitrates = tuple(sorted(bitrates_bps or _usual_bitrates(model)))
    form = STATE_FORMS[state]
    parts = {
        "encoder": graphs.encoder(model, bitrates, frames_per_call, form),
        "decoder": graphs.decoder(model, frames_per_call, form),
    }
    frames = {"encoder": calibration.encoder_frames, "decoder": calibration.decoder_frames}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        converted = quantize.convert(part)
        for flavour in flavours:
            if flavour == quantize.INT8:
                assert calibration_audio is not None
                inputs = frames[name](model, calibration_audio, frames_per_call)
                content = quantize.convert_int8(part, partial(calibration.calls, part, inputs))
            else:
                content = quantize.FLAVOURS[flavour](converted)
            path = folder / f"{name}_{flavour}.tflite"
            path.write_bytes(content)
            print(f"{path}: {len(content) / 1e6:.2f} MB", flush=True)
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
    )
    metadata.write(folder)
    return metadata


def _usual_bitrates(model: SoundStream) -> list[int]:
    """Those of the usual rates that the codec has, and always its full rate."""
    step, full = model.config.bitrate_bps(1), model.config.max_bitrate_bps
    return sorted({b for b in USUAL_BITRATES_BPS if b % step == 0 and b <= full} | {full})


def _define_flags() -> None:
    """Not at import: this module is also a library."""
    flavours = ", ".join([*quantize.FLAVOURS, quantize.INT8])
    flags.DEFINE_string("checkpoint", None, "Weights of a codec (.npz).", required=True)
    flags.DEFINE_string("output_dir", None, "Folder for the graphs.", required=True)
    flags.DEFINE_list(
        "quantization", list(quantize.FLAVOURS), f"Flavours, the default one first: {flavours}."
    )
    flags.DEFINE_multi_integer(
        "bitrate_bps", None, "Rate that gets an encoder signature, repeatable [the usual ones]."
    )
    flags.DEFINE_enum("state", "explicit", list(STATE_FORMS), "Way of state in and out of graphs.")
    flags.DEFINE_integer("frames_per_call", 1, "Frames per invocation.", 1)
    flags.DEFINE_string(
        "calibration_dir", None, "Prepared data, or speech, which shows int8 its ranges."
    )
    flags.DEFINE_integer("calibration_files", 50, "Recordings to take, of many speakers.", 1)
    flags.DEFINE_float("calibration_seconds", 2.0, "Seconds of each.", 0.1)


def main(_: list[str]) -> None:
    logging.set_verbosity(logging.ERROR)  # the converter tells much that means nothing here
    given = flags.FLAGS
    try:
        model = load_model(given.checkpoint)
        audio = None
        if given.calibration_dir:
            audio = calibration.read_audio(
                given.calibration_dir,
                model.config.sample_rate,
                given.calibration_files,
                given.calibration_seconds,
            )
        export_model(
            model,
            Path(given.output_dir),
            given.quantization,
            given.bitrate_bps,
            given.frames_per_call,
            given.state,
            audio,
        )
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _define_flags()
    app.run(main)
