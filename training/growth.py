"""A wider decoder that computes, before it is trained on, what a narrower one did.

New residual units are the identity, and new channels inside units reach nothing yet: the weights
that lead out of them are zero ("Net2Net", arXiv 1511.05641, has the idea). So hours of training are
kept, and every file coded before stays valid.
"""

from model.config import CodecConfig
from model.soundstream import SoundStream
from model.weights import named_weights

GROWN = ("decoder_hidden", "decoder_dilations", "codes_of")


def grows_from(config: CodecConfig, wanted: CodecConfig) -> bool:
    """Whether `wanted` is `config` but for the decoder's residual units."""
    return config.replace(**{name: getattr(wanted, name) for name in GROWN}) == wanted


def take_grown(model: SoundStream, source: SoundStream) -> None:
    """Gives a freshly made `model` the weights of `source`, whose decoder may be narrower.

    Raises:
      ValueError: `source` differs in more, or has units that `model` lacks.
    """
    if not grows_from(source.config, model.config) or source.config.trunk_activation:
        raise ValueError(
            f"codec {model.config.name!r} cannot take weights of {source.config.to_dict()}: only a "
            "decoder that starts as identity may differ, by decoder_hidden and decoder_dilations"
        )
    own = named_weights(model)
    for name, variable in named_weights(source).items():
        if name not in own or any(a < b for a, b in zip(own[name].shape, variable.shape)):
            raise ValueError(f"{name} of shape {tuple(variable.shape)} has no place in the codec")
        # What is new keeps its start: random into a unit's hidden channels, zero out of them.
        value = own[name].numpy()
        value[tuple(slice(size) for size in variable.shape)] = variable.numpy()
        own[name].assign(value)
