"""Worker processes on this machine: they follow the curve of one, and one of them is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.tiny import make_folder

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Workers:
    """The processes of one run, or one process without distribution."""

    def __init__(self, folder: Path, count: int, steps: int, checkpoint_minutes: float = 1000.0):
        self.folder = folder
        self.count = count
        self.arguments = [str(steps), str(checkpoint_minutes)]
        self.processes: list[subprocess.Popen] = []

    def start(self) -> None:
        hosts = [f"localhost:{port}" for port in free_ports(self.count)]
        for index in range(self.count):
            task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            several = {"TF_CONFIG": json.dumps(task)} if self.count > 1 else {}
            kind = "multi_worker" if self.count > 1 else "none"
            command = [sys.executable, "-m", "tests.worker", str(self.folder), kind]
            with (self.folder / f"worker{index}.log").open("w") as log:
                self.processes.append(
                    subprocess.Popen(
                        [*command, *self.arguments],
                        cwd=ROOT,
                        env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"} | several,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )

    def wait(self, seconds: float) -> list[int]:
        """Exit codes of all; TimeoutExpired if one doesn't end."""
        deadline = time.monotonic() + seconds
        codes = [p.wait(max(0.1, deadline - time.monotonic())) for p in self.processes]
        self.processes = []
        return codes

    def logs(self) -> str:
        return "\n".join(p.read_text()[-2000:] for p in sorted(self.folder.glob("worker*.log")))

    def curve(self, name: str) -> np.ndarray:
        events = EventAccumulator(str(self.folder / "run/tensorboard"), {"tensors": 0}).Reload()
        points = {e.step: float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(name)}
        return np.array([points[step] for step in sorted(points)])


@pytest.fixture
def workers(tmp_path):
    """Makes `Workers` with recordings; none outlives the test."""
    made: list[Workers] = []

    def make(name: str, *arguments: float) -> Workers:
        folder = tmp_path / name
        folder.mkdir()
        make_folder(folder / "audio", 8000)
        made.append(Workers(folder, *arguments))
        return made[-1]

    yield make
    for process in [process for each in made for process in each.processes]:
        process.kill()


STEPS = 200
# Sums in another order change the last bits, and training doubles what changed every few steps: so
# the first steps are compared one by one, and all of them by their means.
FIRST, STRETCH = 50, 50
TOLERANCE = 0.01
PATIENCE = float(os.environ.get("SLOW_MACHINE_SECONDS", "600"))


@pytest.mark.slow
@pytest.mark.timeout(3 * PATIENCE)
@pytest.mark.parametrize("count", [2, 4])
def test_workers_follow_the_curve_of_one_process(workers, count):
    """200 steps of equal batches: sums in another order are the only difference."""
    curves = []
    for run in (workers("one", 1, STEPS), workers("several", count, STEPS)):
        run.start()
        assert run.wait(PATIENCE) == [0] * run.count, run.logs()
        curves.append({name: run.curve(name) for name in ("loss/mel", "loss/waveform")})
    one, several = curves
    for name, values in one.items():
        assert len(values) == len(several[name]) == STEPS
        others = several[name]
        np.testing.assert_allclose(others[:FIRST], values[:FIRST], rtol=TOLERANCE, err_msg=name)
        means, expected = (v.reshape(-1, STRETCH).mean(axis=1) for v in (others, values))
        np.testing.assert_allclose(means, expected, rtol=TOLERANCE, err_msg=name)
    assert one["loss/waveform"][-20:].mean() < 0.9 * one["loss/waveform"][:20].mean()


@pytest.mark.slow
@pytest.mark.timeout(3 * PATIENCE)
def test_a_killed_worker_comes_back_and_the_run_goes_on(workers):
    """The others end by themselves; all started again go on from the last checkpoint."""
    run = workers("run", 2, 10**6, 0.02)
    run.start()
    state = run.folder / "run/checkpoints/checkpoint"
    deadline = time.monotonic() + PATIENCE
    while not state.exists():
        assert time.monotonic() < deadline and all(p.poll() is None for p in run.processes)
        time.sleep(0.2)
    run.processes[1].kill()
    survivor, killed = run.wait(PATIENCE)
    assert killed == -signal.SIGKILL
    assert survivor != 0
    assert "another worker" in run.logs()
    reached = tf.train.latest_checkpoint(state.parent)
    step = int(reached.rpartition("-")[2])
    run.arguments[0] = str(step + 5)
    run.start()
    assert run.wait(PATIENCE) == [0, 0], run.logs()
    assert f"done {step + 5}" in run.logs()
