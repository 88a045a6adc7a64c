"""The streaming contract: one set of weights, a whole-signal form and a step form.

    y        = layer(x)                      x [batch, time, channels]
    y, state = layer.step(x, state)          any number of whole frames per step
    state    = layer.initial_state(batch)    zeros: what comes before the signal

State is an argument and a result, never an attribute, so that one layer serves any number of
streams. It is a nested dict with a tensor per stateful convolution, named by the path to it; a
layer without memory has the empty dict. The whole-signal form *is* one long step from the initial
state, so the two cannot drift apart. (The contract follows google/sequence-layers.)
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from model.backend import keras

State = dict[str, Any]


class StreamingLayer(keras.layers.Layer):
    """A causal layer. Subclasses define `step` and, where they keep history, `initial_state`.

    Attributes:
      block: input time steps consumed at once; a step must be a multiple of it.
      up, down: output time steps are input time steps * up / down.
    """

    block: int = 1
    up: int = 1
    down: int = 1

    def initial_state(self, batch: int | tf.Tensor) -> State:
        """The state before the first sample, for `batch` parallel streams."""
        del batch
        return {}

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Consumes `x` [batch, time, channels]; returns the output and the state after it."""
        raise NotImplementedError

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The whole signal at once: `x` [batch, time, channels] -> [batch, time', channels']."""
        y, _ = self.step(x, self.initial_state(tf.shape(x)[0]))
        return y


class Elu(StreamingLayer):
    """Exponential linear unit (section III-A): no memory."""

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        return tf.nn.elu(x), state


class Scale(StreamingLayer):
    """A fixed gain: no memory, no weights."""

    def __init__(self, gain: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.gain = gain

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        return x * self.gain, state


class Sequential(StreamingLayer):
    """Layers one after another."""

    def __init__(self, layers: Sequence[StreamingLayer], **kwargs: Any):
        super().__init__(**kwargs)
        self.layers = list(layers)
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError(f"layers of {self.name!r} share a name, so would share state: {names}")
        for layer in self.layers:
            # The frames entering this layer are `up / down` of those entering the whole.
            needed = layer.block * self.down
            factor = 1
            while (self.block * factor * self.up) % needed:
                factor += 1
            self.block *= factor
            self.up *= layer.up
            self.down *= layer.down

    def initial_state(self, batch: int | tf.Tensor) -> State:
        states = {layer.name: layer.initial_state(batch) for layer in self.layers}
        return {name: state for name, state in states.items() if state}

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        new: State = {}
        for layer in self.layers:
            x, after = layer.step(x, state.get(layer.name, {}))
            if after:
                new[layer.name] = after
        return x, new


class Residual(StreamingLayer):
    """x + body(x), for a body that keeps shape and rate."""

    def __init__(self, body: StreamingLayer, **kwargs: Any):
        super().__init__(**kwargs)
        if body.up != body.down:
            raise ValueError(f"{body.name!r} changes the rate, so it cannot be a residual body")
        self.body = body
        self.block = body.block

    def initial_state(self, batch: int | tf.Tensor) -> State:
        return self.body.initial_state(batch)

    def step(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        y, state = self.body.step(x, state)
        return x + y, state


def flatten_state(state: State, prefix: str = "state") -> dict[str, tf.Tensor]:
    """{'state/block_0/down': tensor, ...}: stable names for exported graphs."""
    flat: dict[str, tf.Tensor] = {}
    for name, value in state.items():
        path = f"{prefix}/{name}"
        flat.update(flatten_state(value, path) if isinstance(value, dict) else {path: value})
    return flat


def unflatten_state(flat: dict[str, tf.Tensor], prefix: str = "state") -> State:
    """Inverse of `flatten_state`."""
    state: State = {}
    for path, value in flat.items():
        *parents, leaf = path.removeprefix(prefix + "/").split("/")
        node = state
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return state
