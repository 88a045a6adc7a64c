"""The one convolution, and resampling built from it. All state of the project is made here.

Resampling (section III-A: strided and transposed convolutions with kernel 2S and stride S) needs
no other primitive. Cut time into frames of S samples; then

    down: y_t     = W0 f_{t-1} + W1 f_t          up: frame_t = A x_t + B x_{t-1}

are causal convolutions with kernel 2 on frames, next to a reshape. The function and the weights
are those of the strided and transposed convolution (a test compares them with TensorFlow's), but
the state is one frame, nothing is overlap-added, and no TRANSPOSE_CONV reaches the phone.
"""

from typing import Any

import tensorflow as tf

from model.backend import keras
from model.dynamic_int8 import round_input, round_kernel
from model.streaming import State, StreamingLayer

INT8 = "int8"


def outermost_dtype(product_dtype: str) -> str:
    """Of convolutions that are not rounded where the others are: those that see audio."""
    return "bfloat16" if product_dtype == INT8 else product_dtype


def valid_convolution(
    x: tf.Tensor, kernel: tf.Tensor, dilation: int, product_dtype: str
) -> tf.Tensor:
    """Dilated convolution over time without padding, products in `product_dtype`.

    Forward it is a 4-D Conv2D, the form that XNNPACK takes whole. Backward it is two plain matrix
    products: on CPUs TensorFlow's own gradients of a dilated Conv2D cost three times as much.

    Args:
      x: float32 [batch, time, channels].
      kernel: float32 [taps, channels, filters].

    Returns:
      float32 [batch, time - (taps - 1) * dilation, filters]; first derivatives only.
    """
    taps, channels, filters = kernel.shape
    computed_in = outermost_dtype(product_dtype)

    @tf.custom_gradient
    def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        length = x.shape[1] or tf.shape(x)[1]
        batch = x.shape[0] or tf.shape(x)[0]
        history = (taps - 1) * dilation
        if product_dtype == INT8:
            x, kernel = round_input(x), round_kernel(kernel)
        x = tf.cast(x, computed_in)
        kernel = tf.cast(kernel, computed_in)
        y = tf.nn.conv2d(
            tf.reshape(x, [batch, length, 1, channels]),
            tf.expand_dims(kernel, 1),
            strides=1,
            padding="VALID",
            dilations=[dilation, 1],
        )

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dy = tf.cast(dy, computed_in)
            offsets = [tap * dilation for tap in range(taps)]
            inputs = _shifted(x, offsets, length - history)
            d_kernel = tf.matmul(inputs, tf.reshape(dy, [-1, filters]), transpose_a=True)
            padded = tf.pad(dy, [[0, 0], [history, history], [0, 0]])
            outputs = _shifted(padded, offsets[::-1], length)
            d_x = tf.matmul(
                outputs, tf.reshape(tf.transpose(kernel, [0, 2, 1]), [taps * filters, channels])
            )
            return (
                tf.cast(tf.reshape(d_x, [batch, length, channels]), tf.float32),
                tf.cast(tf.reshape(d_kernel, [taps, channels, filters]), tf.float32),
            )

        return tf.cast(tf.reshape(y, [batch, length - history, filters]), tf.float32), gradient

    return convolve(x, kernel)


def _shifted(x: tf.Tensor, offsets: list[int], length: int | tf.Tensor) -> tf.Tensor:
    """Copies of `x` from each offset on, side by side: [batch * length, taps * channels]."""
    batch, _, channels = tf.unstack(tf.shape(x))
    copies = [tf.slice(x, [0, offset, 0], [batch, length, channels]) for offset in offsets]
    return tf.reshape(tf.concat(copies, axis=-1), [-1, len(offsets) * x.shape[-1]])


