"""Goods vary as goods sold do, as far as a task takes them."""

import numpy as np
import pytest

from shopfloor.envs import TASKS, ShopfloorVectorEnv
from shopfloor.envs.props import goods
from shopfloor.envs.props.goods import CORRELATION, VOLUME_SD, WEIGHT_SD, Goods, mass_draws, size_draws
from shopfloor.envs.randomness import Purpose, keys
from shopfloor.envs.tasks.palletizing import CARTONS

ITEMS = 3
KEYS = keys(Purpose.WORLD, np.arange(20_000))
SIZES, MASSES = (spread(ITEMS).draw(KEYS, name) for spread, name in ((size_draws, "size"), (mass_draws, "mass")))
UNCUT = Goods((1e-6,) * 3, (1e2,) * 3, lightest=1e-9, heaviest=1e9, usual=1.0)
VARIED = ("Palletizing", "ConveyorSorting", "ToteTransfer", "BinPicking")


def logs(what, variety=1.0):
    """Logarithms of volumes and masses (20 000 ITEMS,)."""
    half = what.half_sizes(SIZES, variety)
    return np.log(half.prod(axis=-1)).ravel(), np.log(what.masses(MASSES, half, variety)).ravel()


def test_volumes_and_weights_vary_together_as_those_of_goods_sold():
    volume, weight = logs(UNCUT)
    assert volume.std() == pytest.approx(VOLUME_SD, rel=0.02)
    assert weight.std() == pytest.approx(WEIGHT_SD, rel=0.02)
    assert np.corrcoef(volume, weight)[0, 1] == pytest.approx(CORRELATION, abs=0.01)
    assert np.abs(volume - np.median(volume)).mean() == pytest.approx(VOLUME_SD * np.sqrt(2 / np.pi), rel=0.03)


def test_what_a_task_takes_bounds_sizes_and_masses():
    half = CARTONS.half_sizes(SIZES, 1.0)
    masses = CARTONS.masses(MASSES, half, 1.0)
    assert (half >= CARTONS.smallest).all()
    assert (half <= CARTONS.largest).all()
    assert (np.ptp(half, axis=(0, 1)) > 0.95 * np.ptp([CARTONS.smallest, CARTONS.largest], axis=0)).all()
    assert CARTONS.lightest <= masses.min() < 1.1 * CARTONS.lightest
    assert 0.95 * CARTONS.heaviest < masses.max() <= CARTONS.heaviest
    volume, weight = logs(CARTONS)
    assert np.corrcoef(volume, weight)[0, 1] > 0.15  # little is left of it, as the volumes hardly vary


def test_without_variety_all_goods_are_the_usual_one():
    half = CARTONS.half_sizes(SIZES, 0.0)
    np.testing.assert_array_equal(half, np.broadcast_to(CARTONS.usual_half_size, half.shape))
    np.testing.assert_array_equal(CARTONS.masses(MASSES, half, 0.0), CARTONS.usual)
    np.testing.assert_array_equal(goods.scales(MASSES, 0.0, spread=0.1), 1.0)
    np.testing.assert_array_equal(goods.scales(MASSES, 1.0, spread=0.0), 1.0)


def test_more_variety_is_more_spread():
    spreads = [logs(UNCUT, variety) for variety in (0.25, 0.5, 1.0)]
    for which in (0, 1):
        found = [spread[which].std() for spread in spreads]
        assert found == sorted(found)
        assert found[2] == pytest.approx(4 * found[0], rel=0.05)


def test_items_in_proportion_stay_within_their_share():
    scales = goods.scales(MASSES, 1.0, spread=0.08)
    assert 0.92 <= scales.min() < 0.925
    assert 1.075 < scales.max() <= 1.08


@pytest.mark.parametrize("name", VARIED)
def test_each_simulation_weighs_what_its_goods_weigh(name):
    """What is compiled is one box alone: mass, inertia and size are each simulation's own, and agree."""
    env = ShopfloorVectorEnv(TASKS[name](), 12, realism="ideal")
    env.reset(seed=0)
    items = {"ToteTransfer": "_loads"}.get(name, "items")
    parts = env.task._station.goods if name == "BinPicking" else getattr(env.task, items)
    bodies, sim = parts.bodies, env.sim
    masses, inertias = (sim.per_simulation(field)[:, bodies] for field in ("body_mass", "body_inertia"))
    assert masses.std() / masses.mean() > 0.25
    assert len(np.unique(masses.round(9))) == masses.size
    if name != "BinPicking":
        half = parts.half_sizes
        geoms = sim.model.body_geomadr[bodies]
        np.testing.assert_array_equal(sim.per_simulation("geom_size")[:, geoms], half)
        others = (half**2).sum(axis=-1, keepdims=True) - half**2
        np.testing.assert_allclose(inertias, masses[..., None] / 3 * others)
        np.testing.assert_allclose(sim.per_simulation("geom_rbound")[:, geoms], np.linalg.norm(half, axis=-1))
        reach = sim.per_simulation("geom_aabb")[:, geoms]
        np.testing.assert_allclose(reach[..., 3:], half)


@pytest.mark.parametrize("name", VARIED)
def test_the_variety_is_a_knob_of_the_task(name):
    def masses(variety):
        env = ShopfloorVectorEnv(TASKS[name](variety=variety), 8, realism="ideal")
        env.reset(seed=0)
        return env.sim.per_simulation("body_mass")[:].copy()

    assert np.ptp(masses(0.0), axis=0).max() == 0.0
    assert np.ptp(masses(0.5), axis=0).max() > 0.0
