"""What every streaming layer promises, checked in one line by the tests of each layer.

check_contract(layer, channels)       values, gradients, causality, state
check_tflite_step(layer, channels)    the converted step equals the Keras step
"""

import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from model.soundstream import SoundStream
from model.streaming import State, StreamingLayer, flatten_state, unflatten_state
from tests.tiny import tiny_config

TOLERANCE = 1e-5
BATCH = 2

TINY = tiny_config()


def randomize(layer: tf.Module, seed: int = 0) -> None:
    """Random weights of unit gain: layers that start as zero or identity would prove nothing."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        # Biases small, so that they do not drown the signal.
        gain = 0.1 if weight.shape.rank == 1 else np.prod(weight.shape[:-1]) ** -0.5
        weight.assign(rng.normal(size=weight.shape) * gain)


def fit_codebooks(model: SoundStream, audio: tf.Tensor, seed: int = 0) -> None:
    """Random codebooks of the embeddings' size, smaller level by level, so that codes vary."""
    rng = np.random.default_rng(seed)
    quantizer = model.quantizer
    scale = np.std(model.embed(audio)) * 0.7 ** np.arange(quantizer.num_quantizers)
    quantizer.codebooks.assign(rng.normal(size=quantizer.codebooks.shape) * scale[:, None, None])


def random_chunks(total: int, block: int, rng: np.random.Generator) -> list[int]:
    """Random lengths, whole blocks each, that add up to `total`."""
    assert total % block == 0
    cuts = np.flatnonzero(rng.random(total // block - 1) < 0.4) + 1
    return [int(n) * block for n in np.diff([0, *cuts, total // block])]


def run_chunks(layer: StreamingLayer, x: tf.Tensor, chunks: list[int]) -> tuple[tf.Tensor, State]:
    """The step form over `x`, piece by piece; also the state after the last one."""
    state = layer.initial_state(x.shape[0])
    outputs = []
    for piece in tf.split(x, chunks, axis=1):
        y, state = layer.step(piece, state)
        outputs.append(y)
    return tf.concat(outputs, axis=1), state


def check_contract(
    layer: StreamingLayer, channels: int, num_blocks: int = 12, num_chunkings: int = 3
) -> None:
    """Any chunking equals the whole signal: outputs, gradients, and nothing from the future."""
    randomize(layer)
    rng = np.random.default_rng(1)
    time = num_blocks * layer.block
    x = tf.constant(rng.normal(size=[BATCH, time, channels]), tf.float32)
    whole = layer(x)
    assert whole.shape[:2] == [BATCH, time * layer.up // layer.down]
    loss_weights = tf.constant(rng.normal(size=whole.shape), tf.float32)

    def gradients(chunks: list[int]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, _ = run_chunks(layer, x, chunks)
            loss = tf.reduce_sum(y * loss_weights)
        return y, tape.gradient(loss, [x, *layer.trainable_weights])

    _, expected = gradients([time])
    chunkings = [random_chunks(time, layer.block, rng) for _ in range(num_chunkings)]
    for chunks in [[layer.block] * num_blocks, *chunkings]:
        streamed, actual = gradients(chunks)
        np.testing.assert_allclose(streamed, whole, atol=TOLERANCE, err_msg=str(chunks))
        for one, other in zip(actual, expected, strict=True):
            scale = max(1.0, float(tf.reduce_max(tf.abs(other))))
            np.testing.assert_allclose(one / scale, other / scale, atol=TOLERANCE)
    _check_causality(layer, x, whole)
    _check_state(layer, x)


def _check_causality(layer: StreamingLayer, x: tf.Tensor, whole: tf.Tensor) -> None:
    """NaN from some block on must not reach any output before it, and must reach some after."""
    past = x.shape[1] // layer.block // 2 * layer.block
    poisoned = tf.concat([x[:, :past], tf.fill(x[:, past:].shape, np.nan)], axis=1)
    y = layer(poisoned).numpy()
    boundary = past * layer.up // layer.down
    np.testing.assert_array_equal(y[:, :boundary], whole[:, :boundary])
    assert np.isnan(y[:, boundary]).any()


def _check_state(layer: StreamingLayer, x: tf.Tensor) -> None:
    """State is zeros at first, keeps names and shapes, and survives flattening."""
    before = flatten_state(layer.initial_state(BATCH))
    _, state = run_chunks(layer, x, [x.shape[1]])
    after = flatten_state(state)
    assert {k: v.shape for k, v in before.items()} == {k: v.shape for k, v in after.items()}
    assert all(not np.any(value) for value in before.values())
    assert flatten_state(unflatten_state(after)).keys() == after.keys()


def check_tflite_step(layer: StreamingLayer, channels: int, num_steps: int = 3) -> None:
    """One block at a time through LiteRT: outputs and new states equal those of Keras."""
    randomize(layer)
    state = layer.initial_state(1)
    paths = list(flatten_state(state))
    names = [f"state_{i}" for i in range(len(paths))]

    class Step(tf.Module):
        @tf.function(autograph=False)
        def __call__(self, x, **states):
            nested = unflatten_state({p: states[n] for p, n in zip(paths, names)})
            y, after = layer.step(x, nested)
            flat = flatten_state(after)
            return {"y": y} | {n: flat[p] for p, n in zip(paths, names)}

    step = Step()
    step.weights = layer.variables
    flat = flatten_state(state)
    specs = {n: tf.TensorSpec(flat[p].shape, tf.float32, n) for p, n in zip(paths, names)}
    traced = step.__call__.get_concrete_function(
        tf.TensorSpec([1, layer.block, channels], tf.float32, "x"), **specs
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(step, folder, signatures={"step": traced})
        content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    run = Interpreter(model_content=content, num_threads=1).get_signature_runner("step")
    rng = np.random.default_rng(2)
    for _ in range(num_steps):
        x = rng.normal(size=[1, layer.block, channels]).astype(np.float32)
        flat = flatten_state(state)
        outputs = run(x=x, **{n: flat[p].numpy() for p, n in zip(paths, names)})
        y, state = layer.step(tf.constant(x), state)
        np.testing.assert_allclose(outputs["y"], y, atol=TOLERANCE)
        flat = flatten_state(state)
        for path, name in zip(paths, names):
            np.testing.assert_allclose(outputs[name], flat[path], atol=TOLERANCE, err_msg=path)
