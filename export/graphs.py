"""The graphs that ship, as TensorFlow functions with named inputs and outputs.

encode_<bitrate>(audio [1, frames * hop], state_...) -> codes int32 [1, frames, levels], state_...
decode(codes int32 [1, frames, num_quantizers], state_...) -> audio [1, frames * hop], state_...

State goes in and comes out under the same name; zeros begin a stream. There is one `encode` for
each bitrate, which searches only the levels it sends. One `decode` serves all rates: a code of -1
adds nothing.
"""

from collections.abc import Callable

import tensorflow as tf

from export.metadata import DECODE_SIGNATURE, NOT_SENT, STATE_PREFIX, encode_signature
from model.soundstream import SoundStream
from model.streaming import State, flatten_state, unflatten_state

Step = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]
Signatures = dict[str, tf.types.experimental.ConcreteFunction]


def encoder_signatures(
    model: SoundStream, bitrates_bps: tuple[int, ...], frames_per_call: int = 1
) -> Signatures:
    """One graph per bitrate, audio to codes."""
    state = model.encoder_state(1)
    inputs = {"audio": tf.TensorSpec([1, frames_per_call * model.config.hop], tf.float32)}
    if model.config.denoise:
        inputs["denoise"] = tf.TensorSpec([1, frames_per_call], tf.float32)

    def signature(num_quantizers: int) -> tf.types.experimental.ConcreteFunction:
        def encode(state: State, audio: tf.Tensor, **denoise: tf.Tensor) -> dict[str, tf.Tensor]:
            codes, after = model.encode_step(audio[..., None], state, num_quantizers, **denoise)
            return {"codes": codes} | _named(after)

        return _trace(encode, inputs, state)

    return {
        encode_signature(bitrate): signature(model.config.num_quantizers_for(bitrate))
        for bitrate in bitrates_bps
    }


def decoder_signatures(model: SoundStream, frames_per_call: int = 1) -> Signatures:
    """The graph from codes to audio."""
    quantizer = model.quantizer
    inputs = {"codes": tf.TensorSpec([1, frames_per_call, quantizer.num_quantizers], tf.int32)}
    # One table for all levels, so one lookup: row 0 of each level is the zero of "not sent".
    rows_per_level = quantizer.codebook_size + 1
    first_rows = tf.range(quantizer.num_quantizers) * rows_per_level - NOT_SENT

    def decode(state: State, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        table = tf.pad(quantizer.codebooks, [[0, 0], [1, 0], [0, 0]])
        entries = tf.gather(tf.reshape(table, [-1, quantizer.dim]), codes + first_rows)
        audio, after = model.decoder.step(tf.reduce_sum(entries, axis=2), state)
        return {"audio": audio[..., 0]} | _named(after)

    return {DECODE_SIGNATURE: _trace(decode, inputs, model.decoder_state(1))}


def _named(state: State) -> dict[str, tf.Tensor]:
    """Flat state under names that are valid Python identifiers, as TensorFlow wants them."""
    return {_state_name(path): value for path, value in flatten_state(state).items()}


def _state_name(path: str) -> str:
    return STATE_PREFIX + path.removeprefix("state/").replace("/", "_")


def _trace(
    function: Callable[..., dict[str, tf.Tensor]], inputs: dict[str, tf.TensorSpec], state: State
) -> tf.types.experimental.ConcreteFunction:
    """`function(state, **inputs)` with the tensors of `state` as further named inputs."""
    paths = {_state_name(path): path for path in flatten_state(state)}
    assert len(paths) == len(flatten_state(state))
    specs = {
        _state_name(p): tf.TensorSpec(v.shape, v.dtype) for p, v in flatten_state(state).items()
    }

    def flat(**values: tf.Tensor) -> dict[str, tf.Tensor]:
        nested = unflatten_state({paths[name]: values.pop(name) for name in specs})
        return function(nested, **values)

    named = {k: tf.TensorSpec(v.shape, v.dtype, name=k) for k, v in (inputs | specs).items()}
    return tf.function(flat, autograph=False).get_concrete_function(**named)
