"""What the vacuum tool holds, and how it lets go."""

import copy

import mujoco
import numpy as np
import pytest

from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Parts, add_part
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import CUP_FORCE, CUP_STROKE, CUPS, SuctionCup
from shopfloor.envs.rotations import norm
from shopfloor.envs.simulation import Simulation

HALF = 0.06  # [m] of the cube
GRAVITY = 9.81  # [m/s^2]
LAND, CARRY = 10, 20  # [control steps]
LANE = np.arange(1)


class Cell:
    """One arm over one cube, which stands on the bench off the tool's middle."""

    def __init__(self, mass, off=(0.0, 0.0)):
        self.arm = Arm(SuctionCup())
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.arm.add_to(spec)
        cube = add_part(spec, "cube")
        cube.add_geom(name="cube", type=mujoco.mjtGeom.mjGEOM_BOX, size=[HALF] * 3, mass=mass)
        self.sim = Simulation(spec.compile(), 1)
        self.arm.bind(self.sim)
        self.cube = Parts(self.sim, ["cube"])
        start = (0.45, 0.0, 2 * HALF + 0.02)
        self.arm.place(LANE, self.arm.home(start)[None], np.zeros(1))
        self.cube.put(LANE, np.array([[[0.45 + off[0], off[1], HALF]]]), np.eye(3)[None, None])
        self.sim.forward(LANE)

    def move(self, direction, steps, suction=-1.0):
        """Move at full speed in a direction; gives the highest force at a cup [N]."""
        action = np.array([[*direction, 0.0, 0.0, 0.0, suction]])
        highest = 0.0
        for _ in range(steps):
            self.arm.command(action)
            assert not self.sim.step(LANE).any()
            highest = max(highest, self.force())
        return highest

    def force(self):
        model, force, highest = copy.copy(self.sim.model), np.zeros(6), 0.0
        data = mujoco.MjData(model)
        self.sim.copy_to(0, model, data)
        mujoco.mj_forward(model, data)  # the forces that belong to these contacts
        for index, contact in enumerate(data.contact):
            if any("pad_" in model.geom(geom).name for geom in contact.geom):
                mujoco.mj_contactForce(model, data, index, force)
                highest = max(highest, force[0])
        return highest

    def take(self):
        """Come down with the valves open, and lift."""
        self.move((0, 0, -1), 2)  # 25 mm: 5 mm into the plunger's stroke
        self.move((0, 0, 0), LAND)
        return self.move((0, 0, 1), CARRY)

    def hangs(self):
        """How far the cube has slipped in the tool [m]; its lowest point over the bench [m]."""
        return norm(self.cube.positions()[0, 0] - self.arm.pose()[0][0] + [0, 0, HALF]), self.cube.positions()[0, 0, 2]


@pytest.mark.parametrize("mass", [0.2, 2.0, 3.0])
@pytest.mark.parametrize("off", [(0.0, 0.0), (0.03, 0.0), (-0.015, 0.02)])
def test_a_box_carried_at_full_speed_stays_on(mass, off):
    cell = Cell(mass, off)
    highest = cell.take()
    assert cell.arm.tool.state() > 0.99
    for direction in ((0, 1, 0), (0, -1, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 1)):
        highest = max(highest, cell.move(direction, CARRY))
    slip, height = cell.hangs()
    assert height > 0.2
    assert slip < np.hypot(*off) + 0.01
    assert cell.cube.rotations()[0, 0, 2, 2] > 0.995
    assert highest < 3 * CUP_FORCE  # with the landing at full speed


def test_it_lets_go():
    cell = Cell(1.0)
    cell.take()
    cell.move((0, 0, 0), 6, suction=1.0)
    assert cell.arm.tool.state() < 0.05
    assert cell.hangs()[0] > 0.02


def test_without_suction_nothing_is_lifted():
    cell = Cell(0.2)
    cell.move((0, 0, -1), 2, suction=1.0)
    cell.move((0, 0, 0), LAND, suction=1.0)
    assert cell.arm.tool.state() < 0.05
    cell.move((0, 0, 1), CARRY, suction=1.0)
    assert cell.cube.positions()[0, 0, 2] < HALF + 1e-3


def test_a_load_beyond_the_vacuum_stays_where_it_is():
    cell = Cell(1.1 * CUPS * CUP_FORCE / GRAVITY)
    cell.take()
    assert cell.arm.tool.state() < 0.05
    assert cell.cube.positions()[0, 0, 2] < HALF + 1e-3


def test_the_plunger_gives_way_and_the_box_takes_only_its_spring():
    cell = Cell(1.0)
    cell.move((0, 0, -1), 2, suction=1.0)
    cell.move((0, 0, 0), LAND, suction=1.0)
    out = cell.sim.qpos[0, cell.sim.joint_columns(("plunger",))[0]]
    assert 0.003 < out < CUP_STROKE
    assert cell.force() < CUP_FORCE