class Past(StreamingLayer):
    """What came before, in front of what is given: [batch, time, channels] -> length + time steps.

    State: the last `length` inputs, [batch, length, channels]; none where `length` is zero.
    """

    def __init__(self, length: int, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.length = length
        self.channels = channels

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return {"history": tf.zeros([batch, self.length, self.channels])} if self.length else {}

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        if not self.length:
            return x, {}
        if "history" not in state:
            raise ValueError(
                f"{self.name!r} got no state: start from initial_state(batch) and pass on the "
                "state that the last step returned"
            )
        x = tf.concat([state["history"], x], axis=1)
        return x, {"history": x[:, -self.length :]}


class CausalConv1D(StreamingLayer):
    """Causal dilated convolution: output t sees inputs t - (kernel_size - 1) * dilation ... t.

    Input, output and state are float32; `product_dtype` may make the products bfloat16, or round
    what is multiplied as dynamic-range int8 does (int8; in bfloat16, for training only).
    (Elementwise bfloat16 is slow on CPUs, and residual sums want the precision.)

    Weights: kernel [kernel_size, in_channels, filters], bias [filters].
    State: the last (kernel_size - 1) * dilation inputs, [batch, history, in_channels].
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        kernel_initializer: Any = "glorot_uniform",
        product_dtype: str = "float32",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if min(in_channels, filters, kernel_size, dilation) < 1:
            raise ValueError(
                f"{self.name!r}: in_channels={in_channels}, filters={filters}, "
                f"kernel_size={kernel_size} and dilation={dilation} must be positive"
            )
        self.in_channels = in_channels
        self.filters = filters
        self.dilation = dilation
        self.past = Past((kernel_size - 1) * dilation, in_channels, name=self.name)
        self.product_dtype = product_dtype
        self.kernel = self.add_weight(
            name="kernel",
            shape=(kernel_size, in_channels, filters),
            initializer=keras.initializers.get(kernel_initializer),
        )
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer="zeros")

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.past.initial_state(batch)

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        if x.shape[-1] != self.in_channels:
            raise ValueError(
                f"{self.name!r} takes {self.in_channels} channels, got an input of shape {x.shape}"
            )
        x, after = self.past.step(x, state)
        y = valid_convolution(
            x, tf.convert_to_tensor(self.kernel), self.dilation, self.product_dtype
        )
        return tf.nn.bias_add(y, tf.convert_to_tensor(self.bias)), after


class DownsampleConv1D(StreamingLayer):
    """Strided causal convolution with kernel `frames * stride`, on frames of `stride` samples."""

    def __init__(
        self,
        in_channels: int,
        filters: int,
        stride: int,
        *,
        frames: int = 2,
        kernel_initializer: Any = "glorot_uniform",
        product_dtype: str = "float32",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.stride = self.block = self.down = stride
        self.in_channels = in_channels
        self.conv = CausalConv1D(
            stride * in_channels,
            filters,
            frames,
            kernel_initializer=kernel_initializer,
            name="conv",
            product_dtype=product_dtype,
        )

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.conv.initial_state(batch)

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        length = x.shape[1]
        if length is not None and length % self.stride:
            raise ValueError(
                f"{self.name!r} consumes whole frames of {self.stride} time steps, got {length}: "
                "keep the rest until the frame is full"
            )
        batch = x.shape[0] or tf.shape(x)[0]
        frames = (length or tf.shape(x)[1]) // self.stride
        return self.conv.step(tf.reshape(x, [batch, frames, self.stride * self.in_channels]), state)


class UpsampleConv1D(StreamingLayer):
    """Causal transposed convolution with kernel `frames * stride`: frames out, then a reshape."""

    def __init__(
        self,
        in_channels: int,
        filters: int,
        stride: int,
        *,
        frames: int = 2,
        kernel_initializer: Any = "glorot_uniform",
        product_dtype: str = "float32",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.stride = self.up = stride
        self.filters = filters
        self.conv = CausalConv1D(
            in_channels,
            stride * filters,
            frames,
            kernel_initializer=kernel_initializer,
            name="conv",
            product_dtype=product_dtype,
        )

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.conv.initial_state(batch)

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        batch = x.shape[0] or tf.shape(x)[0]
        frames = x.shape[1] or tf.shape(x)[1]
        y, state = self.conv.step(x, state)
        return tf.reshape(y, [batch, frames * self.stride, self.filters]), state
