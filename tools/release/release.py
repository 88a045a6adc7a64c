"""Takes from a run what is published: weights to export, and a compact checkpoint to resume from.

python tools/release/release.py --train_dir=runs/speech --data_dir=prepared \\
    --output_dir=pretrained/speech
"""

from pathlib import Path

from absl import flags

from common import command_line
from model.weights import save_model
from training import checkpoints
from training import run as runs
from training.refit import refit_codebooks

RESUME_FILE = "resume.npz"


def release(train_dir: str | Path, output_dir: str | Path, data_dir: str | None = None) -> None:
    """Writes weights.npz (averaged, float16) and resume.npz into `output_dir`.

    Args:
      data_dir: speech to refit the codebooks on (`training/refit.py`); None: they stay.

    Raises:
      ValueError: `train_dir` holds no checkpoint, or `data_dir` no audio.
    """
    trainer = runs.latest(train_dir)
    if data_dir:
        refit_codebooks(trainer.average, data_dir)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(trainer.average, folder / checkpoints.WEIGHTS_FILE)
    checkpoints.save_compact(trainer, folder / RESUME_FILE)
    print(f"step {int(trainer.steps_done)} of {train_dir} -> {folder}")


def main(_: list[str]) -> None:
    release(flags.FLAGS.train_dir, flags.FLAGS.output_dir, flags.FLAGS.data_dir)


if __name__ == "__main__":
    flags.DEFINE_string("train_dir", None, "Folder of the training run; required.", required=True)
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder to refit the codebooks on; default: they stay."
    )
    flags.DEFINE_string("output_dir", None, "Folder of the release; required.", required=True)
    command_line.run(main)
