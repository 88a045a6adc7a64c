"""Gives a model with a denoising switch the decoder of a codec that sends the same codes.

    python tools/release/adopt_decoder.py --weights=pretrained/speech_denoise/weights.npz \\
        --decoder_from=pretrained/speech/weights.npz --output=weights.npz

A decoder that was trained on (`train.py --decoder_only`) fits whatever sends its codes: the switch
works before the quantizer, and need not be trained again.
"""

import dataclasses

import numpy as np
from absl import flags

from common import command_line
from model.config import CodecConfig
from model.soundstream import SoundStream
from model.weights import load_model, named_weights, save_model


def with_decoder(model: SoundStream, codec: SoundStream) -> SoundStream:
    """What removes noise from `model`, everything else from `codec`.

    Raises:
      ValueError: `model` has no switch, or the two do not send the same codes.
    """
    if model.denoiser is None or codec.denoiser is not None or model.decoder_film is not None:
        raise ValueError(
            "a model whose switch is before the quantizer is needed, and a plain codec"
        )
    own, taken = named_weights(model), named_weights(codec)
    for name, variable in taken.items():
        shared = not name.startswith("decoder/")
        if shared and not np.array_equal(variable.numpy(), own[name].numpy()):
            raise ValueError(f"{name} differs: these models do not send the same codes")
    switch = {
        field.name: getattr(model.config, field.name)
        for field in dataclasses.fields(CodecConfig)
        if field.name.startswith("denoise")
    }
    result = SoundStream(codec.config.replace(**switch))
    for name, variable in named_weights(result).items():
        variable.assign(taken.get(name, own.get(name)))
    return result


def main(_: list[str]) -> None:
    given = flags.FLAGS
    result = with_decoder(load_model(given.weights), load_model(given.decoder_from))
    save_model(result, given.output)


if __name__ == "__main__":
    flags.DEFINE_string(
        "weights", None, "Weights of a model with the switch (.npz); required.", required=True
    )
    flags.DEFINE_string(
        "decoder_from",
        None,
        "Weights of the codec whose decoder is taken; required.",
        required=True,
    )
    flags.DEFINE_string("output", None, "File (.npz) for the result; required.", required=True)
    command_line.run(main)
