"""A dataset is collected once, in shards that survive a kill, by whoever comes first."""

import multiprocessing
import shutil
import time

import pytest
from toy import RECIPE, toy

from shopfloor.demos.lerobot import DatasetError
from shopfloor.demos.store import Store


class Killed(BaseException):
    pass


class Counting:
    """Collects, counts, and dies before the shard that starts at `dies`."""

    def __init__(self, dies=None):
        self.ranges = []
        self.dies = dies

    def __call__(self, start, stop):
        if start == self.dies:
            raise Killed
        self.ranges.append((start, stop))
        return toy(start, stop)


def load(root, collect, shard=4, episodes=10):
    return Store(root).load(RECIPE, episodes, collect, shard=shard)


def test_it_is_collected_once_and_then_read(tmp_path):
    first, second = Counting(), Counting()
    assert load(tmp_path, first).content_hash == load(tmp_path, second).content_hash == toy(0, 10).content_hash
    assert first.ranges == [(0, 4), (4, 8), (8, 10)]
    assert second.ranges == []
    assert not list(tmp_path.glob("*.partial"))


def test_a_kill_costs_one_shard_and_no_bit(tmp_path):
    with pytest.raises(Killed):
        load(tmp_path, Counting(dies=8))
    again = Counting()
    assert load(tmp_path, again).content_hash == toy(0, 10).content_hash
    assert again.ranges == [(8, 10)]


def test_a_damaged_shard_is_collected_again(tmp_path):
    with pytest.raises(Killed):
        load(tmp_path, Counting(dies=8))
    (path,) = tmp_path.glob("*.partial/0000000-0000004/meta/info.json")
    path.write_text("{}")
    again = Counting()
    assert load(tmp_path, again).content_hash == toy(0, 10).content_hash
    assert again.ranges == [(0, 4), (8, 10)]


def test_shards_of_another_size_are_not_mixed_up(tmp_path):
    with pytest.raises(Killed):
        load(tmp_path, Counting(dies=8), shard=4)
    assert load(tmp_path, Counting(), shard=3).content_hash == toy(0, 10).content_hash


def test_another_recipe_is_another_dataset(tmp_path):
    store = Store(tmp_path)
    folders = {store.folder(RECIPE), store.folder({**RECIPE, "seed": 1})}
    assert len(folders) == 2
    assert all(folder.name.startswith("Toy-") for folder in folders)


def test_a_dataset_grows_by_what_is_not_there_yet(tmp_path):
    small, large, least = Counting(), Counting(), Counting()
    assert load(tmp_path, small, episodes=3).content_hash == toy(0, 3).content_hash
    assert load(tmp_path, large, episodes=12).content_hash == toy(0, 12).content_hash
    assert load(tmp_path, least, episodes=5).content_hash == toy(0, 5).content_hash
    assert (small.ranges, large.ranges, least.ranges) == ([(0, 3)], [(3, 7), (7, 11), (11, 12)], [])
    folder = Store(tmp_path).folder(RECIPE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{folder.name}.lock", folder.name]


@pytest.mark.parametrize("moment", ["the old is aside", "the new is in place"])
def test_a_kill_while_the_larger_takes_its_place_loses_nothing(tmp_path, moment):
    load(tmp_path, Counting(), episodes=3)
    folder = Store(tmp_path).folder(RECIPE)
    old = folder.with_name(f".{folder.name}.old")
    if moment == "the old is aside":
        folder.rename(old)
    else:
        shutil.copytree(folder, old)
    again = Counting()
    assert load(tmp_path, again, episodes=4).content_hash == toy(0, 4).content_hash
    assert again.ranges == [(3, 4)]
    assert not old.exists()


def test_reading_takes_no_lock_and_writes_nothing(tmp_path):
    load(tmp_path, Counting(), episodes=6)
    for path in tmp_path.glob(".*.lock"):
        path.unlink()
    before = sorted(tmp_path.rglob("*"))
    assert load(tmp_path, Counting(), episodes=6).content_hash == toy(0, 6).content_hash
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_dataset_is_refused_whatever_it_says_of_its_size(tmp_path):
    load(tmp_path, Counting(), episodes=6)
    info = Store(tmp_path).folder(RECIPE) / "meta" / "info.json"
    text = info.read_text()
    for damaged in (text.replace('"total_episodes": 6', '"total_episodes": 60'), text[:-9], "[]"):
        info.write_text(damaged)
        for episodes in (6, 7):
            with pytest.raises(DatasetError, match=r"info\.json has SHA-256"):
                load(tmp_path, Counting(), episodes=episodes)


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        load(tmp_path / "file" / "root", Counting())


def _slow_load(root, counts):
    def collect(start, stop):
        counts.append(start)
        time.sleep(0.2)
        return toy(start, stop)

    load(root, collect)


def test_two_processes_collect_once_between_them(tmp_path):
    context = multiprocessing.get_context("fork")  # a spawned process could not find this module by its path
    with context.Manager() as manager:
        counts = manager.list()
        processes = [context.Process(target=_slow_load, args=(tmp_path, counts)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert sorted(counts) == [0, 4, 8]
        assert [process.exitcode for process in processes] == [0, 0]
