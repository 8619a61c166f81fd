import numpy as np
import pytest

from shopfloor.agents.expert import ExpertAgent
from shopfloor.envs import DEFAULT, IDEAL, collection_sites
from shopfloor.envs.realism.site_numbers import FIRST_HELD_OUT, is_far
from shopfloor.envs.tasks import PegInsertion
from shopfloor.study.running.evaluation import Evaluation, evaluate


class Still:
    """Does nothing, and counts its lanes' resets."""

    resets = 0

    def reset(self, mask):
        self.resets += int(mask.sum())

    def act(self, observations):
        return np.zeros((len(observations), 7), np.float32)


def expert_outcome(episodes, realism=IDEAL, **arguments):
    return evaluate(
        lambda env: ExpertAgent().attach(env), PegInsertion, realism, Evaluation(episodes, 4, 0), **arguments
    )


def test_the_expert_succeeds_and_standing_still_does_not():
    assert np.mean(expert_outcome(16)["success"]) > 0.9
    outcome = evaluate(lambda env: Still(), PegInsertion, IDEAL, Evaluation(4, 2, 0))
    assert not any(outcome["success"])
    assert outcome["lengths"] == [PegInsertion().horizon_steps] * 4


def test_an_episodes_outcome_depends_on_neither_the_other_episodes_nor_the_threads():
    few, many = expert_outcome(5, DEFAULT, threads=1), expert_outcome(9, DEFAULT, threads=2)
    for name in ("units", "stage_names"):
        assert few[name] == many[name]
    few |= few.pop("measures")
    many |= many.pop("measures")
    for key in few.keys() - {"units", "stage_names"}:
        assert few[key] == many[key][:5], key


def test_all_episodes_lie_at_held_out_sites_and_are_reset_once():
    still = Still()
    outcome = evaluate(lambda env: still, PegInsertion, DEFAULT, Evaluation(6, 3, 0))
    assert min(outcome["sites"]) >= FIRST_HELD_OUT
    assert len(set(outcome["sites"])) == 3
    assert outcome["episodes"] == list(range(6))
    assert still.resets == 6


def test_validation_episodes_are_at_sites_of_their_own():
    splits = {split: Evaluation(6, 3, 0, split) for split in ("test", "validation")}
    sites = {split: evaluation.site_numbers() for split, evaluation in splits.items()}
    assert not {*sites["test"]} & {*sites["validation"]}
    assert not {*collection_sites(1_000_000)} & {*sites["test"], *sites["validation"]}
    outcomes = [evaluate(lambda env: Still(), PegInsertion, DEFAULT, each) for each in splits.values()]
    assert {*outcomes[1]["sites"]} == {*sites["validation"]}
    assert outcomes[0]["returns"] != outcomes[1]["returns"]


def test_far_episodes_are_at_far_sites_of_their_own_in_either_split():
    for split in ("test", "validation"):
        near, far, both = (Evaluation(6, 4, 0, split, distance).site_numbers() for distance in ("near", "far", "any"))
        assert not {*near} & {*far}
        assert not {*collection_sites(1_000_000)} & {*far}
        assert not is_far(np.array(near)).any()
        assert is_far(np.array(far)).all()
        assert len({*both} & {*near}) == len({*both} & {*far}) == 2
    outcomes = [
        evaluate(lambda env: Still(), PegInsertion, DEFAULT, Evaluation(6, 4, 0, "test", distance))
        for distance in ("near", "far")
    ]
    assert {*outcomes[1]["sites"]} == {*Evaluation(6, 4, 0, "test", "far").site_numbers()}
    assert outcomes[0]["returns"] != outcomes[1]["returns"]


def test_another_seed_gives_other_episodes():
    assert (
        expert_outcome(4)["returns"]
        != evaluate(lambda env: ExpertAgent().attach(env), PegInsertion, IDEAL, Evaluation(4, 4, 1))["returns"]
    )


@pytest.mark.parametrize("arguments", [(0, 4, 0), (-1, 4, 0), (4, 0, 0), (4, 4, -1)])
def test_an_impossible_evaluation_is_refused(arguments):
    with pytest.raises(ValueError, match="want"):
        Evaluation(*arguments)
