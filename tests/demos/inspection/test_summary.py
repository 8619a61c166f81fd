"""A summary counts what is there: by who and where, labels against truth, faults, and what is odd about columns."""

from dataclasses import replace

import numpy as np
import pytest
from toy import TEXTS, toy

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import given_columns
from shopfloor.demos.inspection.columns import action_columns, observation_columns, repeated_episodes
from shopfloor.demos.inspection.episodes import episode_table
from shopfloor.demos.inspection.sites import site_parameters
from shopfloor.demos.inspection.summary import summary_of
from shopfloor.demos.truth import Truth
from shopfloor.envs import DEFAULT, IDEAL

TOYS = toy(0, 20, truth=True)
TIERS = ("better", "okay", "worse", "better", "okay")


def moving(*, idle=(10, 40), frames=100, spoil=None):
    """Two episodes of a tool that stands still for some frames, then goes at one speed."""
    paths = [np.maximum(np.arange(frames) - still, 0) * 0.01 for still in idle]
    state = np.concatenate([np.stack([path, 0 * path, 0 * path], axis=1) for path in paths]).astype(np.float32)
    if spoil is not None:
        state[spoil, 0] = np.nan
    action = np.concatenate([np.gradient(path) * 50 for path in paths]).astype(np.float32)
    return Dataset.of(
        state,
        np.stack([action, 0 * action, 0 * action], axis=1),
        bounds=np.arange(3) * frames,
        fps=20,
        feature_names=["tcp_x", "tcp_y", "tcp_z", "dx", "dy", "dz"],
        operators=np.array([0, 1]),
    )


def test_the_table_has_a_row_an_episode_that_says_what_the_dataset_says():
    lines = episode_table(TOYS, tiers=TIERS)
    assert len(lines) == len(TOYS)
    assert len({tuple(line) for line in lines}) == 1
    assert [line["tier"] for line in lines[:5]] == list(TIERS)
    assert [line["label"] for line in lines] == TOYS.episode_success.tolist()
    assert [line["outcome"] for line in lines] == TOYS.truth.outcomes.tolist()
    assert [line["fault.slip"] for line in lines] == TOYS.truth.faults["slip"].tolist()
    assert [line["length_s"] for line in lines] == (np.diff(TOYS.bounds) / 20).tolist()
    assert {line["ended_by"] for line in lines} == {"success", "time"}
    assert [line["policy"] for line in lines[:3]] == [None, 0, 1]


def test_without_truth_nothing_of_it_is_told():
    lines = episode_table(TOYS.without_truth())
    assert {line["outcome"] for line in lines} == {None}
    assert not any(name.startswith("fault") for name in lines[0])
    summary = summary_of(TOYS.without_truth(), resamples=2)
    assert summary.confusion is None
    assert summary.faults == []


def test_who_chose_most_actions_is_named():
    sources = np.zeros(TOYS.frames, np.int8)
    sources[: TOYS.bounds[1]] = [1, 1, 3]
    lines = episode_table(replace(TOYS, sources=sources))
    assert [line["driven_by"] for line in lines[:2]] == ["policy", "operator"]


def test_labels_are_held_against_truth():
    found = summary_of(TOYS, resamples=2).confusion
    labels, truth = TOYS.episode_success, TOYS.truth.outcomes
    assert found.undone_labelled == sum(labels & ~truth) > 0
    assert found.done_unlabelled == sum(~labels & truth) > 0
    assert found.done_labelled + found.done_unlabelled == sum(truth)
    assert found.undone_labelled + found.undone_unlabelled == sum(~truth)


def test_groups_share_out_the_episodes():
    summary = summary_of(TOYS, tiers=TIERS, resamples=2)
    for groups in summary.groups.values():
        assert sum(group.episodes for group in groups) == len(TOYS)
        assert sum(group.successes for group in groups) == summary.successes
        assert sum(group.done for group in groups) == sum(TOYS.truth.outcomes)
    assert [group.key for group in summary.groups["tier"]] == [("better",), ("okay",), ("worse",)]
    assert [group.key for group in summary.groups["site"]] == [(0,), (1,)]
    assert summary.groups["operator"][4].key == (4, "okay")
    assert "tier" not in summary_of(TOYS, resamples=2).groups


