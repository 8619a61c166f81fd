"""A card's head is what Hugging Face's loader wants; its text tells of the faults without telling of an episode."""

import re

import numpy as np
import yaml
from toy import RECIPE, toy

from shopfloor.demos import lerobot
from shopfloor.demos.exchange.card import FILES, card


def written(dataset, **changed):
    said = {"title": "Toy", "licence": "mit", "recipe": RECIPE, "units": {"a": "m"}, "command": "shopfloor collect"}
    return card(dataset, **{**said, **changed})


def test_the_head_names_the_files_that_are_there(tmp_path):
    lerobot.write(toy(0, 6), tmp_path / "toy", recipe=RECIPE)
    head = yaml.safe_load(re.fullmatch(r"---\n(.*?)---\n.*", written(toy(0, 6)), re.DOTALL)[1])
    assert head["license"] == "mit"
    assert head["task_categories"] == ["robotics"]
    assert "LeRobot" in head["tags"]
    assert head["configs"] == [{"config_name": "default", "data_files": FILES}]
    assert list((tmp_path / "toy").glob(FILES)) == list((tmp_path / "toy").rglob("data/**/*.parquet"))
    assert head["size_categories"] == ["n<1K"]


def test_a_card_beside_the_data_breaks_no_seal(tmp_path):
    lerobot.write(toy(0, 6), tmp_path / "toy", recipe=RECIPE)
    (tmp_path / "toy" / "README.md").write_text(written(toy(0, 6)))
    assert lerobot.read(tmp_path / "toy").content_hash == toy(0, 6).content_hash


def test_faults_are_told_of_all_episodes_together():
    dataset = toy(0, 12, truth=True)
    text = written(dataset)
    share = (dataset.truth.faults["slip"] != 0).mean()
    assert f"| slip | {share:.1%} | {dataset.truth.faults['slip'].mean():.3g} |" in text
    wrong = (dataset.episode_success == dataset.truth.outcomes).mean()
    assert f"in {wrong:.1%} of the episodes" in text
    assert "is not at hand" in written(dataset.without_truth())


def test_features_have_units_and_statistics():
    dataset = toy(0, 6)
    row = next(line for line in written(dataset).splitlines() if "| a |" in line)
    mean = float(row.split("|")[4])
    assert row.startswith("| observation.state | a | m |")
    np.testing.assert_allclose(mean, dataset.observations[:, 0].mean(), rtol=1e-3)


def test_equal_datasets_have_equal_cards_and_what_is_assumed_is_said():
    assert written(toy(0, 6)) == written(toy(0, 6))
    assert "nothing is known" in written(toy(0, 6), gaps=("nothing is known",))
    assert "## Settings" not in written(toy(0, 6), recipe={})
