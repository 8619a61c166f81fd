"""Random numbers by counter: the published generator, the distributions, and that nothing depends on order."""

import itertools

import numpy as np
import pytest
from scipy import stats

from shopfloor.envs.randomness import Purpose, Uniform, draw, draw_normal, keys, philox, stream

MANY = 2000  # keys
FAR = 1 << 32  # a word's range

# "kat_vectors" of the Random123 library: counter, key, output of philox4x32 with 10 rounds
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def words(*lanes):
    """Words (k, n) of n lanes' lists of k."""
    return np.array(lanes, dtype=np.uint64).T


def many_keys(purpose=Purpose.SENSORS):
    return keys(purpose, 3, np.arange(MANY))


def assert_independent(a, b):
    """No correlation, of the numbers or of their sizes, beyond what chance gives so many."""
    for one, other in ((a, b), (np.abs(a - np.median(a)), np.abs(b - np.median(b)))):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size)


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN)
def test_the_generator_gives_the_published_answers(counter, key, output):
    np.testing.assert_array_equal(philox(words(counter), words(key)), words(output))


def test_lanes_are_generated_as_if_each_were_alone():
    counters, key, outputs = (words(*of) for of in zip(*KNOWN, strict=True))
    np.testing.assert_array_equal(philox(counters, key), outputs)
    np.testing.assert_array_equal(philox(counters[..., None], key[..., None])[..., 0], philox(counters, key))


def test_generating_leaves_counter_and_key_as_they_are():
    counter, key = words([1, 2, 3, 4]), words([5, 6])
    philox(counter, key)
    np.testing.assert_array_equal(np.concatenate([counter, key]), words([1, 2, 3, 4, 5, 6]))


def test_normal_draws_are_normal():
    drawn = draw_normal(many_keys(), "part", 100).ravel()
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    four_errors = 4 / np.sqrt(drawn.size)
    for power, moment, spread in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        assert (drawn**power).mean() == pytest.approx(moment, abs=four_errors * np.sqrt(spread)), f"moment {power}"
    assert np.abs(drawn).max() > 4


def test_uniform_draws_are_uniform_and_never_touch_their_ends():
    drawn = draw(many_keys(), "part", 100).ravel()
    assert stats.kstest(drawn, "uniform").pvalue > 0.01
    assert drawn.min() > 0
    assert drawn.max() < 1
    spread = Uniform((-2.0, 5.0), (-1.0, 5.0)).draw(many_keys(), "part")
    assert spread.shape == (MANY, 2)
    assert ((spread[:, 0] > -2) & (spread[:, 0] < -1)).all()
    assert (spread[:, 1] == 5).all()


def test_streams_keys_and_purposes_are_independent():
    key = many_keys()
    drawn = draw_normal(key, "part", 50)
    assert_independent(drawn, draw_normal(key, "fixture", 50))
    assert_independent(drawn, draw_normal(many_keys(Purpose.WORLD), "part", 50))
    assert_independent(drawn[1:], drawn[:-1])  # of one episode and the next
    assert_independent(drawn[:, 1:], drawn[:, :-1])


@pytest.mark.parametrize("number", [5, 0])
def test_a_number_of_a_word_and_more_has_a_key_of_its_own(number):
    all_numbers = [number, number + FAR, number + FAR**2, number + FAR**3, number * FAR + 1]
    pairs = [(n, 0) for n in all_numbers] + [(0, n) for n in all_numbers if n] + [(n,) for n in all_numbers]
    made = {keys(Purpose.WORLD, *pair).tobytes() for pair in pairs}
    assert len(made) == len(set(pairs))
    np.testing.assert_array_equal(
        keys(Purpose.WORLD, np.array([number, number + FAR])),
        np.concatenate([keys(Purpose.WORLD, number), keys(Purpose.WORLD, number + FAR)]),
    )


def test_numbers_in_another_order_or_for_another_purpose_are_another_key():
    made = [keys(purpose, *numbers) for purpose in Purpose for numbers in itertools.permutations((1, 2, 3))]
    made += [keys(purpose, 1, 2, 3, 0) for purpose in Purpose]
    assert len(np.unique(np.concatenate(made), axis=0)) == len(Purpose) * 7


def test_a_thousand_episodes_of_a_thousand_seeds_have_a_million_keys():
    seed, episode = (grid.ravel() for grid in np.meshgrid(np.arange(1000), np.arange(1000)))
    made = keys(Purpose.WORLD, seed, episode)
    assert len(np.unique(made[:, 0] << np.uint64(32) | made[:, 1])) == 1000**2


def test_neither_order_nor_batch_matter():
    key = many_keys()
    order = np.random.default_rng(0).permutation(MANY)[:77]
    for drawing in (draw, draw_normal, lambda k, name, size: Uniform((0.0,) * size, (1.0,) * size).draw(k, name)):
        whole = drawing(key, "part", 9)
        np.testing.assert_array_equal(drawing(key[order], "part", 9), whole[order])
        np.testing.assert_array_equal(drawing(key[:1], "part", 9), whole[:1])
        np.testing.assert_array_equal(drawing(key, "part", 4), whole[:, :4])  # nor how many more are drawn


def test_a_generator_in_sequence_has_a_stream_for_each_purpose_and_all_bits_of_its_numbers():
    numbers = [(5,), (5 + FAR,), (5 + FAR**2,), (0, 5), (5, 0), (5, 0, 0), (5, FAR)]
    numbers += [(5 + FAR**2, 7), (5, 1 + FAR * 7), (FAR**3, 0), (0, FAR)]
    first = {stream(purpose, *some).random() for purpose in Purpose for some in numbers}
    assert len(first) == len(Purpose) * len(numbers)
    assert stream(Purpose.AGENT, 5, FAR).random() == stream(Purpose.AGENT, 5, FAR).random()


@pytest.mark.parametrize("number", [-1, np.array([3, -1])])
def test_a_negative_number_is_refused(number):
    with pytest.raises(ValueError, match="want 0 or more"):
        keys(Purpose.SITE, number)


@pytest.mark.parametrize("bounds", [(1.0, 0.0), ((0.0, 1.0), (1.0, 0.0)), (0.0, (1.0, 2.0))])
def test_bounds_that_are_no_range_are_refused(bounds):
    with pytest.raises(ValueError, match="want low <= high of one shape"):
        Uniform(*bounds)
