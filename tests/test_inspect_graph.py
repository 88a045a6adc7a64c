from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export.flatbuffer.cut_graph import split_encoder
from export.flatbuffer.half_precision import CONVOLUTIONS, halve
from soundstream.tflite.metadata import DECODE_SIGNATURE, Metadata
from tools.benchmark.inspect_graph import FORBIDDEN, num_parameters, num_partitions, operators

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted(path.parent for path in ROOT.glob("pretrained/*/metadata.json"))


@pytest.fixture(scope="module")
def content():
    """Two convolutions around an operator that XNNPACK leaves alone."""
    rng = np.random.default_rng(0)
    kernel = tf.constant(rng.normal(size=[3, 1, 4, 4]), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, 10, 1, 4], tf.float32)])
    def graph(x):
        y = tf.nn.conv2d(x, kernel, 1, "VALID")
        return tf.nn.conv2d(tf.math.cumsum(y, axis=1), kernel, 1, "VALID")

    traced = graph.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([traced], graph).convert()


def test_arithmetic_and_constants_are_counted(content):
    (nodes,) = operators(content).values()
    convolutions = [node for node in nodes if node.name == "CONV_2D"]
    assert [node.macs for node in convolutions] == [8 * 4 * 12, 6 * 4 * 12]
    assert all(node.constant_bytes >= 4 * 4 * 12 for node in convolutions)
    assert [node.macs for node in nodes if node.name == "CUMSUM"] == [0]
    # Both have the same kernel.
    assert 4 * 4 * 3 <= num_parameters(nodes) <= 4 * 4 * 3 + 2 * 4


def test_float16_weights_are_read_as_float32(content):
    (before,), (after,) = (operators(c).values() for c in (content, halve(content, CONVOLUTIONS)))
    assert num_parameters(after) == num_parameters(before)
    assert sum(n.constant_bytes for n in after) == sum(n.constant_bytes for n in before)


def test_a_lookup_reads_its_rows_alone():
    table = tf.constant(np.random.default_rng(0).normal(size=[100, 8]), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([3], tf.int32)])
    def graph(rows):
        return tf.gather(table, rows)

    traced = graph.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], graph)
    (nodes,) = operators(converter.convert()).values()
    assert num_parameters(nodes) == 800
    assert sum(node.constant_bytes for node in nodes) == 3 * 8 * 4


def test_partitions_are_counted(content):
    (signature,) = operators(content)
    assert num_partitions(content, signature) == 2


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_released_graphs_suit_a_phone(folder):
    metadata = Metadata.read(folder)
    for flavour in metadata.flavours:
        encoder, decoder = (
            (folder / f"{part}_{flavour}.tflite").read_bytes() for part in ("encoder", "decoder")
        )
        for nodes in [*operators(encoder).values(), *operators(decoder).values()]:
            assert not {node.name for node in nodes} & set(FORBIDDEN)
        # Neither net is left by XNNPACK halfway; the search between them is, at every ARG_MAX.
        net, _ = split_encoder(encoder, metadata.signature_for(metadata.bitrates_bps[0]))
        # Band gains in front of it gather windows of audio and design filters: they make two more.
        assert num_partitions(net, "main") == (3 if metadata.denoise else 1)
        assert num_partitions(decoder, DECODE_SIGNATURE) == 1
