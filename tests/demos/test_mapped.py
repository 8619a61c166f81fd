"""A mapped dataset is the dataset, to the bit, and its batches are; what is stale or damaged is not taken."""

import numpy as np
import pytest
from toy import RECIPE, toy

from shopfloor.agents.windows import Windows
from shopfloor.demos import lerobot
from shopfloor.demos.layout import DatasetError
from shopfloor.demos.mapped import arrays_of, read_mapped


@pytest.fixture
def folder(tmp_path):
    lerobot.write(toy(0, 12, truth=True, texts=True), tmp_path / "toy", recipe=RECIPE)
    return tmp_path / "toy"


def test_it_is_the_dataset_to_the_bit_and_lies_on_disk(folder):
    for _ in range(2):  # made, then opened
        mapped = read_mapped(folder)
        assert mapped.content_hash == lerobot.read(folder).content_hash
        for name in ("observations", "actions", "rewards", "times"):
            assert isinstance(getattr(mapped, name), np.memmap), name
        assert mapped.truth is None


@pytest.mark.parametrize("only_successes", [False, True])
def test_batches_of_a_mapped_dataset_are_those_of_one_in_memory(folder, only_successes):
    sides = [
        Windows(dataset, history=3, chunk=4, only_successes=only_successes)
        for dataset in (read_mapped(folder), lerobot.read(folder))
    ]
    assert len(sides[0]) == len(sides[1])
    numbers = np.random.default_rng(0).integers(len(sides[0]), size=64)
    for ours, theirs in zip(*(side.batch(numbers) for side in sides), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_it_is_made_once(folder):
    read_mapped(folder)
    before = {path: path.stat().st_mtime_ns for path in arrays_of(folder).iterdir()}
    read_mapped(folder)
    assert {path: path.stat().st_mtime_ns for path in arrays_of(folder).iterdir()} == before


def test_arrays_of_another_dataset_are_made_again(folder, tmp_path):
    read_mapped(folder)
    folder.rename(tmp_path / "old")
    lerobot.write(toy(0, 5), folder, recipe=RECIPE)
    assert read_mapped(folder).content_hash == toy(0, 5).content_hash
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        "old",
        "toy",
        "toy.arrays",
    ]


def test_damaged_data_is_not_turned_and_damaged_arrays_are_said(folder):
    data = folder / "data/chunk-000/file-000.parquet"
    whole = data.read_bytes()
    data.write_bytes(whole[:-9])
    with pytest.raises(DatasetError, match="SHA-256"):
        read_mapped(folder)
    assert not arrays_of(folder).exists()
    data.write_bytes(whole)
    read_mapped(folder)
    (arrays_of(folder) / "actions.npy").write_bytes(b"")
    with pytest.raises(DatasetError, match="delete the folder to have it made again"):
        read_mapped(folder)


def test_many_readers_at_once_find_one_dataset(folder):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: read_mapped(folder).content_hash, range(4)))
    assert set(found) == {toy(0, 12, texts=True).content_hash}
