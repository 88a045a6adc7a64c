"""Weights of a codec in one plain file: a .npz of named arrays, nothing pickled.

Each array is named by the path to its variable, as in `encoder/block_0_unit_0/body/dilated/kernel`;
`config` holds the architecture as JSON. Convolutions may be stored as float16; codebooks stay
float32, as the quantizer is.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from model.backend import keras
from model.config import CodecConfig
from model.fake_quantization import set_ranges
from model.quantizer import SEARCH_PATHS
from model.soundstream import SoundStream
from soundstream.atomic import whole_file

CONFIG = "config"
CODEBOOKS = "quantizer/codebooks"


def named_weights(layer: keras.layers.Layer, prefix: str = "") -> dict[str, tf.Variable]:
    """The variables of `layer` by path: names of sublayers, then the name of the weight."""

    def walk(value: object, path: str) -> Iterator[tuple[str, tf.Variable]]:
        if isinstance(value, tf.Variable):
            yield path, value
        elif isinstance(value, keras.layers.Layer):
            for name, attribute in vars(value).items():
                if not name.startswith("_"):
                    yield from walk(attribute, f"{path}/{name}")
        elif isinstance(value, list):
            for item in value:
                yield from walk(item, f"{path.rpartition('/')[0]}/{item.name}")

    return {path.removeprefix("/"): variable for path, variable in walk(layer, prefix)}


def weights_hash(model: SoundStream) -> str:
    """16 hexadecimal digits that name these weights; tools call it the model id.

    What removes noise before the quantizer is left out: codes mean the same with it and without, so
    a codec that was given the switch still decodes what it coded before. For the same reason a
    codec whose decoder alone was trained further keeps its id (`CodecConfig.codes_of`).
    """
    if model.config.codes_of:
        return model.config.codes_of
    digest = hashlib.sha256()
    for name, variable in sorted(named_weights(model).items()):
        if name.startswith("denoiser/"):
            continue
        digest.update(name.encode())
        digest.update(variable.numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def save_model(model: SoundStream, path: str | Path, half_precision: bool = True) -> None:
    """Writes architecture and weights of `model` to `path` (.npz).

    Args:
      half_precision: store all but the codebooks as float16, half the size.
    """
    arrays = {CONFIG: np.frombuffer(json.dumps(model.config.to_dict()).encode(), np.uint8)}
    for name, variable in named_weights(model).items():
        halve = half_precision and name != CODEBOOKS
        arrays[name] = variable.numpy().astype(np.float16 if halve else np.float32)
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_model(path: str | Path, search_paths: int = SEARCH_PATHS) -> SoundStream:
    """The model that `save_model` wrote; `search_paths` as in `model/quantizer.py`.

    Raises:
      ValueError: `path` is no such file, or its arrays do not fit its architecture.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        config = CodecConfig.from_dict(json.loads(arrays.pop(CONFIG).tobytes()))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds no codec weights: {error}") from error
    model = SoundStream(config, search_paths=search_paths)
    variables = named_weights(model)
    if arrays.keys() != variables.keys():
        missing = sorted(variables.keys() - arrays.keys())[:3]
        extra = sorted(arrays.keys() - variables.keys())[:3]
        raise ValueError(
            f"{path} does not fit codec {config.name!r}: missing {missing}, unknown {extra}"
        )
    for name, variable in variables.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                f"{path}: {name} has shape {arrays[name].shape}, not {tuple(variable.shape)}"
            )
        variable.assign(arrays[name].astype(np.float32))
    return model


def with_int8_nets(model: SoundStream, audio: tf.Tensor) -> SoundStream:
    """A copy of `model` that rounds activations to eight bits, its ranges learnt from `audio`.

    Args:
      audio: typical signals, float32 [batch, time, 1].
    """
    copy = SoundStream(
        model.config.replace(int8_nets=True), search_paths=model.quantizer.search_paths
    )
    copied = named_weights(copy)
    for name, variable in named_weights(model).items():
        copied[name].assign(variable)
    embeddings = set_ranges(copy.encoder, audio)
    codes = copy.quantizer.encode(embeddings, model.config.num_quantizers)
    set_ranges(copy.decoder, copy.quantizer.decode(codes))
    return copy
