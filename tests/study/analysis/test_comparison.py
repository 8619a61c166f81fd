"""Sides are paired by what they share, differences hold together, and what cannot be compared is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from toy_sides import a_side

from shopfloor.study.analysis.comparison import Pairing, Side, compare, holm, unpaired_contrasts
from shopfloor.study.analysis.crossed import contrasts_by_episode, crossed_contrasts, crossed_differences
from shopfloor.study.analysis.statistics import LEVEL, Interval
from shopfloor.study.analysis.truths import Design

EPISODES = 128
SITES = np.arange(EPISODES) % 16
DESIGN = Design("", 6, EPISODES, seed_sd=0.5, seed_correlation=0.5, episode_sd=1.0, site_sd=0.5, sites=16)
RATES = np.array([0.2, 0.5, 0.8, 0.35, 0.6, 0.85])  # of one agent at three volumes, and of another


def outcomes(rng: np.random.Generator, rates: NDArray[np.float64] = RATES) -> NDArray[np.bool_]:
    """(volumes of both, seeds of both, episodes) on shared episodes at shared sites."""
    return DESIGN.simulate(rates, 1, rng)[0].astype(bool)


def random_cell(rate: float, seeds: int = 3, seed: int = 0) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((seeds, EPISODES)) < rate


@pytest.mark.parametrize(
    ("theirs", "pairing", "seeds"),
    [
        ((0, 1, 2), Pairing.SEEDS, (3, 3)),
        ((2, 1, 5), Pairing.SEEDS, (2, 2)),
        ((2, 4, 5), Pairing.EPISODES, (3, 3)),
        ((3, 4, 5), Pairing.EPISODES, (3, 3)),
    ],
)
def test_sides_are_paired_by_the_seeds_that_they_share(
    theirs: tuple[int, ...], pairing: Pairing, seeds: tuple[int, int]
) -> None:
    a, b = random_cell(0.7), random_cell(0.5, seed=1)
    (found,) = compare([a_side("a", {10: a}), a_side("b", {10: b}, seeds=theirs)])
    assert (found.pairing, found.seeds) == (pairing, seeds)
    if pairing is Pairing.EPISODES:
        assert found.difference == contrasts_by_episode([(a, b)], np.zeros(EPISODES, dtype=np.int64))[0].difference


def test_seeds_are_paired_by_their_names_not_their_places() -> None:
    a = random_cell(0.7)
    (found,) = compare([a_side("a", {10: a}, seeds=(0, 1, 2)), a_side("b", {10: a[::-1]}, seeds=(2, 1, 0))])
    assert (found.difference.estimate, found.p_value) == (0, 1)
    assert found.difference.high < 0.03


def test_all_differences_of_a_comparison_hold_together() -> None:
    sides = [
        a_side(name, {10: random_cell(0.3, seed=i), 30: random_cell(0.6, seed=9 - i)}) for i, name in enumerate("abc")
    ]
    found = compare(sides)
    assert [(one.first, one.second, one.volumes) for one in found] == [
        (a, b, (v, v)) for a, b in (("a", "b"), ("a", "c"), ("b", "c")) for v in (10, 30)
    ]
    pairs = [tuple(side.curve.points[i].outcomes for side in sides[:2]) for i in (0, 1)]
    alone = crossed_contrasts(pairs, sides[0].curve.sites, 1 - (1 - LEVEL) / 6)
    assert [one.difference for one in found[:2]] == [one.difference for one in alone]
    assert [one.adjusted for one in found] == holm([one.p_value for one in found])


def test_two_volumes_of_one_agent_are_compared_when_asked_for() -> None:
    one, other = a_side("bc 30", {30: random_cell(0.5)}), a_side("bc 10", {10: random_cell(0.3)})
    (found,) = compare([one, other], across_volumes=True)
    assert found.volumes == (30, 10)
    assert found.difference.low > 0
    assert compare([one, other]) == ()


def test_other_episodes_are_refused_unless_unpaired() -> None:
    a = a_side("a", {10: random_cell(0.9)})
    b = a_side("b", {10: random_cell(0.5, seed=1)}, evaluation_seed=1)
    with pytest.raises(ValueError, match=r"a and b were judged on other episodes \(evaluation.seed 0 against 1\)"):
        compare([a, b])
    (found,) = compare([a, b], paired=False)
    assert found.pairing is Pairing.NOTHING
    assert found.difference.low > 0


def test_two_tasks_are_not_compared() -> None:
    a, b = a_side("a", {10: random_cell(0.9)}), a_side("b", {10: random_cell(0.9)}, task="Kitting")
    for paired in (True, False):
        with pytest.raises(ValueError, match="a is of task PegInsertion and b of Kitting"):
            compare([a, b], paired=paired)


@pytest.mark.parametrize("method", [crossed_contrasts, contrasts_by_episode, unpaired_contrasts])
def test_a_p_value_is_under_five_percent_where_the_interval_leaves_zero_out(method) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(15):
        cells = outcomes(rng)
        pairs = [(cells[i, :3], cells[i + 3, :3]) for i in range(3)]
        contrasts = (
            method([a for a, _ in pairs], [b for _, b in pairs]) if method is unpaired_contrasts else method(pairs)
        )
        for one in contrasts:
            leaves_out = not one.difference.low <= 0 <= one.difference.high
            assert leaves_out == (one.p_value < 1 - LEVEL)
            seen.add(leaves_out)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("method", "studies"),
    [("by seed", 300), ("by episode", 300), pytest.param("unpaired", 60, marks=pytest.mark.slow)],
)
def test_three_seeds_give_95_percent_coverage(method: str, studies: int) -> None:
    rng, hits, widths = np.random.default_rng(5), [], []
    for _ in range(studies):
        cells = outcomes(rng)
        theirs = slice(0, 3) if method == "by seed" else slice(3, 6)
        pairs = [(cells[i, :3], cells[i + 3, theirs]) for i in range(3)]
        if method == "unpaired":
            found = unpaired_contrasts([a for a, _ in pairs], [b for _, b in pairs], (SITES, SITES))
        else:
            found = (crossed_contrasts if method == "by seed" else contrasts_by_episode)(pairs, SITES)
        differences = [one.difference for one in found]
        truth = RATES[:3] - RATES[3:]
        hits += [one.low <= true <= one.high for one, true in zip(differences, truth, strict=True)]
        widths += [one.high - one.low for one in differences]
    print(
        f"{method}: covered in {np.mean(hits):.3f}, {100 * np.mean(widths):.1f} points wide"
    )  # for docs/statistics.md
    assert np.mean(hits) > 0.93
    assert np.mean(widths) < 0.35  # of unpaired ones


@pytest.mark.slow
def test_all_differences_of_three_agents_hold_together_as_often_as_said() -> None:
    rates = np.concatenate([RATES, [0.3, 0.5, 0.7]])
    truth = {name: rates[3 * index : 3 * index + 3] for index, name in enumerate("abc")}
    design, rng, hits, alone = replace(DESIGN, seeds=3), np.random.default_rng(6), [], []
    for cells in design.simulate(rates, 150, rng).astype(bool):
        sides = [
            a_side(name, dict(zip((0, 1, 2), cells[3 * index : 3 * index + 3], strict=True)), sites=SITES)
            for index, name in enumerate("abc")
        ]
        found = compare(sides)
        true = [truth[one.first][int(one.volumes[0])] - truth[one.second][int(one.volumes[1])] for one in found]
        hits.append(all(d.difference.low <= t <= d.difference.high for d, t in zip(found, true, strict=True)))
        found = [one for a, b in combinations(sides, 2) for one in uncorrected(a, b)]
        alone.append(all(d.low <= t <= d.high for d, t in zip(found, true, strict=True)))
    print(f"nine together: {np.mean(hits):.3f}, without correction {np.mean(alone):.3f}")
    assert len(true) == 9
    assert np.mean(hits) > 0.93
    assert np.mean(alone) < 0.85


def uncorrected(a: Side, b: Side) -> list[Interval]:
    points = zip(a.curve.points, b.curve.points, strict=True)
    return crossed_differences([(mine.outcomes, theirs.outcomes) for mine, theirs in points], SITES)


def test_pairing_by_episode_that_forgets_the_seeds_covers_too_little() -> None:
    rng, hits = np.random.default_rng(2), []
    skill = np.random.default_rng(3)
    for _ in range(120):
        rates = expit(skill.normal(0, 0.5, (2, 3, 1)))
        a, b = rng.random((2, 3, EPISODES)) < rates
        right = contrasts_by_episode([(a, b)])[0].difference
        forgetful = contrasts_by_episode([(a.reshape(1, -1), b.reshape(1, -1))])[0].difference
        hits.append([one.low <= 0 <= one.high for one in (right, forgetful)])
    assert np.mean(hits, axis=0)[0] > 0.93
    assert np.mean(hits, axis=0)[1] < 0.8


def test_no_difference_is_certain() -> None:
    none, every = np.zeros((3, EPISODES), dtype=bool), np.ones((3, EPISODES), dtype=bool)
    for method in (contrasts_by_episode, lambda pairs: unpaired_contrasts(*zip(*pairs, strict=True))):
        for pair, estimate in (((every, none), 1), ((every, every), 0), ((none, every), -1)):
            (found,) = method([pair])
            assert found.difference.estimate == estimate
            assert found.difference.high - found.difference.low > 0.02
            assert (found.p_value < 0.001) == (estimate != 0)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"outcomes \(3, 128\) and \(3, 127\)"):
        contrasts_by_episode([(random_cell(0.5), random_cell(0.5)[:, 1:])])


def test_holm_keeps_the_order_and_never_passes_one() -> None:
    assert holm([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm([0.7, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
