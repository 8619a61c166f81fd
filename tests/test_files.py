"""What is written is whole or not there."""

import pytest

from shopfloor.files import new_folder, write_atomically


def test_a_folder_comes_to_be_with_all_that_was_put_in(tmp_path):
    with new_folder(tmp_path / "deep" / "folder", purpose="for a test") as partial:
        (partial / "file").write_text("whole")
        assert not (tmp_path / "deep" / "folder").exists()
    assert (tmp_path / "deep" / "folder" / "file").read_text() == "whole"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["folder"]
    with (
        pytest.raises(FileExistsError, match=r"folder exists, want a new folder for a test"),
        new_folder(tmp_path / "deep" / "folder", purpose="for a test"),
    ):
        pass


def test_an_error_or_a_stop_leaves_no_folder(tmp_path):
    def half_written(error):
        with new_folder(tmp_path / "folder", purpose="for a test") as partial:
            (partial / "file").write_text("half")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            half_written(error)
        assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_and_leaves_no_litter(tmp_path):
    for content in (b"one", b"two"):
        write_atomically(tmp_path / "a" / "file", content)
        assert (tmp_path / "a" / "file").read_bytes() == content
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
