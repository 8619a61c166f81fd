"""A page keeps all but what stands between the marks."""

import pytest

from shopfloor.study.showing.pages import fill, insert, table


def test_a_table_has_a_line_under_its_header():
    assert table(("task", "rate"), [("Easy", "1 %")]) == "| task | rate |\n| --- | --- |\n| Easy | 1 % |\n"


def test_a_table_takes_the_place_of_the_one_before_it(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Tasks\n<!-- suite -->\nold\n<!-- /suite -->\nEnd.\n")
    for text in ("| a |\n", "| b |\n"):
        insert(page, "suite", text)
        assert page.read_text() == f"# Tasks\n<!-- suite -->\n{text}<!-- /suite -->\nEnd.\n"
    with pytest.raises(ValueError, match="without <!-- nope -->"):
        insert(page, "nope", "| c |\n")


def test_a_page_takes_only_what_it_has_a_place_for(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- knobs -->\n<!-- /knobs -->\n")
    fill(page, {"tasks": "| a |\n", "knobs": "| b |\n"})
    assert page.read_text() == "<!-- knobs -->\n| b |\n<!-- /knobs -->\n"
    with pytest.raises(ValueError, match="without <!-- tasks --> and <!-- /tasks --> or <!-- nope -->"):
        fill(page, {"tasks": "| a |\n", "nope": "| b |\n"})
