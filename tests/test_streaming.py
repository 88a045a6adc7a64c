import numpy as np
import pytest
import tensorflow as tf

from model.conv import CausalConv1D, DownsampleConv1D, UpsampleConv1D
from model.streaming import (
    Elu,
    Residual,
    Scale,
    Sequential,
    StreamingLayer,
    flatten_state,
    unflatten_state,
)
from tests.contract import check_contract, check_tflite_step


class LooksAhead(StreamingLayer):
    """Breaks the promise: each output is the next input."""

    def step(self, x, state):
        return tf.roll(x, -1, axis=1), state


class Forgets(StreamingLayer):
    """Breaks the promise: starts every piece from zeros."""

    def step(self, x, state):
        return tf.cumsum(x, axis=1), state


@pytest.mark.parametrize("broken", [LooksAhead, Forgets])
def test_the_contract_notices_broken_layers(broken):
    with pytest.raises(AssertionError):
        check_contract(broken(), 2)


def down_and_up():
    return Sequential(
        [
            DownsampleConv1D(2, 3, 2, name="down_2"),
            Residual(Sequential([Elu(), CausalConv1D(3, 3, 3, dilation=3)]), name="unit"),
            DownsampleConv1D(3, 4, 3, name="down_3"),
            UpsampleConv1D(4, 2, 2, name="up_2"),
        ]
    )


@pytest.mark.parametrize("layer", [Elu(), Scale(8.0)], ids=["elu", "scale"])
def test_contract_of_layers_without_memory(layer):
    check_contract(layer, 2)


def test_sequential_contract():
    check_contract(down_and_up(), 2)


def test_sequential_tflite_step():
    check_tflite_step(down_and_up(), 2)


def test_block_and_rate_follow_from_the_layers():
    layers = down_and_up()
    assert (layers.block, layers.up, layers.down) == (6, 2, 6)


def test_upsampling_before_downsampling_needs_the_smallest_block():
    layers = Sequential(
        [UpsampleConv1D(1, 1, 2, name="up"), DownsampleConv1D(1, 1, 3, name="down")]
    )
    assert (layers.block, layers.up, layers.down) == (3, 2, 3)
    check_contract(layers, 1)


def test_layers_that_share_a_name_are_refused():
    with pytest.raises(ValueError, match="share a name"):
        Sequential([Elu(name="same"), Elu(name="same")])


def test_a_residual_body_must_keep_the_rate():
    with pytest.raises(ValueError, match="changes the rate"):
        Residual(DownsampleConv1D(1, 1, 2))


def test_state_names_are_paths():
    state = down_and_up().initial_state(1)
    flat = flatten_state(state)
    assert next(iter(flat)) == "state/down_2/history"
    assert all(name.endswith("/history") for name in flat) and len(flat) == 4
    restored = flatten_state(unflatten_state(flat))
    for name, value in flat.items():
        np.testing.assert_array_equal(restored[name], value)
