import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.benchmark import roofline
from tools.benchmark.tflite_benchmark import Benchmark, table
from tools.benchmark.timing import Latency, TimedGraph, interleaved

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def measured(exported_model):
    """The exported model beside a copy of itself."""
    bench = Benchmark()
    bench.add_model(exported_model, "float32", 1, [800, 3200])
    bench.add_peer(exported_model)
    bench.run(rounds=3, runs=5)
    return bench


def test_each_bitrate_has_a_row(measured):
    rows = measured.rows()
    assert [row["bitrate_bps"] for row in rows] == [800, 3200]
    for row in rows:
        assert 0 < row["encoder_us"]["p10"] <= row["encoder_us"]["median"]
        assert row["encoder_us"]["median"] <= row["encoder_us"]["p99"]
        # A frame is 5 ms.
        assert row["real_time_factor"] == pytest.approx(row["total_us"]["median"] / 5000, abs=1e-5)
        # The search of few levels is a small part of the encoder.
        assert 0 < row["quantizer_us"]["median"] < row["encoder_us"]["p99"]
        assert row["total_us"]["median"] > row["encoder_us"]["median"]


def test_a_copy_of_the_model_is_about_as_fast(measured):
    # One run of every signature, of which the encoder has one.
    assert set(measured.peers()) == {"decoder_float32/decode", "encoder_float32/encode_03200"}
    assert 0.3 < measured.rows()[1]["peer_ratio"]["median"] < 3


def test_the_table_has_a_line_for_each_row(measured):
    lines = table(measured.rows()).splitlines()
    assert len(lines) == 2 + 2
    assert len({line.count("|") for line in lines}) == 1


def test_times_are_those_of_each_graph(exported_model):
    content = (exported_model / "decoder_float32.tflite").read_bytes()

    class Slow(TimedGraph):
        def run(self):
            return super().run() + 1_000_000

    quick, slow = interleaved(
        [TimedGraph(content, "decode"), Slow(content, "decode")], rounds=2, runs=4
    )
    assert quick.microseconds.shape == (2, 4)
    assert slow.median > 1000 > quick.median > 0


def test_one_slow_round_does_not_move_the_median():
    latency = Latency(np.array([[1.0, 1, 1], [2, 2, 2], [900, 900, 900]]))
    assert latency.median == 2
    assert latency.percentile(99) > 800


def run_command(*arguments):
    command = [sys.executable, "tools/benchmark/tflite_benchmark.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_writes_json_and_picture(exported_model, tmp_path):
    done = run_command(
        f"--model_dir={exported_model}", "--rounds=2", "--runs=2", f"--output_dir={tmp_path}"
    )
    assert done.returncode == 0, done.stderr
    assert "float32" in done.stdout
    rows = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    assert [(row["model"], row["threads"]) for row in rows] == [("model", 1), ("model", 2)]
    assert (tmp_path / "benchmark.png").stat().st_size > 1000


def test_the_command_says_in_one_line_what_is_wrong():
    done = run_command("--model_dir=nowhere")
    assert done.returncode == 1
    assert "nowhere holds no exported model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "flavour,bitrate,message",
    [
        ("int3", 3200, "no flavour 'int3'"),
        ("float32", 900, "bitrate 900 bps is not possible"),
    ],
)
def test_what_cannot_be_timed_is_named(exported_model, flavour, bitrate, message):
    with pytest.raises(ValueError, match=message):
        Benchmark().add_model(exported_model, flavour, 1, [bitrate])


def test_a_folder_without_graphs_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no .tflite files"):
        Benchmark().add_peer(tmp_path)


def test_state_inside_of_the_graph_is_refused(exported_model, tmp_path):
    folder = shutil.copytree(exported_model, tmp_path / "model")
    values = json.loads((folder / "metadata.json").read_text()) | {"state": "variables"}
    (folder / "metadata.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="keeps state inside"):
        Benchmark().add_model(folder, "float32", 1, None)


@pytest.mark.slow
def test_the_roofline_blames_a_convolution(exported_model):
    rows = roofline.measure(exported_model, ["float32"], rounds=3, runs=5)
    assert [row["graph"] for row in rows] == ["encode_03200", "decode"]
    for row in rows:
        assert 0 < row["fraction_of_limit"] < 1
        assert sum(layer["us"] for layer in row["layers"]) < 1.5 * row["latency_us"]
    assert "steps" in roofline.table(rows)
