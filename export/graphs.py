"""The graphs that ship, as TensorFlow functions with named inputs and outputs.

encode_<bitrate>(audio [streams, frames * hop], state)
    -> codes int32 [streams, frames, levels], state
decode(codes int32 [streams, frames, num_quantizers], state)
    -> audio [streams, frames * hop], state

A phone has one stream; a server may take many through one call. Zeros begin a stream;
`export/state.py` says in which form state comes and goes. There is one `encode` for each bitrate,
which searches only the levels it sends. One `decode` serves all rates: a code of -1 adds nothing.
Models that remove noise have one more input of `encode`, and of `decode` where the decoder is
conditioned too: denoise float32 [streams, frames], 0 (off) to 1 (on).
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from export.state import ConcreteFunction, ExplicitState, StateForm, Step
from model.soundstream import SoundStream
from model.streaming import State
from soundstream.tflite.metadata import DECODE_SIGNATURE, NOT_SENT, encode_signature


class Part(NamedTuple):
    """Signatures that go into one file, and the variables they use."""

    signatures: dict[str, ConcreteFunction]
    variables: list[tf.Variable]


def encoder(
    model: SoundStream,
    bitrates_bps: tuple[int, ...],
    frames_per_call: int = 1,
    state_form: Callable[[State], StateForm] = ExplicitState,
    streams: int = 1,
) -> Part:
    """Audio to codes, one signature per bitrate."""
    form = state_form(model.encoder_state(streams))
    inputs = {"audio": tf.TensorSpec([streams, frames_per_call * model.config.hop], tf.float32)}
    if model.config.denoise:
        inputs |= _switch(streams, frames_per_call)

    def step(num_quantizers: int) -> Step:
        def encode(state: State, audio: tf.Tensor, **denoise: tf.Tensor):
            samples = tf.reshape(audio, [streams, -1, 1])
            codes, after = model.encode_step(samples, state, num_quantizers, **denoise)
            return {"codes": codes}, after

        return encode

    signatures = {
        encode_signature(bitrate): form.trace(
            step(model.config.num_quantizers_for(bitrate)), inputs
        )
        for bitrate in bitrates_bps
    }
    return Part(signatures, model.variables + form.variables)


def decoder(
    model: SoundStream,
    frames_per_call: int = 1,
    state_form: Callable[[State], StateForm] = ExplicitState,
    streams: int = 1,
) -> Part:
    """Codes of any number of levels to audio."""
    form = state_form(model.decoder_state(streams))
    quantizer = model.quantizer
    shape = [streams, frames_per_call, quantizer.num_quantizers]
    inputs = {"codes": tf.TensorSpec(shape, tf.int32)}
    if model.config.denoise_decoder:
        inputs |= _switch(streams, frames_per_call)
    # One table for all levels, so one lookup: row 0 of each level is the zero of "not sent".
    rows_per_level = quantizer.codebook_size + 1
    first_rows = tf.range(quantizer.num_quantizers) * rows_per_level - NOT_SENT

    def decode(state: State, codes: tf.Tensor, **denoise: tf.Tensor):
        table = tf.pad(quantizer.codebooks, [[0, 0], [1, 0], [0, 0]])
        entries = tf.gather(tf.reshape(table, [-1, quantizer.dim]), codes + first_rows)
        audio, after = model.synthesize_step(tf.reduce_sum(entries, axis=2), state, **denoise)
        return {"audio": tf.reshape(audio, [streams, -1])}, after

    return Part({DECODE_SIGNATURE: form.trace(decode, inputs)}, model.variables + form.variables)


def _switch(streams: int, frames_per_call: int) -> dict[str, tf.TensorSpec]:
    return {"denoise": tf.TensorSpec([streams, frames_per_call], tf.float32)}
