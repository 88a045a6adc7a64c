import json

import pytest

from model.config import paper
from soundstream.tflite.runtime import CodecModel
from tools.benchmark import scaling_benchmark
from tools.benchmark.scaling_plot import plot

MODEL = scaling_benchmark.ROOT / "pretrained" / "speech"


def test_streams_of_one_model_are_timed():
    model = CodecModel.load(MODEL)
    rows = scaling_benchmark.measure_streams(model, [1, 3], seconds=0.01)
    assert [row["streams"] for row in rows] == [1, 3]
    for row in rows:
        assert row["frame_us"] > 0
        # A frame is 20 ms.
        assert row["share_of_frame"] == pytest.approx(
            row["streams"] * row["frame_us"] / 20000, abs=1e-3
        )
        assert row["share_of_frame"] <= row["share_of_frame_p99"]
        assert row["streams_per_core"] == pytest.approx(20000 / row["frame_us"], rel=0.05, abs=1)
    # float32 histories; those of the decoder are as wide as those of the encoder.
    assert scaling_benchmark.state_bytes(model) % 4 == 0
    assert scaling_benchmark.state_bytes(model) > 1000


def test_a_batch_of_one_is_timed_like_one_stream():
    row = scaling_benchmark.measure_batch(CodecModel.load(MODEL), seconds=0.01)
    assert row["streams"] == 1
    assert 0 < row["share_of_frame"] <= row["share_of_frame_p99"]
    assert row["share_of_frame"] == pytest.approx(row["frame_us"] / 20000, abs=1e-3)


def test_a_file_is_encoded_in_a_process_of_its_own():
    (row,) = scaling_benchmark.measure_files(MODEL, [0.01])
    assert row["minutes"] == 0.01
    assert row["seconds"] > 0
    assert 20 < row["peak_mib"] < 2000
    with pytest.raises(RuntimeError, match="status"):
        scaling_benchmark.measure_files(MODEL / "missing", [0.01])


def test_axes_widen_the_preset():
    axes = scaling_benchmark.step_axes(paper())
    assert axes["channels"][2][0] == "--codec_encoder_channels=64,128,256,512,1024"
    assert axes["batch_size"][4] == ["--batch_size=4"]


def test_the_picture_takes_any_part_of_a_report(tmp_path):
    steps = [
        {"axis": "batch_size", "value": n, "seconds": n / 10, "speed": 1, "mib": 9 * n}
        for n in (1, 2)
    ]
    files = [{"minutes": 1, "seconds": 2, "peak_mib": 80}]
    report = {"files": files, "steps": steps}
    for name, part in [("all", report), ("steps", {"steps": steps})]:
        plot(json.loads(json.dumps(part)), tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
