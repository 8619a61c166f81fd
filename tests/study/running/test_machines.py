"""Machines: a policy that has half learned plays on by itself, with noise, and is recorded like people."""

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor.demos.collect import Collector
from shopfloor.demos.drivers import ExploringDriver, PolicyDriver
from shopfloor.demos.recorder import record
from shopfloor.demos.source import Source
from shopfloor.envs import IDEAL, ShopfloorVectorEnv, collection_sites
from shopfloor.envs.tasks import PegInsertion
from shopfloor.study.running import from_config

SHORT = 30  # [control steps]
SMALL = ("fleet=machine", "fleet.demonstrations=2", "fleet.agent.budget.amount=3", "fleet.horizon=0.1")


class Still:
    def reset(self, mask):
        pass

    def act(self, observations):
        return np.zeros((len(observations), 7), np.float32)


def environment(lanes):
    sites = collection_sites(2)
    return ShopfloorVectorEnv(
        PegInsertion(), lanes, realism=IDEAL, sites=sites, autoreset_mode="Disabled", max_episode_steps=SHORT
    )


def explored(lanes, strength, memory=0.8):
    driver = ExploringDriver(
        Still(), lanes=lanes, act_dim=7, horizon_steps=SHORT, strength=strength, memory=memory, seed=0
    )
    return record(environment(lanes), driver, range(4), seed=0)


def machines(*overrides):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        return from_config.fleet(OmegaConf.to_container(compose("collect", overrides=list(overrides)).fleet))


def test_without_noise_a_policy_that_explores_is_itself():
    plain = record(environment(2), PolicyDriver(Still()), range(4), seed=0)
    assert explored(2, 0.0).content_hash == plain.content_hash


def test_exploring_is_the_same_to_the_bit_in_any_lanes_and_has_the_stated_size_and_memory():
    dataset = explored(4, 0.1)
    assert explored(3, 0.1).content_hash == dataset.content_hash
    noise = dataset.actions.reshape(4, SHORT, 7)[:, 10:]
    assert noise.std() == pytest.approx(0.1, rel=0.15)
    assert (noise[:, 1:] * noise[:, :-1]).mean() / noise.var() == pytest.approx(0.8, abs=0.1)


def test_machines_are_recorded_as_a_policy_the_same_in_any_lanes():
    fleet = machines(*SMALL)
    whole, parts = (
        Collector(PegInsertion, IDEAL, fleet, sites=collection_sites(2), seed=0, lanes=lanes)(0, 3) for lanes in (3, 2)
    )
    assert whole.content_hash == parts.content_hash
    assert (whole.sources == Source.POLICY).all()
    assert (np.diff(whole.bounds) <= round(0.1 * PegInsertion().horizon_steps)).all()


def test_machines_that_are_none_are_refused():
    with pytest.raises(ValueError, match="2 operators of a fleet of machines, want 1"):
        machines(*SMALL).require(2)
    for wrong in ("fleet.demonstrations=0", "fleet.noise=-1", "fleet.memory=1"):
        with pytest.raises(ValueError, match="want"):
            machines(*SMALL, wrong)
