"""Labels are wrong as often as is asked, on the side that is asked, and never without strength."""

from dataclasses import replace

import numpy as np
import pytest

from shopfloor.demos.labels import Checker, Texts, label_keys, reworded_texts
from shopfloor.envs import TASKS

N = 20_000
SITES, EPISODES = np.arange(N) % 8, np.arange(N)
KEYS = label_keys(3, SITES, EPISODES)
OUTCOMES = np.random.default_rng(0).random(N) < 0.7
INSTRUCTIONS = sorted(task.instruction for task in TASKS.values())
TEXT = TASKS["Kitting"].instruction


def test_a_checker_errs_as_often_as_is_asked_on_either_side():
    labels = Checker(0.1, 0.03).success(KEYS, OUTCOMES)
    assert labels[~OUTCOMES].mean() == pytest.approx(0.1, abs=0.012)
    assert 1 - labels[OUTCOMES].mean() == pytest.approx(0.03, abs=0.005)
    np.testing.assert_array_equal(Checker(0.1, 0.0).success(KEYS, OUTCOMES)[OUTCOMES], True)
    np.testing.assert_array_equal(Checker(0.0, 0.1).success(KEYS, OUTCOMES)[~OUTCOMES], False)


def test_strength_scales_both_rates_and_0_is_the_truth():
    np.testing.assert_array_equal(Checker(0.4, 0.4, strength=0.0).success(KEYS, OUTCOMES), OUTCOMES)
    np.testing.assert_array_equal(Checker().success(KEYS, OUTCOMES), OUTCOMES)
    half = Checker(0.4, 0.4, strength=0.5).success(KEYS, OUTCOMES)
    np.testing.assert_array_equal(half, Checker(0.2, 0.2).success(KEYS, OUTCOMES))
    whole = Checker(0.4, 0.4).success(KEYS, OUTCOMES)
    assert ((half != OUTCOMES) <= (whole != OUTCOMES)).all()  # more errors hold all that fewer held


def test_a_label_is_a_function_of_seed_site_episode_and_outcome_alone():
    checker, some = Checker(0.3, 0.3), np.array([17, 3, 19_999])
    labels = checker.success(KEYS, OUTCOMES)
    np.testing.assert_array_equal(
        checker.success(label_keys(3, SITES[some], EPISODES[some]), OUTCOMES[some]), labels[some]
    )
    assert (checker.success(label_keys(4, SITES, EPISODES), OUTCOMES) != labels).any()


def test_texts_are_mistaken_and_reworded_as_often_as_is_asked():
    texts = np.array(Texts(mistaken=0.05, reworded=0.2).texts(KEYS, TEXT, INSTRUCTIONS))
    others = np.isin(texts, [text for text in INSTRUCTIONS if text != TEXT])
    reworded = np.isin(texts, reworded_texts(TEXT))
    assert others.mean() == pytest.approx(0.05, abs=0.006)
    assert reworded.mean() == pytest.approx(0.2, abs=0.01)
    assert (texts[~others & ~reworded] == TEXT).all()
    assert len(set(texts)) == len(INSTRUCTIONS) + len(reworded_texts(TEXT))


def test_the_faults_of_texts_are_those_that_the_texts_have():
    fault = Texts(mistaken=0.05, reworded=0.2)
    texts, faults = np.array(fault.texts(KEYS, TEXT, INSTRUCTIONS)), fault.faults(KEYS)
    np.testing.assert_array_equal(faults["mistaken_text"], np.isin(texts, INSTRUCTIONS) & (texts != TEXT))
    np.testing.assert_array_equal(faults["reworded_text"], np.isin(texts, reworded_texts(TEXT)))
    assert not any(mask.any() for mask in Texts(0.5, 0.5, strength=0.0).faults(KEYS).values())


def test_texts_without_strength_are_the_tasks_own():
    for fault in (Texts(), Texts(0.5, 0.5, strength=0.0)):
        assert fault.texts(KEYS[:100], TEXT, []) == [TEXT] * 100
    whole, half = (Texts(0.4, 0.4, strength=strength).texts(KEYS, TEXT, INSTRUCTIONS) for strength in (1.0, 0.5))
    assert half == Texts(0.2, 0.2).texts(KEYS, TEXT, INSTRUCTIONS)
    assert sum(text != TEXT for text in half) < sum(text != TEXT for text in whole)


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_other_words_are_other_words_for_every_task(text):
    said = reworded_texts(text)
    assert len({text, *said}) == 1 + len(said)
    assert not set(said) & set(INSTRUCTIONS)


@pytest.mark.parametrize("wrong", [{"false_positives": -0.1}, {"false_negatives": 1.1}, {"strength": np.nan}])
def test_an_impossible_checker_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .*, want 0 to 1"):
        replace(Checker(), **wrong)


def test_impossible_texts_are_refused():
    with pytest.raises(ValueError, match="mistaken 2, want 0 to 1"):
        Texts(mistaken=2)
    with pytest.raises(ValueError, match="want 1 or less together"):
        Texts(mistaken=0.6, reworded=0.6)
    with pytest.raises(ValueError, match="texts of other tasks: none"):
        Texts(mistaken=0.5).texts(KEYS[:2], TEXT, [TEXT])
