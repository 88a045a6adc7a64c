"""From TensorFlow signatures to .tflite bytes, and from float32 to the smaller number formats."""

import contextlib
import io
import re
import tempfile
from collections.abc import Callable

import tensorflow as tf
from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

from export.flatbuffer import conv_layout, cut_graph, integer_elu, static_int16
from export.flatbuffer.half_precision import CODEBOOKS, CONVOLUTIONS, halve
from export.graphs import Part

AUDIO = "audio"  # the input of encoders and the output of decoders, see export/graphs.py


def convert(part: Part) -> bytes:
    """One float32 .tflite with all signatures of `part`, which share their weights."""
    return conv_layout.without_reshapes(_convert(part, []))


def convert_int8(part: Part) -> bytes:
    """The same of a model with `int8_nets`: convolutions, ELU, sums and states' insides in int8.

    Audio, states and codes keep their types outside; the search is in float32.
    """
    content = _convert(part, [tf.lite.Optimize.DEFAULT])
    return halve(integer_elu.fuse(content), CODEBOOKS)


def _convert(part: Part, optimizations: list[tf.lite.Optimize]) -> bytes:
    """Goes through a SavedModel, the only way to several signatures in one file."""
    module = tf.Module()
    module.held = part.variables
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=part.signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(part.signatures)
        )
        converter.experimental_enable_resource_variables = True  # for state inside of the graph
        converter.optimizations = optimizations
        return converter.convert()


def float32(content: bytes) -> bytes:
    """Weights and arithmetic in float32."""
    return content


def float16(content: bytes) -> bytes:
    """Weights stored in float16, arithmetic in float32."""
    return halve(content, CODEBOOKS | CONVOLUTIONS)


def dynamic_int8(content: bytes) -> bytes:
    """Convolutions in int8, weights per channel, inputs as they come; the rest float32.

    So is the convolution that reads or writes audio: with eight bits for all bands and samples the
    treble drowns, and it is too small to cost time.

    TensorFlow's own dynamic-range option also takes the products of the quantizer, where rounding
    changes more than half of the codes: hence the recipe for convolutions alone. The quantizer
    computes in float32, its codebooks are stored in float16.
    """
    weights = qtyping.TensorQuantizationConfig(
        num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
    )
    halved = halve(content, CODEBOOKS)
    tool = quantizer.Quantizer(bytearray(halved))
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.CONV_2D,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.INTEGER
        ),
    )
    for name in _convolutions_of_audio(halved):
        tool.update_quantization_recipe(
            regex=f"^{re.escape(name)};",
            operation_name=qtyping.TFLOperationName.CONV_2D,
            algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
        )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        quantized = bytes(tool.quantize().quantized_model)
    # The tool puts large constants behind the flatbuffer, where TensorFlow Lite 2.17 finds nothing.
    return cut_graph.write(cut_graph.read(quantized))


def _convolutions_of_audio(content: bytes) -> list[str]:
    """What each signature's convolutions next to its input or output `audio` write, by name.

    They have the fewest channels there. An encoder that removes noise has two, and other ones, of
    band gains, in front of the second.
    """
    model = cut_graph.read(content)
    operators = cut_graph.operator_names(model)
    names = []
    for signature in model.signatureDefs or []:
        graph = model.subgraphs[signature.subgraphIndex]
        convolutions = [o for o in graph.operators if operators[o.opcodeIndex] == "CONV_2D"]
        # A filter is [channels out, time, 1, channels in].
        for tensors, channels in ((signature.inputs, 3), (signature.outputs, 0)):
            if AUDIO in [tensor.name.decode() for tensor in tensors]:
                counts = [graph.tensors[o.inputs[1]].shape[channels] for o in convolutions]
                names += [
                    graph.tensors[o.outputs[0]].name.decode()
                    for o, count in zip(convolutions, counts, strict=True)
                    if count == min(counts)
                ]
    return names


# Flavours that are made from the float32 file alone; the first is what programs load by default.
FLAVOURS: dict[str, Callable[[bytes], bytes]] = {
    "dynamic_int8": dynamic_int8,
    "float16": float16,
    "float32": float32,
}


def int16(content: bytes, seen: static_int16.Calibration) -> bytes:
    """Nets with fixed ranges, activations in 16 bits, weights in 8; the search in float32."""
    return static_int16.quantize(halve(content, CODEBOOKS), seen)


INT16 = "int16"

# Flavours whose nets compute in int8, each made from a model of its own with `int8_nets`: one with
# ranges set on speech, one trained for it.
INT8, INT8_QAT = "int8", "int8_qat"
