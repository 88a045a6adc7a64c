"""An evaluation whose outcome is known, for the tests of the report."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.selection import Labels
from evaluation import report_audio
from evaluation.codebook_usage import CodeCounter
from evaluation.peers import Coded, case_of
from evaluation.report import Report
from evaluation.results import Failure, Row
from evaluation.scoring import Job
from evaluation.summary import summarize
from metrics import registry

RATE = 16_000
METRICS, _ = registry.find_metrics(["estoi", "mel_distance"])
LABELS = Labels("anna", "de", "clean")
HOSTILE_NAME = "</script><b>x & y.wav"


@dataclass(frozen=True)
class Tone:
    """A recording of three seconds."""

    name: str
    hertz: float
    labels: Labels = LABELS

    def read(self, rate: int, max_seconds: float) -> np.ndarray:
        time = np.arange(int(min(3.0, max_seconds) * rate)) / rate
        return (0.1 * np.sin(2 * np.pi * self.hertz * time)).astype(np.float32)


@dataclass(frozen=True)
class Louder:
    """A codec that can be told apart from all others by its gain."""

    name: str
    bitrate_bps: int
    loss_rate: float = 0.0

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        return Coded(samples * self.bitrate_bps / 2000, self.bitrate_bps)


PEERS = [Louder("ours", 3000), Louder("ours", 6000), Louder("theirs", 8000)]
LOSSY = Louder("theirs", 8000, loss_rate=0.1)


def example_report() -> Report:
    """Thirty recordings; the quality of recording i is i / 100, more at higher bitrates.

    What is lossy has scores, and no sound to listen to.
    """
    tones = [Tone(f"{i:02d}.wav", 300 + 10 * i) for i in range(29)] + [Tone(HOSTILE_NAME, 700)]
    jobs = [Job(tone, PEERS, METRICS, RATE, 10.0) for tone in tones]
    rows = []
    for i, tone in enumerate(tones):
        labels = Labels(f"speaker {i // 2}", "de" if i % 3 else "en", "clean")
        for peer in (*PEERS, LOSSY):
            quality = i / 100 + peer.bitrate_bps / 20_000 - peer.loss_rate
            scores = {"estoi": quality, "mel_distance": 3 - i / 100}
            if i == 7:
                scores["estoi"] = math.nan
            rate = float(peer.bitrate_bps)
            rows.append(Row(tone.name, labels, *case_of(peer), rate, 3.0, scores))
    codes = CodeCounter(4, 16)
    codes.add(np.random.default_rng(0).integers(0, [16, 8, 4, 2], size=(5000, 4)))
    return Report(
        command="python evaluate.py --input_dir=x",
        versions={"numpy": "1"},
        settings={"sample_rate": RATE},
        metrics=METRICS,
        rows=rows,
        summary=summarize(rows, METRICS),
        failures=[Failure("broken.wav", "cannot be read as audio")],
        sounds=report_audio.gather(jobs, rows, METRICS[0], listening_files=3),
        codes=codes,
        curves={
            "loss/mel": [(0, 2.0), (100, 1.0), (200, 0.5)],
            "codes/perplexity_00": [(0, 1.0), (100, 9.0)],
            "codes/perplexity_01": [(0, 1.0), (100, 8.0)],
            "codes/dead": [(0, 1.0)],
        },
    )


def data_of(page: Path) -> dict:
    """What the scripts of a report read."""
    text = page.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(data)
