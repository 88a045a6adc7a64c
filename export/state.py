"""How the state of a stream enters and leaves an exported graph.

`ExplicitState`, the default, has an input and an output of the same name for each tensor: any
number of streams, nothing hidden. `PackedState` has one for all of them, for callers to whom each
tensor is a cost. `VariableState` keeps them inside of the graph, for tools that cannot feed outputs
back, as TensorFlow's benchmark tool; such a graph serves one stream.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import tensorflow as tf

from model.streaming import State, flatten_state, unflatten_state
from soundstream.tflite.metadata import STATE_PREFIX

Tensors = dict[str, tf.Tensor]
# A step with named inputs: function(state, **inputs) -> outputs by name, new state.
Step = Callable[..., tuple[Tensors, State]]
Specs = dict[str, tf.TensorSpec]
ConcreteFunction: TypeAlias = tf.types.experimental.ConcreteFunction


class StateForm(Protocol):
    """Built from the state that begins a stream.

    Attributes:
      variables: that the traced functions use besides the model's.
    """

    variables: list[tf.Variable]

    def trace(self, step: Step, inputs: Specs) -> ConcreteFunction:
        """`step` as a graph whose inputs are `inputs` and whatever carries the state."""


class ExplicitState:
    def __init__(self, state: State):
        self.variables: list[tf.Variable] = []
        flat = flatten_state(state)
        # Names of inputs must be Python identifiers.
        self._paths = {
            STATE_PREFIX + path.removeprefix("state/").replace("/", "_"): path for path in flat
        }
        assert len(self._paths) == len(flat)
        self._specs = {
            n: tf.TensorSpec(flat[p].shape, flat[p].dtype) for n, p in self._paths.items()
        }

    def trace(self, step: Step, inputs: Specs) -> ConcreteFunction:
        def graph(**values: tf.Tensor) -> Tensors:
            state = {path: values.pop(name) for name, path in self._paths.items()}
            outputs, after = step(unflatten_state(state), **values)
            flat = flatten_state(after)
            return outputs | {name: flat[path] for name, path in self._paths.items()}

        return _concrete(graph, inputs | self._specs)


class PackedState:
    def __init__(self, state: State):
        self.variables: list[tf.Variable] = []
        self._shapes = {path: value.shape for path, value in flatten_state(state).items()}
        self._sizes = [shape.num_elements() for shape in self._shapes.values()]

    def trace(self, step: Step, inputs: Specs) -> ConcreteFunction:
        name = STATE_PREFIX + "packed"

        def graph(**values: tf.Tensor) -> Tensors:
            pieces = tf.split(values.pop(name), self._sizes, axis=1)
            state = {
                path: tf.reshape(piece, shape)
                for (path, shape), piece in zip(self._shapes.items(), pieces, strict=True)
            }
            outputs, after = step(unflatten_state(state), **values)
            flat = flatten_state(after)
            packed = [tf.reshape(flat[path], [1, -1]) for path in self._shapes]
            return outputs | {name: tf.concat(packed, axis=1)}

        return _concrete(graph, inputs | {name: tf.TensorSpec([1, sum(self._sizes)], tf.float32)})


class VariableState:
    def __init__(self, state: State):
        self._flat = {
            path: tf.Variable(np.zeros(value.shape, np.float32), trainable=False)
            for path, value in flatten_state(state).items()
        }
        self.variables = list(self._flat.values())

    def trace(self, step: Step, inputs: Specs) -> ConcreteFunction:
        def graph(**values: tf.Tensor) -> Tensors:
            state = {path: variable.read_value() for path, variable in self._flat.items()}
            outputs, after = step(unflatten_state(state), **values)
            for path, value in flatten_state(after).items():
                self._flat[path].assign(value)
            return outputs

        return _concrete(graph, inputs)


STATE_FORMS: dict[str, Callable[[State], StateForm]] = {
    "explicit": ExplicitState,
    "packed": PackedState,
    "variables": VariableState,
}


def _concrete(graph: Callable[..., Tensors], specs: Specs) -> ConcreteFunction:
    named = {name: tf.TensorSpec(s.shape, s.dtype, name=name) for name, s in specs.items()}
    return tf.function(graph, autograph=False).get_concrete_function(**named)
