"""A dataset is collected once, in shards that survive a kill, by whoever comes first."""

import errno
import multiprocessing
import os
import shutil
import time

import pytest
from toy import RECIPE, toy

from shopfloor.demos import lerobot
from shopfloor.demos.layout import RecipeError
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


def in_processes(target, arguments):
    """Their exit codes."""
    context = multiprocessing.get_context("fork")  # a spawned process could not find this module by its path
    processes = [context.Process(target=target, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


@pytest.mark.parametrize("collectors", [2, 8])
def test_processes_collect_once_between_them(tmp_path, collectors):
    with multiprocessing.get_context("fork").Manager() as manager:
        counts = manager.list()
        assert in_processes(_slow_load, [(tmp_path, counts)] * collectors) == [0] * collectors
        assert sorted(counts) == [0, 4, 8]
    assert load(tmp_path, Counting()).content_hash == toy(0, 10).content_hash


def test_only_who_asks_for_the_truth_is_told_it(tmp_path):
    def collect(start, stop):
        return toy(start, stop, truth=True)

    whole = toy(0, 10, truth=True)
    store = Store(tmp_path)
    for _ in range(2):  # as it is collected, and as it is read
        assert store.load(RECIPE, 10, collect, shard=4).content_hash == whole.without_truth().content_hash
        assert store.load(RECIPE, 10, collect, truth=True).content_hash == whole.content_hash
    assert store.load(RECIPE, 12, collect, truth=True).content_hash == toy(0, 12, truth=True).content_hash


def part(root, number, of, collect, *, episodes=10, shard=2):
    return Store(root).load_part(RECIPE, episodes, collect, part=number, of=of, shard=shard)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_of_separate_machines_join_into_the_same_bytes(tmp_path):
    load(tmp_path / "whole", Counting())
    for number in (3, 1, 2):  # each in a store of its own, then copied
        partial = part(tmp_path / str(number), number, 3, Counting())
        shutil.copytree(partial, tmp_path / "joined" / partial.name, dirs_exist_ok=True)
    nothing = Counting()
    load(tmp_path / "joined", nothing)
    assert nothing.ranges == []
    folders = [Store(tmp_path / name).folder(RECIPE) for name in ("whole", "joined")]
    assert content(folders[0]) == content(folders[1])
    assert sorted(path.name for path in (tmp_path / "joined").glob("*.partial")) == []


def test_what_no_part_has_is_collected(tmp_path):
    part(tmp_path, 2, 3, Counting())  # of 3 ... 5
    rest = Counting()
    assert load(tmp_path, rest).content_hash == toy(0, 10).content_hash
    assert rest.ranges == [(0, 3), (6, 10)]


def test_a_smaller_volume_leaves_the_parts_of_a_larger_one(tmp_path):
    for number in (1, 2, 3):
        part(tmp_path, number, 3, Counting())
    nothing = Counting()
    assert load(tmp_path, nothing, episodes=4).content_hash == toy(0, 4).content_hash
    assert load(tmp_path, nothing, episodes=10).content_hash == toy(0, 10).content_hash
    assert nothing.ranges == []


def test_a_part_is_made_once_and_goes_on_after_a_kill(tmp_path):
    with pytest.raises(Killed):
        part(tmp_path, 1, 2, Counting(dies=2))
    first, second = Counting(), Counting()
    part(tmp_path, 1, 2, first)
    part(tmp_path, 1, 2, second)
    assert (first.ranges, second.ranges) == ([(2, 4), (4, 5)], [])
    load(tmp_path, Counting())
    late = Counting()
    part(tmp_path, 2, 2, late)  # all is joined already
    assert late.ranges == []


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (1, 11)])
def test_a_part_that_is_none_is_refused(tmp_path, number, of):
    with pytest.raises(ValueError, match=f"part {number} of {of} of 10 demonstrations, want"):
        part(tmp_path, number, of, Counting())


def test_what_was_made_by_another_recipe_is_neither_taken_nor_lost(tmp_path):
    store, other = Store(tmp_path), {**RECIPE, "seed": 1}
    load(tmp_path, Counting(), episodes=3)
    store.folder(RECIPE).rename(store.folder(other))
    with pytest.raises(RecipeError, match="made by another recipe, in seed, want the one asked for"):
        store.load(other, 3, Counting())
    shard = part(tmp_path, 1, 1, Counting(), episodes=2)
    shard.rename(store.folder({**RECIPE, "seed": 2}).with_suffix(".partial"))
    with pytest.raises(RecipeError, match="made by another recipe, in seed"):
        store.load({**RECIPE, "seed": 2}, 4, Counting())
    assert list(tmp_path.glob("*.partial/0000000-0000002/meta/info.json"))


def test_a_disk_that_fills_up_costs_one_shard_and_is_said_in_one_line(tmp_path, monkeypatch):
    def full(start, stop):
        if start == 4:
            monkeypatch.setattr(lerobot.pq.ParquetWriter, "write_table", no_space)
        return toy(start, stop)

    def no_space(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        load(tmp_path, full)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.glob("*.partial/[!.]*")] == ["0000000-0000004"]
    again = Counting()
    assert load(tmp_path, again).content_hash == toy(0, 10).content_hash
    assert again.ranges == [(4, 8), (8, 10)]


def test_a_disk_that_fills_up_while_shards_are_joined_loses_none(tmp_path, monkeypatch):
    load(tmp_path, Counting(), episodes=3)
    written = lerobot._write_json

    def no_space(path, value):
        if "whole" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(path, value)

    monkeypatch.setattr(lerobot, "_write_json", no_space)
    with pytest.raises(OSError, match="No space left"):
        load(tmp_path, Counting())
    monkeypatch.undo()
    assert load(tmp_path, Counting(dies=0), episodes=3).content_hash == toy(0, 3).content_hash
    nothing = Counting()
    assert load(tmp_path, nothing).content_hash == toy(0, 10).content_hash
    assert nothing.ranges == []
