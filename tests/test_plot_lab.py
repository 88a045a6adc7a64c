"""Curves of the laboratory are drawn from its tables."""

import math

import pytest

from tools.study import plot_lab


def test_a_table_becomes_a_picture(tmp_path):
    (tmp_path / "a.csv").write_text("step,estoi_3kbps,estoi_6kbps,mel_db\n1,0.5,,4\n2,0.6,0.7,3\n")
    table = plot_lab.read_table(tmp_path / "a.csv")
    assert table["estoi_3kbps"] == [0.5, 0.6] and math.isnan(table["estoi_6kbps"][0])
    assert plot_lab.groups(list(table)[1:]) == {
        "estoi": ["estoi_3kbps", "estoi_6kbps"],
        "mel": ["mel_db"],
    }
    plot_lab.draw(table, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_cell_that_is_no_number_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("step,b\n1,x\n")
    with pytest.raises(ValueError, match=r"a\.csv: could not convert string to float: 'x'"):
        plot_lab.read_table(tmp_path / "a.csv")


def test_every_table_of_the_laboratory_has_its_picture_and_its_page():
    lab = plot_lab.ROOT / "docs" / "lab"
    pages = "".join(page.read_text() for page in lab.glob("*.md"))
    tables = list(lab.glob("*.csv"))
    assert tables
    for path in tables:
        assert f"({path.name})" in pages and f"(../images/lab_{path.stem}.png)" in pages
        assert (plot_lab.ROOT / "docs" / "images" / f"lab_{path.stem}.png").is_file()
        plot_lab.read_table(path)
