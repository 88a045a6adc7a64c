"""What every reader makes of recordings whose headers lie: a table of seconds in and out.

    python tools/study/odd_inputs.py --output_dir=docs/lab

Makes the files of `tools/study/odd_audio.py`, and with FFmpeg's and SoX's commands, where they are
installed, what those write to pipes; codes, prepares, scores and trains on them with the programs
that users run; and writes odd_inputs.csv.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow: its banner is not news

import numpy as np
from absl import flags

from common import command_line
from data.folder import AudioFolder
from data.pipeline import training_batches
from data.sampling import MixOptions
from soundstream.atomic import write_whole
from tools.study import odd_audio

ROOT = Path(__file__).resolve().parents[2]
RATE = 16_000
SECONDS = 6.5
BATCH = 24
# Commands of which users' files come; {wav} is a plain one.
PIPES = {
    "ffmpeg_pipe.wav": "ffmpeg -v error -i {wav} -f wav - | cat",
    "ffmpeg_rf64_pipe.wav": "ffmpeg -v error -i {wav} -rf64 always -f wav - | cat",
    "ffmpeg_pipe.flac": "ffmpeg -v error -i {wav} -f flac - | cat",
    "ffmpeg_pipe.caf": "ffmpeg -v error -i {wav} -f caf - | cat",
    "ffmpeg_pipe.aiff": "ffmpeg -v error -i {wav} -f aiff - | cat",
    "ffmpeg_pipe.w64": "ffmpeg -v error -i {wav} -f w64 - | cat",
    "sox_from_a_pipe.wav": "cat {wav} | sox -t raw -r 16000 -e signed -b 16 -c 1 - -t wav - | cat",
}
COLUMNS = (
    *("file", "seconds", "codec_exit", "codec_seconds", "codec_says"),
    *("corpus_seconds", "corpus_says", "evaluate_seconds", "train_seconds", "train_silent_of_24"),
)


def recording() -> np.ndarray:
    """float32 [time]: a tone that rises and falls in level, and a little noise."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = np.sin(2 * np.pi * (200 + 100 * time) * time) * (0.6 + 0.4 * np.sin(9 * time))
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(time))
    return (0.4 * tone + noise).astype(np.float32)


def make_files(folder: Path) -> dict[str, float | None]:
    """Writes them; their true seconds by name, None where they hold no sound."""
    expected: dict[str, float | None] = {}
    for case in odd_audio.cases(recording(), RATE):
        (folder / case.name).write_bytes(case.content)
        expected[case.name] = case.seconds
    for name, command in PIPES.items():
        if shutil.which(command.split()[0]) and shutil.which("sox"):
            with (folder / name).open("wb") as stream:
                subprocess.run(
                    command.format(wav=folder / "plain.wav"), shell=True, check=True, stdout=stream
                )
            expected[name] = SECONDS
    rows = [("file", "kind", "speaker", "language", "license")]
    rows += [(name, "music", name, "-", "-") for name in expected]
    (folder / "manifest.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    return expected


def run(*command: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def coded(path: Path, target: Path) -> tuple[int, str, str]:
    """Exit code, seconds and words of `codec.py encode`."""
    done = run("codec.py", "encode", str(path), str(target), "--overwrite")
    seconds = re.search(r": ([\d.]+) s, ", done.stdout)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("INFO:")]  # LiteRT's
    says = "; ".join(lines).replace(f"{path}: ", "").replace("codec.py: ", "")
    return done.returncode, seconds[1] if seconds else "", says


def prepared(folder: Path, output: Path) -> tuple[dict[str, float], dict[str, str]]:
    """Seconds by file, and reasons by file, of `data/corpus.py` over the folder."""
    done = run("data/corpus.py", "--nodebian", f"--input_dir={folder}", f"--output_dir={output}")
    if done.returncode:
        raise ValueError(f"corpus.py: exit code {done.returncode}: {done.stderr[-500:]}")
    seconds: dict[str, float] = {}
    for index in output.glob("*.tsv"):
        rows = csv.DictReader(io.StringIO(index.read_text("utf-8")), delimiter="\t")
        for row in rows if index.stem != "rejected" else ():
            name = row["source"].split(":")[-1]
            seconds[name] = seconds.get(name, 0.0) + int(row["length"]) / RATE
    rejected = csv.DictReader(
        io.StringIO((output / "rejected.tsv").read_text("utf-8")), delimiter="\t"
    )
    said = {row["file"].split(":")[-1].split(" ")[0]: row["reason"] for row in rejected}
    return seconds, {name: text.replace(f"{folder}/", "") for name, text in said.items()}


def scored(folder: Path, output: Path) -> dict[str, float]:
    """Seconds by file of `evaluate.py` over the folder."""
    done = run(
        *("evaluate.py", f"--input_dir={folder}", f"--output_dir={output}", "--kind=music"),
        *("--codecs=original", "--metrics=si_sdr", "--workers=1"),
    )
    if done.returncode:
        raise ValueError(f"evaluate.py: exit code {done.returncode}: {done.stderr[-500:]}")
    rows = csv.DictReader(io.StringIO((output / "scores.csv").read_text("utf-8")))
    return {row["file"]: float(row["seconds"]) for row in rows}


def trained_on(path: Path, folder: Path) -> tuple[str, str]:
    """Seconds that training counts in a file, and how many of 24 examples of it are silent."""
    folder.mkdir()
    shutil.copyfile(path, folder / path.name)
    rows = f"file\tkind\tspeaker\tlanguage\tlicense\tsplit\n{path.name}\tspeech\ta\t-\t-\ttrain\n"
    (folder / "manifest.tsv").write_text(rows)
    mix = MixOptions(floor_share=0.0, silence_share=0.0)
    try:
        batches = training_batches(
            folder, sample_rate=RATE, batch_size=BATCH, crop_samples=8000, seed=0, mix=mix
        )
        signal, _, _ = next(iter(batches))
    except ValueError:
        return "", ""
    levels = np.sqrt(np.mean(np.square(signal), axis=(1, 2)))
    (clip,) = AudioFolder(folder, "train", RATE).clips
    return f"{clip.length / RATE:.2f}", str(int((levels < 1e-3).sum()))


def main(_: list[str]) -> None:
    output = Path(flags.FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder = place / "recordings"
        folder.mkdir()
        expected = make_files(folder)
        in_corpus, refused = prepared(folder, place / "prepared")
        in_scores = scored(folder, place / "scores")
        for number, (name, seconds) in enumerate(sorted(expected.items())):
            exit_code, coded_seconds, says = coded(folder / name, place / "a.sst")
            in_training, silent = trained_on(folder / name, place / f"train_{number}")
            writer.writerow(
                (
                    name,
                    "" if seconds is None else f"{seconds:.2f}",
                    *(exit_code, coded_seconds, says),
                    f"{in_corpus[name]:.2f}" if name in in_corpus else "",
                    refused.get(name, ""),
                    f"{in_scores[name]:.2f}" if name in in_scores else "",
                    *(in_training, silent),
                )
            )
    write_whole(output / "odd_inputs.csv", text.getvalue())
    print(text.getvalue())


if __name__ == "__main__":
    flags.DEFINE_string("output_dir", None, "Folder that odd_inputs.csv goes to.", required=True)
    command_line.run(main)
