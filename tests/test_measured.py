"""Figures in pages are those that commands wrote: tools/measured.py would change nothing."""

import json

import pytest

from tools import measured

ROOT = measured.ROOT
PAGES = [page for page in measured.pages() if "\n<!-- measured: " in page.read_text()]


def test_model_cards_take_their_scores_from_the_file():
    cards = sorted(ROOT.glob("pretrained/*/README.md"))
    assert cards and set(cards) <= set(PAGES)
    for card in cards:
        assert f"pretrained/{card.parent.name}/scores.json -->" in card.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_agree_with_the_files(page):
    text = page.read_text()
    starts, ends = text.count("\n<!-- measured: "), text.count("\n<!-- end of measured -->")
    assert starts == ends
    assert measured.written(text) == text, "run tools/measured.py"


@pytest.fixture
def folder(tmp_path):
    one = {"saved": 0.05, "interval_95": [0.04, 0.061]}
    one |= {"encode_us_per_frame": 2.0, "decode_us_per_frame": 3.25}
    facts = {"by_bitrate_bps": {"3000": one}, "machine": "a box, 2 cores", "date": "2026-11-29"}
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_table_is_written_with_machine_and_date(folder):
    mark = "<!-- measured: entropy_coding facts.json -->\n"
    text = f"Before.\n{mark}| old |\n<!-- end of measured -->\nAfter.\n"
    new = measured.written(text, folder)
    assert new.startswith(f"Before.\n{mark}| kbps |")
    assert "| 3 | 5.0 % (4.0-6.1) | 2.0 us | 3.2 us |\n" in new
    assert "\nMeasured: a box, 2 cores, 2026-11-29.\n<!-- end of measured -->\nAfter.\n" in new
    assert measured.written(new, folder) == new


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("pie facts.json", "no table 'pie'; there are scores"),
        ("scores no.json", "no.json is missing"),
    ],
)
def test_what_cannot_be_written_is_named(folder, mark, message):
    with pytest.raises(ValueError, match=message):
        measured.written(f"<!-- measured: {mark} -->\n<!-- end of measured -->\n", folder)
