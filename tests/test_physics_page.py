"""docs/physics.md says of the simulation what the code does."""

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.props.scene import CONTACT_TIME
from shopfloor.envs.props.warehouse import PERSON_RADIUS
from shopfloor.envs.robots import arm, mobile, tools
from shopfloor.envs.robots.kinematics import DH
from shopfloor.envs.simulation import CONTROL_PERIOD, CONTROL_RATE, LOOK, QUIET, SETTLED, TIMESTEP

PAGE = " ".join((Path(__file__).parents[1] / "docs" / "physics.md").read_text().split())
BASES = ("arm_base", "chassis")


def model_of(task):
    return ShopfloorVectorEnv(task, 1).model


def of_robot(model):
    """Bodies of the robot."""
    names = [model.body(root).name for root in model.body_rootid]
    return np.flatnonzero(np.isin(names, BASES))


@pytest.mark.parametrize(
    "claim",
    [
        f"at {1 / TIMESTEP:g} Hz (steps of {1e3 * TIMESTEP:g} ms), control at {CONTROL_RATE} Hz: an action stands for "
        f"{1e3 * CONTROL_PERIOD:g} ms",
        f"the elbow turns by {np.degrees(arm.JOINT_RANGE[2]):g}° to either side, the others by "
        f"{np.degrees(arm.JOINT_RANGE[0]):g}°",
        f"lies {-DH[1][0] - arm.MASS_CENTRE[1][0]:.4f} m along the link from the shoulder joint, and "
        f"{arm.MASS_CENTRE[1][2]:.4f} m beside",
        f"{arm.UPPER_ARM_OFFSET:g} m beside, on the link's own line",
        f"lies {-DH[2][0] - arm.MASS_CENTRE[2][0]:.4f} m along from the elbow and {arm.MASS_CENTRE[2][2]:.4f} m beside",
        f"0.196 m and {arm.FOREARM_OFFSET:g} m",
        f"rotor inertia of {arm.JOINT_ARMATURE:g} kg m²",
        f"at most {arm.JOINT_TORQUE[0]:g} N m in the first three joints and {arm.JOINT_TORQUE[3]:g} N m in the others",
        f"never more than {arm.LEASH:g} rad",
        f"time constant of {1e3 * CONTACT_TIME:g} ms",
        f"rubber with friction {tools.PAD_FRICTION:g}",
        f"at most {tools.CUP_FORCE:.0f} N a cup, which builds up in {tools.CUP_DELAY:g} s",
        f"by more than {1e3 * SETTLED:g} mm in each of {QUIET} looks, {LOOK * TIMESTEP:g} s apart",
        f"{mobile.BEAMS} beams in one plane, to {mobile.LIDAR_RANGE:g} m",
        f"a cylinder of {PERSON_RADIUS:g} m radius. It turns at {1 / mobile.LIDAR_PERIOD:g} Hz",
    ],
)
def test_its_figures_are_the_codes(claim):
    assert claim in PAGE


def test_its_table_has_the_arms_masses_and_inertias():
    rows = re.findall(r"\| (?:shoulder|upper arm|forearm|wrist \d) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|", PAGE)
    assert [float(mass) for mass, _ in rows] == list(arm.LINK_MASS)
    assert [inertia for _, inertia in rows] == [f"{max(tensor[:3]):.4f}" for tensor in arm.INERTIA]


def test_a_kilogram_lowers_the_tool_as_it_says():
    model = model_of("PegInsertion")
    data, jacobian = mujoco.MjData(model), np.zeros((3, model.nv))
    data.qpos[[model.joint(name).qposadr[0] for name in arm.JOINTS]] = arm.HOME
    mujoco.mj_forward(model, data)
    mujoco.mj_jacSite(model, data, jacobian, None, model.site("tcp").id)
    upward = jacobian[2, [model.joint(name).dofadr[0] for name in arm.JOINTS]]
    sag = 9.81 * (upward**2 / arm.JOINT_STIFFNESS).sum()
    assert f"1 kg at the tool lowers it by {1e3 * sag:.1f} mm" in PAGE


def test_every_scene_has_the_options_that_it_names(task):
    option = model_of(task).opt
    assert option.integrator == mujoco.mjtIntegrator.mjINT_DISCRETE
    assert option.solver == mujoco.mjtSolver.mjSOL_NEWTON
    assert option.cone == mujoco.mjtCone.mjCONE_ELLIPTIC
    assert (option.timestep, option.iterations, option.impratio) == (TIMESTEP, 100, 10)


def test_gravity_is_compensated_for_robots_and_never_for_what_they_carry(task):
    model = model_of(task)
    heavy = [i for i in of_robot(model) if model.body_mass[i] > 0 and model.body(i).name != "chassis"]  # it has wheels
    assert (model.body_gravcomp[heavy] == 1).all()
    loose = model.jnt_bodyid[model.jnt_type == mujoco.mjtJoint.mjJNT_FREE]
    assert not model.body_gravcomp[loose].any()


def test_links_do_not_collide(task):
    model = model_of(task)
    collides = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
    touching = {model.body(i).name for i in model.geom_bodyid[collides]}
    assert not touching & {f"{side}{joint}" for side in ("", "left_", "right_") for joint in (*arm.JOINTS, *BASES[:1])}


def test_command_latency_delays_the_robots_own_actuators_alone(task):
    env = ShopfloorVectorEnv(task, 1, realism="default")
    delayed = {env.model.actuator(i).name for i in np.flatnonzero(env.model.actuator_history[:, 0] > 0)}
    assert delayed == set(env.task.robot.servos)
