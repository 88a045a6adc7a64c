"""The report: complete in itself, and true to the rows."""

import json
import re
from pathlib import Path

import pytest
from report_example import HOSTILE_NAME, data_of, example_report

from evaluation.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return example_report()


@pytest.fixture(scope="module")
def page(report, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.write(path)
    return path


def test_the_page_needs_nothing_but_itself(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"\{\{(style|script|data)\}\}", text)
    # The one address is the name of SVG, which no browser opens.
    assert set(re.findall(r"https?://[^'\" ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|src=|@import", text.split('id="data"')[0])


def test_the_data_hold_every_row_and_no_nan(page):
    data = data_of(page)
    assert len(data["rows"]) == 120
    assert [row["scores"][0] for row in data["rows"]].count(None) == 4
    assert HOSTILE_NAME in data["files"]
    assert data["failures"] == [{"file": "broken.wav", "reason": "cannot be read as audio"}]
    assert set(data["groups"]["language"]) == {"de", "en"}


def test_listening_recordings_have_all_codecs_and_extremes_their_own(page):
    data = data_of(page)
    assert data["listening"] == ["00.wav", "01.wav", "02.wav"]
    for file in data["listening"]:
        assert set(data["audio"][file]) == {"original", "0", "1", "2"}
        for version in data["audio"][file].values():
            assert version["sound"].startswith("data:audio/flac;base64,")
            assert version["picture"].startswith("data:image/png;base64,")
    # The ten best and ten worst of `ours` at 3000 bps and of `theirs`, never at 6000.
    assert set(data["audio"][HOSTILE_NAME]) == {"original", "0", "2"}
    assert "15.wav" not in data["audio"]
    assert len(data["audio"]) == 20


def test_scores_json_has_no_nan_and_the_codebooks(report):
    scores = json.loads(report.scores_json(), parse_constant=pytest.fail)
    assert scores["codebooks"]["frames"] == 5000
    assert len(scores["codebooks"]["levels"]) == 4
    assert scores["conditions"][0]["scores"]["estoi"]["count"] == 29