def test_texts_are_counted_where_there_are_several():
    summary = summary_of(toy(0, 14, truth=True, texts=True), resamples=2)
    assert {group.key: group.episodes for group in summary.groups["text"]} == {(TEXTS[0],): 10, (TEXTS[1],): 4}
    assert [line["text"] for line in summary.episodes[:6]] == [*[TEXTS[0]] * 5, TEXTS[1]]
    assert "text" not in summary_of(moving(), resamples=2).groups


def test_faults_are_counted_with_and_without():
    outcomes = np.array([True, True, False, False] * 5)
    slip = np.array([0.0, 0.0, 0.0, 1.0] * 5)
    pace = np.arange(20) / 20 + 1
    told = summary_of(replace(TOYS, truth=Truth(outcomes, {"slip": slip, "pace": pace})), resamples=2).faults
    faults = {one.name: one for one in told}
    assert (faults["slip"].above, faults["slip"].episodes, faults["slip"].done) == (0, 5, 0)
    assert (faults["slip"].others, faults["slip"].others_done) == (15, 10)
    assert faults["pace"].episodes == faults["pace"].others == 10  # there in every episode: halves
    assert faults["pace"].above == np.median(pace)


def test_idle_shares_are_those_of_each_episode():
    summary = summary_of(moving(), resamples=2)
    idle = [line["idle_share"] for line in summary.episodes]
    assert idle == pytest.approx([0.1, 0.4], abs=0.05)
    assert [group.idle for group in summary.groups["operator"]] == idle
    assert summary.path_axes == ["x [m]", "y [m]", "z [m]"]


def test_what_does_not_move_says_why_and_all_else_is_told():
    summary = summary_of(moving(spoil=7), resamples=2)
    assert summary.motion is None
    assert summary.lacks == "episode 0, frame 7: path holds NaN or infinity, want finite numbers"
    assert [one.unsound for one in summary.observations] == [1, 0, 0]
    assert {line["idle_share"] for line in summary.episodes} == {None}
    assert "want names in common that move" in summary_of(TOYS, resamples=2).lacks


def test_columns_may_be_said():
    columns = given_columns([0], [0], state=["a", "b"], action=["x", "y"])
    long = Dataset.concatenate([toy(0, 1)] * 2)
    long = replace(long, fps=1)  # so that its three frames last
    assert summary_of(long, columns=columns, resamples=2).path_axes == ["a"]


def test_columns_tell_their_ends_and_what_is_constant():
    first, second, third = observation_columns(moving())
    assert (first.low, second.constant, third.zero) == (0.0, True, 1.0)
    assert first.high == pytest.approx(0.89)
    drive = action_columns(moving())[0]
    assert drive.at_limit == 0
    wide = replace(moving(), actions=moving().actions * 3)
    assert action_columns(wide)[0].at_limit > 0.5  # beyond 1 they are held against their own ends
    clipped = replace(moving(), actions=np.clip(moving().actions * 4, -1, 1))
    assert action_columns(clipped)[0].at_limit == pytest.approx(0.75, abs=0.05)


def test_nothing_finite_is_a_column_of_nothing():
    spoiled = replace(moving(), observations=np.full((200, 3), np.nan, np.float32))
    assert [one.unsound for one in observation_columns(spoiled)] == [200] * 3
    assert np.isnan(observation_columns(spoiled)[0].low)


def test_repeated_episodes_are_counted():
    assert repeated_episodes(TOYS) == 0
    assert repeated_episodes(Dataset.concatenate([TOYS, TOYS.take(3)])) == 3


def test_no_episode_has_no_summary():
    with pytest.raises(ValueError, match="a dataset of 0 episodes, want 1 or more"):
        summary_of(TOYS.take(0))


def test_the_same_dataset_gives_the_same_summary():
    first, second = (summary_of(moving(), resamples=5) for _ in range(2))
    assert first.measured == second.measured
    assert first.episodes == second.episodes


def test_sites_are_those_that_the_realism_draws():
    told = site_parameters(DEFAULT, [3, 0])
    drawn = DEFAULT.sites.sites([3, 0])
    assert told["friction"].tolist() == drawn.friction.tolist()
    np.testing.assert_allclose(told["camera_shift"], np.linalg.norm(drawn.camera_shift, axis=1))
    assert "index" not in told
    assert all(np.ptp(values) == 0 for values in site_parameters(IDEAL, [3, 0]).values())
