"""scripts/tasks.py prints tables, or puts them into pages."""

from functools import partial

import forked

run = partial(forked.run, "tasks")


def test_a_named_task_is_shown_whole_and_all_of_them_in_short():
    whole, short = run("Kitting").stdout, run().stdout
    assert "| Kitting | `clearance` |" in whole
    assert "| `parts_placed` | 1 |" in whole
    assert "| Kitting | `clearance` |" in short
    assert "parts_placed" not in short


def test_a_page_without_a_place_and_a_task_that_is_none_are_one_line_errors(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    for arguments, wanted in (
        (["--into", str(page)], "<!-- observations -->"),
        (["Kiting"], "want one of"),
        (["--into", str(tmp_path / "none.md")], "none.md"),
    ):
        done = run(*arguments)
        assert done.returncode != 0
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert wanted in line
