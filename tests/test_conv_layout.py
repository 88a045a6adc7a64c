from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from export import graphs, quantize
from export.flatbuffer.conv_layout import without_reshapes
from export.graphs import Part
from model.soundstream import SoundStream
from tests.contract import fit_codebooks, randomize
from tests.tiny import SMALL_SWITCH, harmonic_batch, tiny_config
from tools.benchmark.inspect_graph import operators


@pytest.fixture(scope="module")
def model():
    config = tiny_config(**SMALL_SWITCH)
    model = SoundStream(config)
    randomize(model)
    fit_codebooks(model, harmonic_batch(1, 20 * config.hop))
    return model


def converted(part, monkeypatch):
    """The graph as the converter makes it, and as it ships."""
    with monkeypatch.context() as patch:
        patch.setattr(quantize.conv_layout, "without_reshapes", lambda content: content)
        plain = quantize.convert(part)
    return plain, without_reshapes(plain)


def outputs(content, signature, seed=0):
    """What a graph makes of random inputs, flat; its inputs are drawn in the order of names."""
    rng = np.random.default_rng(seed)
    runner = Interpreter(model_content=content).get_signature_runner(signature)
    inputs = {}
    for name, details in sorted(runner.get_input_details().items()):
        if details["dtype"] == np.int32:
            inputs[name] = rng.integers(-1, 8, details["shape"], np.int32)
        else:
            inputs[name] = rng.normal(size=details["shape"]).astype(np.float32)
    return {name: value.ravel() for name, value in runner(**inputs).items()}


def count(content, signature, name):
    return Counter(node.name for node in operators(content)[signature])[name]


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("make", [graphs.encoder, graphs.decoder])
def test_values_stay_and_reshapes_go(model, monkeypatch, make, frames):
    rates = ((3200,),) if make is graphs.encoder else ()
    plain, changed = converted(make(model, *rates, frames_per_call=frames), monkeypatch)
    (signature,) = operators(plain)
    expected, actual = outputs(plain, signature), outputs(changed, signature)
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value)
    convolutions = count(plain, signature, "CONV_2D")
    assert count(plain, signature, "RESHAPE") >= 2 * convolutions
    assert count(changed, signature, "RESHAPE") < convolutions


def test_a_signal_that_cannot_change_stays(monkeypatch):
    kernel = tf.Variable(np.random.default_rng(0).normal(size=[3, 4, 4]).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 8, 4], tf.float32, name="x")])
    def backwards(x):
        return {"y": tf.nn.elu(tf.nn.conv1d(tf.reverse(x, [1]), kernel, 1, "VALID"))}

    part = Part({"run": backwards.get_concrete_function()}, [kernel])
    plain, changed = converted(part, monkeypatch)
    np.testing.assert_array_equal(outputs(changed, "run")["y"], outputs(plain, "run")["y"])
    runner = Interpreter(model_content=changed).get_signature_runner("run")
    assert list(runner.get_input_details()["x"]["shape"]) == [1, 8, 4]
