"""scripts/calibrate.py prints its tables, or puts them into a page."""

from functools import partial

import forked

run = partial(forked.run, "calibrate")
SMALL = ["--replicates", "2", "--truths", "plateau .80", "--designs", "3 x 100"]


def test_tables_are_printed_and_put_into_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("calibration", "aims", "measured")))
    printed = run(*SMALL, "--into", str(page)).stdout
    text = page.read_text()
    assert "Made by `shopfloor calibrate --replicates 2" in text
    assert str(page) not in text
    for line in (
        "| plateau .80 | nowhere |",
        "| told a number in 10 % or less where there is none | 1 of 1 |",
        "RoboCasa",
    ):
        assert line in printed
        assert line in text
    assert "| plateau .80 | nowhere | 3 x 100 |" in printed


def test_measured_curves_are_refitted_alone():
    printed = run("--only-measured").stdout
    assert "robomimic Square-MH" in printed
    assert "plateau" not in printed


def test_bad_calls_are_one_line_errors(tmp_path):
    for arguments, wanted in (
        (["--replicates", "0"], "want 1 or more"),
        (["--truths", "nope"], "invalid choice: 'nope'"),
        (["--only-measured", "--into", str(tmp_path / "none.md")], "none.md"),
    ):
        done = run(*arguments)
        assert done.returncode != 0
        assert wanted in done.stderr.splitlines()[-1]
