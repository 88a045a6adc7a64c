"""A short training run of a tiny codec: one process of several, or all of it.

    TF_CONFIG=... python -m tests.worker FOLDER DISTRIBUTION STEPS CHECKPOINT_MINUTES

FOLDER holds the recordings in `audio` and gets the run in `run`.
"""

import functools
import sys
from pathlib import Path

from model.backend import keras
from tests.tiny import tiny_config
from training import callbacks
from training import run as runs
from training.settings import Schedule, TrainingSettings

PARTS = 4


def main(folder: Path, distribution: str, steps: int, checkpoint_minutes: float) -> None:
    keras.utils.set_random_seed(0)
    callbacks.Progress = functools.partial(callbacks.Progress, log_steps=1)
    data = runs.DataSettings(
        str(folder / "audio"),
        batch_size=PARTS,
        crop_seconds=0.1,
        valid_clips=1,
        valid_seconds=1,
        parts=PARTS,
    )
    run = runs.RunSettings(
        str(folder / "run"),
        total_steps=steps,
        checkpoint_minutes=checkpoint_minutes,
        validation_steps=50,
        validation_bitrates_bps=(800,),
        discriminator_channels=4,
        discriminator_windows=(256,),
        distribution=distribution,
    )
    schedule = Schedule(quantizer_start=0, adversarial_start=10**6, warmup=20)
    trainer = runs.train(tiny_config(), TrainingSettings(schedule=schedule), data, run)
    print("done", int(trainer.steps_done.numpy()), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
