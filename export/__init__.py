"""From TensorFlow to .tflite files, and nothing else.

`to_tflite.py` is the program; `graphs.py` writes the step forms as signatures, `state.py` says how
state enters and leaves them, `quantize.py` turns signatures into files of every number format:

* float32: as converted. float16: weights halved by the converter.
* dynamic_int8, the default: `quantize.py` gives ai-edge-quantizer a recipe for convolutions alone;
  `flatbuffer/half_precision.py` stores codebooks in float16. A net may be trained for its rounding:
  `model/dynamic_int8.py`.
* int16: fixed ranges, set on speech, by `flatbuffer/static_int16.py`; nothing is trained.
* int8, int8_qat: fixed ranges of eight bits in the net, by `model/fake_quantization.py`, set on
  speech or trained by `training/quantization_aware.py`; `flatbuffer/integer_elu.py` keeps the
  activations in integers.

`flatbuffer/` changes converted files, whatever made them.
"""
