import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tiny import tiny_config

from model import seanet
from model.config import paper
from tools.benchmark import train_benchmark
from tools.benchmark.step_parts import Ours
from training.reconstruction import reconstruction_losses
from training.settings import TrainingSettings

TOOLS = Path(train_benchmark.__file__).parent
DISCRIMINATORS = {"kinds": ["ms_stft"], "channels": 2, "windows": [128]}


class Fixed:
    """A contestant whose every part takes as long as the turn it has had."""

    def __init__(self, seconds):
        self.seconds = iter(seconds)

    def time(self, part):
        value = next(self.seconds)
        return value, 10 * value


def test_speeds_and_ratios_leave_the_first_round_out():
    contestants = {"ours": Fixed([9, 1, 2, 4]), "plain": Fixed([1, 3, 4, 4])}
    seconds = train_benchmark.interleaved(contestants, ("step",), rounds=3)
    np.testing.assert_array_equal(seconds["ours"]["step"], [[1, 10], [2, 20], [4, 40]])
    report = train_benchmark.summarize(seconds, audio_seconds=10, column=0)
    assert report["ours"]["step"] == {"seconds": 2, "speed": 5}
    assert report["plain"]["step"]["speed"] == 2.5
    assert report["plain"]["step"]["ratio"] == 2  # of 3, 2 and 1: round by round
    by_processor = train_benchmark.summarize(seconds, audio_seconds=10, column=1)
    assert by_processor["ours"]["step"]["speed"] == 0.5
    text = train_benchmark.table(report, data_speed=500)
    assert "| data | 500 | |" in text
    assert "| step | 5.0 | 2.5 (2.00x) |" in text


def tiny_parts():
    config = tiny_config(num_quantizers=2)
    return Ours(config, TrainingSettings(), 2, 20 * config.hop, DISCRIMINATORS, "float32")


def test_parts_of_our_step_run_alone():
    ours = tiny_parts()
    for part in ("codec", "quantizer"):
        wall, processor = ours.time(part)
        assert wall > 0 and processor > 0


@pytest.mark.slow
def test_every_part_of_our_step_runs():
    ours = tiny_parts()
    for part in train_benchmark.PARTS:
        wall, processor = ours.time(part)
        assert wall > 0 and processor > 0


COUNT_IN_PYTORCH = """
import sys, json, torch
sys.path.insert(0, sys.argv[1])
import torch_nets, torch_reference
config = json.load(sys.stdin)
plain = lambda values: (torch_nets.encoder(values), torch_nets.decoder(values))
encoder, decoder = {"plain": plain, "encodec": torch_reference.encodec_seanet}[sys.argv[2]](config)
audio = torch.zeros(1, 1, 960)
embeddings = encoder(audio)
assert decoder(embeddings).shape == audio.shape, decoder(embeddings).shape
kernels = [sum(p.numel() for p in net.parameters() if p.dim() == 3) for net in (encoder, decoder)]
print(*kernels, *embeddings.shape)
"""


@pytest.mark.skipif("TORCH_PYTHON" not in os.environ, reason="TORCH_PYTHON names no interpreter")
@pytest.mark.parametrize("nets", ["plain", "encodec"])
def test_the_nets_in_pytorch_have_our_shapes_and_kernels(nets):
    config = paper(8, 8)
    done = subprocess.run(
        [os.environ["TORCH_PYTHON"], "-c", COUNT_IN_PYTORCH, str(TOOLS), nets],
        input=json.dumps(config.to_dict()),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    encoder, decoder, *shape = map(int, done.stdout.split())
    assert shape == [1, config.embedding_dim, 3]
    # Kernels alone: where theirs has a bias per channel, ours has one per channel and phase.
    assert [encoder, decoder] == [
        kernel_size(seanet.encoder(config), [1, 960, 1]),
        kernel_size(seanet.decoder(config), [1, 3, 256]),
    ]


LOSSES_IN_PYTORCH = """
import sys, json, torch
sys.path.insert(0, sys.argv[1])
from torch_losses import SpectralLosses
job = json.load(sys.stdin)
signals = [torch.tensor(job[name]) for name in ("reference", "decoded")]
losses = {name: SpectralLosses(16000, [name])(*signals).item() for name in job["losses"]}
together = SpectralLosses(16000, job["losses"])(*signals).item()
json.dump(losses | {"together": together}, sys.stdout)
"""


@pytest.mark.skipif("TORCH_PYTHON" not in os.environ, reason="TORCH_PYTHON names no interpreter")
def test_the_losses_in_pytorch_are_ours():
    rng = np.random.default_rng(0)
    reference = rng.normal(0, 0.1, [2, 32000]).astype(np.float32)
    decoded = reference + rng.normal(0, 0.02, reference.shape).astype(np.float32)
    job = {"reference": reference.tolist(), "decoded": decoded.tolist()}
    done = subprocess.run(
        [os.environ["TORCH_PYTHON"], "-c", LOSSES_IN_PYTORCH, str(TOOLS)],
        input=json.dumps(job | {"losses": train_benchmark.SPECTRAL_LOSSES}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    ours = reconstruction_losses(tf.constant(reference), tf.constant(decoded), 16000)
    for name in train_benchmark.SPECTRAL_LOSSES:
        # Frames at the edges, which lie otherwise, are a fiftieth of all.
        np.testing.assert_allclose(theirs[name], ours[name], rtol=0.02, err_msg=name)
    total = sum(theirs[name] for name in train_benchmark.SPECTRAL_LOSSES)
    np.testing.assert_allclose(theirs["together"], total, rtol=1e-4)


def kernel_size(net, input_shape):
    net(tf.zeros(input_shape))
    return sum(int(tf.size(w)) for w in net.trainable_weights if len(w.shape) == 3)


def test_an_unknown_competitor_is_named():
    command = [sys.executable, str(TOOLS / "train_benchmark.py"), "--competitors=plain,fancy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "fancy" in done.stderr and "plain_bfloat16" in done.stderr


def test_what_a_worker_is_told_is_json():
    job = train_benchmark.COMPETITORS["encodec"] | {"codec": tiny_config().to_dict()}
    assert json.loads(json.dumps(job))["codec"]["strides"] == [5, 2]
