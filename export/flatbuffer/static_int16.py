"""Convolutions in integers with fixed ranges: activations in 16 bits, weights in 8.

With 8 bits a range that is fixed for all of speech leaves its quiet parts few of 256 steps. 16 bits
have room for both, and nothing needs to be trained for it. Residual sums and the histories in front
of convolutions are in 16 bits too. ELU stays in float32, since LiteRT has none for 16 bits; so do
audio, states and the search.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, qtyping, quantizer

from export.flatbuffer import cut_graph
from soundstream.tflite.metadata import DECODE_SIGNATURE, NOT_SENT

Inputs = dict[str, np.ndarray]
Calibration = dict[str, list[Inputs]]  # by signature

_OPERATIONS = ("CONV_2D", "ADD", "CONCATENATION", "RESHAPE")
# The tool remembers averages of the extremes of single frames; speech goes far beyond. Three of 16
# bits for that: measured, without them 1.2 ViSQOL are lost, with them nothing.
HEADROOM = 8.0
# Of frames that were streamed, those that ranges are set on: neighbours say the same again.
_KEPT_EVERY = 10


def calibration(encoder: bytes, decoder: bytes, audio: np.ndarray) -> Calibration:
    """What every signature of two float32 files gets while speech goes through them.

    Args:
      encoder, decoder: .tflite with explicit state.
      audio: float32 [samples], whole frames of one call.
    """
    codes: dict[int, np.ndarray] = {}
    seen: Calibration = {}
    for signature in Interpreter(model_content=encoder).get_signature_list():
        streamed = list(_stream(encoder, signature, "audio", audio[None]))
        seen[signature] = [inputs for inputs, _ in streamed[::_KEPT_EVERY]]
        sent = np.concatenate([outputs["codes"] for _, outputs in streamed], axis=1)
        codes[sent.shape[2]] = sent
    levels = _runner(decoder, DECODE_SIGNATURE).get_input_details()["codes"]["shape"][2]
    padded = [
        np.pad(sent, [(0, 0), (0, 0), (0, levels - count)], constant_values=NOT_SENT)
        for count, sent in codes.items()
    ]
    streamed = list(_stream(decoder, DECODE_SIGNATURE, "codes", np.concatenate(padded, axis=1)))
    seen[DECODE_SIGNATURE] = [inputs for inputs, _ in streamed[::_KEPT_EVERY]]
    return seen


def quantize(content: bytes, seen: Calibration) -> bytes:
    """The float32 .tflite `content` with its nets in 16 and 8 bits, ranges set on `seen`."""
    signatures = list(Interpreter(model_content=content).get_signature_list())
    tool = quantizer.Quantizer(bytearray(content))
    settings = qtyping.OpQuantizationConfig(
        activation_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, symmetric=True),
        weight_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
        ),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )
    for operation, name in sorted(_net_operators(content)):
        tool.update_quantization_recipe(
            regex=f"^{re.escape(name)};",
            operation_name=qtyping.TFLOperationName[operation],
            op_config=settings,
        )
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        # It keeps all tensors on purpose, to see their ranges.
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
        ranges = tool.calibrate(
            {signature: seen[signature] for signature in signatures},
            num_threads=1,
            mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
        for statistics in ranges.values():
            for end in {"min", "max"} & set(statistics):
                statistics[end] = HEADROOM * statistics[end]
        quantized = bytes(tool.quantize(ranges).quantized_model)
    # The tool puts large constants behind the flatbuffer, where TensorFlow Lite 2.17 finds nothing.
    return cut_graph.write(cut_graph.read(quantized))


def _runner(content: bytes, signature: str) -> Any:
    return Interpreter(model_content=content, num_threads=1).get_signature_runner(signature)


def _stream(
    content: bytes, signature: str, name: str, signal: np.ndarray
) -> Iterator[tuple[Inputs, Inputs]]:
    """Inputs and outputs of every call; the input `name` is cut from `signal` [1, time, ...]."""
    runner = _runner(content, signature)
    details = runner.get_input_details()
    state = {key: np.zeros(d["shape"], d["dtype"]) for key, d in details.items() if key != name}
    length = details[name]["shape"][1]
    for start in range(0, signal.shape[1] - length + 1, length):
        inputs = {**state, name: signal[:, start : start + length]}
        outputs = runner(**inputs)
        yield inputs, outputs
        state = {key: outputs[key] for key in state}


def _net_operators(content: bytes) -> set[tuple[str, str]]:
    """(operation, name of its result) from the first to the last convolution but that of audio."""
    model = cut_graph.read(content)
    names = cut_graph.operator_names(model)
    found = set()
    for signature in model.signatureDefs or []:
        graph = model.subgraphs[signature.subgraphIndex]
        kinds = [names[operator.opcodeIndex] for operator in graph.operators]
        at = [index for index, kind in enumerate(kinds) if kind == "CONV_2D"]
        reads_audio = b"audio" in [tensor.name for tensor in signature.inputs]
        first, last = (at[0] + 1, at[-1]) if reads_audio else (0, at[-1] - 1)
        for kind, operator in list(zip(kinds, graph.operators))[first : last + 1]:
            result = graph.tensors[operator.outputs[0]]
            if kind in _OPERATIONS and result.type == schema.TensorType.FLOAT32:
                found.add((kind, result.name.decode()))
    return found
