"""What tests share: quiet TensorFlow, repeatable hypothesis runs, one exported model,
the Android demo's classes."""

import errno
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow: its banner is not news

import pytest
from hypothesis import settings

from tests import needs
from tests.android import jvm

# What tests start imports this checkout, whatever is installed.
ROOT = str(Path(__file__).resolve().parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])

# No deadline: machines that run tests are busy. No random seeds: a failure must come back. New
# inputs are for test_random_inputs.py, which is slow, and prints how a failure does come back.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("tests")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, half of what is written at once arrives."""
    write = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", half)


def pytest_terminal_summary(terminalreporter) -> None:
    """Says which tests were left out for want of a tool."""
    for line in needs.left_out(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small untrained codec in float32: 8 kHz, 200 frames/s, 800 to 3200 bps."""
    from export.to_tflite import export_model
    from model.soundstream import SoundStream
    from tests.tiny import tiny_config

    folder = tmp_path_factory.mktemp("exported") / "model"
    export_model(SoundStream(tiny_config()), folder, ["float32"])
    return folder


@pytest.fixture(scope="session")
def android_classes(tmp_path_factory: pytest.TempPathFactory) -> jvm.Classes:
    """The Android demo's codec, compiled."""
    needs.require("java")
    return jvm.compile_classes(tmp_path_factory.mktemp("classes"))
