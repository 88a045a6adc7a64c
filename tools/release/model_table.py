"""Writes the tables of the released models and of their scores into README.md.

    python tools/release/model_table.py

Everything in them comes from pretrained/*/: metadata.json, scores.json and the files themselves.
tests/test_model_table.py fails where README.md says something else.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import tomllib

from common import command_line

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
NAMES = {"soundstream": "**this**", "lyra": "Lyra V2", "opus": "Opus"}
COLUMNS = {
    "distill_mos": "Distill-MOS",
    "dnsmos": "DNSMOS",
    "visqol_speech": "ViSQOL",
    "pesq_wb": "PESQ-WB",
    "estoi": "ESTOI",
}
DECIMALS = {"estoi": 3, "si_sdr": 1}
IN_MODEL_TABLE = ("visqol_speech", "pesq_wb", "estoi")
MODEL_COLUMNS = ("model", "id", "input", "bitrates", "two int8 files", "scores", "licence")
SHIPPED = (".tflite", ".bin", ".npz")


def tables(pretrained: Path) -> dict[str, str]:
    """The text of each table by the name in its marker.

    Args:
      pretrained: folder of the released models, one folder each; `speech` is scored beside others.
    """
    folders = sorted(path.parent for path in pretrained.glob("*/metadata.json"))
    return {
        "models": "\n".join([*_models(folders), "", *_files(folders)]),
        "scores": "\n".join(_scores(pretrained / "speech")),
    }


def filled(page: str, texts: dict[str, str]) -> str:
    """`page` with each text between its markers; ValueError if one has no place."""
    for name, text in texts.items():
        places = re.findall(rf"<!-- {name}: [^\n]* -->\n.*?<!-- end -->", page, re.S)
        if len(places) != 1:
            raise ValueError(f"the page has {len(places)} places for the table {name!r}")
        begin, end = places[0].partition("\n")[0], "<!-- end -->"
        page = page.replace(places[0], f"{begin}\n{text}\n{end}")
    return page


def _models(folders: list[Path]) -> list[str]:
    licence = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    lines = _head(*MODEL_COLUMNS)
    for folder in folders:
        facts = _read(folder / "metadata.json")
        rate, hop, levels = facts["sample_rate"], facts["hop"], facts["num_quantizers"]
        level_kbps = rate / hop * (facts["codebook_size"].bit_length() - 1) / 1000
        flavour = facts["flavours"][0]
        graphs = [folder / f"{part}_{flavour}.tflite" for part in ("encoder", "decoder")]
        lines.append(
            _row(
                f"[{folder.name}](pretrained/{folder.name}/README.md)",
                f"`{facts['model_id']}`",
                f"{rate / 1000:g} kHz, frames of {1000 * hop / rate:g} ms",
                f"{level_kbps:g} to {levels * level_kbps:g} kbps",
                f"{sum(graph.stat().st_size for graph in graphs) / 1e6:.2f} MB",
                _model_scores(_read(folder / "scores.json")["conditions"], facts["denoise"]),
                licence,
            )
        )
    return lines


def _model_scores(conditions: list[dict[str, Any]], denoise: bool) -> str:
    name = "soundstream_denoise" if denoise else "soundstream"
    own = [condition for condition in conditions if condition["codec"] == name]
    lowest = min(own, key=lambda condition: condition["bitrate_bps"])
    what = "noisy speech, noise removed, " if denoise else ""
    scores = ", ".join(f"{COLUMNS[key]} {_shown(lowest, key)}" for key in IN_MODEL_TABLE)
    return f"{what}{lowest['bitrate_bps'] / 1000:g} kbps: {scores}"


def _files(folders: list[Path]) -> list[str]:
    lines = ["<details><summary>Files and their SHA-256</summary>", ""]
    lines += _head("file", "MB", "SHA-256")
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        if path.suffix in SHIPPED:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            name = f"pretrained/{path.parent.name}/{path.name}"
            lines.append(_row(f"`{name}`", f"{len(content) / 1e6:.2f}", f"`{digest}`"))
    return [*lines, "", "</details>"]


def _scores(folder: Path) -> list[str]:
    lines = _head("codec", "kbps", *COLUMNS.values())
    conditions = _read(folder / "scores.json")["conditions"]
    for codec in NAMES:
        for condition in (c for c in conditions if c["codec"] == codec):
            kbps = f"{condition['actual_bps'] / 1000:.1f}"
            lines.append(_row(NAMES[codec], kbps, *(_shown(condition, key) for key in COLUMNS)))
    return lines


def _shown(condition: dict[str, Any], key: str) -> str:
    text = f"{condition['scores'][key]['mean']:.{DECIMALS.get(key, 2)}f}"
    return text.removeprefix("0") if key == "estoi" else text


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def _head(*names: str) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(_: list[str]) -> None:
    README.write_text(filled(README.read_text(), tables(ROOT / "pretrained")))


if __name__ == "__main__":
    command_line.run(main)
