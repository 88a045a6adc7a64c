"""Takes from a run what is published: weights to export, and a compact checkpoint to resume from.

python training/release.py --train_dir=runs/speech --output_dir=pretrained/speech
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from absl import app, flags

from model.weights import save_model
from training import checkpoints
from training import run as runs

RESUME_FILE = "resume.npz"


def release(train_dir: str | Path, output_dir: str | Path) -> None:
    """Writes weights.npz (averaged, float16) and resume.npz into `output_dir`.

    Raises:
      ValueError: `train_dir` holds no checkpoint.
    """
    trainer = runs.latest(train_dir)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(trainer.average, folder / checkpoints.WEIGHTS_FILE)
    checkpoints.save_compact(trainer, folder / RESUME_FILE)
    print(f"step {int(trainer.steps_done)} of {train_dir} -> {folder}")


def main(argv: list[str]) -> None:
    del argv
    try:
        release(flags.FLAGS.train_dir, flags.FLAGS.output_dir)
    except ValueError as error:
        sys.exit(f"release.py: {error}")


if __name__ == "__main__":
    flags.DEFINE_string("train_dir", None, "Folder of the run.", required=True)
    flags.DEFINE_string("output_dir", None, "Folder of the release.", required=True)
    app.run(main)
