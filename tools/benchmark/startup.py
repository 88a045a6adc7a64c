"""How long it takes until the demo has read its first clip, in one checkout or several.

    python tools/benchmark/startup.py --checkout=. --checkout=../before --output=startup.json

Processes of the checkouts take turns; medians of CPU and wall-clock seconds.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from absl import flags

from common import command_line
from soundstream.atomic import write_whole

_READ_FIRST = (
    "from demo import demo\n"
    "clip = sorted((demo.ROOT / 'demo' / 'clips').glob('*.flac'))[0]\n"
    "demo.CodecModel.load(demo.ROOT / 'pretrained' / 'speech')\n"
    "demo.read_audio(clip, 16_000)"
)


def measure(checkout: str, code: str, *arguments: str) -> tuple[float, float]:
    """CPU and wall-clock seconds of one process."""
    before = os.times()
    begun = time.monotonic()
    environment = os.environ | {"PYTHONPATH": checkout}
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=checkout,
        env=environment,
        check=True,
        capture_output=True,
    )
    after = os.times()
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, time.monotonic() - begun


def main(_argv: list[str]) -> None:
    given = flags.FLAGS
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in given.checkout}
    for _round in range(given.rounds):
        for name in given.checkout:
            samples[name].append(measure(name, _READ_FIRST))
    facts = {
        Path(name).resolve().name: {
            "cpu_seconds": round(statistics.median(cpu for cpu, _ in runs), 3),
            "wall_seconds": round(statistics.median(wall for _, wall in runs), 3),
        }
        for name, runs in samples.items()
    }
    text = json.dumps(facts, indent=1) + "\n"
    print(text, end="")
    if given.output:
        write_whole(given.output, text)


if __name__ == "__main__":
    command_line.several("checkout", ["."], "Folders of checkouts to compare.")
    flags.DEFINE_integer("rounds", 9, "Processes of each checkout.", 1)
    flags.DEFINE_string("output", None, "JSON file to write the medians to; default: none.")
    command_line.run(main)
