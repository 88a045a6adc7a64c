"""From TensorFlow signatures to .tflite bytes, in the number formats that ship."""

import contextlib
import io
import tempfile
from collections.abc import Callable

import tensorflow as tf
from ai_edge_quantizer import qtyping, quantizer

from export.graphs import Signatures
from export.half_codebooks import halve_codebooks


def float32(signatures: Signatures, variables: list[tf.Variable]) -> bytes:
    """Weights and arithmetic in float32."""
    return _convert(signatures, variables, lambda converter: None)


def float16(signatures: Signatures, variables: list[tf.Variable]) -> bytes:
    """Weights stored in float16, arithmetic in float32 (or float16 on phones which have it)."""

    def configure(converter: tf.lite.TFLiteConverter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    return _convert(signatures, variables, configure)


def dynamic_int8(signatures: Signatures, variables: list[tf.Variable]) -> bytes:
    """Convolutions in int8, their inputs quantized as they come, per channel; the rest float32.

    TensorFlow's own dynamic-range option also takes the products of the quantizer, where rounding
    changes more than half of the codes: hence the recipe for convolutions alone. The quantizer
    computes in float32, its codebooks are stored in float16.
    """
    weights = qtyping.TensorQuantizationConfig(
        num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
    )
    content = halve_codebooks(float32(signatures, variables))
    tool = quantizer.Quantizer(bytearray(content))
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.CONV_2D,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.INTEGER
        ),
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return bytes(tool.quantize().quantized_model)


FLAVOURS: dict[str, Callable[[Signatures, list[tf.Variable]], bytes]] = {
    "dynamic_int8": dynamic_int8,
    "float16": float16,
    "float32": float32,
}


def _convert(
    signatures: Signatures,
    variables: list[tf.Variable],
    configure: Callable[[tf.lite.TFLiteConverter], None],
) -> bytes:
    """Through a SavedModel, the only way to several signatures that share their weights."""
    module = tf.Module()
    module.held = variables
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        configure(converter)
        return converter.convert()
