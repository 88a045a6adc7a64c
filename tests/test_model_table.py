"""README.md shows the released models as their files are, and the scores that were measured."""

import json
import re
from pathlib import Path

import pytest

from tools.release import model_table

ROOT = Path(__file__).resolve().parents[1]


def test_readme_agrees_with_the_released_files():
    page = model_table.README.read_text()
    agrees = model_table.filled(page, model_table.tables(ROOT / "pretrained")) == page
    assert agrees, "run tools/release/model_table.py"


def rows(page: Path) -> list[list[str]]:
    """The cells of all tables of a page."""
    lines = page.read_text().replace("**", "").splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]


NOISY = {
    "codec, switched off": "soundstream",
    "codec, switched on": "soundstream_denoise",
    "RNNoise, then the codec": "rnnoise+soundstream",
    "the codec, then RNNoise": "soundstream+rnnoise",
    "noisy, no codec": "original",
}


def shown(scores: dict, *names: str) -> list[str]:
    decimals = {"estoi": 3, "si_sdr": 1}
    texts = (f"{scores[name]['mean']:.{decimals.get(name, 2)}f}" for name in names)
    return [re.sub(r"^0(?=\.\d{3}$)", "", text) for text in texts]


def test_the_guides_scores_of_noise_removal_are_those_that_were_measured():
    file = ROOT / "pretrained" / "speech_denoise" / "scores.json"
    conditions = json.loads(file.read_text())["groups"]["condition"]
    measured = {
        (f"{float(name.split()[0]):g} dB", entry["codec"]): entry["scores"]
        for name, entries in conditions.items()
        for entry in entries
    }
    guide = [cells for cells in rows(ROOT / "docs" / "denoising.md") if cells[0] in NOISY]
    assert len(guide) == 3
    for what, *cells in guide:
        assert cells == shown(measured["5 dB", NOISY[what]], "pesq_wb", "estoi", "dnsmos")


def test_all_models_have_a_row_and_all_files_a_checksum():
    text = model_table.tables(ROOT / "pretrained")["models"]
    for folder in (ROOT / "pretrained").iterdir():
        assert f"(pretrained/{folder.name}/README.md)" in text
        for file in folder.glob("*.tflite"):
            assert re.search(
                rf"`pretrained/{folder.name}/{file.name}` \| [\d.]+ \| `[0-9a-f]{{64}}`", text
            )


def test_a_page_without_a_place_for_a_table_is_refused():
    page = "<!-- a: here -->\nold\n<!-- end -->\nrest\n"
    assert model_table.filled(page, {"a": "new"}) == "<!-- a: here -->\nnew\n<!-- end -->\nrest\n"
    with pytest.raises(ValueError, match="0 places for the table 'b'"):
        model_table.filled(page, {"b": "new"})
