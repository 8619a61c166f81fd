"""The picture of the suite shows what it says."""

import numpy as np
import pytest
from PIL import Image

from shopfloor.study.showing.contact_sheet import CAPTION, GAP, TILE, contact_sheet, title

pytestmark = pytest.mark.usefixtures("graphics")


def test_the_contact_sheet_has_a_tile_for_each_task(tmp_path):
    sheet = Image.open(contact_sheet(tmp_path / "docs" / "sheet.png", ["PegInsertion", "PegInsertion"], columns=5))
    assert sheet.size == (2 * (TILE[0] + GAP) + GAP, TILE[1] + CAPTION + GAP)
    first, second = (np.asarray(sheet)[GAP : GAP + TILE[1], x : x + TILE[0]] for x in (GAP, 2 * GAP + TILE[0]))
    np.testing.assert_array_equal(first, second)
    assert first.std() > 10


def test_a_bad_contact_sheet_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"share 1.5 of an episode, want 0 to 1"):
        contact_sheet(tmp_path / "sheet.png", ["PegInsertion"], share=1.5)
    with pytest.raises(ValueError, match="0 columns, want 1 or more"):
        contact_sheet(tmp_path / "sheet.png", ["PegInsertion"], columns=0)


def test_titles_are_names_in_words():
    assert [title(name) for name in ("PegInsertion", "Kitting", "AMRDocking")] == [
        "Peg insertion",
        "Kitting",
        "Amr docking",
    ]
