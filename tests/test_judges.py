"""Judges in a process of their own: what they are asked, what they answer, and what is missing."""

import sys

import numpy as np
import pytest

from evaluation.judges import Judges, find_judges

SIGNAL = np.random.default_rng(0).normal(size=16_000)
# Stand-ins for packages of another environment: a voice is the signal's spectrum.
RESEMBLYZER = """
import numpy as np
class VoiceEncoder:
    def __init__(self, device, verbose): print("loaded")
    def embed_utterance(self, x):
        spectrum = np.abs(np.fft.rfft(x))
        return spectrum / np.linalg.norm(spectrum)
def preprocess_wav(x, rate):
    assert rate == 16000 and x.dtype == np.float32
    return x
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An interpreter with a few of the packages."""
    (tmp_path / "resemblyzer.py").write_text(RESEMBLYZER)
    (tmp_path / "torch.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return sys.executable


def test_a_judge_is_asked_and_answers(environment):
    judges = Judges(environment)
    assert judges.score("speaker", SIGNAL, SIGNAL, 16_000) == pytest.approx(1.0)
    other = judges.score("speaker", SIGNAL, np.cumsum(SIGNAL), 16_000)
    assert 0 < other < 0.8
    assert judges.score("speaker", SIGNAL[:8000], SIGNAL[:8000], 8_000) == pytest.approx(1.0)
    judges.close()


def test_a_pair_that_cannot_be_judged_is_named_and_the_next_one_is(environment):
    judges = Judges(environment)
    with pytest.raises(ValueError, match="distill_mos cannot judge this pair"):
        judges.score("distill_mos", SIGNAL, SIGNAL, 16_000)
    assert judges.score("speaker", SIGNAL, SIGNAL, 16_000) == pytest.approx(1.0)
    judges.close()


def test_a_process_that_ends_is_an_error(tmp_path):
    dead = tmp_path / "dead"
    dead.write_text("#!/bin/sh\nexit 3\n")
    dead.chmod(0o755)
    with pytest.raises(RuntimeError, match="ended with 3"):
        Judges(str(dead)).score("speaker", SIGNAL, SIGNAL, 16_000)


def test_what_is_missing_is_said_in_a_line(environment):
    found, skipped = find_judges(environment)
    assert [metric.name for metric in found] == ["speaker"]
    assert any("distillmos not installed" in line for line in skipped)
    assert find_judges(None)[0] == []
    assert "--judges_python" in find_judges(None)[1][0]


def test_an_interpreter_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no/python"):
        find_judges("no/python")
